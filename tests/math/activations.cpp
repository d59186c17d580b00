// Activations and distances: values against closed forms, slopes against central differences.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "kdm/math/activations.hpp"
#include "kdm/math/distances.hpp"

namespace {

namespace activations = kdm::activations;
namespace distances = kdm::distances;

/// The value and the slope in double and in float, at points off the kink at 0.
template <class F, class G>
void check(const F& f, G exact) {
  static_assert(kdm::activation<F, float> && kdm::activation<F, double>);
  for (double z = -11.03; z < 11; z += 0.047) {
    CAPTURE(F::name);
    CAPTURE(z);
    const double h = 1e-6;
    const kdm::activated<double> a = f(z);
    const double difference = (f(z + h).value - f(z - h).value) / (2 * h);
    CHECK(std::abs(a.value - exact(z)) <= 1e-14 * (1 + std::abs(exact(z))));
    CHECK(std::abs(a.slope - difference) <= 2e-9 * (1 + std::abs(difference)));
    const float single = float(z);
    const kdm::activated<float> b = f(single);
    CHECK(std::abs(double(b.value) - exact(double(single))) <= 1e-6 * (1 + std::abs(exact(double(single)))));
    CHECK(std::abs(double(b.slope) - f(double(single)).slope) <= 1e-6 * (1 + std::abs(a.slope)));
  }
}

TEST_CASE("activations have the right value and slope") {
  check(activations::identity{}, [](double z) { return z; });
  check(activations::relu{}, [](double z) { return z > 0 ? z : 0; });
  check(activations::leaky_relu{}, [](double z) { return z > 0 ? z : 0.01 * z; });
  check(activations::leaky_relu{0.25}, [](double z) { return z > 0 ? z : 0.25 * z; });
  check(activations::tanh{}, [](double z) { return std::tanh(z); });
  check(activations::sigmoid{}, [](double z) { return 1 / (1 + std::exp(-z)); });
  check(activations::silu{}, [](double z) { return z / (1 + std::exp(-z)); });
  check(activations::gelu{}, [](double z) { return z * 0.5 * std::erfc(-z / std::sqrt(2.0)); });
}

TEST_CASE("distances have the right value and slope") {
  check(distances::squared{}, [](double e) { return e * e; });
  check(distances::absolute{}, [](double e) { return std::abs(e); });
  check(distances::pseudo_huber{1.0}, [](double e) { return std::sqrt(e * e + 1) - 1; });
  check(distances::pseudo_huber{}, [](double e) { return std::sqrt(e * e + 0.0009) - 0.03; });
}

TEST_CASE("slopes at the kinks and special values") {
  CHECK(activations::relu{}(0.0).slope == 0.0);
  CHECK(activations::leaky_relu{}(0.0).slope == 0.01);
  CHECK(distances::absolute{}(0.0).slope == 0.0);
  CHECK(distances::absolute{}(-2.0f).slope == -1.0f);
  CHECK(distances::pseudo_huber{}(0.0).value == 0.0);
  CHECK(distances::pseudo_huber{}(0.0).slope == 0.0);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(activations::relu{}(nan).value));
  CHECK(std::isnan(activations::leaky_relu{}(nan).value));
  CHECK(std::isnan(activations::silu{}(nan).value));
  CHECK(std::isnan(activations::gelu{}(nan).value));
  CHECK(std::isnan(distances::absolute{}(nan).value));
}

TEST_CASE("pseudo_huber keeps its relative accuracy near 0") {
  const float e = 1e-6f;
  CHECK(double(distances::pseudo_huber{}(e).value) == doctest::Approx(1e-12 / 0.06).epsilon(1e-5));
}

struct own_activation {
  static constexpr const char* name = "cube";
  template <class T>
  kdm::activated<T> operator()(T z) const {
    return {z * z * z, 3 * z * z};
  }
};

TEST_CASE("traits and the concept") {
  static_assert(kdm::is_identity<activations::identity>);
  static_assert(!kdm::is_identity<activations::silu>);
  static_assert(!kdm::is_identity<own_activation>);
  static_assert(kdm::activation<own_activation, double>);
  const auto plain = [](double z) { return z; };
  static_assert(!kdm::activation<decltype(plain), double>);
}

}  // namespace
