/// The student of every case: that of the kdm command at its published sizes, its weights, and pairs to learn from.
#pragma once

#include "kdm/core/matrix.hpp"
#include "model.hpp"
#include "protocol.hpp"

namespace kdm_benchmark {

using student_model = kdm_command::student_model;

student_model student();

/// Fresh weights, or those of the folder `model` of the request.
///
/// Throws.    option_error, io_error where there is no such model, or one of other sizes.
kdm::matrix<float> student_weights(const request& r);

/// Noise and data of the exact checkerboard teacher, made at the first call.
struct pair_table {
  kdm::matrix<float> noise, data;
};
const pair_table& pairs();

/// Flops of one training step for one pair: a forward pass, the gradient of every weight, and that of every layer's
/// input but the first layers'. Latent and reconstruction terms: one pass through the decoder.
double step_flops();
/// Flops of one sample: a forward pass through noise encoder, operator and decoder.
double sample_flops();

}  // namespace kdm_benchmark
