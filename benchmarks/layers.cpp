// The published student: its parts, forward and backward, the whole training step, and its one-step push. One
// thread.
//   benchmark_layers [--benchmark_filter=native] [--benchmark_repetitions=5]
#include <string>
#include <utility>

#include "kdm/backend/eigen.hpp"
#include "kdm/backend/native.hpp"
#include "kdm/exec/serial.hpp"
#include "kdm/koopman/block_diagonal_operator.hpp"
#include "kdm/koopman/eigen_operator.hpp"
#include "kdm/koopman/freeze.hpp"
#include "kdm/koopman/generator.hpp"
#include "kdm/koopman/generator_operator.hpp"
#include "kdm/koopman/low_rank_operator.hpp"
#include "kdm/koopman/orthogonal_operator.hpp"
#include "kdm/nn/initialize.hpp"
#include "limits.hpp"
#include "student.hpp"
#include "training.hpp"

namespace {

using namespace kdm_benchmark;
using benchmark::State;

constexpr index_t rows = 256;    // of a slice: what the trainer hands to a layer at a time
constexpr index_t latent = 256;  // and the width of every hidden layer

/// What one row costs on the way forward and on the way back, and what the matrix of a layer costs that forms it.
struct layer_work {
  work forward, backward;
};

/// Products with every matrix of the layer's weights: one on the way forward, two on the way back.
template <class L>
layer_work products_of(const L& l) {
  double flops = 0;
  for (const auto& e : kdm::manifest_of(l))
    if (!e.is_bias()) flops += 2. * rows * double(e.size());
  return {{.flops = flops}, {.flops = 2 * flops}};
}

/// A product with a matrix that takes so many times latent^3 to form, and to differentiate.
layer_work formed(double form, double pull) {
  const double cube = double(latent) * latent * latent, flops = 2. * rows * latent * latent;
  return {{.flops = flops + form * cube}, {.flops = 2 * flops + pull * cube}};
}

/// Of a step from noise to data. The weights of a single one come through the caches for it alone.
work push_work(index_t batch) {
  const double weights = sizeof(float) * double(student().step().size());
  return {.flops = sample_flops() * double(batch), .bytes = batch == 1 ? weights : 0};
}

/// Samples a second beside the rates.
template <kdm::backend B, class F>
void measure_samples(State& s, index_t batch, const work& w, F f) {
  measure_rate<B>(s, w, f);
  s.SetItemsProcessed(s.iterations() * batch);
}

/// Layers on backend B, under the name `name`.
template <kdm::backend B>
class layers {
  using view = kdm::view_of<B>;
  using const_view = kdm::const_view_of<B>;

 public:
  explicit layers(std::string name) : name_(std::move(name)) {}

  void add() const {
    add_product_limit<B>(name_);
    const student_model model = student();
    add_products("linear", kdm::dense_layer(latent, latent));
    add_products("encoder", model.encoder_noise);
    add_products("decoder", model.decoder);
    add_products("low_rank_operator_32", kdm::low_rank_operator(latent, 32));
    const double numbers = sizeof(float) * double(rows * latent);
    add_layer("block_diagonal_operator", kdm::block_diagonal_operator(latent),
              {{.bytes = 2 * numbers}, {.bytes = 3 * numbers}});
    add_layer("orthogonal_operator", kdm::orthogonal_operator(latent), formed(6, 10));
    add_layer("eigen_operator", kdm::eigen_operator(latent), formed(10, 18));
    add_layer("generator_operator", kdm::generator_operator(latent), {});
    for (const index_t batch : {512, 4096}) add_batch("distillation_step", batch, distillation_step);
    for (const index_t batch : {index_t(1), index_t(64), rows, index_t(4096)}) add_batch("push", batch, push);
    add_batch("sample", 4096, sample);
  }

 private:
  template <class L>
  struct frame_of {
    typename L::template frame<B> inner;
    view w, dw, x, y, dy, dx;
  };

