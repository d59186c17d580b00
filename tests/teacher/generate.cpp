#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <stdexcept>

#include "kdm/teacher/teacher.hpp"
#include "sanitized.hpp"
#include "support.hpp"

#if defined(_OPENMP)
#include "kdm/exec/openmp.hpp"
#endif

using kdm::index_t;

namespace {

/// Three lanes, last chunk first: an executor as unlike the serial one as the rules allow.
struct three_lanes {
  int lanes() const { return 3; }
  template <class F>
  void for_chunks(index_t n, index_t grain, F&& f) const {
    for (index_t c = (n + grain - 1) / grain - 1; c >= 0; --c)
      f(c * grain, std::min(n, (c + 1) * grain), int((c + 1) % 3));
  }
};

/// A learned flow stands in: it moves every point straight to (2, 3).
struct straight {
  using value_type = float;
  index_t dimension() const { return 2; }
  void velocity(kdm::const_view<float> x, float t, kdm::view<float> out) const {
    for (index_t i = 0; i < x.rows; ++i)
      for (index_t j = 0; j < 2; ++j) out(i, j) = (x(i, j) - float(2 + j)) / t;
  }
};

/// The user's own solver: explicit midpoint.
struct midpoint {
  static constexpr int stages = 2;
  index_t work_rows(index_t n) const { return 2 * n; }
  template <class T, class V>
  void step(const V& v, kdm::view<T> x, T t, T dt, kdm::view<T> work) const {
    const auto k = work.row_range(0, x.rows), middle = work.row_range(x.rows, x.rows);
    v(x, t, k);
    for (index_t i = 0; i < x.rows; ++i)
      for (index_t j = 0; j < x.cols; ++j) middle(i, j) = x(i, j) + dt / 2 * k(i, j);
    v(middle, t + dt / 2, k);
    for (index_t i = 0; i < x.rows; ++i)
      for (index_t j = 0; j < x.cols; ++j) x(i, j) += dt * k(i, j);
  }
};

struct broken : straight {
  void velocity(kdm::const_view<float>, float, kdm::view<float> out) const {
    for (index_t i = 0; i < out.rows; ++i)
      for (index_t j = 0; j < 2; ++j) out(i, j) = i == 3 ? NAN : 0.0f;
  }
};

static_assert(kdm::denoiser<kdm::box_mixture<float>> && !kdm::velocity_field<kdm::box_mixture<float>>);
static_assert(kdm::denoiser<kdm::gaussian_mixture<double>> && kdm::denoiser<kdm::empirical<float>>);
static_assert(kdm::velocity_field<straight> && !kdm::denoiser<straight> && kdm::field<straight>);
static_assert(!kdm::field<int>);
static_assert(kdm::ode_solver<midpoint, float> && !kdm::ode_solver<straight, float>);
static_assert(kdm::executor<three_lanes>);

template <class T>
double difference(kdm::const_view<T> a, kdm::const_view<T> b) {
  return kdm_test::relative_difference(kdm::matrix<T>(a), kdm::matrix<T>(b));
}

template <class P>
void check_checkerboard(const P& p, index_t steps) {
  const auto field = kdm::checkerboard<float>();
  const index_t n = 6000;
  const auto paths = kdm::generate(p, field, kdm::heun{}, {.samples = n, .steps = steps, .seed = 5});
  double count[8] = {}, inside = 0, mean = 0, square = 0;
  for (index_t i = 0; i < n; ++i) {
    const float* x = paths.data().row_pointer(i);
    const index_t k = field.box_of(x);
    if (k < 0) continue;
    inside += 1;
    count[k] += 1;
    for (int j = 0; j < 2; ++j) {
      const double cells = double(x[j]) * 0.45 + 2, place = cells - std::floor(cells);
      mean += place;
      square += place * place;
    }
  }
  CHECK(inside / double(n) > 0.99);
  double chi_square = 0;
  for (const double c : count) chi_square += (c - inside / 8) * (c - inside / 8) / (inside / 8);
  CHECK(chi_square < 30);  // 7 degrees of freedom: exceeded with probability 1e-4
  // The place inside a cell is uniform: mean 1/2, mean square 1/3 (standard errors 0.0026 and 0.0027).
  CHECK(mean / (2 * inside) == doctest::Approx(0.5).epsilon(0.03));
  CHECK(square / (2 * inside) == doctest::Approx(1.0 / 3).epsilon(0.045));
}

}  // namespace

