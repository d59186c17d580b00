/// What the subcommands ask of a backend, behind virtual functions: each backend is compiled in a file of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "any_executor.hpp"
#include "features.hpp"
#include "kdm/core/matrix.hpp"
#include "kdm/nn/update_rule.hpp"
#include "kdm/train/options.hpp"
#include "kdm/koopman/prior.hpp"
#include "model.hpp"
#include "settings.hpp"
#include "standardise.hpp"

namespace kdm_command {

/// Factors of the terms, and the latent noise, in one phase of a run.
struct phase_objective {
  double latent, reconstruction, prediction, latent_noise;
};

/// A run to be trained, on standardised pairs. They are copied to the backend.
struct training_task {
  student_model model;
  phase_objective objective;
  kdm::adam rule;
  kdm::train_options options;
  kdm::const_view<scalar> xT, x0;
  column_scaling data;  ///< of x0
};

/// A kdm::trainer on some backend: its members that the command and the library's callbacks use.
class training {
 public:
  using callback = std::function<kdm::verdict(training&, const kdm::step_report&)>;

  /// The objective, as far as callbacks need it.
  struct terms {
    std::vector<std::string> list;
    const std::vector<std::string>& names() const { return list; }
  };

  virtual ~training() = default;
  virtual const student_model& model() const = 0;
  virtual terms objective() const = 0;
  virtual const kdm::train_options& options() const = 0;
  virtual index_t step() const = 0;
  virtual void run(const callback& after_step) = 0;
  virtual kdm::training_state<scalar> state() = 0;
  virtual void restore(const kdm::training_state<scalar>& s) = 0;
  virtual void change_weights(const std::function<void(kdm::view<scalar>)>& change) = 0;
  virtual kdm::matrix<scalar> average() = 0;
  /// x_0 of the averaged student, in the unit of the data, for standardised x_T: how kdm::validation samples.
  virtual kdm::matrix<scalar> push_average(kdm::const_view<scalar> x_T) = 0;
};

/// A kdm::generator on some backend.
class sampling {
 public:
  virtual ~sampling() = default;
  virtual void sample(std::uint64_t seed, kdm::view<scalar> x_0) = 0;
  virtual void push(kdm::const_view<scalar> x_T, kdm::view<scalar> x_0) = 0;
};

/// A backend with its executor.
class engine {
 public:
  virtual ~engine() = default;
  virtual std::unique_ptr<training> train(training_task task) const = 0;
  virtual std::unique_ptr<sampling> sample(const any_model& model, kdm::const_view<scalar> weights,
                                           const kdm::normal_prior& prior) const = 0;
};

/// One function a backend or executor, each in its own file; those of optional components are there when the build
/// has them (KDM_HAVE_*).
std::unique_ptr<engine> reference_engine(const any_executor& run);
std::unique_ptr<engine> native_engine(const any_executor& run);
std::unique_ptr<engine> eigen_engine(const any_executor& run);
std::unique_ptr<engine> xtensor_engine(const any_executor& run);
std::unique_ptr<engine> cuda_engine(const any_executor& run);
any_executor onetbb_executor(int threads);

/// The executor of that name.
///
/// Throws.    option_error for one that this build lacks, for several threads where there is one, and for a thread
///            with too small a stack.
any_executor make_executor(const compute_options& o);

/// The backend of that name.
///
/// Throws.    option_error for one that this build lacks; what the backend throws where its device is missing.
std::unique_ptr<engine> make_engine(const compute_options& o, const any_executor& run);

}  // namespace kdm_command
