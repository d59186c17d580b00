/// A trained student frozen for sampling inside another program: weights packed once, pushes that cannot fail.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "kdm/core/denormals.hpp"
#include "kdm/core/error.hpp"
#include "kdm/core/finite.hpp"
#include "kdm/core/matrix.hpp"
#include "kdm/koopman/packed_dense.hpp"
#include "kdm/koopman/prior.hpp"
#include "kdm/math/activations.hpp"
#include "kdm/math/random.hpp"

namespace kdm {

/// One layer y = act(x W' + c) of a frozen chain, in a form that a constant can hold.
struct frozen_layer {
  index_t inputs = 0, outputs = 0;
  char activation[32] = "identity";  ///< the activation's `name`
  double parameter = 0;              ///< leaky_relu's slope, otherwise unused

  std::string_view activation_name() const {
    return {activation, std::size_t(std::find(activation, activation + sizeof activation, '\0') - activation)};
  }
};

/// A student as freeze() makes it and files hold it.
///
/// Shapes.    weights [1, size]: for each layer W [outputs, inputs], then c [1, outputs].
template <class T>
struct frozen_parts {
  std::vector<frozen_layer> layers;
  matrix<T> weights;
  normal_prior prior = {};
};

/// A student compiled into the program, as the header that `kdm export` writes. Mean and factor are those of its
/// normal_prior, row after row.
struct compiled_student {
  std::span<const frozen_layer> layers;
  std::span<const float> weights;
  double prior_scale = 1;
  std::span<const double> prior_mean = {}, prior_factor = {};
  bool prior_known = true;

  normal_prior prior() const {
    if (!prior_known) return normal_prior::unknown();
    normal_prior p(prior_scale);
    const index_t d = layers.empty() ? 0 : layers.front().inputs, size = index_t(prior_factor.size());
    p.mean = matrix<double>(const_view<double>{prior_mean.data(), 1, index_t(prior_mean.size())});
    const index_t rows = d > 1 && size == d * d ? d : 1;
    p.factor = matrix<double>(const_view<double>{prior_factor.data(), rows, size / rows});
    return p;
  }
};

/// A chain of dense layers ready to sample: x_0 = student(x_T), by its own small kernels, on the caller's thread.
///
/// push and sample are noexcept and allocate nothing. Arguments of wrong sizes are the caller's mistake: require_fit
/// throws for them, and the noexcept members end the program with its message.
/// Shapes.    x_T [n, noise_dimension], x_0 [n, data_dimension], any n in constant memory. Row i of x_0 depends on row
///            i of x_T alone, to the bit.
/// Threads.   The const members work in a workspace of the caller, one for each thread; the others in the model's own.
/// Throws.    the constructors: shape_error, option_error naming the layer.
/// Example.   examples/embedded_sampler.cpp
template <class T, class... OwnActivations>
class frozen_model {
 public:
  /// The memory of a push. From make_workspace() of the model, or of one with the same layers.
  class workspace {
    friend frozen_model;
    explicit workspace(index_t size) : memory_(1, size) {}
    matrix<T> memory_;
  };

  /// Activations are those of the library and OwnActivations (default-constructed), found by name.
  template <class U>
  frozen_model(std::span<const frozen_layer> layers, const_view<U> weights, normal_prior prior = {})
      : prior_(std::move(prior)), scratch_(0) {
    plan(layers);
    prior_.template require_usable<T>("frozen_model", noise_dimension());
    require_size("frozen_model: rows of the weights", weights.rows, 1);
    require_size("frozen_model: number of weights", weights.size(), size_);
    pack(weights);
    scratch_ = make_workspace();
  }

  template <class U>
  explicit frozen_model(const frozen_parts<U>& parts)
      : frozen_model(parts.layers, parts.weights.view(), parts.prior) {}

  explicit frozen_model(const compiled_student& s)
      : frozen_model(s.layers, const_view<float>{s.weights.data(), 1, index_t(s.weights.size())}, s.prior()) {}

