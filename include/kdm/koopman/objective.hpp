/// The training objective: a sum of weighted terms on an episode.
#pragma once

#include <concepts>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "kdm/core/backend.hpp"
#include "kdm/core/error.hpp"
#include "kdm/core/finite.hpp"

namespace kdm {

/// What one slice of a batch looks like inside the model. Views that no term asked for are null.
///
/// Shapes.    x0, x0_rec, x0_push [n, data]; xT [n, noise]; z0, zT, z0_push [n, latent].
template <backend B>
struct episode {
  const_view_of<B> x0, xT;     ///< the pair: data and the noise it came from
  const_view_of<B> z0, zT;     ///< their encodings
  const_view_of<B> z0_push;    ///< the operator applied to zT (with latent noise)
  const_view_of<B> x0_rec;     ///< decoder(z0 with latent noise)
  const_view_of<B> x0_push;    ///< decoder(z0_push)
  index_t batch = 0;           ///< rows of the whole batch: what a mean divides by
};

/// Gradients of the objective with respect to the views of an episode; terms add to them. Null where not computed.
template <backend B>
struct adjoint {
  view_of<B> z0, zT, z0_push, x0_rec, x0_push;
};

/// Where a term leaves its value, with scratch space [1, widest view of the episode].
template <backend B>
struct term_value {
  view_of<B> value;  ///< [1, 1]; the term adds its share to it
  view_of<B> scratch;
};

/// name and weight: what the term is called in reports, and its factor in the sum.
template <class L>
concept has_name_and_weight = requires(const L& term) {
  { term.name } -> std::convertible_to<std::string>;
  { term.weight } -> std::convertible_to<double>;
};

/// reads_reconstruction, reads_prediction: whether the term needs x0_rec, x0_push to be computed.
template <class L>
concept has_reads = requires {
  { L::reads_reconstruction } -> std::convertible_to<bool>;
  { L::reads_prediction } -> std::convertible_to<bool>;
};

/// term(b, episode, adjoint, value): adds the unweighted value of this slice to value.value, and weight times the
/// gradient to the adjoint.
template <class L, class B>
concept has_evaluate = backend<B> && requires(const L& term, B& b, const episode<B>& e, const adjoint<B>& d,
                                              const term_value<B>& v) { term(b, e, d, v); };

/// One loss on one episode.
///
/// Example.   examples/custom_term.cpp
template <class L, class B>
concept objective_term = has_name_and_weight<L> && has_reads<L> && has_evaluate<L, B>;

/// A sum of weighted terms, and the latent noise under which they are taken.
///
/// `latent_noise` s: the operator sees zT + s eps', the decoder z0 + s eps (0.4 in the published recipe, 0 at
/// sampling). All means run over every element of the batch, so no term depends on the batch size.
///
/// Throws.    option_error for a noise that is negative or not finite, a weight that is not finite, or a name that is
///            empty, taken or reserved (loss, step, ...). What T cannot hold of them is refused by the trainer.
/// Example.   objective{0.4, terms::latent<>{}, terms::reconstruction<>{}, terms::prediction<>{.weight = 0.5}}
template <class... Terms>
class objective {
 public:
  static constexpr bool reads_reconstruction = (Terms::reads_reconstruction || ...);
  static constexpr bool reads_prediction = (Terms::reads_prediction || ...);

  explicit objective(double latent_noise, Terms... terms) : latent_noise_(latent_noise), terms_(std::move(terms)...) {
    if (!is_not_negative(latent_noise))
      fail<option_error>("objective: latent noise is ", latent_noise, ", expected 0 or a finite number above it");
    check_names();
    for (std::size_t k = 0; k < sizeof...(Terms); ++k)
      if (const double weight = weights()[k]; !is_finite(weight))
        fail<option_error>("objective: the weight of the term ", names()[k], " is ", weight,
                           ", expected a finite number");
  }

  double latent_noise() const { return latent_noise_; }
  static constexpr index_t count() { return index_t(sizeof...(Terms)); }

  std::vector<std::string> names() const {
    return std::apply([](const auto&... t) { return std::vector<std::string>{t.name...}; }, terms_);
  }
  std::vector<double> weights() const {
    return std::apply([](const auto&... t) { return std::vector<double>{double(t.weight)...}; }, terms_);
  }

  /// Adds the unweighted value of term k to values(0, k) and the weighted gradients to the adjoint.
  template <backend B>
    requires(objective_term<Terms, B> && ...)
  void operator()(B& b, const episode<B>& e, const adjoint<B>& d, view_of<B> values, view_of<B> scratch) const {
    index_t k = 0;
    std::apply([&](const auto&... t) { (t(b, e, d, term_value<B>{values.col_range(k++, 1), scratch}), ...); }, terms_);
  }

 private:
  /// Names are keys in logs: words of their own, and not those that a log has already.
  void check_names() const {
    std::vector<std::string> seen{"", "step", "loss", "learning_rate", "seconds"};
    for (const auto& name : names()) {
      for (const auto& other : seen)
        if (name == other) fail<option_error>("objective: a term is named '", name, "', expected a name of its own");
      for (const char c : name)
        if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 32)
          fail<option_error>("objective: the name of a term has a quote, backslash or control character in it");
      seen.push_back(name);
    }
  }

  double latent_noise_;
  std::tuple<Terms...> terms_;
};

}  // namespace kdm
