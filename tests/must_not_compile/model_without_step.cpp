// expect: has_step_layer
// lines: 30
#include "kdm/backend/reference.hpp"
#include "kdm/koopman/model.hpp"

using base = kdm::koopman_model<kdm::dense_layer<>, kdm::dense_layer<>, kdm::linear_operator, kdm::dense_layer<>>;

// A model of one's own with everything but step().
struct model : private base {
  using base::base;
  using base::encoder_noise, base::encoder_data, base::koopman, base::decoder;
  using base::latent, base::noise_dimension, base::data_dimension, base::size;
  using base::noise_weights, base::operator_weights, base::decoder_weights, base::data_weights;
};

static_assert(kdm::distillable<model, kdm::reference_backend<float>>);
