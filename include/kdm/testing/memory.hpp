/// Checks of a backend's memory and transfers.
#pragma once

#include <cstdint>
#include <string>

#include "kdm/testing/table.hpp"

namespace kdm::testing {

/// allocate: on a 64-byte boundary, and blocks that do not overlap.
template <backend B>
void check_memory(B b, conformance_report& r) {
  using T = value_t<B>;
  r.begin("memory");
  constexpr index_t counts[] = {1, 3, 64, 1000};
  for (const index_t n : counts) {
    T* const p = b.allocate(n);
    T* const q = b.allocate(n);
    const auto first = reinterpret_cast<std::uintptr_t>(p), second = reinterpret_cast<std::uintptr_t>(q);
    r.check(first % alignment == 0 && second % alignment == 0, "allocate(", n, "): addresses ", first % alignment,
            " and ", second % alignment, " bytes past a boundary of ", alignment, " bytes, expected 0");
    const std::uintptr_t bytes = std::uintptr_t(n) * sizeof(T);
    r.check(first + bytes <= second || second + bytes <= first, "allocate(", n, "): two blocks overlap");
    b.deallocate(p, n);
    b.deallocate(q, n);
  }
}

/// upload, download: any strides on both sides, nothing beside the rows is written.
template <backend B>
void check_transfers(B b, conformance_report& r) {
  using T = value_t<B>;
  r.begin("transfers");
  for (const sizes& s : odd_sizes)
    for (const index_t padding : {0, 3}) {
      const std::string where = " of " + words(s) + padded(padding);
      const matrix<T> x = normal_matrix<T>(s.rows, s.cols, 1);
      matrix<T> host(s.rows + 1, s.cols + 2);
      const view<T> inside = host.view().row_range(0, s.rows).col_range(1, s.cols);
      const auto edges_are = [&](T value) {
        for (index_t i = 0; i < s.rows; ++i)
          if (host(i, 0) != value || host(i, s.cols + 1) != value) return false;
        return true;
      };

      table<B> there(b, s.rows, s.cols, not_a_number<T>, padding);
      b.upload(const_view<T>(x.view()), there.view());
      expect_equal(r, "upload" + where, there, x);
      b.upload(const_view<T>(inside), there.view());
      expect_equal(r, "upload from strided rows" + where, there, matrix<T>(s.rows, s.cols));

      const table<B> source(b, x, padding);
      b.download(source.read(), inside);
      b.synchronize();
      expect_equal(r, "download to strided rows" + where, matrix<T>(inside), x);
      r.check(edges_are(T(0)), "download to strided rows", where, ": wrote beside the rows");
    }
}

}  // namespace kdm::testing
