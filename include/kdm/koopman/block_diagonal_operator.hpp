/// The block-diagonal operator: damped rotations of pairs of latents, at a cost of O(latent).
#pragma once

#include "kdm/koopman/damping.hpp"
#include "kdm/koopman/operator.hpp"

namespace kdm {

namespace detail {

/// First and second number of a pair, turned by a + i b.
struct turned_first {
  template <class T>
  KDM_HD T operator()(T x, T y, T a, T b) const {
    return a * x - b * y;
  }
};
struct turned_second {
  template <class T>
  KDM_HD T operator()(T x, T y, T a, T b) const {
    return b * x + a * y;
  }
};

/// The same for gradients, which turn the other way, added to keep times what was there.
template <class T>
struct returned_first {
  T keep;
  KDM_HD T operator()(T dx, T x, T y, T a, T b) const { return keep * dx + a * x + b * y; }
  KDM_HD T operator()(T x, T y, T a, T b) const { return a * x + b * y; }
};
template <class T>
struct returned_second {
  T keep;
  KDM_HD T operator()(T dy, T x, T y, T a, T b) const { return keep * dy + a * y - b * x; }
  KDM_HD T operator()(T x, T y, T a, T b) const { return a * y - b * x; }
};
template <class T>
struct returned_real {
  T keep;
  KDM_HD T operator()(T dx, T x, T r) const { return keep * dx + r * x; }
};

/// Gradients of a and b at one pair of one row.
struct pair_real_gradient {
  template <class T>
  KDM_HD T operator()(T x, T y, T dx, T dy) const {
    return x * dx + y * dy;
  }
};
struct pair_imaginary_gradient {
  template <class T>
  KDM_HD T operator()(T x, T y, T dx, T dy) const {
    return x * dy - y * dx;
  }
};

}  // namespace detail

/// Each pair of latents turns and shrinks, lambda = exp(-exp(nu) +- i theta); the others are scaled by tanh(rho).
///
/// Pair k is column k and column pairs + k; the real eigenvalues come last. Any real matrix inside the unit disc with
/// distinct eigenvalues, as many of them real, is this one after a change of basis of the latent space, and a linear
/// last layer of the encoders with a linear first layer of the decoder can learn that change: the cheapest operator
/// loses little. A pair cannot become two different real eigenvalues: choose `reals` where the dynamics relaxes.
/// Shapes.    z [n, latent]. Weights: "nu" and "theta" [pairs], "rho" [reals], latent numbers in all.
/// Cost.      3 n latent flops, one pass over z.
/// Gradient.  exact; d lambda = lambda (-exp(nu) dnu + i dtheta).
/// Throws.    shape_error for latent below 1; option_error where latent - reals is negative or odd.
/// Source.    Orvieto et al. 2023, "Resurrecting recurrent neural networks for long sequences", ICML (nu and theta)
class block_diagonal_operator {
 public:
  /// One real eigenvalue where latent is odd, otherwise none.
  explicit block_diagonal_operator(index_t latent) : block_diagonal_operator(latent, latent % 2) {}

  block_diagonal_operator(index_t latent, index_t reals) : pairs_((latent - reals) / 2), reals_(reals) {
    if (latent < 1) fail<shape_error>("block_diagonal_operator: latent is ", latent, ", expected at least 1");
    if (reals < 0 || reals > latent || (latent - reals) % 2 != 0)
      fail<option_error>("block_diagonal_operator: reals is ", reals, ", expected 0 to ", latent,
                         " with an even number left for pairs");
  }

  index_t inputs() const { return latent(); }
  index_t outputs() const { return latent(); }
  index_t size() const { return latent(); }
  index_t latent() const { return 2 * pairs_ + reals_; }
  index_t pairs() const { return pairs_; }
  index_t reals() const { return reals_; }
  bool takes_bias() const { return false; }

  std::string text() const {
    return concat("block_diagonal_operator ", latent(), ", ", reals(), " real eigenvalues");
  }

  void describe(manifest& m, std::string_view prefix) const {
    if (pairs_ > 0) m.add(join_name(prefix, "nu"), 1, pairs_, 1, initializer::pytorch);
    if (pairs_ > 0) m.add(join_name(prefix, "theta"), 1, pairs_, 1, initializer::pytorch);
    if (reals_ > 0) m.add(join_name(prefix, "rho"), 1, reals_, 1, initializer::pytorch);
  }

  template <backend B>
  struct frame {
    view_of<B> a, b, r, da, db, dr;
  };

  template <backend B>
  frame<B> plan(arena<B>& memory, index_t /*n*/, pass p) const {
    frame<B> f;
    for (view_of<B>* v : {&f.a, &f.b, &f.da, &f.db})
      if (p == pass::training || v == &f.a || v == &f.b) *v = memory.take(1, pairs_);
    for (view_of<B>* v : {&f.r, &f.dr})
      if (p == pass::training || v == &f.r) *v = memory.take(1, reals_);
    return f;
  }

  template <backend B>
  void forward(B& b, const_view_of<B> w, const_view_of<B> x, view_of<B> y, frame<B>& f) const {
    if (pairs_ > 0) {
      ops::map(b, detail::damped_real{}, f.a, nu(w), theta(w));
      ops::map(b, detail::damped_imaginary{}, f.b, nu(w), theta(w));
      ops::map(b, detail::turned_first{}, first(y), first(x), second(x), f.a, f.b);
      ops::map(b, detail::turned_second{}, second(y), first(x), second(x), f.a, f.b);
    }
    if (reals_ > 0) {
      ops::map(b, detail::squashed{}, f.r, rho(w));
      ops::map(b, ops::product{}, last(y), last(x), f.r);
    }
  }

