// kdm sample: one push of the student per sample.
#include <chrono>
#include <iostream>

#include "commands.hpp"
#include "kdm/io/npy.hpp"
#include "student.hpp"

namespace kdm_command {

void sample(const sample_options& o) {
  require_place(o.out);
  const auto on = make_engine(o.compute, make_executor(o.compute));
  const student s = load_student({o.model});
  const auto generator = s.generator(*on);
  const bool given = !o.noise.empty();
  if (!given && !s.prior.known)
    kdm::fail<kdm::option_error>(model_folder{o.model}.configuration().string(), ": 'prior' is \"unknown\", the noise of the "
                                 "pairs was of no known distribution: give --noise instead of --samples");
  kdm::matrix<scalar> noise;
  if (given) {
    noise = kdm::io::load_npy_matrix<scalar>(o.noise);
    if (noise.cols() != s.noise_dimension())
      kdm::fail<kdm::io_error>(o.noise.string(), ": has ", noise.cols(), " columns, expected ",
                               s.noise_dimension(), ", what the model takes as noise");
  }
  kdm::matrix<scalar> x(given ? noise.rows() : o.samples, s.data_dimension());
  const auto start = std::chrono::steady_clock::now();
  if (given) generator->push(noise.view(), x.view());
  else generator->sample(o.seed, x.view());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  kdm::io::save_npy(o.out, x.view());
  std::cout << "wrote " << o.out.string() << ": " << x.rows() << " samples in " << x.cols() << " dimensions, in "
            << seconds << " s\n";
}

}  // namespace kdm_command
