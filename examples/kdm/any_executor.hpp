/// One type for every executor, so that a choice made when the command starts compiles the code once.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "kdm/exec/executor.hpp"

namespace kdm_command {

using kdm::index_t;

/// An executor whose kind is known at run time only. Copies share it.
///
/// Cost.      two indirect calls a call and one a chunk; chunks are coarse.
class any_executor {
 public:
  template <kdm::executor E>
  explicit any_executor(E e)
      : lanes_(e.lanes()), executor_(std::make_shared<const E>(std::move(e))), run_(run<E>) {}

  int lanes() const { return lanes_; }

  template <class F>
  void for_chunks(index_t n, index_t grain, F&& f) const {
    using function = std::remove_reference_t<F>;
    function* const place = std::addressof(f);
    const auto call = [](const void* p, index_t first, index_t last, int lane) {
      (**static_cast<function* const*>(p))(first, last, lane);
    };
    run_(executor_.get(), n, grain, {&place, call});
  }

 private:
  struct chunk_function {
    const void* f;
    void (*call)(const void* f, index_t first, index_t last, int lane);
    void operator()(index_t first, index_t last, int lane) const { call(f, first, last, lane); }
  };

  template <class E>
  static void run(const void* e, index_t n, index_t grain, chunk_function f) {
    static_cast<const E*>(e)->for_chunks(n, grain, f);
  }

  int lanes_;
  std::shared_ptr<const void> executor_;
  void (*run_)(const void* e, index_t n, index_t grain, chunk_function f);
};

static_assert(kdm::executor<any_executor>);

}  // namespace kdm_command
