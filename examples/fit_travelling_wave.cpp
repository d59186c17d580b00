// DMD of a wave that travels through ten thousand noisy sensors: its frequencies, its speed, and its rank.
#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdio>
#include <cstdlib>
#include <numbers>
#include <vector>

#include "kdm/fit/dmd.hpp"
#include "kdm/fit/randomized_dmd.hpp"
#include "kdm/math/random.hpp"

using kdm::index_t;

// Four harmonics of a wave of speed 0.4 on a circle of length 1, the k-th of which decays like exp(-k t / 50).
constexpr index_t sensors = 10000, snapshots = 151;
constexpr double dt = 0.1, speed = 0.4, noise = 0.05, pi = std::numbers::pi;

double wave(double x, double t) {
  double u = 0;
  for (int k = 1; k <= 4; ++k) u += std::exp(-k * t / 50) / k * std::cos(2 * pi * k * (x - speed * t));
  return u;
}

int main() {
  kdm::matrix<double> measured(snapshots, sensors);
  kdm::fill_normals(kdm::random_table{3}, 0, measured.view());
  for (index_t i = 0; i < snapshots; ++i)
    for (index_t j = 0; j < sensors; ++j)
      measured(i, j) = noise * measured(i, j) + wave(double(j) / double(sensors), double(i) * dt);
  const kdm::snapshot_pairs pairs = kdm::pairs_from_trajectory(measured, {.dt = dt});

  // The noise fills all 150 directions of the data: the rule finds how many of them stand out.
  const auto full = kdm::dmd::projected(pairs, {kdm::rank_rule::gavish_donoho(noise)});
  const auto sketched = kdm::randomized_dmd(pairs, {.rank = 8, .power_iterations = 2});
  std::printf("%s\n", full.rank.text().c_str());

  bool as_expected = full.latent() == 8;
  std::puts("harmonic   frequency   from sketch   exact   growth rate   from sketch   exact   speed   residual");
  for (int k = 1; k <= 4; ++k) {
    const auto nearest = [k](const std::vector<double>& f) {
      const auto closer = [k](double a, double b) { return std::abs(a - k * speed) < std::abs(b - k * speed); };
      return std::size_t(std::min_element(f.begin(), f.end(), closer) - f.begin());
    };
    const std::size_t at = nearest(full.frequencies()), there = nearest(sketched.dynamics.frequencies());
    const double f = full.frequencies()[at], g = full.growth_rates()[at];
    const double f_sketched = sketched.dynamics.frequencies()[there];
    const double g_sketched = sketched.dynamics.growth_rates()[there];

    // A mode goes like exp(-2 pi i n x): what it turns by over a tenth of the circle tells its wave number n.
    std::complex<double> turned = 0;
    for (index_t j = 0; j < sensors; ++j)
      turned += full.modes(index_t(at), j) * std::conj(full.modes(index_t(at), (j + sensors / 10) % sensors));
    const double found_speed = f / (std::arg(turned) * 10 / (2 * pi));
    std::printf("%8d %11.5f %13.5f %7.1f %13.4f %13.4f %7.2f %7.4f %10.3f\n", k, f, f_sketched, k * speed, g,
                g_sketched, -k / 50., found_speed, full.residuals[at]);
    as_expected = as_expected && std::abs(f - k * speed) < 1e-3 && std::abs(g + k / 50.) < 0.01 &&
                  std::abs(f_sketched - f) < 1e-3 && std::abs(found_speed - speed) < 1e-3;
  }

  // From the first noisy snapshot to the last: the model keeps what the modes carry and drops the noise.
  const auto last = full.step(measured.view().row(0), snapshots - 1);
  double off = 0, size = 0;
  for (index_t j = 0; j < sensors; ++j) {
    const double truth = wave(double(j) / double(sensors), double(snapshots - 1) * dt);
    off += (last(0, j) - truth) * (last(0, j) - truth), size += truth * truth;
  }
  std::printf("predicted after %td steps with a relative error of %.4f; the noise there is %.3f of the signal\n",
              snapshots - 1, std::sqrt(off / size), noise / std::sqrt(size / double(sensors)));
  return as_expected && off < 0.02 * 0.02 * size ? EXIT_SUCCESS : EXIT_FAILURE;
}