  template <class L>
  void add_products(const std::string& what, const L& l) const {
    add_layer(what, l, products_of(l));
  }
  void add_batch(const std::string& what, index_t batch, void (*body)(State&, index_t)) const {
    benchmark::RegisterBenchmark(kdm::concat(what, '/', batch, '/', name_).c_str(),
                                 [=](State& s) { body(s, batch); });
  }
  template <class L>
  void add_layer(const std::string& what, const L& l, const layer_work& cost) const {
    for (const bool back : {false, true})
      benchmark::RegisterBenchmark((what + (back ? "/backward/" : "/forward/") + name_).c_str(),
                                   [=](State& s) { run(s, l, back, back ? cost.backward : cost.forward); });
  }

  template <class L>
  static void run(State& s, const L& l, bool back, const work& cost) {
    B b;
    kdm::arena<B> memory(b);
    auto f = kdm::planned(memory, [&](kdm::arena<B>& a) {
      return frame_of<L>{l.plan(a, rows, kdm::pass::training),
                         a.take(1, l.size()),
                         a.take(1, l.size()),
                         a.take(rows, l.inputs()),
                         a.take(rows, l.outputs()),
                         a.take(rows, l.outputs()),
                         a.take(rows, l.inputs())};
    });
    b.upload(kdm::initial_weights<float>(kdm::manifest_of(l), 1).view(), f.w);
    kdm::ops::fill(b, 0.f, f.dw);
    kdm::fill_normals(kdm::random_table{1}, 0, f.x);
    kdm::fill_normals(kdm::random_table{2}, 0, f.dy);
    const auto forward = [&] { l.forward(b, const_view(f.w), const_view(f.x), f.y, f.inner); };
    forward();
    if (!back) return measure_rate<B>(s, cost, forward);
    // dy may be overwritten, with ever smaller numbers; those that get too small are flushed to zero, at no cost.
    measure_rate<B>(s, cost, [&] {
      l.backward(b, const_view(f.w), f.dw, const_view(f.x), const_view(f.y), f.dy, f.dx, 0.f, f.inner);
    });
  }

  /// Forward pass, losses, backward pass, Adam and the moving average, every time for another batch.
  static void distillation_step(State& s, index_t batch) {
    auto train = trainer_on({.batch = batch}, B{}, kdm::serial{});
    measure_rate<B>(s, {.flops = step_flops() * double(batch)}, [&] { train.advance(); });
  }

  static auto one_step() {
    return kdm::generator(student(), kdm::const_view<float>(student_weights({}).view()), 1, B{});
  }
  /// One step from noise to data.
  static void push(State& s, index_t batch) {
    auto run = one_step();
    const kdm::matrix<float> x_T = run.noise(batch, 1);
    kdm::matrix<float> x_0(batch, 2);
    measure_samples<B>(s, batch, push_work(batch), [&] { run.push(x_T.view(), x_0.view()); });
  }
  /// The same with the drawing of the noise, of another seed every time.
  static void sample(State& s, index_t batch) {
    auto run = one_step();
    kdm::matrix<float> x_0(batch, 2);
    std::uint64_t seed = 0;
    measure_samples<B>(s, batch, push_work(batch), [&] { run.sample(++seed, 0, x_0.view()); });
  }

  std::string name_;
};

/// One step for one sample in a frozen student: no backend, packed weights, the operator folded into the decoder.
/// Its rates are those of what it does, which is less.
void push_frozen(State& s) {
  const kdm::frozen_parts<float> parts = kdm::freeze(student(), student_weights({}).view());
  kdm::frozen_model<float> model(parts);
  kdm::matrix<float> x_T(1, 2), x_0(1, 2);
  kdm::fill_normals(kdm::random_table{1}, 0, x_T.view());
  work w{.bytes = sizeof(float) * double(parts.weights.size())};
  for (const kdm::frozen_layer& l : parts.layers) w.flops += 2. * double(l.inputs) * double(l.outputs);
  measure_samples<kdm::native_backend<float>>(s, 1, w, [&] { model.push(x_T.view(), x_0.view()); });
}

}  // namespace

int main(int argc, char** argv) {
  return run_benchmarks(argc, argv, [] {
    layers<kdm::native_backend<float>>("native").add();
    layers<kdm::eigen_backend<float>>("eigen").add();
    benchmark::RegisterBenchmark("push/1/frozen", push_frozen);
  });
}
