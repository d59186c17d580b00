// Pseudospectra from data: an isometry, a normal matrix, a defective one.
#include "kdm/fit/pseudospectrum.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>

#include "edmd_data.hpp"
#include "kdm/fit/dictionaries/waves.hpp"
#include "support.hpp"

namespace test_pseudospectrum {

using namespace kdm_test;

TEST_CASE("pseudospectrum: the doubling map is an isometry so that tau is the distance to the circle") {
  matrix<double> x(256, 1), y(256, 1);
  for (index_t i = 0; i < 256; ++i) x(i, 0) = double(i) / 256, y(i, 0) = std::fmod(2 * x(i, 0), 1);
  const kdm::fourier psi(8, 1);
  kdm::snapshot_qr data(17, 17);
  data.append(kdm::evaluate(psi, x), kdm::evaluate(psi, y));
  const kdm::pseudospectrum tau(data);
  CHECK(tau.rank().rank == 17);
  CHECK(std::abs(tau(0.) - 1) < 1e-13);   // the fitted matrix has sixteen eigenvalues there
  CHECK(std::abs(tau(0.5) - 0.5) < 1e-13);
  CHECK(tau(1.) < 1e-13);
  CHECK(std::abs(tau(2.) - 1) < 1e-13);
  // An isometry: |K g - z g| >= | 1 - |z| | for every g.
  const auto grid = tau.grid({-1.5, -0.5, 0.25, 0.8}, {-0.7, 0, 0.6});
  REQUIRE(grid.rows() == 3);
  REQUIRE(grid.cols() == 4);
  const double re[] = {-1.5, -0.5, 0.25, 0.8}, im[] = {-0.7, 0, 0.6};
  for (index_t i = 0; i < 3; ++i)
    for (index_t j = 0; j < 4; ++j) CHECK(grid(i, j) >= std::abs(std::hypot(re[j], im[i]) - 1) - 1e-13);
}

TEST_CASE("pseudospectrum: of whitened data it is the least singular value of K - z") {
  // x runs through +-unit vectors: the features are orthogonal and y = x K exactly.
  const auto tau_of = [](const matrix<double>& k, complex z) {
    const index_t n = k.rows();
    matrix<double> x(n, n), y = k;
    for (index_t i = 0; i < n; ++i) x(i, i) = 1;
    kdm::snapshot_qr data(n, n);
    data.append(x, y);
    return kdm::pseudospectrum(data)(z);
  };
  SUBCASE("normal: the distance to the spectrum") {
    matrix<double> k(3, 3);
    k(0, 0) = 0.9, k(1, 1) = k(2, 2) = 0.3, k(1, 2) = -0.4, k(2, 1) = 0.4;
    for (const complex z : {complex(0.5, 0.1), complex(0.3, 0.5), complex(-1, 1), complex(2, 0)}) {
      const double distance = std::min({std::abs(z - 0.9), std::abs(z - complex(0.3, 0.4)), std::abs(z - complex(0.3, -0.4))});
      CHECK(std::abs(tau_of(k, z) - distance) < 1e-12);
    }
    CHECK(tau_of(k, 0.9) < 1e-15);
  }
  SUBCASE("a Jordan block: far below the distance") {
    matrix<double> k(2, 2);
    k(0, 0) = k(1, 1) = 0.5, k(0, 1) = 1;
    const double z = 0.2, d = 0.5 - 0.2;  // singular values of [[d 1] [0 d]]: product d^2, squares sum to 2 d^2 + 1
    const double sum = 2 * d * d + 1, least = std::sqrt((sum - std::sqrt(sum * sum - 4 * d * d * d * d)) / 2);
    CHECK(std::abs(tau_of(k, z) - least) < 1e-13);
    CHECK(tau_of(k, 0.5) < 1e-15);
  }
  SUBCASE("against brute force on noise") {
    // tau is a minimum: no vector does better, and inverse iteration finds one that does as well.
    const auto x = random_matrix<double>(50, 6, 1), y = random_matrix<double>(50, 6, 2);
    kdm::snapshot_qr data(6, 6);
    data.append(x, y);
    const complex z(0.3, -0.2);
    const double tau = kdm::pseudospectrum(data)(z);
    const Eigen::MatrixXcd a = kdm::detail::to_eigen(x).cast<complex>(), b = kdm::detail::to_eigen(y).cast<complex>();
    // The least singular value of (b - z a) whitened by a: the root of the least eigenvalue of a real problem of twice
    // the size, whose singular values come in pairs.
    const Eigen::HouseholderQR<Eigen::MatrixXd> qr(kdm::detail::to_eigen(x));
    const Eigen::MatrixXd r = qr.matrixQR().topRows(6).triangularView<Eigen::Upper>();
    const Eigen::MatrixXcd m = (b - z * a) * r.triangularView<Eigen::Upper>().solve(Eigen::MatrixXd::Identity(6, 6)).cast<complex>();
    Eigen::MatrixXd real(100, 12);
    real << m.real(), -m.imag(), m.imag(), m.real();
    CHECK(tau == doctest::Approx(kdm::detail::jacobi_svd(real).s(11)).epsilon(1e-9));
  }
}

TEST_CASE("pseudospectrum: bad input is refused") {
  kdm::snapshot_qr data(2, 2), narrow(2, 1), zero(2, 2);
  CHECK_THROWS_AS(kdm::pseudospectrum{data}, kdm::shape_error);
  narrow.append(points(5, 2), points(5, 1));
  CHECK(message_of<kdm::shape_error>([&] { kdm::pseudospectrum{narrow}; }) ==
        "pseudospectrum: 1 features at y, expected the 2 of x");
  zero.append(matrix<double>(5, 2), points(5, 2));
  CHECK_THROWS_AS(kdm::pseudospectrum{zero}, kdm::numeric_error);
  data.append(points(5, 2), points(5, 2, 2));
  CHECK_THROWS_AS(kdm::pseudospectrum{data}(NAN), kdm::option_error);
}

}  // namespace test_pseudospectrum
