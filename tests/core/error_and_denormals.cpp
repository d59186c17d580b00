// Error texts, and flushing of denormal numbers.
#include <doctest/doctest.h>

#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include "kdm/core/denormals.hpp"
#include "kdm/core/error.hpp"
#include "support.hpp"

using kdm::concat;
using kdm_test::message_of;

TEST_CASE("strings and numbers are joined as people write them") {
  const std::string name = "x";
  CHECK(concat("tensor ", name, std::string_view(" has "), 3, " columns") == "tensor x has 3 columns");
  CHECK(concat() == "");
  CHECK(concat('a', '.', 'b') == "a.b");
  CHECK(concat(true, " ", false) == "true false");
  CHECK(concat(-7, " ", 7u, " ", std::numeric_limits<long long>::min()) == "-7 7 -9223372036854775808");
  CHECK(concat(std::numeric_limits<unsigned long long>::max()) == "18446744073709551615");
  CHECK(concat(static_cast<signed char>(5), " ", short(-2)) == "5 -2");
}

TEST_CASE("floating point numbers are written in their shortest exact form") {
  CHECK(concat(0.1) == "0.1");
  CHECK(concat(0.1f) == "0.1");
  CHECK(concat(1.0) == "1");
  CHECK(concat(1e300) == "1e+300");
  CHECK(concat(-2.5e-8) == "-2.5e-08");
  CHECK(concat(std::numeric_limits<double>::infinity()) == "inf");
  CHECK(concat(std::numeric_limits<double>::quiet_NaN()) == "nan");
  CHECK(concat(-std::numeric_limits<long double>::denorm_min()).size() > 4);
  for (double x : {1. / 3, 2.2250738585072014e-308, 6.02214076e23}) CHECK(std::stod(concat(x)) == x);
}

TEST_CASE("fail throws the error asked for with the joined text") {
  CHECK(message_of<kdm::option_error>([] { kdm::fail<kdm::option_error>("rate is ", -1.5, ", expected > 0"); }) ==
        "rate is -1.5, expected > 0");
  CHECK_THROWS_AS(kdm::fail<kdm::io_error>("a"), kdm::error);
  CHECK_THROWS_AS(kdm::fail<kdm::numeric_error>("a"), std::runtime_error);
  static_assert(!std::is_base_of_v<kdm::shape_error, kdm::option_error>);
}

TEST_CASE("require_size names what was found and what was expected") {
  CHECK_NOTHROW(kdm::require_size("columns of x", 3, 3));
  CHECK(message_of<kdm::shape_error>([] { kdm::require_size("columns of x", 4, 3); }) ==
        "columns of x is 4, expected 3");
}

#if defined(__x86_64__) || defined(__i386__)
TEST_CASE("denormals are flushed inside the scope and nowhere else") {
  const volatile float tiny = std::numeric_limits<float>::min();
  const volatile double small = std::numeric_limits<double>::denorm_min();
  const unsigned before = _mm_getcsr();
  {
    const kdm::flush_denormals outer;
    CHECK((_mm_getcsr() & 0x8040u) == 0x8040u);
    const volatile float half = tiny * 0.5f;
    const volatile double same = small * 1.5;
    // By bits: a comparison would take a denormal operand for zero.
    CHECK(std::bit_cast<std::uint32_t>(float(half)) == 0);
    CHECK(std::bit_cast<std::uint64_t>(double(same)) == 0);
    {
      const kdm::flush_denormals inner;
    }
    CHECK((_mm_getcsr() & 0x8040u) == 0x8040u);
  }
  CHECK((_mm_getcsr() & ~0x3fu) == (before & ~0x3fu));  // the lowest bits are sticky exception flags
  const volatile float half = tiny * 0.5f;
  CHECK(half > 0);
}

TEST_CASE("an exception restores the processor's mode") {
  const unsigned before = _mm_getcsr() & 0x8040u;
  try {
    const kdm::flush_denormals guard;
    kdm::fail<kdm::option_error>("out");
  } catch (const kdm::option_error&) {
  }
  CHECK((_mm_getcsr() & 0x8040u) == before);
}
#endif