  index_t noise_dimension() const noexcept { return layers_.front().inputs; }
  index_t data_dimension() const noexcept { return layers_.back().outputs; }
  const normal_prior& prior() const noexcept { return prior_; }
  /// Number of weights, and layers that are left after folding.
  index_t size() const noexcept { return size_; }
  index_t layers() const noexcept { return index_t(layers_.size()); }
  /// Bytes of the packed weights; a workspace takes workspace_bytes() more.
  index_t bytes() const noexcept { return block_.size() * index_t(sizeof(T)); }
  index_t workspace_bytes() const noexcept { return workspace_size() * index_t(sizeof(T)); }

  workspace make_workspace() const { return workspace(workspace_size()); }

  /// One step for given noise.
  void push(const_view<T> x_T, view<T> x_0) noexcept { push(x_T, x_0, scratch_); }
  void push(const_view<T> x_T, view<T> x_0, workspace& w) const noexcept {
    require_fit(x_T, x_0);
    in_slices(x_0, w, [&](index_t first, index_t n) { return x_T.row_range(first, n); });
  }

  /// Samples first, first + 1, ... of a seed into the rows of x_0: those of generator::sample, up to rounding. A student
  /// of an unknown prior has none: it pushes.
  void sample(std::uint64_t seed, index_t first, view<T> x_0) noexcept { sample(seed, first, x_0, scratch_); }
  void sample(std::uint64_t seed, index_t first, view<T> x_0, workspace& w) const noexcept {
    if (first < 0) fail<option_error>("frozen_model: the first sample is ", first, ", expected 0 or more");
    if (!prior_.known)
      fail<option_error>("frozen_model: the noise is of no known distribution: push noise, expected a normal prior");
    require_size("frozen_model: columns of x_0", x_0.cols, data_dimension());
    const random_table prior{seed, streams::prior};
    in_slices(x_0, w, [&](index_t row, index_t n) {
      const view<T> x{w.memory_.data() + 2 * slice_ * widest_, n, noise_dimension()};
      kdm::fill_normals(prior, first + row, x);
      prior_.shape(x);
      return const_view<T>(x);
    });
  }

  /// Throws.    shape_error naming what push would not take.
  void require_fit(const_view<T> x_T, const_view<T> x_0) const {
    require_size("frozen_model: columns of x_T", x_T.cols, noise_dimension());
    require_size("frozen_model: columns of x_0", x_0.cols, data_dimension());
    require_size("frozen_model: rows of x_0", x_0.rows, x_T.rows);
  }

 private:
  using activation_t = std::variant<activations::identity, activations::relu, activations::leaky_relu,
                                    activations::tanh, activations::sigmoid, activations::silu, activations::gelu,
                                    OwnActivations...>;

  struct layer {
    index_t inputs, outputs;
    activation_t act;
    index_t panels, bias;  ///< where they begin in the block
  };

  static activation_t activation_of(const frozen_layer& l, std::size_t number) {
    const std::string_view name = l.activation_name();
    activation_t found;
    bool known = false;
    const auto offer = [&]<class Act>(Act act) {
      if (known || name != Act::name) return;
      found = act;
      known = true;
    };
    offer(activations::identity{}), offer(activations::relu{}), offer(activations::leaky_relu{l.parameter});
    offer(activations::tanh{}), offer(activations::sigmoid{}), offer(activations::silu{}), offer(activations::gelu{});
    (offer(OwnActivations{}), ...);
    if (!known) fail<option_error>("frozen_model: layer ", number, " has the unknown activation '", name, "'");
    return found;
  }

