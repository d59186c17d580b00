// kdm sample: one push of the student per sample.
#include <chrono>
#include <iostream>

#include "commands.hpp"
#include "kdm/io/npy.hpp"
#include "student.hpp"

namespace kdm_command {

void sample(const sample_options& o) {
  require_place(o.out);
  const student s = load_student({o.model});
  auto generator = s.generator(kdm::openmp(o.threads));
  kdm::matrix<scalar> noise;
  if (o.noise.empty()) {
    noise = generator.noise(o.samples, o.seed);
  } else {
    noise = kdm::io::load_npy_matrix<scalar>(o.noise);
    if (noise.cols() != generator.noise_dimension())
      kdm::fail<kdm::io_error>(o.noise.string(), ": has ", noise.cols(), " columns, expected ",
                               generator.noise_dimension(), ", what the model takes as noise");
  }
  const auto start = std::chrono::steady_clock::now();
  const kdm::matrix<scalar> x = generator.push(noise.view());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  kdm::io::save_npy(o.out, x.view());
  std::cout << "wrote " << o.out.string() << ": " << x.rows() << " samples in " << x.cols() << " dimensions, pushed in "
            << seconds << " s\n";
}

}  // namespace kdm_command
