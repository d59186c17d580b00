/// Students of closed-form distillation: fixed features as encoders, an affine operator, an affine decoder.
#pragma once

#include <cmath>
#include <cstdint>
#include <variant>

#include "kdm/math/trigonometric.hpp"
#include "model.hpp"

namespace kdm_command {

/// cos(2 pi z): the angle in turns, so that its reduction is exact.
struct cosine_of_turns {
  static constexpr const char* name = "cosine_of_turns";
  template <class T>
  KDM_HD kdm::activated<T> operator()(T z) const {
    const T rest = z - std::floor(z);
    const bool finite = rest >= T(0) && rest <= T(1);
    const auto wave = kdm::math::sin_cos_turn<T>(std::uint32_t((finite ? rest : T(0)) * T(0x1p31)) << 1);
    // rest - rest is 0, or NaN where the angle is not finite.
    return {wave.cos + (rest - rest), T(-6.283185307179586) * wave.sin};
  }
};

/// z^2
struct square {
  static constexpr const char* name = "square";
  template <class T>
  KDM_HD constexpr kdm::activated<T> operator()(T z) const {
    return {z * z, 2 * z};
  }
};

/// e^z
struct exponential {
  static constexpr const char* name = "exponential";
  template <class T>
  KDM_HD constexpr kdm::activated<T> operator()(T z) const {
    const T y = kdm::math::exp(z);
    return {y, y};
  }
};

/// Waves cos(2 pi (x W' + c)).
using wave_encoder = kdm::dense_layer<cosine_of_turns>;
/// Gaussian bumps: -|x - c|^2 / (2 width^2) is linear in the squares of x_j and of x_j + s.
using bump_encoder = kdm::sequential<kdm::dense_layer<square>, kdm::dense_layer<exponential>>;

template <class Encoder>
using feature_model = kdm::koopman_model<Encoder, Encoder, kdm::linear_operator, kdm::dense_layer<>>;
using wave_model = feature_model<wave_encoder>;
using bump_model = feature_model<bump_encoder>;

/// What `sample`, `evaluate` and `analyze` take.
using any_model = std::variant<student_model, wave_model, bump_model>;

inline wave_model build_waves(const feature_settings& s) {
  return {wave_encoder(s.noise_dimension, s.latent), wave_encoder(s.data_dimension, s.latent),
          kdm::linear_operator(s.latent), kdm::dense_layer<>(s.latent, s.data_dimension)};
}

inline bump_model build_bumps(const feature_settings& s) {
  const auto bumps = [&](index_t inputs) {
    return bump_encoder(kdm::dense_layer<square>(inputs, 2 * inputs),
                        kdm::dense_layer<exponential>(2 * inputs, s.latent));
  };
  return {bumps(s.noise_dimension), bumps(s.data_dimension), kdm::linear_operator(s.latent),
          kdm::dense_layer<>(s.latent, s.data_dimension)};
}

}  // namespace kdm_command
