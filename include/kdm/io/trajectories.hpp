/// Trajectories and pairs as .npy files.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>

#include "kdm/core/error.hpp"
#include "kdm/core/matrix.hpp"
#include "kdm/io/npy.hpp"
#include "kdm/io/pairs.hpp"
#include "kdm/io/tensor.hpp"

namespace kdm::io {

/// Reads trajectories from noise (first snapshot) to data (last snapshot).
///
/// Shapes.    [snapshots, n, d] with at least two snapshots, one sample and one column.
/// Throws.    io_error naming the file: as load_npy, another shape, or the position of a NaN or infinity.
template <class T>
tensor<T> load_trajectories(const std::filesystem::path& path, file_limits limits = {}) {
  tensor<T> x = load_npy<T>(path, limits);
  const shape_t& shape = x.shape();
  if (x.rank() != 3 || shape[0] < 2 || shape[1] < 1 || shape[2] < 1)
    fail<io_error>(path.string(), ": found shape ", shape_text(shape),
                   ", expected [snapshots, n, d] with at least 2 snapshots, one sample and one column");
  require_finite(x, path.string());
  return x;
}

/// Reads snapshots that follow each other: of many trajectories, as load_trajectories does, or of one.
///
/// Shapes.    [snapshots, n, d], or [snapshots, d] of one trajectory; returned as they are in the file.
/// Throws.    io_error, as load_trajectories.
template <class T>
tensor<T> load_snapshots(const std::filesystem::path& path, file_limits limits = {}) {
  tensor<T> x = load_npy<T>(path, limits);
  const shape_t& shape = x.shape();
  if (x.rank() < 2 || x.rank() > 3 || shape[0] < 2 || shape[1] < 1 || shape.back() < 1)
    fail<io_error>(path.string(), ": found shape ", shape_text(shape),
                   ", expected [snapshots, n, d], or [snapshots, d] of one trajectory, with at least 2 snapshots, one "
                   "sample and one column");
  require_finite(x, path.string());
  return x;
}

/// The pairs of trajectories: the first snapshot is noise, the last one data.
template <class T>
pair_set<T> pairs_of(const tensor<T>& trajectories) {
  if (trajectories.rank() != 3 || trajectories.shape()[0] < 2)
    fail<shape_error>("pairs_of: trajectories have shape ", shape_text(trajectories.shape()),
                      ", expected [snapshots, n, d] with at least 2 snapshots");
  return {matrix<T>(trajectories.slice(0)), matrix<T>(trajectories.slice(trajectories.shape()[0] - 1))};
}

/// Reads a trajectory file and keeps its pairs.
///
/// Throws.    io_error, as load_trajectories.
template <class T>
pair_set<T> load_pairs(const std::filesystem::path& path, file_limits limits = {}) {
  return pairs_of(load_trajectories<T>(path, limits));
}

/// Writes pairs as trajectories of two snapshots, [2, n, d]; the file appears whole or not at all.
///
/// Throws.    shape_error when xT and x0 differ in shape; io_error, as save_npy.
template <class T>
void save_pairs(const std::filesystem::path& path, const pair_set<T>& pairs) {
  const matrix<T>&xT = pairs.xT, &x0 = pairs.x0;
  if (xT.rows() != x0.rows() || xT.cols() != x0.cols())
    fail<shape_error>(path.string(), ": xT is ", xT.rows(), " x ", xT.cols(), ", expected the shape of x0, ",
                      x0.rows(), " x ", x0.cols());
  tensor<T> both({2, x0.rows(), x0.cols()});
  std::copy_n(xT.data(), xT.size(), both.data());
  std::copy_n(x0.data(), x0.size(), both.data() + xT.size());
  save_npy(path, both);
}

}  // namespace kdm::io
