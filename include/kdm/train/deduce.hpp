/// The backend of a trainer that was given none.
#pragma once

#include <concepts>
#include <type_traits>

#include "kdm/backend/reference.hpp"
#include "kdm/core/as_view.hpp"
#include "kdm/train/trainer.hpp"
#if defined(__GNUC__) && !defined(__CUDACC__)
#include "kdm/backend/native.hpp"
#endif

namespace kdm {

namespace detail {

/// `native` where the compiler has the vector extensions that it is made of.
#if defined(__GNUC__) && !defined(__CUDACC__)
template <class T>
using default_backend = native_backend<T>;
#else
template <class T>
using default_backend = reference_backend<T>;
#endif

/// float for a view or matrix of float.
template <class X>
using number_in = std::remove_const_t<typename decltype(kdm::as_view(std::declval<const X&>()))::value_type>;

}  // namespace detail

/// trainer{distillation{model, loss}, rule, options, xT, x0}, in the numbers of xT.
template <class Model, class Objective, class Rule, viewable X, class Y>
  requires std::convertible_to<const X&, const_view<detail::number_in<X>>>
trainer(distillation<Model, Objective>, Rule, train_options, const X&, const Y&)
    -> trainer<Model, Objective, Rule, detail::default_backend<detail::number_in<X>>>;

}  // namespace kdm
