// What many tests need: random matrices, comparisons, a folder that cleans up after itself.
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "kdm/core/matrix.hpp"

namespace kdm_test {

template <class T>
kdm::matrix<T> random_matrix(kdm::index_t rows, kdm::index_t cols, unsigned seed, double scale = 1) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal(0, scale);
  kdm::matrix<T> m(rows, cols);
  for (kdm::index_t i = 0; i < m.size(); ++i) m.data()[i] = T(normal(engine));
  return m;
}

/// Largest |a - b| over the largest |b| (or 1 when b is smaller): NaN anywhere gives infinity.
template <class A, class B>
double relative_difference(const A& a, const B& b) {
  if (a.rows() != b.rows() || a.cols() != b.cols()) return INFINITY;
  double worst = 0, scale = 1;
  for (kdm::index_t i = 0; i < a.rows(); ++i)
    for (kdm::index_t j = 0; j < a.cols(); ++j) {
      const double difference = std::abs(double(a(i, j)) - double(b(i, j)));
      if (!(difference <= worst)) worst = std::isnan(difference) ? INFINITY : difference;
      scale = std::max(scale, std::abs(double(b(i, j))));
    }
  return worst / scale;
}

/// A new empty folder, removed with everything in it at the end of the scope.
class temporary_folder {
 public:
  temporary_folder() {
    std::random_device device;
    do path_ = std::filesystem::temp_directory_path() / ("kdm-test-" + std::to_string(device()));
    while (!std::filesystem::create_directory(path_));
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::string read_bytes(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline void write_bytes(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

/// What `f` throws as an `Error`, or a note that it did not.
template <class Error, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "(nothing of that type was thrown)";
}

}  // namespace kdm_test
