/// What every metric does with its arguments: sees them as rows of samples, checks them, picks a subset.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "kdm/core/as_view.hpp"
#include "kdm/core/error.hpp"
#include "kdm/core/finite.hpp"
#include "kdm/core/matrix.hpp"
#include "kdm/core/view.hpp"
#include "kdm/math/random.hpp"

namespace kdm {

/// A tensor on the host that `as_view` takes: rows are samples, columns are coordinates.
template <class X>
concept sample_set = viewable<const X> && requires(const X& x) {
  { kdm::as_view(x).p } -> std::convertible_to<const void*>;
  requires std::same_as<typename decltype(as_view(x))::space, host_space>;
};

/// The element type of a sample set.
template <sample_set X>
using sample_type = typename decltype(as_view(std::declval<const X&>()))::value_type;

/// The samples as a view of constants.
template <sample_set X>
const_view<sample_type<X>> samples_of(const X& x) {
  return kdm::as_view(x);
}

/// Refuses what no metric can use; `where` names the metric and `name` its argument.
///
/// Cost.      one pass over x.
/// Throws.    shape_error when x is empty, numeric_error naming the first element that is not finite.
template <class T>
void require_samples(std::string_view where, std::string_view name, const_view<T> x) {
  if (x.empty())
    fail<shape_error>(where, ": ", name, " is ", x.rows, " x ", x.cols, ", expected at least one row and one column");
  if (const index_t at = first_not_finite(x); at >= 0)
    fail<numeric_error>(where, ": ", name, " is ", x(at / x.cols, at % x.cols), " at row ", at / x.cols, ", column ",
                        at % x.cols, ", expected finite numbers");
}

/// The same for two sets, which must have equally many columns.
template <class T, class U>
void require_samples(std::string_view where, std::string_view name_a, const_view<T> a, std::string_view name_b,
                     const_view<U> b) {
  require_samples(where, name_a, a);
  require_samples(where, name_b, b);
  if (a.cols != b.cols)
    fail<shape_error>(where, ": ", name_a, " has ", a.cols, " columns, ", name_b, " has ", b.cols,
                      ", expected equally many");
}

/// Which rows a metric looks at: all of them up to `limit`, otherwise `limit` pseudo-random different ones.
///
/// A pure function of (rows, limit, seed): two sets with equally many rows are cut to the same row numbers, so that
/// equal sets stay equal.
/// Throws.    option_error when limit is below 2.
inline std::vector<index_t> row_subset(index_t rows, index_t limit, std::uint64_t seed) {
  if (limit < 2) fail<option_error>("row_subset: limit is ", limit, ", expected at least 2");
  const bool all = rows <= limit;
  std::vector<index_t> chosen(std::size_t(all ? rows : limit));
  // Not an epoch that a training run reaches, so that the subset is not its first batch.
  const shuffle permutation(rows, seed, 0xFFFFFFFFu);
  for (std::size_t i = 0; i < chosen.size(); ++i) chosen[i] = all ? index_t(i) : permutation(index_t(i));
  return chosen;
}

}  // namespace kdm
