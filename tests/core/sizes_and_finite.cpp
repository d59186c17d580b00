// Sizes multiplied and added with care, and the bits of numbers that are not finite.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "kdm/core/as_view.hpp"
#include "kdm/core/finite.hpp"
#include "kdm/core/sizes.hpp"
#include "kdm/core/weights.hpp"
#include "support.hpp"

using kdm::index_t;
using kdm_test::message_of;

namespace {

const index_t largest = std::numeric_limits<index_t>::max();

}  // namespace

TEST_CASE("products and sums of sizes are exact up to the largest index and refused beyond") {
  static_assert(kdm::checked_product("n", 6, 7) == 42);
  static_assert(kdm::checked_sum("n", 6, 7) == 13);
  // In 128 bits, where nothing wraps.
  const std::vector<index_t> sizes{0,           1,           2,           3,           largest / 3, largest / 2,
                                   largest - 1, largest,     3037000499,  3037000500,  -1,          -largest - 1,
                                   1LL << 31,   1LL << 32,   (1LL << 62), 2305843009213693953};
  for (const index_t a : sizes)
    for (const index_t b : sizes) {
      CAPTURE(a);
      CAPTURE(b);
      __extension__ using wide = __int128;
      const bool negative = a < 0 || b < 0;
      if (!negative && wide(a) * wide(b) <= wide(largest)) CHECK(kdm::checked_product("n", a, b) == a * b);
      else CHECK_THROWS_AS(kdm::checked_product("n", a, b), kdm::shape_error);
      if (!negative && wide(a) + wide(b) <= wide(largest)) CHECK(kdm::checked_sum("n", a, b) == a + b);
      else CHECK_THROWS_AS(kdm::checked_sum("n", a, b), kdm::shape_error);
    }
  CHECK(message_of<kdm::shape_error>([] { kdm::checked_product("generate: rows", 2305843009213693953, 8); }) ==
        "generate: rows is 2305843009213693953 x 8, expected sizes of at least 0 and no more than "
        "9223372036854775807 of them");
  CHECK(message_of<kdm::shape_error>([] { kdm::checked_sum("rows", 1, -8); }).starts_with("rows is 1 + -8, expected"));
}

TEST_CASE("a manifest and a reshaped view refuse sizes that wrap") {
  kdm::manifest m;
  CHECK_THROWS_AS(m.add("w", 1LL << 32, 1LL << 32, 1, kdm::initializer::zeros), kdm::shape_error);
  CHECK(m.size() == 0);
  m.add("a", 1LL << 31, 1LL << 31, 1, kdm::initializer::zeros);
  m.add("b", 1LL << 31, (1LL << 31) - 1, 1, kdm::initializer::zeros);
  CHECK(message_of<kdm::shape_error>([&] { m.add("c", 1LL << 32, 1LL << 30, 1, kdm::initializer::zeros); })
            .starts_with("manifest: the number of weights is "));
  CHECK(m.entries().size() == 2);
  std::vector<float> four(4);
  CHECK_THROWS_AS(kdm::as_view(four, (1LL << 62) + 1, 4), kdm::shape_error);  // 4 modulo 2^64
}

TEST_CASE_TEMPLATE("only NaN and the infinities are not finite", T, float, double) {
  using limits = std::numeric_limits<T>;
  for (const T x : {T(0), T(-0.), T(1), limits::max(), limits::lowest(), limits::min(), limits::denorm_min(), T(-1.5)})
    CHECK(kdm::is_finite(x));
  const T infinity = limits::infinity();
  for (const T x : {infinity, -infinity, limits::quiet_NaN(), -limits::quiet_NaN(), limits::signaling_NaN()}) {
    CHECK_FALSE(kdm::is_finite(x));
    CHECK_FALSE(kdm::is_positive(x));
    CHECK_FALSE(kdm::is_not_negative(x));
  }
  CHECK(kdm::is_positive(limits::denorm_min()));
  CHECK_FALSE(kdm::is_positive(T(0)));
  CHECK(kdm::is_not_negative(T(0)));
  CHECK_FALSE(kdm::is_not_negative(T(-1)));
  static_assert(kdm::is_finite(limits::max()) && !kdm::is_finite(limits::infinity()));
}