TEST_CASE("generated checkerboards are checkerboards") {
  check_checkerboard(kdm::flow_path{}, 20);
  check_checkerboard(kdm::edm_path{}, 40);
}

TEST_CASE("a Gaussian is reached along its closed-form flow") {
  kdm::matrix<double> m(1, 2), s(1, 1);
  m(0, 0) = 1;
  m(0, 1) = -2;
  s(0, 0) = 0.6;
  const kdm::gaussian_mixture<double> field({1.0}, m, s);
  const auto check = [&](const auto& p, double scale) {
    const auto paths = kdm::generate(p, field, kdm::rk4{}, {.samples = 100, .steps = 80, .seed = 2});
    double worst = 0;
    for (index_t i = 0; i < 100; ++i)
      for (index_t j = 0; j < 2; ++j) {
        const double shrink = scale == 1 ? 0.6 : 0.6 / std::hypot(scale, 0.6);
        const double start = scale == 1 ? 0 : m(0, j);
        const double expected = m(0, j) + shrink * (paths.noise()(i, j) - start);
        worst = std::max(worst, std::abs(paths.data()(i, j) - expected));
      }
    // The last step replaces sqrt(s^2 + end^2) by its tangent: about end^2 / (2 s) = 3e-6.
    CHECK(worst < 3e-5);
  };
  check(kdm::flow_path{}, 1);
  check(kdm::edm_path{}, 80);
}

TEST_CASE("a generated mixture of Gaussians has its moments") {
  const auto field = kdm::ring_of_gaussians<float>(8, 4, 0.5);
  const index_t n = 6000;
  const auto paths = kdm::generate(kdm::flow_path{}, field, kdm::heun{}, {.samples = n, .steps = 20, .seed = 3});
  double mean[2] = {0, 0}, square[2] = {0, 0}, radius = 0;
  for (index_t i = 0; i < n; ++i) {
    for (index_t j = 0; j < 2; ++j) {
      const double x = double(paths.data()(i, j)) / std::sqrt(double(n));
      mean[j] += x / std::sqrt(double(n));
      square[j] += x * x;
    }
    radius += std::hypot(double(paths.data()(i, 0)), double(paths.data()(i, 1))) / double(n);
  }
  for (int j = 0; j < 2; ++j) {
    CHECK(std::abs(mean[j]) < 0.19);                 // 5 standard errors
    CHECK(std::abs(square[j] - (8 + 0.25)) < 0.41);  // 5 standard errors
  }
  // E|mu + s eps| = 4 + s^2 / (2 mu) + ..., with standard error 0.0065
  CHECK(radius == doctest::Approx(4.031).epsilon(0.01));
}

TEST_CASE("the same bits for any executor and any number of samples") {
  const auto field = kdm::checkerboard<float>();
  const kdm::edm_path path;
  const kdm::generate_options options{.samples = 1700, .steps = 6, .snapshots = 3, .seed = 9};
  const auto a = kdm::generate(path, field, kdm::heun{}, options);
  const auto b = kdm::generate(path, field, kdm::heun{}, options, three_lanes{});
  CHECK(kdm_test::relative_difference(a.values, b.values) == 0);
#if defined(_OPENMP)
  const auto c = kdm::generate(path, field, kdm::heun{}, options, kdm::openmp{2});
  CHECK(kdm_test::relative_difference(a.values, c.values) == 0);
#endif
  auto fewer = options;
  fewer.samples = 601;
  const auto d = kdm::generate(path, field, kdm::heun{}, fewer);
  for (index_t k = 0; k < 3; ++k) CHECK(difference<float>(d.at(k), a.at(k).row_range(0, 601)) == 0);
  auto other = options;
  other.seed = 10;
  CHECK(difference<float>(kdm::generate(path, field, kdm::heun{}, other).noise(), a.noise()) > 0.1);
  // Given noise: the same path.
  const auto e = kdm::generate_from(path, field, kdm::heun{}, a.noise(), options);
  CHECK(kdm_test::relative_difference(a.values, e.values) == 0);
}

