// frozen.hpp in a program built with -fno-exceptions -fno-rtti: it samples; a mistake ends it with its sentence.
//   no argument    samples, and prints the number of weights
//   mistake        weights that do not fit: the sentence on standard error, then abort
//   handler        the same, told to a handler of the program's own
//   large          a matrix whose bytes no number holds
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <kdm/koopman/frozen.hpp>

#if defined(__cpp_exceptions) || defined(__cpp_rtti)
#error "to be compiled with -fno-exceptions -fno-rtti"
#endif

namespace {

// y = relu(x W' + c), then the identity.
constexpr kdm::frozen_layer layers[] = {{1, 2, "relu", 0}, {2, 1, "identity", 0}};
constexpr float weights[] = {1, -1, 0, 0, 2, 3, 0.5f};

}  // namespace

int main(int count, char** arguments) {
  const std::string_view mode = count > 1 ? arguments[1] : "";
  if (mode == "handler") kdm::on_failure = [](const char* sentence) { std::printf("told: %s\n", sentence), std::exit(7); };
  if (mode == "mistake" || mode == "handler")
    kdm::frozen_model<float>(kdm::compiled_student{layers, std::span(weights).first(5), 1});
  if (mode == "large") kdm::matrix<float>(PTRDIFF_MAX / 2, 4);

  kdm::frozen_model<float> student(kdm::compiled_student{layers, weights, 1});
  kdm::matrix<float> x(2, 1), y(2, 1);
  x(0, 0) = 3, x(1, 0) = -4;
  student.push(x, y);  // 2 relu(x) + 3 relu(-x) + 0.5
  std::printf("%g %g, %td weights\n", double(y(0, 0)), double(y(1, 0)), student.size());
  return 0;
}
