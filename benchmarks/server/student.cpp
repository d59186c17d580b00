#include "student.hpp"

#include "kdm/exec/openmp.hpp"
#include "kdm/io/weights.hpp"
#include "kdm/nn/initialize.hpp"
#include "kdm/teacher/teacher.hpp"

namespace kdm_benchmark {

student_model student() {
  kdm_command::model_settings sizes;
  sizes.noise_dimension = sizes.data_dimension = 2;
  sizes.hidden = sizes.latent = 256;  // as published, which is wider than the default
  return kdm_command::build(sizes);
}

kdm::matrix<float> student_weights(const request& r) {
  const kdm::manifest tensors = kdm::manifest_of(student());
  if (r.weights == "fresh") return kdm::initial_weights<float>(tensors, 1);
  if (r.model.empty())
    kdm::fail<kdm::option_error>("request: trained weights need 'model', the folder that kdm distill has written");
  return kdm::io::load_weights<float>(r.model + "/model.safetensors", tensors);
}

const pair_table& pairs() {
  static const pair_table table = [] {
    const auto made = kdm::generate(kdm::flow_path{}, kdm::checkerboard<float>(), kdm::heun{},
                                    {.samples = 16384, .steps = 20, .seed = 1}, kdm::openmp());
    return pair_table{kdm::matrix<float>(made.noise()), kdm::matrix<float>(made.data())};
  }();
  return table;
}

namespace {
double flops_of(double passes_per_first_layer, double passes, bool sampling) {
  double flops = 0;
  for (const auto& e : kdm::manifest_of(student())) {
    const bool data_encoder = e.name.starts_with("encoder_data");
    if (e.is_bias() || (sampling && data_encoder)) continue;
    const bool first = e.name == "encoder_noise.0.weight" || e.name == "encoder_data.0.weight";
    flops += 2 * double(e.size()) * (first ? passes_per_first_layer : passes);
  }
  return flops;
}
}  // namespace

double step_flops() { return flops_of(2, 3, false); }
double sample_flops() { return flops_of(1, 1, true); }

}  // namespace kdm_benchmark
