/// Runs a trained layer on host data of any length, in slices, on all lanes.
#pragma once

#include <algorithm>
#include <concepts>
#include <utility>
#include <vector>

#include "kdm/core/denormals.hpp"
#include "kdm/core/matrix.hpp"
#include "kdm/exec/lanes.hpp"
#include "kdm/nn/layer.hpp"

namespace kdm {

/// Rows that run at a time unless the caller says otherwise: what stays in a processor's cache, what fills a device.
template <backend B>
constexpr index_t default_slice() {
  return std::same_as<typename B::space, host_space> ? 256 : 65536;
}

/// A layer with its weights, ready to run: y = layer(x).
///
/// Memory is planned once, one inference frame a lane; a call allocates nothing, and any number of rows streams
/// through the same workspace. Not for concurrent calls: give every thread a runner of its own.
/// Shapes.    weights [1, layer.size()] (copied), x [n, inputs], y [n, outputs], on the host; y does not overlap x.
///            `slice` rows run at a time; 0 chooses default_slice.
/// Throws.    shape_error naming what does not fit; option_error for a negative slice, an executor without lanes or
///            with chunks beyond them, and a runner that has been moved from.
template <class L, backend B, executor E = serial>
  requires layer<L, B>
class runner {
  using T = value_t<B>;
  static constexpr bool on_host = std::same_as<typename B::space, host_space>;

 public:
  runner(L l, const_view<T> weights, B b = {}, E e = {}, index_t slice = 0)
      : layer_(std::move(l)), executor_(std::move(e)), slice_(slice != 0 ? slice : default_slice<B>()), shared_(b) {
    require_size("runner: rows of weights", weights.rows, 1);
    require_size("runner: number of weights", weights.size(), layer_.size());
    if (slice < 0) fail<option_error>("runner: slice is ", slice, " rows, expected 0 (chosen) or more");
    w_ = kdm::planned(shared_, [&](arena<B>& a) { return a.take(1, layer_.size()); });
    b.upload(weights, w_);
    b.synchronize();
    const int lanes = detail::count_lanes_of<B>("runner", executor_);
    for (int k = 0; k < lanes; ++k) lanes_.emplace_back(b, layer_, slice_);
  }

  const L& layer() const { return layer_; }
  const E& executor() const { return executor_; }

  void operator()(const_view<T> x, view<T> y) {
    require_size("runner: columns of x", x.cols, layer_.inputs());
    require_size("runner: rows of y", y.rows, x.rows);
    for_slices(y, [&](lane& l, index_t first, view<T> out) {
      const const_view<T> in = x.row_range(first, out.rows);
      if constexpr (on_host) {
        l.forward(layer_, w_, in, out);
      } else {
        l.b.upload(in, l.f.x.row_range(0, out.rows));
        l.forward(layer_, w_, l.f.x.row_range(0, out.rows), out);
      }
    });
  }

  matrix<T> operator()(const_view<T> x) {
    matrix<T> y(x.rows, layer_.outputs());
    (*this)(x, y.view());
    return y;
  }

  /// y = layer(x) where fill(b, first, rows) writes rows first .. of x in the backend's memory: no x on the host.
  template <class Fill>
  void filled(Fill fill, view<T> y) {
    for_slices(y, [&](lane& l, index_t first, view<T> out) {
      const view_of<B> in = l.f.x.row_range(0, out.rows);
      fill(l.b, first, in);
      l.forward(layer_, w_, in, out);
    });
  }

 private:
  struct buffers {
    typename L::template frame<B> frame;
    view_of<B> x;
    view_of<B> y;  // only where the device cannot write host memory
  };

  struct lane {
    lane(B backend, const L& l, index_t slice) : b(backend), memory(backend) {
      f = kdm::planned(memory, [&](arena<B>& a) {
        auto frame = l.plan(a, slice, pass::inference);
        const view_of<B> x = a.take(slice, l.inputs());
        return buffers{std::move(frame), x, on_host ? view_of<B>{} : a.take(slice, l.outputs())};
      });
    }

    void forward(const L& l, const_view_of<B> w, const_view_of<B> x, view<T> y) {
      if constexpr (on_host) {
        l.forward(b, w, x, y, f.frame);
      } else {
        const view_of<B> out = f.y.row_range(0, y.rows);
        l.forward(b, w, x, out, f.frame);
        b.download(out, y);
        b.synchronize();
      }
    }

    B b;
    arena<B> memory;
    buffers f;
  };

  /// f(lane, first, y) for every slice of y, its first row being row `first` of all.
  template <class F>
  void for_slices(view<T> y, F f) {
    require_size("runner: columns of y", y.cols, layer_.outputs());
    if (lanes_.empty()) fail<option_error>("runner: used after its memory was moved to another");
    const int lanes = int(lanes_.size());
    detail::for_lanes_of<B>("runner", executor_, lanes, y.rows, slice_, [&](index_t first, index_t last, int k) {
      const flush_denormals guard;
      f(lanes_[std::size_t(k)], first, y.row_range(first, last - first));
    });
  }

  L layer_;
  E executor_;
  index_t slice_;
  arena<B> shared_;
  view_of<B> w_;
  std::vector<lane> lanes_;
};

}  // namespace kdm
