/// The conformance suite: what every backend must do, to be run on a backend of your own.
#pragma once

#include <concepts>
#include <utility>

#include "kdm/testing/comparison.hpp"
#include "kdm/testing/elementwise.hpp"
#include "kdm/testing/layers.hpp"
#include "kdm/testing/memory.hpp"
#include "kdm/testing/operations.hpp"
#include "kdm/testing/overtaking.hpp"
#include "kdm/testing/products.hpp"
#include "kdm/testing/report.hpp"
#include "kdm/testing/supported.hpp"
#include "kdm/testing/table.hpp"
#include "kdm/testing/training.hpp"
#include "kdm/testing/verbs.hpp"

namespace kdm::testing {

/// Runs everything: verbs and operations against loops in long double, layers, objective and training against the
/// reference backend. Run it in float and in double, where the backend has both.
///
/// Data go through upload and download alone and kernels are plain functors, so the memory may be a device's.
/// Example.   int main() {
///              const auto report = kdm::testing::check_backend(my_backend<float>{});
///              std::cout << report;
///              return report.passed() ? 0 : 1;
///            }
template <backend B>
conformance_report check_backend(B b = {}, conformance_options options = {}) {
  constexpr bool single = std::same_as<value_t<B>, float>, on_host = std::same_as<typename B::space, host_space>;
  conformance_report report(concat("kdm conformance: ", single ? "float" : "double", " in ",
                                   on_host ? "host memory" : "a memory space of its own"),
                            std::move(options));
  report.run([&](conformance_report& r) { testing::check_memory(b, r); });
  report.run([&](conformance_report& r) { testing::check_transfers(b, r); });
  report.run([&](conformance_report& r) { testing::check_for_each(b, r); });
  report.run([&](conformance_report& r) { testing::check_sum_rows(b, r); });
  report.run([&](conformance_report& r) { testing::check_gemm(b, r); });
  report.run([&](conformance_report& r) { testing::check_for_each_cell(b, r); });
  report.run([&](conformance_report& r) { testing::check_map(b, r); });
  report.run([&](conformance_report& r) { testing::check_sums(b, r); });
  report.run([&](conformance_report& r) { testing::check_dense(b, r); });
  report.run([&](conformance_report& r) { testing::check_add_normal(b, r); });
  report.run([&](conformance_report& r) { testing::check_overtaken(b, r); });
  report.run([&](conformance_report& r) { testing::check_repeat(b, r); });
  report.run([&](conformance_report& r) { testing::check_layers(b, r); });
  report.run([&](conformance_report& r) { testing::check_operator(b, r); });
  report.run([&](conformance_report& r) { testing::check_objective(b, r); });
  report.run([&](conformance_report& r) { testing::check_training(b, r); });
  return report;
}

}  // namespace kdm::testing
