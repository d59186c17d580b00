// Repeated sequences of verbs: plain calls, unless the backend records.
#include "kdm/core/repeat.hpp"

#include <doctest/doctest.h>

#include <concepts>

#include "kdm/backend/reference.hpp"

namespace {

/// Counts what it is asked to repeat.
struct recorder : kdm::reference_backend<float> {
  struct recording {
    int runs = 0;
  };
  template <class F>
  void repeat(recording& r, F f) {
    ++r.runs;
    f();
  }
};
/// Has a member `repeat` that is something else.
struct other_repeat : kdm::reference_backend<float> {
  void repeat(int) {}
};

}  // namespace

TEST_CASE("a backend without repeat issues the verbs") {
  kdm::reference_backend<float> b;
  kdm::recording<kdm::reference_backend<float>> r;
  int calls = 0;
  kdm::ops::repeat(b, r, [&] { ++calls; });
  kdm::ops::repeat(b, r, [&] { ++calls; });
  CHECK(calls == 2);
  static_assert(!kdm::has_repeat<kdm::reference_backend<float>> && !kdm::has_repeat<other_repeat>);
}

TEST_CASE("a backend with repeat takes over") {
  static_assert(kdm::has_repeat<recorder> && std::same_as<kdm::recording<recorder>, recorder::recording>);
  recorder b;
  kdm::recording<recorder> r;
  int calls = 0;
  kdm::ops::repeat(b, r, [&] { ++calls; });
  CHECK(r.runs == 1);
  CHECK(calls == 1);
}
