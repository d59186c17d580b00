#pragma once

#include "kdm/core/ops.hpp"
#include "my_device.hpp"

template <std::floating_point T>
class my_faster_device : public my_device<T> {
 public:
  using typename my_device<T>::to, typename my_device<T>::from;

  template <class Kernel>
  void for_each_cell(kdm::index_t rows, kdm::index_t cols, Kernel kernel) {
    this->stream_->push([=] { my_backend<T>{}.for_each_cell(rows, cols, kernel); });
  }

  template <class Act>
  void dense(from x, from weight, from c, Act act, to y, to slope) {
    this->stream_->push([=] {
      my_backend<T> processor;
      kdm::ops::dense(processor, near(x), near(weight), near(c), act, near(y), near(slope));
    });
  }

 protected:
  using my_device<T>::near;
};
static_assert(kdm::backend<my_faster_device<float>>);
