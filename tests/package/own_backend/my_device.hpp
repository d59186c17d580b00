#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "my_backend.hpp"

// A queue and one thread that works it off in order: what a device's stream does.
class my_stream {
 public:
  my_stream() : worker_([this] { work(); }) {}
  ~my_stream() {
    push({});  // the end
    worker_.join();
  }

  void push(std::function<void()> verb) {
    const std::lock_guard lock(guard_);
    queue_.push_back(std::move(verb));
    ++waiting_;
    changed_.notify_all();
  }

  void wait() {
    std::unique_lock lock(guard_);
    changed_.wait(lock, [this] { return waiting_ == 0; });
  }

 private:
  void work() {
    std::vector<std::function<void()>> batch;
    while (true) {
      std::unique_lock lock(guard_);
      waiting_ -= batch.size();
      batch.clear();
      changed_.notify_all();
      changed_.wait(lock, [this] { return !queue_.empty(); });
      batch.swap(queue_);
      lock.unlock();
      for (const auto& verb : batch) {
        if (!verb) return;
        verb();
      }
    }
  }

  std::mutex guard_;
  std::condition_variable changed_;
  std::vector<std::function<void()>> queue_;
  std::size_t waiting_ = 0;  // verbs that have not ended
  std::thread worker_;       // the last member: it starts when the others are there
};

struct my_space {};

template <std::floating_point T>
class my_device {
 public:
  using value_type = T;
  using space = my_space;
  using to = kdm::view<T, my_space>;
  using from = kdm::view<const T, my_space>;

  T* allocate(kdm::index_t n) {
    return static_cast<T*>(::operator new(std::size_t(n) * sizeof(T), std::align_val_t(kdm::alignment)));
  }
  void deallocate(T* p, kdm::index_t) {
    stream_->push([p] { ::operator delete(p, std::align_val_t(kdm::alignment)); });
  }

  void upload(kdm::const_view<T> x, to y) {
    stream_->push([=] { my_backend<T>{}.upload(x, near(y)); });
  }
  void download(from x, kdm::view<T> y) {
    stream_->push([=] { my_backend<T>{}.download(near(x), y); });
  }
  void synchronize() { stream_->wait(); }

  template <class Kernel>
  void for_each(kdm::index_t n, Kernel kernel) {
    stream_->push([=] { my_backend<T>{}.for_each(n, kernel); });
  }

  template <class F, class... X>
  void sum_rows(F f, T keep, to y, X... x) {
    stream_->push([=] { my_backend<T>{}.sum_rows(f, keep, near(y), near(x)...); });
  }

  void gemm(kdm::op ta, kdm::op tb, T a, from x, from y, T keep, to z) {
    stream_->push([=] { my_backend<T>{}.gemm(ta, tb, a, near(x), near(y), keep, near(z)); });
  }

 protected:
  // The device's memory, seen from its own thread.
  template <class U>
  static kdm::view<U> near(kdm::view<U, my_space> x) {
    return {x.p, x.rows, x.cols, x.ld};
  }

  std::shared_ptr<my_stream> stream_ = std::make_shared<my_stream>();  // shared by all copies
};
static_assert(kdm::backend<my_device<float>> && kdm::backend<my_device<double>>);
