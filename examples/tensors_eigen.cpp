// An Eigen user's matrices go to the trainer and the samples come back into Eigen; which of them are copied, and why.
#include <cstdio>
#include <cstdlib>

#include "kdm/backend/eigen.hpp"
#include "kdm/kdm.hpp"

// kdm is row-major, one row a sample. This is the Eigen matrix of that layout.
using row_major = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using row_major_map = Eigen::Map<row_major, Eigen::Unaligned, Eigen::OuterStride<>>;

int main() {
  using namespace kdm;
  const Eigen::Index n = 2000;

  // The noise: Eigen's default layout, column-major, one row a sample. as_view(noise) does not compile: the elements
  // of a sample do not stand side by side. Assigning to a row-major matrix is the copy, and Eigen transposes for you.
  Eigen::MatrixXf noise(n, 2);
  for (Eigen::Index i = 0; i < n; ++i)
    for (Eigen::Index j = 0; j < 2; ++j) noise(i, j) = random_table{3}.normal<float>(i, j);
  const row_major xT = noise;

  // The data: column-major too, but one column a sample. Its memory is a row-major matrix already: no copy.
  Eigen::Matrix2f turn_and_stretch;
  turn_and_stretch << 0, -2, 1, 0;
  const Eigen::MatrixXf data = turn_and_stretch * noise.transpose();
  const Eigen::Map<const row_major> x0(data.data(), data.cols(), data.rows());

  const koopman_model model{dense_layer(2, 16, activations::silu{}), dense_layer(2, 16, activations::silu{}),
                            linear_operator(16), dense_layer(16, 2)};
  const objective loss{0, terms::latent<>{}, terms::reconstruction<>{}, terms::prediction<>{}};
  const eigen_backend<float> backend;
  trainer train{distillation{model, loss}, adam{}, {.steps = 1000, .batch = 100, .learning_rate = 1e-2},
                as_view(xT), as_view(x0), backend};
  train.run();

  // Samples are written straight into two columns of a wider matrix: a row-major map with a stride, no copy.
  row_major report = row_major::Constant(n, 5, -1);
  row_major_map samples(report.data() + 1, n, 2, Eigen::OuterStride<>(report.outerStride()));
  generator student{model, train.average().view(), 1, backend};
  student.push(as_view(xT), as_view(samples));

  const float error = (samples.transpose() - data).squaredNorm() / data.squaredNorm();
  const Eigen::Matrix2f covariance = data * data.transpose() / float(n);
  const Eigen::Matrix2f of_samples = samples.transpose() * samples / float(n);
  std::printf("relative error %.1e; variances of the samples %.2f and %.2f, of the data %.2f and %.2f\n", double(error),
              double(of_samples(0, 0)), double(of_samples(1, 1)), double(covariance(0, 0)), double(covariance(1, 1)));
  const bool no_copies = as_view(x0).p == data.data() && as_view(samples).p == &report(0, 1);
  const bool rest_untouched = (report.col(0).array() == -1).all() && (report.rightCols(2).array() == -1).all();
  return error < 0.01f && no_copies && rest_untouched ? EXIT_SUCCESS : EXIT_FAILURE;
}
