/// An array of any rank, as files hold it.
#pragma once

#include <cmath>
#include <concepts>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "kdm/core/as_view.hpp"
#include "kdm/core/error.hpp"
#include "kdm/core/finite.hpp"
#include "kdm/core/matrix.hpp"

namespace kdm::io {

using shape_t = std::vector<index_t>;

/// "[3, 4]", or "[]" for a single number.
inline std::string shape_text(const shape_t& shape) {
  std::string s = "[";
  for (std::size_t k = 0; k < shape.size(); ++k) s += concat(k ? ", " : "", shape[k]);
  return s + "]";
}

/// The product of the sizes, 1 for rank 0.
///
/// Throws.    shape_error for a negative size, or when the sizes other than 0 multiply to more than index_t holds.
inline index_t element_count(const shape_t& shape) {
  index_t product = 1;
  bool empty = false;
  for (const index_t n : shape) {
    if (n < 0) fail<shape_error>("shape ", shape_text(shape), ": sizes cannot be negative");
    if (n == 0) empty = true;
    if (n > 0 && product > std::numeric_limits<index_t>::max() / n)
      fail<shape_error>("shape ", shape_text(shape), ": the number of elements overflows");
    if (n > 0) product *= n;
  }
  return empty ? 0 : product;
}

/// Elements in C order (the last index runs fastest), gap-free, aligned, zero at first.
///
/// Throws.    shape_error for a shape whose element count overflows, std::bad_alloc.
template <class T>
class tensor {
 public:
  using value_type = T;

  /// Shape [0].
  tensor() : shape_{0} {}
  explicit tensor(shape_t shape) : shape_(std::move(shape)), values_(element_count(shape_), 1) {}
  /// A copy of `x`, of shape [rows, cols].
  template <class U>
  requires(std::same_as<std::remove_const_t<U>, T>) explicit tensor(view<U> x)
      : shape_{x.rows, x.cols}, values_(x) {}

  const shape_t& shape() const { return shape_; }
  index_t rank() const { return index_t(shape_.size()); }
  index_t size() const { return values_.size(); }
  T* data() { return values_.data(); }
  const T* data() const { return values_.data(); }

  /// The first index as rows, all others as columns: one sample per row. Rank 0 is 1 x 1.
  view<T> as_matrix() { return {data(), head(0), tail(1)}; }
  const_view<T> as_matrix() const { return {data(), head(0), tail(1)}; }

  /// All elements as rows x cols.
  ///
  /// Throws.    shape_error when rows * cols is not the number of elements.
  view<T> as_matrix(index_t rows, index_t cols) { return kdm::as_view(values_, rows, cols); }
  const_view<T> as_matrix(index_t rows, index_t cols) const { return kdm::as_view(values_, rows, cols); }

  /// Element i of the first index as a matrix: for shape [times, n, d], the n x d values of time i.
  ///
  /// Throws.    shape_error for rank 0 or i outside the first index.
  view<T> slice(index_t i) { return {data() + slice_offset(i), head(1), tail(2)}; }
  const_view<T> slice(index_t i) const { return {data() + slice_offset(i), head(1), tail(2)}; }

 private:
  index_t head(index_t k) const { return k < rank() ? shape_[std::size_t(k)] : 1; }
  index_t tail(index_t first) const {
    index_t product = 1;
    for (index_t k = first; k < rank(); ++k) product *= shape_[std::size_t(k)];
    return product;
  }
  index_t slice_offset(index_t i) const {
    if (rank() == 0 || i < 0 || i >= shape_[0])
      fail<shape_error>("tensor: slice ", i, " does not exist in shape ", shape_text(shape_));
    return i * tail(1);
  }

  shape_t shape_;
  matrix<T> values_;
};

/// "[2, 0]": the position of element `flat` (in C order) of an array of this shape.
inline std::string position_text(const shape_t& shape, index_t flat) {
  shape_t position(shape.size());
  for (std::size_t k = shape.size(); k-- > 0; flat /= shape[k]) position[k] = flat % shape[k];
  return shape_text(position);
}

namespace detail {
/// False for a finite double beyond float's range: converting it would make up an infinity.
template <class T, class U>
bool fits(U value) {
  return sizeof(U) <= sizeof(T) || !is_finite(value) || std::abs(value) <= U(std::numeric_limits<T>::max());
}
}  // namespace detail

/// Refuses NaN and infinity.
///
/// Throws.    io_error naming `path`, the position of the first such element and its value.
template <class T>
void require_finite(const tensor<T>& x, std::string_view path) {
  if (const index_t at = first_not_finite(x.as_matrix()); at >= 0)
    fail<io_error>(path, ": element ", position_text(x.shape(), at), " is ", x.data()[at],
                   ", expected a finite number");
}

}  // namespace kdm::io

namespace kdm {

/// A tensor is viewed with its first index as rows.
template <class T>
struct view_traits<io::tensor<T>> {
  static view<T> make(io::tensor<T>& x) { return x.as_matrix(); }
  static const_view<T> make(const io::tensor<T>& x) { return x.as_matrix(); }
};

}  // namespace kdm
