// What training spends its time in, one kernel a line: products, dense layers, the update, reductions. One thread.
//   benchmark_kernels [--benchmark_filter=native] [--benchmark_repetitions=5]
#include <string>

#include "kdm/backend/eigen.hpp"
#include "kdm/backend/native.hpp"
#include "kdm/nn/dense.hpp"
#include "kdm/train/update.hpp"
#include "limits.hpp"
#include "student.hpp"

namespace {

using namespace kdm_benchmark;
using benchmark::State;

constexpr index_t rows = 256;  // of a slice: what the trainer hands to a layer at a time

/// kernels of backend B, under the name `name`.
template <kdm::backend B>
class kernels {
  using view = kdm::view_of<B>;
  using const_view = kdm::const_view_of<B>;

 public:
  explicit kernels(std::string name) : name_(std::move(name)) {}

  void add() const {
    add_product_limit<B>(name_);
    for (const index_t width : {64, 128, 256, 512}) add_products(width, width);
    add_products(2, 256);
    add_products(256, 2);
    add("dense_silu/sampling", [](State& s) { dense(s, kdm::pass::inference); });
    add("dense_silu/forward", [](State& s) { dense(s, kdm::pass::training); });
    add("dense_silu/backward", dense_backward);
    const index_t all = student().size();
    for (const index_t n : {index_t(8192), all})  // what the trainer updates at a time, and all weights
      for (const bool clip : {false, true})
        add(kdm::concat(clip ? "clip_adam_average/" : "adam_average/", n), [=](State& s) { update(s, n, clip); });
    add("sum_rows/256x256", [](State& s) { sum_rows(s, rows, 256); });
    add("sum_rows/8x8192", [](State& s) { sum_rows(s, 8, 8192); });
    add(kdm::concat("sum_rows/8x", all), [all](State& s) { sum_rows(s, 8, all); });
    add("squared_norm/64x128", [](State& s) { squared_norm(s, 64, 128); });
  }

 private:
  template <class Run>
  void add(const std::string& kernel, Run run) const {
    benchmark::RegisterBenchmark((kernel + "/" + name_).c_str(), run);
  }

  /// The three products of a layer: y = x W', dx = dz W, dW = dz' x.
  void add_products(index_t in, index_t out) const {
    add_product("NT", {.m = rows, .n = out, .k = in, .transpose_b = true});
    add_product("NN", {.m = rows, .n = in, .k = out});
    add_product("TN", {.m = out, .n = in, .k = rows, .transpose_a = true});
  }
  void add_product(const char* form, const request& r) const {
    add(kdm::concat("gemm_", form, "/", r.m, "x", r.n, "x", r.k), [r](State& s) {
      product_lane<B> lane(r);
      measure_rate<B>(s, {.flops = product_flops(r)}, [&] { lane.run(); });
    });
  }

  static void fill(view x) { kdm::fill_normals(kdm::random_table{std::uint64_t(x.size())}, 0, x); }

  using layer = kdm::dense_layer<kdm::activations::silu>;
  struct layer_frame {
    layer::frame<B> inner;
    view w, dw, x, y, dy, dx;
  };
  static layer_frame plan(kdm::arena<B>& memory, const layer& l, kdm::pass p) {
    const auto f = kdm::planned(memory, [&](kdm::arena<B>& a) {
      return layer_frame{l.plan(a, rows, p),       a.take(1, l.size()),       a.take(1, l.size()),
                         a.take(rows, l.inputs()), a.take(rows, l.outputs()), a.take(rows, l.outputs()),
                         a.take(rows, l.inputs())};
    });
    for (const view v : {f.w, f.dw, f.x, f.dy}) fill(v);
    return f;
  }

  /// Product, bias and activation; for training also the slopes.
  static void dense(State& s, kdm::pass p) {
    const layer l(256, 256);
    B b;
    kdm::arena<B> memory(b);
    layer_frame f = plan(memory, l, p);
    measure_rate<B>(s, {.flops = 2. * rows * 256 * 256},
                    [&] { l.forward(b, const_view(f.w), const_view(f.x), f.y, f.inner); });
  }

  static void dense_backward(State& s) {
    const layer l(256, 256);
    B b;
    kdm::arena<B> memory(b);
    layer_frame f = plan(memory, l, kdm::pass::training);
    kdm::ops::fill(b, 1.f, f.inner.slope);  // dy is overwritten with dy times these: it stays what it is
    measure_rate<B>(s, {.flops = 4. * rows * 256 * 256}, [&] {
      l.backward(b, const_view(f.w), f.dw, const_view(f.x), const_view(f.y), f.dy, f.dx, 0.f, f.inner);
    });
  }

  /// Adam and the moving average, and clipping before them, in one pass: five arrays are read, four of them
  /// written.
  static void update(State& s, index_t n, bool clip) {
    struct views {
      view norm, g, w, average, slots;
    };
    B b;
    kdm::arena<B> memory(b);
    const views f = kdm::planned(memory, [&](kdm::arena<B>& a) {
      return views{a.take(1, 1), a.take(1, n), a.take(1, n), a.take(1, n), a.take(kdm::adam::slots, n)};
    });
    for (const view v : {f.g, f.w, f.average}) fill(v);
    kdm::ops::fill(b, 1.f, f.slots);
    kdm::ops::fill(b, 2.f, f.norm);
    index_t step = 0;
    measure_rate<B>(s, {.bytes = 9. * sizeof(float) * double(n)}, [&] {
      kdm::update_weights(b, kdm::adam{}, ++step, 3e-4f, 0.999f, 1.f, clip ? const_view(f.norm) : const_view(),
                          const_view(f.g), f.w, f.average, f.slots);
    });
  }

  static void sum_rows(State& s, index_t height, index_t width) {
    B b;
    kdm::arena<B> memory(b);
    const auto [x, y] = kdm::planned(memory, [&](kdm::arena<B>& a) {
      return std::pair{a.take(height, width), a.take(1, width)};
    });
    fill(x);
    measure_rate<B>(s, {.bytes = sizeof(float) * double(x.size())},
                    [&, x = x, y = y] { b.sum_rows(kdm::ops::take_first{}, 0.f, y, const_view(x)); });
  }

  static void squared_norm(State& s, index_t height, index_t width) {
    struct views {
      view x, out, scratch;
    };
    B b;
    kdm::arena<B> memory(b);
    const views f = kdm::planned(memory, [&](kdm::arena<B>& a) {
      return views{a.take(height, width), a.take(1, 1), a.take(1, width)};
    });
    fill(f.x);
    measure_rate<B>(s, {.bytes = sizeof(float) * double(f.x.size())},
                    [&] { kdm::ops::dot(b, const_view(f.x), const_view(f.x), f.out, f.scratch); });
  }

  std::string name_;
};

}  // namespace

int main(int argc, char** argv) {
  return run_benchmarks(argc, argv, [] {
    kernels<kdm::native_backend<float>>("native").add();
    kernels<kdm::eigen_backend<float>>("eigen").add();
  });
}
