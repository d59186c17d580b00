// A backend and a layer of a user whose namespace has functions with the names of the library's own.
#include <doctest/doctest.h>

#include <concepts>

#include "kdm/backend/reference.hpp"
#include "kdm/koopman/generator.hpp"
#include "kdm/koopman/terms.hpp"
#include "kdm/nn/residual.hpp"
#include "kdm/train/train.hpp"
#include "koopman/models.hpp"

namespace hostile {

using kdm::index_t;

// Without for_each_cell, map and dense of its own, so that everything goes through the derived operations.
struct backend {
  using value_type = float;
  using space = kdm::host_space;
  kdm::reference_backend<float> inner;

  float* allocate(index_t n) { return inner.allocate(n); }
  void deallocate(float* p, index_t n) { inner.deallocate(p, n); }
  void upload(kdm::const_view<float> x, kdm::view<float> y) { inner.upload(x, y); }
  void download(kdm::const_view<float> x, kdm::view<float> y) { inner.download(x, y); }
  void synchronize() {}
  template <class Kernel>
  void for_each(index_t n, Kernel kernel) {
    inner.for_each(n, kernel);
  }
  template <class F, class... X>
  void sum_rows(F f, float keep, kdm::view<float> y, X... x) {
    inner.sum_rows(f, keep, y, x...);
  }
  void gemm(kdm::op ta, kdm::op tb, float a, kdm::const_view<float> x, kdm::const_view<float> w, float keep,
            kdm::view<float> y) {
    inner.gemm(ta, tb, a, x, w, keep, y);
  }
};

struct layer : kdm::dense_layer<kdm::activations::silu> {
  layer(index_t inputs, index_t outputs) : dense_layer(inputs, outputs, kdm::activations::silu{}) {}
};

// Each takes the call from the library where the library lets it: chosen or ambiguous, either does not compile.
#define KDM_TEST_HOSTILE(name)        \
  template <class... A>               \
  void name(backend&, A&&...) = delete; \
  template <class L, class... A>      \
  void name(L&&, backend&, A&&...) = delete;
KDM_TEST_HOSTILE(for_each_cell)
KDM_TEST_HOSTILE(map)
KDM_TEST_HOSTILE(copy)
KDM_TEST_HOSTILE(fill)
KDM_TEST_HOSTILE(axpy)
KDM_TEST_HOSTILE(multiply)
KDM_TEST_HOSTILE(sum)
KDM_TEST_HOSTILE(dot)
KDM_TEST_HOSTILE(dense)
KDM_TEST_HOSTILE(add_normal)
KDM_TEST_HOSTILE(repeat)
KDM_TEST_HOSTILE(gather_pairs)
KDM_TEST_HOSTILE(update_weights)
KDM_TEST_HOSTILE(run_backward)
KDM_TEST_HOSTILE(mean_distance)
#undef KDM_TEST_HOSTILE

template <class... A>
void planned(kdm::arena<backend>&, A&&...) = delete;
template <std::derived_from<layer> L, class... A>
void manifest_of(const L&, A&&...) = delete;
template <std::derived_from<layer> L, class... A>
void initial_weights(const L&, A&&...) = delete;
template <class B, class E>
void lanes_of(const E&) = delete;

}  // namespace hostile

TEST_CASE("functions in the namespace of a backend or a layer are not taken for the library's own") {
  using namespace kdm;
  matrix<float> xT(50, 3), x0(50, 2);
  for (index_t i = 0; i < xT.size(); ++i) xT.data()[i] = float(i % 7) / 7;
  for (index_t i = 0; i < x0.size(); ++i) x0.data()[i] = float(i % 5) / 5;
  const koopman_model model{sequential{hostile::layer(3, 4)}, hostile::layer(2, 4), linear_operator(4),
                            sequential{residual(hostile::layer(4, 4)), dense_layer(4, 2)}};
  const objective loss{0.1, terms::latent<>{}, terms::reconstruction<>{}, terms::prediction<>{}};
  const train_options options{.steps = 5, .batch = 20, .clip_norm = 0.1};
  const auto train = [&](auto backend) {
    trainer t{distillation{model, loss}, adam{}, options, xT.view(), x0.view(), backend};
    t.run();
    generator g(t.model(), t.average().view(), 1, backend);
    return g.sample(3, 7);
  };
  const matrix<float> found = train(hostile::backend{}), expected = train(reference_backend<float>{});
  for (index_t i = 0; i < found.size(); ++i) CHECK(found.data()[i] == doctest::Approx(expected.data()[i]).epsilon(1e-5));
}
