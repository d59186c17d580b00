/// A row-major matrix on the host that owns its elements.
#pragma once

#include <algorithm>
#include <memory>
#include <new>
#include <utility>

#include "kdm/core/error.hpp"
#include "kdm/core/view.hpp"

namespace kdm {

/// rows x cols elements, gap-free, aligned to 64 bytes, zero at first.
///
/// This is how data enters and leaves the library: loaders return it, metrics and trainers take views of it.
/// Throws.    shape_error for negative sizes, std::bad_alloc.
template <class T>
class matrix {
 public:
  using value_type = T;

  matrix() = default;

  matrix(index_t rows, index_t cols) : rows_(rows), cols_(cols) {
    if (rows < 0 || cols < 0) fail<shape_error>("matrix: cannot hold ", rows, " x ", cols, " elements");
    if (rows == 0 || cols == 0) return;
    // Before anything multiplies them.
    if (rows > index_t(std::size_t(-1) / 2 / sizeof(T)) / cols) fail_to_allocate();
    data_.reset(static_cast<T*>(::operator new(std::size_t(size()) * sizeof(T), std::align_val_t(alignment))));
    std::fill_n(data_.get(), size(), T(0));
  }

  /// A gap-free copy of `source`, converting the element type if need be.
  template <class U>
  explicit matrix(kdm::view<U> source) : matrix(source.rows, source.cols) {
    for (index_t i = 0; i < rows_; ++i)
      for (index_t j = 0; j < cols_; ++j) (*this)(i, j) = static_cast<T>(source(i, j));
  }

  matrix(const matrix& other) : matrix(other.view()) {}
  matrix(matrix&& other) noexcept { swap(other); }
  matrix& operator=(matrix other) noexcept {
    swap(other);
    return *this;
  }

  void swap(matrix& other) noexcept {
    std::swap(rows_, other.rows_);
    std::swap(cols_, other.cols_);
    std::swap(data_, other.data_);
  }

  index_t rows() const { return rows_; }
  index_t cols() const { return cols_; }
  index_t size() const { return rows_ * cols_; }
  T* data() KDM_REFERS_TO_THIS { return data_.get(); }
  const T* data() const KDM_REFERS_TO_THIS { return data_.get(); }
  T& operator()(index_t i, index_t j) { return data_.get()[i * cols_ + j]; }
  const T& operator()(index_t i, index_t j) const { return data_.get()[i * cols_ + j]; }

  kdm::view<T> view() KDM_REFERS_TO_THIS { return {data(), rows_, cols_}; }
  const_view<T> view() const KDM_REFERS_TO_THIS { return {data(), rows_, cols_}; }
  operator kdm::view<T>() KDM_REFERS_TO_THIS { return view(); }
  operator const_view<T>() const KDM_REFERS_TO_THIS { return view(); }

 private:
  struct release {
    void operator()(T* p) const { ::operator delete(p, std::align_val_t(alignment)); }
  };

  index_t rows_ = 0;
  index_t cols_ = 0;
  std::unique_ptr<T, release> data_;
};

}  // namespace kdm