  template <backend B>
  void backward(B& b, const_view_of<B> w, view_of<B> dw, const_view_of<B> x, const_view_of<B> /*y*/, view_of<B> dy,
                view_of<B> dx, value_t<B> keep, frame<B>& f) const {
    using T = value_t<B>;
    const const_view_of<B> d = dy;
    if (pairs_ > 0) {
      b.sum_rows(detail::pair_real_gradient{}, T(0), f.da, first(x), second(x), first(d), second(d));
      b.sum_rows(detail::pair_imaginary_gradient{}, T(0), f.db, first(x), second(x), first(d), second(d));
      ops::map(b, detail::pull_nu{}, nu(dw), nu(dw), nu(w), f.a, f.b, f.da, f.db);
      ops::map(b, detail::pull_theta{}, theta(dw), theta(dw), f.a, f.b, f.da, f.db);
    }
    if (reals_ > 0) {
      b.sum_rows(ops::product{}, T(0), f.dr, last(x), last(d));
      ops::map(b, detail::pull_rho{}, rho(dw), rho(dw), f.r, f.dr);
    }
    if (!dx) return;
    if (keep == T(0)) {
      if (pairs_ > 0) {
        ops::map(b, detail::returned_first<T>{keep}, first(dx), first(d), second(d), f.a, f.b);
        ops::map(b, detail::returned_second<T>{keep}, second(dx), first(d), second(d), f.a, f.b);
      }
      if (reals_ > 0) ops::map(b, ops::product{}, last(dx), last(d), f.r);
    } else {
      if (pairs_ > 0) {
        ops::map(b, detail::returned_first<T>{keep}, first(dx), first(dx), first(d), second(d), f.a, f.b);
        ops::map(b, detail::returned_second<T>{keep}, second(dx), second(dx), first(d), second(d), f.a, f.b);
      }
      if (reals_ > 0) ops::map(b, detail::returned_real<T>{keep}, last(dx), last(dx), last(d), f.r);
    }
  }

  affine_map affine(const_view<double> w) const {
    require_size("block_diagonal_operator: number of weights", w.size(), size());
    affine_map map{matrix<double>(latent(), latent()), matrix<double>(1, latent())};
    for (index_t k = 0; k < pairs_; ++k) {
      const double a = detail::damped_real{}(nu(w)(0, k), theta(w)(0, k));
      const double b = detail::damped_imaginary{}(nu(w)(0, k), theta(w)(0, k));
      map.a(k, k) = map.a(pairs_ + k, pairs_ + k) = a;
      map.a(k, pairs_ + k) = -b;
      map.a(pairs_ + k, k) = b;
    }
    for (index_t k = 0; k < reals_; ++k) map.a(2 * pairs_ + k, 2 * pairs_ + k) = detail::squashed{}(rho(w)(0, k));
    return map;
  }

  /// Sets the nearest such matrix in the Frobenius norm: the mean rotation in each block of two, the diagonal for the
  /// rest, moduli of 1 and more brought down to 1 - 1e-6. It does not look for a basis in which the fit is block
  /// diagonal; for the eigenvalues of a fit in any basis take an eigen_operator.
  ///
  /// Throws.    shape_error when the fit has another dimension.
  void assign(const affine_map& fit, view<double> w) const {
    require_size("block_diagonal_operator: number of weights", w.size(), size());
    require_size("block_diagonal_operator: rows of the fitted matrix", fit.a.rows(), latent());
    require_size("block_diagonal_operator: columns of the fitted matrix", fit.a.cols(), latent());
    for (index_t k = 0; k < pairs_; ++k) {
      const index_t j = pairs_ + k;
      const auto weights = detail::damped_from((fit.a(k, k) + fit.a(j, j)) / 2, (fit.a(j, k) - fit.a(k, j)) / 2);
      nu(w)(0, k) = weights.nu;
      theta(w)(0, k) = weights.theta;
    }
    for (index_t k = 0; k < reals_; ++k)
      rho(w)(0, k) = detail::squashed_from(fit.a(2 * pairs_ + k, 2 * pairs_ + k));
  }

 private:
  /// The parts of the weights, and the columns of the two members of each pair and of the real eigenvalues.
  template <class T, class Space>
  view<T, Space> nu(view<T, Space> w) const {
    return w.col_range(0, pairs_);
  }
  template <class T, class Space>
  view<T, Space> theta(view<T, Space> w) const {
    return w.col_range(pairs_, pairs_);
  }
  template <class T, class Space>
  view<T, Space> rho(view<T, Space> w) const {
    return w.col_range(2 * pairs_, reals_);
  }
  template <class T, class Space>
  view<T, Space> first(view<T, Space> x) const {
    return x.col_range(0, pairs_);
  }
  template <class T, class Space>
  view<T, Space> second(view<T, Space> x) const {
    return x.col_range(pairs_, pairs_);
  }
  template <class T, class Space>
  view<T, Space> last(view<T, Space> x) const {
    return x.col_range(2 * pairs_, reals_);
  }

  index_t pairs_, reals_;
};

}  // namespace kdm
