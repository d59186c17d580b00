/// A model's architecture as text: which layers stand where, of which sizes, with which activations.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

#include "kdm/core/print.hpp"
#include "kdm/core/weights.hpp"
#include "kdm/nn/layer.hpp"

namespace kdm {

namespace detail {

/// for_each_layer(f): layers in order, whose tensors are numbered.
template <class L>
concept has_layers = requires(const L& l) { l.for_each_layer([](const auto&) {}); };

/// for_each_part(f): f(name, part), whose tensors stand under the part's name, or under the whole's where it is empty.
template <class L>
concept has_parts = requires(const L& l) { l.for_each_part([](std::string_view, const auto&) {}); };

template <class L>
void write_architecture(const L& l, std::string_view prefix, std::string& to) {
  const auto line = [&](const auto&... what) {
    to += concat(to.empty() ? "" : "\n", prefix, prefix.empty() ? "" : ": ", what...);
  };
  if constexpr (has_text<L>) line(std::string(l.text()));
  if constexpr (has_layers<L>) {
    index_t k = 0;
    l.for_each_layer([&](const auto& part) { write_architecture(part, join_name(prefix, concat(k++)), to); });
  } else if constexpr (has_parts<L>) {
    l.for_each_part([&](std::string_view name, const auto& part) {
      write_architecture(part, name.empty() ? std::string(prefix) : join_name(prefix, name), to);
    });
  } else if constexpr (!has_text<L>) {
    line(index_t(l.inputs()), " -> ", index_t(l.outputs()), ", a layer of ", index_t(l.size()), " weights");
  }
}

}  // namespace detail

/// One line a layer, by the names under which its tensors stand: "decoder.0: dense_layer 64 -> 2, silu". A stack and a
/// sequential of the same layers read the same. A layer of your own says more than its sizes by a member text().
///
/// Example.   std::cout << kdm::architecture(model) << '\n';
template <class Model>
std::string architecture(const Model& model) {
  std::string text;
  detail::write_architecture(model, "", text);
  return text;
}

/// std::cout << model
template <class Traits, class L>
  requires(detail::has_layers<L> || detail::has_parts<L>) && (!has_text<L>)
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out, const L& model) {
  return out << architecture(model);
}

}  // namespace kdm
