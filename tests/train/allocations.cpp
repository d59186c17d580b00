// A training step and a push allocate nothing. Every way to the heap is counted: Eigen calls malloc, not operator new.
#include "heap_allocations.hpp"
#if !defined(KDM_TEST_HEAP_IS_TAKEN)
#include <doctest/doctest.h>

#include <type_traits>
#include <vector>

#include "kdm/koopman/generator.hpp"
#include "kdm/train/trainer.hpp"
#include "koopman/models.hpp"
#include "train/threads.hpp"

namespace {

using namespace kdm_test;
using kdm::reference_backend;
namespace terms = kdm::terms;

TEST_CASE("allocations: the counter sees every way to the heap") {
  void* volatile p = nullptr;
  CHECK(allocations_in([&] { p = std::malloc(10); }) == 1);
  CHECK(allocations_in([&] { p = std::realloc(p, 1000); }) == 1);
  std::free(p);
  CHECK(allocations_in([&] { p = std::calloc(10, 10); }) == 1);
  std::free(p);
  CHECK(allocations_in([&] { p = std::aligned_alloc(64, 640); }) == 1);
  std::free(p);
  void* q = nullptr;
  CHECK(allocations_in([&] { (void)!posix_memalign(&q, 64, 640); }) == 1);
  std::free(q);
  CHECK(allocations_in([&] { matrix<float> m(10, 10); }) == 1);
  CHECK(allocations_in([&] { std::vector<int> v(10); p = v.data(); }) == 1);
}

template <class B>
void check_allocations(index_t hidden, index_t latent) {
  using T = kdm::value_t<B>;
  CAPTURE(hidden);
  const auto xT = random_matrix<T>(300, 3, 1), x0 = random_matrix<T>(300, 2, 2);
  for (index_t batch : {64, 200}) {
    kdm::train_options o;
    o.batch = batch;
    o.clip_norm = batch == 64 ? 0.1 : 0;
    kdm::trainer t(kdm::distillation(small_model(true, 3, 2, latent, hidden),
                                     kdm::objective(0.4, terms::latent<>{}, terms::reconstruction<>{},
                                                    terms::prediction<kdm::distances::pseudo_huber>{})),
                   kdm::adam{}, o, xT.view(), x0.view(), B{});
    t.advance();
    CHECK(allocations_in([&] {
            for (int k = 0; k < 4; ++k) t.advance();
          }) == 0);
    const auto w = t.weights();
    kdm::generator<std::decay_t<decltype(t.model())>, B> g(t.model(), w.view());
    matrix<T> y(300, 2);
    CHECK(allocations_in([&] { g.push(xT.view(), y.view()); }) == 0);
  }
}

TEST_CASE("allocations: a step and a push allocate nothing") {
  SUBCASE("reference float") { check_allocations<reference_backend<float>>(20, 10); }
  SUBCASE("reference double") { check_allocations<reference_backend<double>>(20, 10); }
#if defined(EIGEN_DONT_PARALLELIZE)
  SUBCASE("eigen float") {
    for (index_t hidden : {5, 20, 128, 256}) check_allocations<kdm::eigen_backend<float>>(hidden, hidden / 2);
  }
  SUBCASE("eigen double") {
    for (index_t hidden : {5, 20, 128, 256}) check_allocations<kdm::eigen_backend<double>>(hidden, hidden / 2);
  }
#endif
}

TEST_CASE("allocations: many lanes allocate their memory before the first step") {
  const auto xT = random_matrix<float>(300, 3, 1), x0 = random_matrix<float>(300, 2, 2);
  kdm::train_options o;
  o.batch = 256;
  o.slices = {32, 0};
  const auto count = [&](auto e) {
    kdm::trainer t(kdm::distillation(small_model(), kdm::objective(0.4, terms::latent<>{}, terms::reconstruction<>{})),
                   kdm::adam{}, o, xT.view(), x0.view(), reference_backend<float>{}, e);
    t.advance();
    return allocations_in([&] { t.advance(); });
  };
  // What the test's executor takes for its own threads, counted without a trainer: two calls a step.
  const auto nothing = [](index_t, index_t, int) {};
  threads{3}.for_chunks(8, 1, nothing);
  const long own = allocations_in([&] { threads{3}.for_chunks(8, 1, nothing); });
  CHECK(count(threads{3}) == 2 * own);
}

}  // namespace
#endif