TEST_CASE("the noise has the prior's scale in any dimension") {
  kdm::matrix<double> m(1, 7), s(1, 1);
  const kdm::gaussian_mixture<double> field({1.0}, m, s);
  const auto paths =
      kdm::generate(kdm::edm_path{.sigma_max = 5}, field, kdm::euler{}, {.samples = 3000, .steps = 1, .seed = 1});
  for (index_t j = 0; j < 7; ++j) {
    double square = 0;
    for (index_t i = 0; i < 3000; ++i) square += paths.noise()(i, j) * paths.noise()(i, j) / 3000;
    CHECK(square == doctest::Approx(25).epsilon(0.13));  // 5 standard errors
  }
  CHECK(paths.noise()(0, 0) != paths.noise()(0, 4));
}

TEST_CASE("snapshots are places on one path") {
  const auto field = kdm::checkerboard<double>();
  const kdm::flow_path path;
  kdm::generate_options options{.samples = 40, .steps = 9, .snapshots = 2, .seed = 1};
  const auto ends = kdm::generate(path, field, kdm::rk4{}, options);
  options.snapshots = 10;
  const auto all = kdm::generate(path, field, kdm::rk4{}, options);
  CHECK(difference<double>(ends.noise(), all.noise()) == 0);
  CHECK(difference<double>(ends.data(), all.data()) == 0);
  CHECK(all.times == path.times(9));
  options.snapshots = 4;
  const auto some = kdm::generate(path, field, kdm::rk4{}, options);
  for (index_t k = 0; k < 4; ++k) {
    CHECK(difference<double>(some.at(k), all.at(3 * k)) == 0);
    CHECK(some.times[std::size_t(k)] == all.times[std::size_t(3 * k)]);
  }
  // The step to zero is the denoiser's answer, whatever the solver.
  kdm::matrix<double> d(40, 2);
  field.denoise(all.at(8), 1 - path.end, path.end, d.view());
  CHECK(difference<double>(all.data(), d.view()) < 1e-12);
  options.snapshots = 7;  // does not divide the steps: still in order, without repeats
  const auto odd = kdm::generate(path, field, kdm::rk4{}, options);
  for (std::size_t k = 0; k < 6; ++k) CHECK(odd.times[k + 1] < odd.times[k]);
}

TEST_CASE("users bring their own velocity and solver") {
  const auto paths = kdm::generate(kdm::flow_path{}, straight{}, midpoint{}, {.samples = 10, .steps = 5});
  for (index_t i = 0; i < 10; ++i) {
    CHECK(paths.data()(i, 0) == doctest::Approx(2));
    CHECK(paths.data()(i, 1) == doctest::Approx(3));
  }
}

TEST_CASE("progress counts up to the number of samples") {
  const auto field = kdm::ring_of_gaussians<float>(1, 0, 1);
  index_t calls = 0, last = 0, total = 0;
  const auto progress = [&](index_t done, index_t all) {
    CHECK(done > last);
    ++calls;
    last = done;
    total = all;
  };
  kdm::generate(kdm::flow_path{}, field, kdm::euler{}, {.samples = 70000, .steps = 1}, kdm::serial{}, progress);
  CHECK(calls > 10);
  CHECK(calls <= 50);
  CHECK(last == 70000);
  CHECK(total == 70000);
  const auto stop = [](index_t, index_t) { throw std::runtime_error("enough"); };
  CHECK_THROWS_WITH(
      kdm::generate(kdm::flow_path{}, field, kdm::euler{}, {.samples = 5, .steps = 1}, kdm::serial{}, stop), "enough");
}

