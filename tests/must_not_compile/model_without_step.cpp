// expect: has_step_layer
// lines: 30
#include "kdm/backend/reference.hpp"
#include "kdm/koopman/model.hpp"

using kdm::const_view;
using kdm::index_t;
using kdm::view;

// A model of one's own with everything but step().
struct model {
  kdm::dense_layer<> encoder_noise{2, 4}, encoder_data{2, 4};
  kdm::linear_operator koopman{4};
  kdm::dense_layer<> decoder{4, 2};
  index_t latent() const { return 4; }
  index_t noise_dimension() const { return 2; }
  index_t data_dimension() const { return 2; }
  index_t size() const { return 54; }
  template <class V>
  V noise_weights(V w) const {
    return w;
  }
  template <class V>
  V operator_weights(V w) const {
    return w;
  }
  template <class V>
  V decoder_weights(V w) const {
    return w;
  }
  template <class V>
  V data_weights(V w) const {
    return w;
  }
};

static_assert(kdm::distillable<model, kdm::reference_backend<float>>);
