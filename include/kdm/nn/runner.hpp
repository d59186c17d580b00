/// Runs a trained layer on host data of any length, in slices, on all lanes.
#pragma once

#include <algorithm>
#include <concepts>
#include <utility>
#include <vector>

#include "kdm/core/denormals.hpp"
#include "kdm/core/matrix.hpp"
#include "kdm/exec/serial.hpp"
#include "kdm/nn/layer.hpp"

namespace kdm {

/// A layer with its weights, ready to run: y = layer(x).
///
/// Memory is planned once, one inference frame a lane; a call allocates nothing, and any number of rows streams
/// through the same workspace. Not for concurrent calls: give every thread a runner of its own.
/// Shapes.    weights [1, layer.size()] (copied), x [n, inputs], y [n, outputs], on the host; y does not overlap x.
/// Throws.    shape_error naming what does not fit; option_error for a slice below one row.
template <class L, backend B, executor E = serial>
  requires layer<L, B>
class runner {
  using T = value_t<B>;
  static constexpr bool on_host = std::same_as<typename B::space, host_space>;

 public:
  runner(L l, const_view<T> weights, B b = {}, E e = {}, index_t slice = 256)
      : layer_(std::move(l)), executor_(std::move(e)), slice_(slice), shared_(b) {
    require_size("runner: rows of weights", weights.rows, 1);
    require_size("runner: number of weights", weights.size(), layer_.size());
    if (slice < 1) fail<option_error>("runner: slice is ", slice, " rows, expected at least 1");
    w_ = planned(shared_, [&](arena<B>& a) { return a.take(1, layer_.size()); });
    b.upload(weights, w_);
    b.synchronize();
    for (int k = 0; k < executor_.lanes(); ++k) lanes_.emplace_back(b, layer_, slice_);
  }

  const L& layer() const { return layer_; }
  const E& executor() const { return executor_; }

  void operator()(const_view<T> x, view<T> y) {
    require_size("runner: columns of x", x.cols, layer_.inputs());
    require_size("runner: columns of y", y.cols, layer_.outputs());
    require_size("runner: rows of y", y.rows, x.rows);
    executor_.for_chunks(x.rows, slice_, [&](index_t first, index_t last, int k) {
      const flush_denormals guard;
      lanes_[std::size_t(k)].run(layer_, w_, x.row_range(first, last - first), y.row_range(first, last - first));
    });
  }

  matrix<T> operator()(const_view<T> x) {
    matrix<T> y(x.rows, layer_.outputs());
    (*this)(x, y.view());
    return y;
  }

 private:
  struct buffers {
    typename L::template frame<B> frame;
    view_of<B> x, y;  // only where the device cannot read host memory
  };

  struct lane {
    lane(B backend, const L& l, index_t slice) : b(backend), memory(backend) {
      f = planned(memory, [&](arena<B>& a) {
        auto frame = l.plan(a, slice, pass::inference);
        if constexpr (on_host) return buffers{std::move(frame), {}, {}};
        else return buffers{std::move(frame), a.take(slice, l.inputs()), a.take(slice, l.outputs())};
      });
    }

    void run(const L& l, const_view_of<B> w, const_view<T> x, view<T> y) {
      if constexpr (on_host) {
        l.forward(b, w, x, y, f.frame);
      } else {
        const view_of<B> dx = f.x.row_range(0, x.rows), dy = f.y.row_range(0, x.rows);
        b.upload(x, dx);
        l.forward(b, w, const_view_of<B>(dx), dy, f.frame);
        b.download(dy, y);
        b.synchronize();
      }
    }

    B b;
    arena<B> memory;
    buffers f;
  };

  L layer_;
  E executor_;
  index_t slice_;
  arena<B> shared_;
  view_of<B> w_;
  std::vector<lane> lanes_;
};

}  // namespace kdm
