/// What operators share whose matrix is formed from their weights at every pass.
#pragma once

#include <string_view>

#include "kdm/backend/reference.hpp"
#include "kdm/koopman/operator.hpp"

namespace kdm::detail {

/// z' = z A(w)': Derived::form writes A into frame.a, Derived::pull adds the gradient of the weights for frame.da.
///
/// A and its gradient are formed once for all rows of a pass, so their cost does not grow with the rows.
template <class Derived>
class formed_operator {
 public:
  index_t inputs() const { return latent_; }
  index_t outputs() const { return latent_; }
  index_t latent() const { return latent_; }
  bool takes_bias() const { return false; }

  template <backend B, class Frame>
  void forward(B& b, const_view_of<B> w, const_view_of<B> x, view_of<B> y, Frame& f) const {
    self().form(b, w, f);
    b.gemm(op::as_is, op::transposed, value_t<B>(1), x, f.a, value_t<B>(0), y);
  }

  template <backend B, class Frame>
  void backward(B& b, const_view_of<B> w, view_of<B> dw, const_view_of<B> x, const_view_of<B> /*y*/, view_of<B> dy,
                view_of<B> dx, value_t<B> keep, Frame& f) const {
    using T = value_t<B>;
    b.gemm(op::transposed, op::as_is, T(1), dy, x, T(0), f.da);
    if (dx) b.gemm(op::as_is, op::as_is, T(1), dy, f.a, keep, dx);
    self().pull(b, w, dw, f);
  }

  /// The matrix that the layer forms, in double.
  affine_map affine(const_view<double> w) const {
    require_size(concat(Derived::name, ": number of weights"), w.size(), self().size());
    using B = reference_backend<double>;
    B b;
    arena<B> memory(b);
    auto f = kdm::planned(memory, [&](arena<B>& a) { return self().plan(a, 1, pass::inference); });
    self().form(b, w, f);
    return {matrix<double>(f.a), matrix<double>(1, latent_)};
  }

 protected:
  explicit formed_operator(index_t latent) : latent_(latent) {
    if (latent < 1) fail<shape_error>(Derived::name, ": latent is ", latent, ", expected at least 1");
    checked_product(Derived::name, latent, latent);
  }

  void check(const affine_map& fit, const_view<double> w) const {
    require_size(concat(Derived::name, ": number of weights"), w.size(), self().size());
    require_size(concat(Derived::name, ": rows of the fitted matrix"), fit.a.rows(), latent_);
    require_size(concat(Derived::name, ": columns of the fitted matrix"), fit.a.cols(), latent_);
  }

 private:
  const Derived& self() const { return static_cast<const Derived&>(*this); }

  index_t latent_;
};

}  // namespace kdm::detail
