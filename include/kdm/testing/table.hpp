/// A matrix in a backend's memory, with a guard in the gaps between its rows.
#pragma once

#include <string>

#include "kdm/core/arena.hpp"
#include "kdm/core/backend.hpp"
#include "kdm/testing/comparison.hpp"

namespace kdm::testing {

/// A matrix whose rows stand `padding` numbers apart, the first of them before the row, so that rows start on no
/// particular boundary. Nobody may touch the padding: every comparison looks at it.
template <backend B>
class table {
  using T = value_t<B>;

 public:
  table(B b, const matrix<T>& values, index_t padding = 0)
      : b_(b), memory_(b), size_{values.rows(), values.cols()}, ld_(values.cols() + padding), before_(padding > 0) {
    whole_ = kdm::planned(memory_, [this](arena<B>& a) { return a.take(1, size_.rows * ld_); });
    matrix<T> all(1, size_.rows * ld_);
    for (index_t k = 0; k < all.size(); ++k) all.data()[k] = inside(k) ? values(k / ld_, k % ld_ - before_) : guard;
    // One gap-free row: this does not lean on strided transfers, which are under test themselves.
    b_.upload(const_view<T>(all.view()), whole_);
    b_.synchronize();
  }
  table(B b, index_t rows, index_t cols, T value, index_t padding = 0)
      : table(b, constant_matrix(rows, cols, value), padding) {}

  view_of<B> view() const { return {whole_.p + before_, size_.rows, size_.cols, ld_}; }
  const_view_of<B> read() const { return view(); }

  /// The numbers, after a look at the padding.
  matrix<T> values(conformance_report& r, const std::string& what) {
    matrix<T> all(1, size_.rows * ld_), result(size_.rows, size_.cols);
    b_.download(const_view_of<B>(whole_), all.view());
    b_.synchronize();
    index_t touched = 0;
    for (index_t k = 0; k < all.size(); ++k) {
      if (inside(k)) result(k / ld_, k % ld_ - before_) = all.data()[k];
      else if (all.data()[k] != guard) ++touched;
    }
    r.check(touched == 0, what, ": ", touched, " numbers of the padding changed, expected none");
    return result;
  }

 private:
  static constexpr T guard = T(-777);

  bool inside(index_t k) const { return k % ld_ >= before_ && k % ld_ < before_ + size_.cols; }

  static matrix<T> constant_matrix(index_t rows, index_t cols, T value) {
    matrix<T> m(rows, cols);
    for (index_t k = 0; k < m.size(); ++k) m.data()[k] = value;
    return m;
  }

  B b_;
  arena<B> memory_;
  sizes size_;
  index_t ld_, before_;
  view_of<B> whole_;
};

/// The comparisons of comparison.hpp, with a look at the padding.
template <backend B, class E>
bool expect_close(conformance_report& r, const std::string& what, table<B>& found, const matrix<E>& expected,
                  double relative) {
  return expect_close(r, what, found.values(r, what), expected, relative);
}
template <backend B>
bool expect_equal(conformance_report& r, const std::string& what, table<B>& found, const matrix<value_t<B>>& expected) {
  return expect_equal(r, what, found.values(r, what), expected);
}

}  // namespace kdm::testing
