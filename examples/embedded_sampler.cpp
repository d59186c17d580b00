// A program that only samples: the student is compiled in, nothing is read, nothing but the standard library is linked.
//
// embedded_student.hpp comes from `kdm export --model model --header embedded_student.hpp --name embedded_student`; the
// build of the examples teaches and distils a small student for it.
#include <cmath>
#include <cstdio>

#include <kdm/koopman/frozen.hpp>

#include "embedded_student.hpp"

int main() {
  // Everything that can fail or allocate happens here.
  const kdm::frozen_model<float> student(embedded_student::compiled);
  auto memory = student.make_workspace();  // one for each thread; the model is shared
  kdm::matrix<float> x(1000, student.data_dimension());

  student.sample(/*seed=*/7, /*first=*/0, x, memory);
  for (kdm::index_t i = 0; i < 5; ++i) std::printf("%8.4f %8.4f\n", double(x(i, 0)), double(x(i, 1)));

  // One push for noise of the program's own, as it comes.
  kdm::matrix<float> noise(1, student.noise_dimension()), sample(1, student.data_dimension());
  noise(0, 0) = 0.5f, noise(0, 1) = -1;
  student.push(noise, sample, memory);
  std::printf("(0.5, -1) -> (%.4f, %.4f), %td weights in %td bytes\n", double(sample(0, 0)), double(sample(0, 1)),
              student.size(), student.bytes());

  // The teacher's samples have a mean square of about 6.6.
  double squares = 0;
  for (kdm::index_t k = 0; k < x.size(); ++k) squares += double(x.data()[k]) * double(x.data()[k]) / double(x.size());
  std::printf("mean square of a coordinate %.2f\n", squares);
  return squares > 6 && squares < 7 ? 0 : 1;
}
