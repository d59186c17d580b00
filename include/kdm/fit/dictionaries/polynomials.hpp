/// The state itself, the constant, and monomials.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "kdm/fit/dictionaries/pointwise.hpp"

namespace kdm {

/// psi(x) = x.
class identity_dictionary : public pointwise_dictionary<identity_dictionary> {
 public:
  explicit identity_dictionary(index_t inputs) : inputs_(inputs) {
    detail::require_count("identity_dictionary: inputs", inputs, 1);
  }
  index_t inputs() const { return inputs_; }
  index_t features() const { return inputs_; }

  template <class S>
  void formula(const S* x, S* psi) const {
    std::copy_n(x, inputs_, psi);
  }

 private:
  index_t inputs_;
};

/// psi(x) = 1, an eigenfunction of every system.
class constant_dictionary : public pointwise_dictionary<constant_dictionary> {
 public:
  explicit constant_dictionary(index_t inputs) : inputs_(inputs) {
    detail::require_count("constant_dictionary: inputs", inputs, 1);
  }
  index_t inputs() const { return inputs_; }
  index_t features() const { return 1; }

  template <class S>
  void formula(const S*, S* psi) const {
    psi[0] = S(1.);
  }

 private:
  index_t inputs_;
};

/// All monomials x^alpha with sum_j weight_j alpha_j <= degree, by rising |alpha|: 1, x1, x2, x1^2, x1 x2, ...
///
/// With weights 1 these are all polynomials of total degree `degree`, which a linear map leaves invariant. Other
/// weights make other sets: 1 and 2 give {x1^i x2^j : i + 2 j <= degree}, invariant where x2 follows x1^2.
/// Shapes.    inputs n, features binomial(n + degree, n) with weights 1.
/// Cost.      one multiplication a feature.
/// Throws.    option_error for sizes out of range, or for more than 2^20 features.
class monomials : public pointwise_dictionary<monomials> {
 public:
  monomials(index_t inputs, index_t degree) : monomials(vector_of<index_t>("monomials: inputs", checked(inputs), 1), degree) {}

  monomials(std::vector<index_t> weights, index_t degree) : weights_(std::move(weights)) {
    detail::require_count("monomials: inputs", inputs(), 1);
    detail::require_count("monomials: degree", degree, 0);
    for (const index_t w : weights_) detail::require_count("monomials: a weight", w, 1);
    std::vector<index_t> size{0};
    factors_.push_back({0, 0});
    // Every monomial is an earlier one times a variable not before its last: each is met once.
    for (std::size_t k = 0; k < factors_.size(); ++k)
      for (index_t v = k == 0 ? 0 : factors_[k].variable; v < inputs(); ++v) {
        if (weights_[std::size_t(v)] > degree - size[k]) continue;
        if (factors_.size() == most) fail<option_error>("monomials: more than ", index_t(most), " of degree ", degree,
                                                        " in ", inputs(), " variables, expected no more");
        factors_.push_back({index_t(k), v});
        size.push_back(size[k] + weights_[std::size_t(v)]);
      }
  }

  index_t inputs() const { return index_t(weights_.size()); }
  index_t features() const { return index_t(factors_.size()); }

  /// alpha of feature j.
  std::vector<index_t> exponents(index_t j) const {
    std::vector<index_t> alpha(weights_.size(), 0);
    for (; j > 0; j = factors_[std::size_t(j)].parent) ++alpha[std::size_t(factors_[std::size_t(j)].variable)];
    return alpha;
  }

  template <class S>
  void formula(const S* x, S* psi) const {
    psi[0] = S(1.);
    for (std::size_t k = 1; k < factors_.size(); ++k) psi[k] = psi[factors_[k].parent] * x[factors_[k].variable];
  }

 private:
  struct factor {
    index_t parent, variable;
  };
  static constexpr std::size_t most = std::size_t(1) << 20;

  static index_t checked(index_t inputs) {
    detail::require_count("monomials: inputs", inputs, 1);
    return inputs;
  }

  std::vector<index_t> weights_;
  std::vector<factor> factors_;
};

}  // namespace kdm
