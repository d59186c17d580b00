// expect: 'sample'(.|\n)*generate_options|generate_options(.|\n)*'sample'
// lines: 10
#include "kdm/teacher/teacher.hpp"

int main() {
  kdm::generate(kdm::flow_path{}, kdm::checkerboard<float>(), kdm::heun{}, kdm::generate_options{.sample = 3});
}
