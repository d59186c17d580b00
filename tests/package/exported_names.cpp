// Writes a header for each name of the command line into the folder that comes first.
#include <filesystem>

#include <kdm/io/frozen_header.hpp>

int main(int count, char** arguments) {
  kdm::frozen_parts<float> parts{{{1, 1, "relu", 0}}, kdm::matrix<float>(1, 2), 1};
  for (int k = 2; k < count; ++k)
    kdm::io::save_frozen_header(std::filesystem::path(arguments[1]) / (std::string(arguments[k]) + ".hpp"), parts,
                                arguments[k]);
}
