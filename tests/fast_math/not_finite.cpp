// This executable is compiled with -ffast-math: numbers that are not finite are found all the same.
#include <doctest/doctest.h>

#include <bit>
#include <cstdint>
#include <limits>

#include "kdm/backend/reference.hpp"
#include "kdm/core/representable.hpp"
#include "kdm/koopman/terms.hpp"
#include "kdm/train/train.hpp"
#include "koopman/models.hpp"

#if !defined(__FINITE_MATH_ONLY__) || !__FINITE_MATH_ONLY__
#error "compile this file with -ffast-math"
#endif

namespace {

using namespace kdm_test;

// From their bits, at run time: the compiler believes that there are none.
template <class T>
T of_bits(std::uint64_t bits) {
  const volatile std::uint64_t wide = bits;
  if constexpr (sizeof(T) == 4) return std::bit_cast<float>(std::uint32_t(std::uint64_t(wide)));
  else return std::bit_cast<double>(std::uint64_t(wide));
}
template <class T>
T infinity() {
  return of_bits<T>(sizeof(T) == 4 ? 0x7f800000u : 0x7ff0000000000000u);
}
template <class T>
T not_a_number() {
  return of_bits<T>(sizeof(T) == 4 ? 0x7fc00000u : 0x7ff8000000000000u);
}

template <class T>
void train(kdm::train_options o, double data = 1) {
  matrix<T> xT(64, 3), x0(64, 2);
  for (index_t i = 0; i < x0.size(); ++i) x0.data()[i] = T(data);
  o.batch = 64;
  kdm::trainer t{kdm::distillation{small_model(), kdm::objective{0., kdm::terms::prediction<>{}}}, kdm::adam{}, o,
                 xT.view(), x0.view(), kdm::reference_backend<T>{}};
  t.run();
}

}  // namespace

TEST_CASE_TEMPLATE("is_finite sees infinities and NaN under -ffast-math", T, float, double) {
  CHECK(kdm::is_finite(T(1)));
  CHECK_FALSE(kdm::is_finite(infinity<T>()));
  CHECK_FALSE(kdm::is_finite(-infinity<T>()));
  CHECK_FALSE(kdm::is_finite(not_a_number<T>()));
  CHECK_FALSE(kdm::is_positive(infinity<T>()));
  CHECK_FALSE(kdm::is_not_negative(not_a_number<T>()));
  // What arithmetic makes, which the compiler takes for finite.
  const volatile T large = std::numeric_limits<T>::max();
  const T product = large * large;
  CHECK_FALSE(kdm::is_finite(product));
  matrix<T> x(3, 40);
  CHECK(kdm::first_not_finite(x.view()) == -1);
  x(1, 7) = not_a_number<T>();
  CHECK(kdm::first_not_finite(x.view()) == 47);
}

TEST_CASE_TEMPLATE("a trainer refuses options and stops at losses that are not finite under -ffast-math", T, float, double) {
  CHECK_NOTHROW(train<T>({.steps = 2}));
  for (const double bad : {infinity<double>(), not_a_number<double>()}) {
    CHECK_THROWS_AS(train<T>({.steps = 1, .learning_rate = bad}), kdm::option_error);
    CHECK_THROWS_AS(train<T>({.steps = 1, .clip_norm = bad}), kdm::option_error);
    CHECK_THROWS_AS(train<T>({.steps = 1, .average = {bad}}), kdm::option_error);
    CHECK_THROWS_AS(train<T>({.steps = 1, .schedule = [bad](index_t, index_t) { return bad; }}), kdm::numeric_error);
    CHECK_THROWS_AS(train<T>({.steps = 1}, bad), kdm::numeric_error);
    CHECK_THROWS_AS(train<T>({.steps = 1, .clip_norm = 1}, bad), kdm::numeric_error);
  }
}
