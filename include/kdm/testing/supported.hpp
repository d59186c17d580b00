/// Which operations a backend has of its own.
#pragma once

#include <string_view>
#include <vector>

#include "kdm/core/ops.hpp"
#include "kdm/core/repeat.hpp"
#include "kdm/math/activations.hpp"
#include "kdm/math/random.hpp"

namespace kdm::testing {

/// native: a member of the backend; partly: for some activations; derived: made of other verbs.
enum class support { native, partly, derived };

constexpr std::string_view name_of(support s) {
  constexpr std::string_view names[] = {"native", "partly", "derived"};
  return names[int(s)];
}

struct supported_operation {
  std::string_view name;
  support how;
};

namespace probes {
struct cell {
  KDM_HD void operator()(index_t /*i*/, index_t /*j*/) const {}
};

template <class B>
concept own_for_each_cell = requires(B& b, index_t n) { b.for_each_cell(n, n, cell{}); };
template <class B>
concept own_map = requires(B& b, view_of<B> y, const_view_of<B> x) {
  b.map(ops::take_first{}, y, x);
  b.map(ops::plus{}, y, x, x);
};
template <class B, class Act>
concept own_dense =
    requires(B& b, view_of<B> y, const_view_of<B> x, Act act) { b.dense(x, x, x, act, y, y); };
template <class B>
concept own_add_normal = requires(B& b, const random_table& table, index_t row, value_t<B> scale, const_view_of<B> x,
                                  view_of<B> y) { b.add_normal(table, row, scale, x, y); };

template <class B, class... Act>
constexpr support dense_of() {
  constexpr int own = (int(own_dense<B, Act>) + ...);
  return own == int(sizeof...(Act)) ? support::native : own > 0 ? support::partly : support::derived;
}
}  // namespace probes

/// The verbs, which every backend has, and the operations that it may overtake; found out while compiling.
template <backend B>
std::vector<supported_operation> supported_operations() {
  namespace act = activations;
  const auto own = [](bool has) { return has ? support::native : support::derived; };
  return {{"allocate, deallocate", own(has_memory<B>)},
          {"upload, download, synchronize", own(has_transfer<B>)},
          {"for_each", own(has_for_each<B>)},
          {"sum_rows", own(has_sum_rows<B>)},
          {"gemm", own(has_gemm<B>)},
          {"for_each_cell", own(probes::own_for_each_cell<B>)},
          {"map", own(probes::own_map<B>)},
          {"dense", probes::dense_of<B, act::identity, act::relu, act::leaky_relu, act::tanh, act::sigmoid, act::silu,
                                     act::gelu>()},
          {"add_normal", own(probes::own_add_normal<B>)},
          {"repeat", own(has_repeat<B>)}};
}

}  // namespace kdm::testing
