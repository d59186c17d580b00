/// Columns brought to mean 0 and deviation 1 for training, and the way back inside the weights.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "kdm/nn/initialize.hpp"
#include "model.hpp"

namespace kdm_command {

/// Mean and deviation of every column, of the numbers as the file has them. A constant has deviation 0 exactly.
struct column_statistics {
  std::vector<double> mean, deviation;
};

template <class T>
column_statistics statistics_of(kdm::const_view<T> x) {
  const std::size_t d = std::size_t(x.cols);
  const double n = double(x.rows);
  column_statistics s{std::vector<double>(d, 0), std::vector<double>(d, 0)};
  std::vector<bool> varies(d, false);
  for (index_t i = 0; i < x.rows; ++i)
    for (std::size_t j = 0; j < d; ++j) {
      s.mean[j] += double(x(i, index_t(j))) / n;
      varies[j] = varies[j] || x(i, index_t(j)) != x(0, index_t(j));
    }
  for (index_t i = 0; i < x.rows; ++i)
    for (std::size_t j = 0; j < d; ++j) {
      const double difference = double(x(i, index_t(j))) - s.mean[j];
      s.deviation[j] += difference * difference / n;
    }
  for (std::size_t j = 0; j < d; ++j) s.deviation[j] = varies[j] ? std::sqrt(s.deviation[j]) : 0;
  return s;
}

/// A column x is trained as (x - mean) / deviation.
struct column_scaling {
  std::vector<double> mean, deviation;
};

/// Float keeps 24 bits: a number is known to this share of itself.
inline constexpr double float_rounding = 0x1p-24;

/// The scaling of columns with these statistics. `how` is "columns", every column by its own deviation; "common", all by
/// the root mean square of the deviations; or "none". A column that is constant as far as float can tell is not scaled.
///
/// Throws.    io_error beginning with `what` for a column whose size leaves float no room for a weight.
inline column_scaling scaling_of(const column_statistics& found, const std::string& how, const std::string& what) {
  const std::size_t d = found.mean.size();
  column_scaling s{std::vector<double>(d, 0), std::vector<double>(d, 1)};
  if (how == "none") return s;
  s.mean = found.mean;
  double squares = 0;
  for (std::size_t j = 0; j < d; ++j) {
    const double mean = std::abs(found.mean[j]), deviation = found.deviation[j];
    constexpr double least = 1e-30, most = 1e30;
    const bool constant = deviation <= float_rounding * mean;
    if (!(mean <= most && deviation <= most) || (!constant && deviation < least))
      kdm::fail<kdm::io_error>(what, ": column ", j, " has mean ", found.mean[j], " and deviation ", deviation,
                               ", expected a deviation of ", least, " to ", most, ": use another unit");
    if (constant) continue;
    s.deviation[j] = deviation;
    squares += deviation * deviation / double(d);
  }
  if (how == "common" && squares > 0) std::fill(s.deviation.begin(), s.deviation.end(), std::sqrt(squares));
  return s;
}

/// The scaling of noise of N(0, scale^2): the sampler multiplies by the scale, and what is measured on each column differs
/// by chance alone.
inline column_scaling plain_scaling(index_t columns, double scale) {
  return {std::vector<double>(std::size_t(columns), 0), std::vector<double>(std::size_t(columns), scale)};
}

/// One sentence about the column of which float keeps least, where that is less than a thousandth of its deviation; empty
/// where there is none.
inline std::string rounding_warning(const column_statistics& found, const std::string& what) {
  double worst = 1e-3;
  std::string text;
  for (std::size_t j = 0; j < found.mean.size(); ++j) {
    if (!(found.deviation[j] > 0)) continue;
    const double lost = float_rounding * std::abs(found.mean[j]) / found.deviation[j];
    if (lost <= worst) continue;
    worst = lost;
    text = kdm::concat(what, ": column ", j, " has mean ", found.mean[j], " and deviation ", found.deviation[j],
                       ": the 24 bits of a float are ", lost,
                       " deviations of it, and no student is more exact; subtract a constant first");
  }
  return text;
}

/// (x - mean) / deviation, in double and rounded once.
template <class To = scalar, class T>
kdm::matrix<To> standardised(kdm::const_view<T> x, const column_scaling& s) {
  kdm::matrix<To> y(x.rows, x.cols);
  for (index_t i = 0; i < x.rows; ++i)
    for (index_t j = 0; j < x.cols; ++j)
      y(i, j) = To((double(x(i, j)) - s.mean[std::size_t(j)]) / s.deviation[std::size_t(j)]);
  return y;
}

/// mean + deviation y, in place.
inline void to_data_units(kdm::view<scalar> y, const column_scaling& s) {
  for (index_t i = 0; i < y.rows; ++i)
    for (index_t j = 0; j < y.cols; ++j)
      y(i, j) = scalar(s.mean[std::size_t(j)] + s.deviation[std::size_t(j)] * double(y(i, j)));
}

/// W (x - mean) / deviation + c = W' x + c': the first layer of an encoder takes x as it is.
template <class T>
void fold_into_inputs(kdm::view<T> weight, kdm::view<T> bias, const column_scaling& s) {
  for (index_t i = 0; i < weight.rows; ++i) {
    double shift = 0;
    for (index_t j = 0; j < weight.cols; ++j) {
      const double w = double(weight(i, j)) / s.deviation[std::size_t(j)];
      shift += w * s.mean[std::size_t(j)];
      weight(i, j) = T(w);
    }
    bias.p[i] = T(double(bias.p[i]) - shift);
  }
}

/// mean + deviation (W h + c) = W' h + c': the last layer of a decoder gives x as it is.
template <class T>
void fold_into_outputs(kdm::view<T> weight, kdm::view<T> bias, const column_scaling& s) {
  for (index_t i = 0; i < weight.rows; ++i) {
    const double deviation = s.deviation[std::size_t(i)];
    for (index_t j = 0; j < weight.cols; ++j) weight(i, j) = T(double(weight(i, j)) * deviation);
    bias.p[i] = T(double(bias.p[i]) * deviation + s.mean[std::size_t(i)]);
  }
}

/// The weights of a student that learned on standardised pairs become those of one for the pairs as they are.
template <class T>
void fold_scaling(const student_model& model, kdm::view<T> weights, const column_scaling& noise,
                  const column_scaling& data) {
  const kdm::manifest m = kdm::manifest_of(model);
  const auto tensor = [&](const std::string& name) { return kdm::tensor_of(weights, m.find(name)); };
  fold_into_inputs(tensor("encoder_noise.0.weight"), tensor("encoder_noise.0.bias"), noise);
  fold_into_inputs(tensor("encoder_data.0.weight"), tensor("encoder_data.0.bias"), data);
  fold_into_outputs(tensor("decoder.1.weight"), tensor("decoder.1.bias"), data);
}

}  // namespace kdm_command
