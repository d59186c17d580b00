#include "cuda_check.hpp"

#include "kdm/backend/native.hpp"
#include "kdm/exec/openmp.hpp"
#include "kdm/koopman/generator.hpp"
#include "training.hpp"

namespace kdm_benchmark {

std::vector<double> losses_on_host(const request& r, int steps) {
  auto train = trainer_on(r, kdm::native_backend<float>{}, kdm::openmp());
  std::vector<double> losses;
  for (int k = 0; k < steps; ++k) losses.push_back(train.advance().loss);
  return losses;
}

kdm::matrix<float> samples_on_host(const request& r, std::uint64_t seed, index_t n) {
  kdm::generator run(student(), kdm::const_view<float>(student_weights(r).view()), 1, kdm::native_backend<float>{},
                     kdm::openmp());
  return run.sample(n, seed);
}

}  // namespace kdm_benchmark