TEST_CASE("options out of range are refused") {
  const auto field = kdm::checkerboard<float>();
  const auto message = [&](kdm::generate_options options) {
    return kdm_test::message_of<kdm::option_error>(
        [&] { kdm::generate(kdm::flow_path{}, field, kdm::euler{}, options); });
  };
  CHECK(message({.samples = 0}) == "generate: samples is 0, expected at least 1");
  CHECK(message({.samples = 1, .steps = 0}) == "generate: steps is 0, expected at least 1");
  CHECK(message({.samples = 1, .steps = 4, .snapshots = 6}) ==
        "generate: snapshots is 6, expected 2 to 5 for 4 steps");
  CHECK(message({.samples = 1, .steps = 4, .snapshots = 1}) ==
        "generate: snapshots is 1, expected 2 to 5 for 4 steps");
  const kdm::matrix<float> noise(4, 3);
  CHECK(kdm_test::message_of<kdm::shape_error>([&] {
          kdm::generate_from(kdm::flow_path{}, field, kdm::euler{}, noise.view(), {.steps = 4});
        }) == "generate_from: noise has 3 columns, expected 2");
  CHECK(kdm_test::message_of<kdm::numeric_error>([&] {
          kdm::generate(kdm::flow_path{}, broken{}, kdm::euler{}, {.samples = 8, .steps = 4});
        }) == "generate: sample 3 is not finite in column 0 after 4 steps");
}

TEST_CASE("generate: sizes whose product wraps are refused before anything is allocated") {
  const auto board = kdm::checkerboard<float>();
  const auto start = [&](index_t samples, index_t snapshots, index_t steps) {
    return kdm_test::message_of<kdm::shape_error>([&] {
      (void)kdm::generate(kdm::flow_path{}, board, kdm::euler{},
                          {.samples = samples, .steps = steps, .snapshots = snapshots});
    });
  };
  // 8 modulo 2^64, and 2 modulo 2^64.
  CHECK(start(2305843009213693953, 8, 10) ==
        "generate: rows of all snapshots is 8 x 2305843009213693953, expected sizes of at least 0 and no more than "
        "9223372036854775807 of them");
  CHECK(start(6148914691236517206, 3, 10).starts_with("generate: rows of all snapshots is 3 x 6148914691236517206"));
  CHECK(start(std::numeric_limits<index_t>::max(), 2, 10).starts_with("generate: rows of all snapshots is 2 x "));
  // Steps that no memory holds end at once, not after it has been filled.
#if !defined(KDM_TEST_SANITIZED)
  CHECK_THROWS_AS(start(1, 2, index_t(1) << 58), std::bad_alloc);
#endif
  CHECK(start(1, 2, std::numeric_limits<index_t>::max()).starts_with("generate: "));
}

TEST_CASE("generate: a path whose times vanish in float and weights that add up to infinity are refused") {
  const auto said = kdm_test::message_of<kdm::option_error>([] {
    (void)kdm::generate(kdm::flow_path{.end = 1e-50}, kdm::checkerboard<float>(), kdm::euler{},
                        {.samples = 3, .steps = 5});
  });
  CHECK(said == "generate: time 4 of the path is 1e-50, expected a finite number above 0, also in float");
  kdm::matrix<double> means(2, 1), sigmas(2, 1);
  CHECK_THROWS_AS(kdm::gaussian_mixture<double>({1e308, 1e308}, means, sigmas), kdm::option_error);
  CHECK_THROWS_AS(kdm::ring_of_gaussians<float>(std::numeric_limits<index_t>::max(), 1, 1), std::bad_alloc);
}
