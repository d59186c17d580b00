// kdm fit: the methods that work on the states themselves.
#include "fit.hpp"
#include "kdm/fit/dmd.hpp"
#include "kdm/fit/structured.hpp"

namespace kdm_command {

operator_fit fit_states(const fit_options& o, const kdm::snapshot_pairs& pairs) {
  const kdm::dmd_options options{rank_rule_of(o)};
  if (o.method == "exact") return {kdm::dmd::exact(pairs, options), {}};
  if (o.method == "projected") return {kdm::dmd::projected(pairs, options), {}};
  if (o.method == "total_least_squares") return {kdm::dmd::total_least_squares(pairs, options), {}};
  if (o.method == "forward_backward") return {kdm::dmd::forward_backward(pairs, options), {}};
  if (o.rank || o.energy)
    kdm::fail<kdm::option_error>("--rank and --energy do not apply to --method ", o.method, ", which keeps all states");
  for (const auto structure : {kdm::matrix_structure::orthogonal, kdm::matrix_structure::symmetric,
                               kdm::matrix_structure::skew, kdm::matrix_structure::circulant,
                               kdm::matrix_structure::stable})
    if (o.method == kdm::name_of(structure))
      return {kdm::structured_fit(pairs.x.view(), pairs.y.view(), structure, pairs.dt), {}};
  kdm::fail<kdm::option_error>("--method is ", o.method, ", expected one of those that kdm fit --help lists");
}

}  // namespace kdm_command
