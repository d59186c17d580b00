/// A sequence of verbs that is issued again and again.
#pragma once

#include "kdm/core/backend.hpp"

namespace kdm {

namespace detail {
struct verbs_probe {
  void operator()() const {}
};
struct nothing_recorded {};
}  // namespace detail

/// B::recording and repeat(recording, f): issues the verbs of f, recording them at first and replaying the record
/// later. What a backend gains whose single verbs are dear to issue.
template <class B>
concept has_repeat = has_types<B> && requires { typename B::recording; } &&
                     requires(B& b, typename B::recording& r) { b.repeat(r, detail::verbs_probe{}); };

namespace detail {
template <class B>
struct recording_of {
  using type = nothing_recorded;
};
template <has_repeat B>
struct recording_of<B> {
  using type = typename B::recording;
};
}  // namespace detail

/// What a backend remembers of one sequence; empty, and replayed by none, for a backend without `repeat`.
template <backend B>
using recording = typename detail::recording_of<B>::type;

namespace ops {

/// f(), which issues verbs of b and does nothing else: no transfers, no memory, and nothing that a second call would
/// not do again. Every call with the same record issues the same verbs on the same memory in the same order; numbers
/// and functors passed by value may differ from call to call.
///
/// Example.   docs/writing_a_backend.md
template <backend B, class F>
void repeat(B& b, recording<B>& r, F f) {
  if constexpr (has_repeat<B>) b.repeat(r, f);
  else f();
}

}  // namespace ops
}  // namespace kdm