  void plan(std::span<const frozen_layer> layers) {
    if (layers.empty()) fail<shape_error>("frozen_model: no layers, expected at least 1");
    constexpr index_t most = index_t(1) << 24;  // so that no product of two sizes overflows
    index_t used = 0;
    for (std::size_t k = 0; k < layers.size(); ++k) {
      const frozen_layer& l = layers[k];
      if (l.inputs < 1 || l.outputs < 1 || l.inputs > most || l.outputs > most)
        fail<shape_error>("frozen_model: layer ", k, " has ", l.inputs, " inputs and ", l.outputs,
                          " outputs, expected 1 to ", most, " of each");
      if (!is_finite(l.parameter))
        fail<option_error>("frozen_model: layer ", k, " has the parameter ", l.parameter, ", expected a finite number");
      if (k > 0 && l.inputs != layers[k - 1].outputs)
        fail<shape_error>("frozen_model: layer ", k - 1, " has ", layers[k - 1].outputs, " outputs, layer ", k,
                          " expects ", l.inputs);
      const index_t bias = used + detail::packed_size<T>(l.inputs, l.outputs);
      layers_.push_back({l.inputs, l.outputs, activation_of(l, k), used, bias});
      used = bias + detail::padded<T>(l.outputs);
      used = (used + line - 1) / line * line;
      size_ += (l.inputs + 1) * l.outputs;
      if (k + 1 < layers.size()) widest_ = std::max(widest_, (l.outputs + line - 1) / line * line);
    }
    packed_size_ = used;
    // Two slices of activations beside the panel that is being read.
    const index_t tiles = (index_t(1) << 17) / index_t(sizeof(T)) / (std::max(widest_, line) * detail::tile_rows);
    slice_ = std::clamp<index_t>(tiles, 1, 32) * detail::tile_rows;
  }

  template <class U>
  void pack(const_view<U> weights) {
    block_ = matrix<T>(1, packed_size_);
    const U* from = weights.p;
    for (const layer& l : layers_) {
      detail::pack(const_view<U>{from, l.outputs, l.inputs}, block_.data() + l.panels);
      from += l.outputs * l.inputs;
      for (index_t j = 0; j < l.outputs; ++j) block_.data()[l.bias + j] = static_cast<T>(*from++);
    }
  }

  index_t workspace_size() const { return slice_ * (2 * widest_ + noise_dimension()); }

  /// input(first, n): rows first .. of x_T.
  template <class Input>
  void in_slices(view<T> x_0, workspace& w, Input input) const {
    require_size("frozen_model: numbers in the workspace", w.memory_.size(), workspace_size());
    const flush_denormals guard;
    for (index_t first = 0; first < x_0.rows; first += slice_) {
      const index_t n = std::min(slice_, x_0.rows - first);
      const_view<T> x = input(first, n);
      for (std::size_t k = 0; k < layers_.size(); ++k) {
        const layer& l = layers_[k];
        const view<T> between{w.memory_.data() + index_t(k % 2) * slice_ * widest_, n, l.outputs, widest_};
        const view<T> y = k + 1 == layers_.size() ? x_0.row_range(first, n) : between;
        const auto finish = [&l](T* z, index_t count) {
          std::visit([&](const auto& act) { apply(act, z, count); }, l.act);
        };
        detail::packed_dense(x, block_.data() + l.panels, block_.data() + l.bias, finish, y);
        x = y;
      }
    }
  }

  template <class Act>
  static void apply(const Act& act, T* z, index_t count) {
    if constexpr (!is_identity<Act>) {
      constexpr index_t lanes = detail::lanes_of_register<T>;
      for (index_t k = 0; k < count; k += lanes)
        for (index_t j = 0; j < lanes; ++j) z[k + j] = act(z[k + j]).value;
    }
  }

  static constexpr index_t line = index_t(alignment / sizeof(T));

  std::vector<layer> layers_;
  index_t size_ = 0, packed_size_ = 0, widest_ = 0, slice_ = 0;
  normal_prior prior_;
  matrix<T> block_;
  workspace scratch_;
};

template <class U>
frozen_model(const frozen_parts<U>&) -> frozen_model<U>;

}  // namespace kdm
