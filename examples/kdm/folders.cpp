// Files and folders as the subcommands meet them.
#include "folders.hpp"

#include <system_error>

#include "kdm/core/error.hpp"
#include "kdm/io/temporary.hpp"

namespace kdm_command {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail_to(const fs::path& file, const char* action, const std::error_code& reason) {
  kdm::fail<kdm::io_error>(file.string(), ": cannot ", action, ": ", reason.message());
}

bool is_folder(const fs::path& path) {
  std::error_code unknown;
  return fs::is_directory(path, unknown);
}

}  // namespace

bool is_there(const fs::path& file) {
  std::error_code problem;
  const fs::file_status status = fs::status(file, problem);
  if (status.type() == fs::file_type::none) fail_to(file, "look it up", problem);
  return fs::exists(status);
}

void remove_file(const fs::path& file) {
  std::error_code problem;
  fs::remove(file, problem);
  if (problem) fail_to(file, "remove", problem);
}

void make_folder(const fs::path& folder) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem || !is_folder(folder))
    kdm::fail<kdm::io_error>(folder.string(), ": cannot be made a folder: ",
                             problem ? problem.message() : std::string("something else has that name"));
}

void require_place(const fs::path& file) {
  const fs::path folder = file.has_parent_path() ? file.parent_path() : ".";
  if (!is_folder(folder))
    kdm::fail<kdm::io_error>(file.string(), ": cannot be written, ", folder.string(), " is no folder");
  if (is_folder(file)) kdm::fail<kdm::io_error>(file.string(), ": cannot be written, it is a folder");
  kdm::io::remove_leftovers(folder);
}

}  // namespace kdm_command
