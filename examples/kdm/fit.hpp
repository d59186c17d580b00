/// What the files of `kdm fit` share: options, the dictionary that was chosen, and what each fit hands over.
#pragma once

#include <concepts>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "any_executor.hpp"
#include "commands.hpp"
#include "features.hpp"
#include "kdm/fit/dictionary.hpp"
#include "kdm/fit/dynamics.hpp"
#include "kdm/fit/pairs.hpp"

namespace kdm_command {

/// A dictionary whose kind is known at run time only. Copies share it.
class any_dictionary {
 public:
  // The exclusion stands in front: whether any_dictionary is a dictionary asks whether it can be copied, and so this
  // constructor again.
  template <class D>
    requires(!std::same_as<D, any_dictionary> && kdm::dictionary<D>)
  explicit any_dictionary(D d) : held_(std::make_shared<const holder<D>>(std::move(d))) {}

  index_t inputs() const { return held_->inputs(); }
  index_t features() const { return held_->features(); }
  void evaluate(kdm::const_view<double> x, kdm::view<double> psi) const { held_->evaluate(x, psi); }

 private:
  struct base {
    virtual ~base() = default;
    virtual index_t inputs() const = 0;
    virtual index_t features() const = 0;
    virtual void evaluate(kdm::const_view<double> x, kdm::view<double> psi) const = 0;
  };
  template <class D>
  struct holder final : base {
    explicit holder(D d) : dictionary(std::move(d)) {}
    index_t inputs() const override { return dictionary.inputs(); }
    index_t features() const override { return dictionary.features(); }
    void evaluate(kdm::const_view<double> x, kdm::view<double> psi) const override { dictionary.evaluate(x, psi); }
    D dictionary;
  };
  std::shared_ptr<const base> held_;
};

/// --dictionary, made for the data.
struct chosen_dictionary {
  any_dictionary psi;
  std::string name;        ///< as given
  std::string kind;        ///< "identity", "monomials", "rff", "rbf" or "fourier"
  double width = 0;        ///< of rff and rbf
  kdm::matrix<double> places;  ///< frequencies of rff [N / 2, n], centres of rbf [N, n]

  bool has_student() const { return kind == "rff" || kind == "rbf"; }
};

/// Throws option_error naming --dictionary or --bandwidth.
chosen_dictionary choose_dictionary(const fit_options& o, const kdm::snapshot_pairs& pairs);

/// tau on a grid of the upper half plane: row i belongs to im[i], column j to re[j].
struct tau_grid {
  std::vector<double> re, im;
  kdm::matrix<double> tau;
};

struct operator_fit {
  kdm::linear_dynamics dynamics;
  std::optional<tau_grid> tau;  ///< of few features, and of EDMD alone
};

/// The rank rule of --rank and --energy, or the tolerance.
kdm::rank_rule rank_rule_of(const fit_options& o);

/// Throws option_error for a method that is none of theirs.
operator_fit fit_states(const fit_options& o, const kdm::snapshot_pairs& pairs);
operator_fit fit_features(const fit_options& o, const kdm::snapshot_pairs& pairs, const chosen_dictionary& d,
                          const any_executor& run);

/// A student of closed-form distillation.
struct feature_student {
  feature_settings settings;
  any_model model;
  kdm::matrix<scalar> weights = {};
  double operator_residual = 0;  ///< |psi(x_T) C - psi(x_0)| / |psi(x_0)| over the pairs
  double pair_error = 0;         ///< mean square per coordinate over the pairs of the fit
};

/// Throws numeric_error for weights that are not finite.
feature_student fit_student(const fit_options& o, const kdm::snapshot_pairs& pairs, const any_executor& run);

}  // namespace kdm_command
