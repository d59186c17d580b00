// The conformance suite as a doctest check, and a backend's column of docs/backend_matrix.md.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <type_traits>

#include "kdm/testing/conformance.hpp"

namespace kdm_test {

/// Runs the whole suite; a failure prints the report.
template <kdm::backend B>
void check_conforms(B b, const kdm::testing::conformance_options& options = {}) {
  if (options.allocations) {  // the counter counts
    const long before = options.allocations();
    void* volatile p = std::malloc(1);
    CHECK(options.allocations() == before + 1);
    std::free(p);
  }
  const auto report = kdm::testing::check_backend(b, options);
  std::ostringstream text;
  text << report;
  INFO(text.str());
  CHECK(report.passed());
}

/// What a backend has of its own, an operation a line.
template <kdm::backend B>
std::string column_of() {
  std::string lines = "memory|";
  lines += std::is_same_v<typename B::space, kdm::host_space> ? "host" : "its own";
  for (const auto& o : kdm::testing::supported_operations<B>())
    lines += kdm::concat('\n', o.name, '|', kdm::testing::name_of(o.how));
  return lines + '\n';
}

/// Writes that column to the file named by the environment variable KDM_BACKEND_COLUMN (see matrix.cmake).
template <kdm::backend Single, kdm::backend Double>
void check_column() {
  const std::string column = column_of<Single>();
  CHECK(column == column_of<Double>());
  CHECK(column.find("\ngemm|native\n") != std::string::npos);
  if (const char* file = std::getenv("KDM_BACKEND_COLUMN")) {
    std::ofstream out(file);
    out << column;
    CHECK(out.good());
  }
}

}  // namespace kdm_test
