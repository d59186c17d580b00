/// Dictionaries written as one formula for one state: values and derivatives follow from it.
#pragma once

#include <cstddef>
#include <vector>

#include "kdm/core/finite.hpp"
#include "kdm/core/sizes.hpp"
#include "kdm/fit/dictionaries/jet.hpp"
#include "kdm/fit/dictionary.hpp"

namespace kdm {

/// Base of a dictionary `Self` that has inputs(), features() and a template formula(x, psi) for one state.
///
/// formula<S> reads x[0 .. inputs) and writes psi[0 .. features) for S = double, and for S = jet when derivatives are
/// asked for.
/// Cost.      derivatives: about five times evaluate.
template <class Self>
class pointwise_dictionary {
 public:
  void evaluate(const_view<double> x, view<double> psi) const {
    for (index_t i = 0; i < x.rows; ++i) self().formula(x.row_pointer(i), psi.row_pointer(i));
  }

  void derivatives(const_view<double> x, const_view<double> v, view<double> first, view<double> second) const {
    std::vector<jet> line(static_cast<std::size_t>(x.cols)), psi(static_cast<std::size_t>(self().features()));
    for (index_t i = 0; i < x.rows; ++i) {
      for (index_t j = 0; j < x.cols; ++j) line[std::size_t(j)] = jet(x(i, j), v(i, j), 0);
      self().formula(static_cast<const jet*>(line.data()), psi.data());
      for (index_t j = 0; j < first.cols; ++j) first(i, j) = psi[std::size_t(j)].first;
      if (second)
        for (index_t j = 0; j < second.cols; ++j) second(i, j) = psi[std::size_t(j)].second;
    }
  }

 private:
  const Self& self() const { return static_cast<const Self&>(*this); }
};

namespace detail {

/// Throws option_error unless value >= least.
inline void require_count(const char* what, index_t value, index_t least) {
  if (value < least) fail<option_error>(what, " is ", value, ", expected at least ", least);
}

/// Throws option_error unless the value is finite and above 0.
inline void require_positive(const char* what, double value) {
  if (!(value > 0 && is_finite(value)))
    fail<option_error>(what, " is ", value, ", expected a finite number above 0");
}

}  // namespace detail

}  // namespace kdm
