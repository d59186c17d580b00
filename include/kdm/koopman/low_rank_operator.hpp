/// The low-rank operator: two thin products.
#pragma once

#include <cmath>
#include <string>

#include "kdm/koopman/host_algebra.hpp"
#include "kdm/koopman/operator.hpp"

namespace kdm {

/// z' = z A' + c with A = L R of rank `rank` at most, with or without the bias c.
///
/// Shapes.    z [n, latent]. Weights: R [rank, latent], L [latent, rank], then c. Tensors "right.weight",
///            "left.weight", "left.bias": those of two torch.nn.Linear.
/// Cost.      4 n latent rank flops against 2 n latent^2: cheaper from half the dimension down. A frame holds n rank
///            numbers, twice for training.
/// Gradient.  exact: dL = dz'' (z R'), dR = (dz' L)' z.
/// Throws.    shape_error for a rank below 1 or above latent.
class low_rank_operator {
 public:
  low_rank_operator(index_t latent, index_t rank, bool bias = true, initializer init = initializer::pytorch)
      : right_(latent, checked(latent, rank), {}, false, init), left_(rank, latent, {}, bias, init) {}

  index_t inputs() const { return right_.inputs(); }
  index_t outputs() const { return left_.outputs(); }
  index_t size() const { return right_.size() + left_.size(); }
  index_t latent() const { return right_.inputs(); }
  index_t rank() const { return right_.outputs(); }
  bool takes_bias() const { return left_.has_bias(); }
  std::string text() const {
    return concat("low_rank_operator ", latent(), ", rank ", rank(), takes_bias() ? "" : ", without bias");
  }

  void describe(manifest& m, std::string_view prefix) const {
    right_.describe(m, join_name(prefix, "right"));
    left_.describe(m, join_name(prefix, "left"));
  }

  template <backend B>
  struct frame {
    dense_layer<>::frame<B> none;
    view_of<B> middle, dmiddle;
  };

  template <backend B>
  frame<B> plan(arena<B>& a, index_t n, pass p) const {
    frame<B> f;
    f.middle = a.take(n, rank());
    if (p == pass::training) f.dmiddle = a.take(n, rank());
    return f;
  }

  template <backend B>
  void forward(B& b, const_view_of<B> w, const_view_of<B> x, view_of<B> y, frame<B>& f) const {
    const view_of<B> middle = f.middle.row_range(0, x.rows);
    right_.forward(b, right(w), x, middle, f.none);
    left_.forward(b, left(w), const_view_of<B>(middle), y, f.none);
  }

  template <backend B>
  void backward(B& b, const_view_of<B> w, view_of<B> dw, const_view_of<B> x, const_view_of<B> y, view_of<B> dy,
                view_of<B> dx, value_t<B> keep, frame<B>& f, bool afresh = false) const {
    const const_view_of<B> middle = f.middle.row_range(0, x.rows);
    const view_of<B> dmiddle = f.dmiddle.row_range(0, x.rows);
    left_.backward(b, left(w), left(dw), middle, y, dy, dmiddle, value_t<B>(0), f.none, afresh);
    right_.backward(b, right(w), right(dw), x, middle, dmiddle, dx, keep, f.none, afresh);
  }

  affine_map affine(const_view<double> w) const {
    require_size("low_rank_operator: number of weights", w.size(), size());
    affine_map map{detail::host::times(matrix<double>(left_.weight(left(w))), matrix<double>(right_.weight(right(w)))),
                   matrix<double>(1, latent())};
    if (takes_bias()) map.c = matrix<double>(left_.bias(left(w)));
    return map;
  }

  /// Sets the matrix of rank `rank` that is nearest to the fit, in the 2-norm and the Frobenius norm: its singular
  /// value decomposition cut off, the root of each singular value on either side. The bias is the fit's.
  ///
  /// Throws.    shape_error when the fit has another dimension, numeric_error when it is not finite.
  /// Source.    Eckart, Young 1936, "The approximation of one matrix by another of lower rank", Psychometrika 1
  void assign(const affine_map& fit, view<double> w) const {
    require_size("low_rank_operator: number of weights", w.size(), size());
    require_size("low_rank_operator: rows of the fitted matrix", fit.a.rows(), latent());
    require_size("low_rank_operator: columns of the fitted matrix", fit.a.cols(), latent());
    if (takes_bias()) require_size("low_rank_operator: entries of the fitted bias", fit.c.size(), latent());
    detail::host::require_finite_fit("low_rank_operator", fit.a);
    const detail::host::singular_values f = detail::host::decompose(fit.a);
    const view<double> r = right_.weight(right(w)), l = left_.weight(left(w));
    for (index_t k = 0; k < rank(); ++k) {
      const double root = std::sqrt(f.s[std::size_t(k)]);
      for (index_t j = 0; j < latent(); ++j) {
        r(k, j) = root * f.v(k, j);
        l(j, k) = root * f.u(k, j);
      }
    }
    if (!takes_bias()) return;
    for (index_t k = 0; k < latent(); ++k) left_.bias(left(w)).p[k] = fit.c.data()[k];
  }

 private:
  static index_t checked(index_t latent, index_t rank) {
    if (rank < 1 || rank > latent)
      fail<shape_error>("low_rank_operator: rank is ", rank, ", expected 1 to ", latent, ", the latent dimension");
    return rank;
  }

  template <class T, class Space>
  view<T, Space> right(view<T, Space> w) const {
    return w.col_range(0, right_.size());
  }
  template <class T, class Space>
  view<T, Space> left(view<T, Space> w) const {
    return w.col_range(right_.size(), left_.size());
  }

  dense_layer<> right_, left_;
};

}  // namespace kdm
