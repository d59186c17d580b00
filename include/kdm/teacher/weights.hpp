/// The weights of a mixture: checked, normalised, and a way to pick a component.
#pragma once

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "kdm/core/error.hpp"
#include "kdm/core/finite.hpp"

namespace kdm::detail {

/// Positive weights, scaled to sum 1.
///
/// Throws.    shape_error when their number is not `components` or zero, option_error for one that is not positive.
class mixture_weights {
 public:
  mixture_weights(std::vector<double> weights, std::string_view what, index_t components)
      : logs_(std::move(weights)) {
    if (index_t(logs_.size()) != components || components == 0)
      fail<shape_error>(what, ": ", logs_.size(), " weights for ", components, " components");
    double total = 0;
    for (std::size_t k = 0; k < logs_.size(); ++k) {
      if (!is_positive(logs_[k]))
        fail<option_error>(what, ": weight ", k, " is ", logs_[k], ", expected a positive number");
      total += logs_[k];
      sums_.push_back(total);
    }
    if (!is_finite(total)) fail<option_error>(what, ": the weights add up to ", total, ", expected a finite number");
    for (double& s : sums_) s /= total;
    for (double& w : logs_) w = std::log(w / total);
  }

  std::size_t size() const { return logs_.size(); }
  double log_weight(std::size_t k) const { return logs_[k]; }

  /// The component of a uniform number in (0, 1).
  index_t pick(double uniform) const {
    const auto at = std::upper_bound(sums_.begin(), sums_.end(), uniform);
    return std::min(index_t(at - sums_.begin()), index_t(sums_.size()) - 1);
  }

 private:
  std::vector<double> logs_;
  std::vector<double> sums_;
};

}  // namespace kdm::detail
