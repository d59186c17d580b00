/// Pictures of points: by class, by where a noise ends up, and eigenvalues in the complex plane.
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kdm/core/finite.hpp"
#include "kdm/report/style.hpp"

namespace kdm {

struct scatter_options {
  std::optional<plot_range> range = {};               ///< none: around all points
  std::vector<std::string> class_names = {};  ///< legend beside the picture; none: no legend
  std::string outlier_name = "outlier";      ///< in the legend, for classes below 0
  index_t limit = 30'000;                    ///< at most so many points are drawn: rows at equal steps
  std::string x_label = "x₁";
  std::string y_label = "x₂";
};

/// Points coloured by class, equal aspect.
///
/// A class below 0 is an outlier: black, drawn on top. Nine colours, used again from the start by more classes.
/// Shapes.    points [n, 2]; classes empty (one colour) or n of them.
/// Throws.    shape_error, option_error, io_error.
template <sample_set X>
void scatter_picture(const std::filesystem::path& path, std::string_view title, const X& points,
                     const std::vector<int>& classes = {}, const scatter_options& options = {},
                     const gnuplot& plotter = gnuplot()) {
  const named_points named("points", points);
  const matrix<double>& x = named.points;
  if (!classes.empty()) require_size("scatter_picture: the number of classes", index_t(classes.size()), x.rows());
  if (options.limit < 1) fail<option_error>("scatter_picture: limit is ", options.limit, ", expected at least 1");
  const plot_range range = options.range.value_or(range_around(x));
  require_range(range);

  data_block inliers("inliers"), outliers("outliers");
  const index_t step = std::max<index_t>(1, (x.rows() + options.limit - 1) / options.limit);
  index_t drawn = 0;
  bool any_outlier = false;
  for (index_t i = 0; i < x.rows(); i += step, ++drawn) {
    const int c = classes.empty() ? 0 : classes[std::size_t(i)];
    any_outlier = any_outlier || c < 0;
    if (c < 0)
      outliers.row(x(i, 0), x(i, 1));
    else
      inliers.row(x(i, 0), x(i, 1), style::class_colours[std::size_t(c) % style::class_colours.size()]);
  }
  // An empty block is an error to gnuplot: a gap draws nothing.
  inliers.row(NAN, NAN, 0);
  outliers.row(NAN, NAN);

  const double point_size = drawn > 10'000 ? 0.25 : drawn > 2'000 ? 0.4 : 0.7;
  const canvas size{options.class_names.empty() ? 800 : 900, 120 + int(680 * style::aspect(range))};
  const style::box box{85, 60, 680, size.height - 120};
  const std::string note = step > 1 ? concat(drawn, " of ", x.rows(), " points drawn") : "";
  std::string script = style::preamble(title) + style::axis_range(range) +
                       style::labels(options.x_label, options.y_label) + style::placed(box, size) +
                       style::remark(note, box, size);
  script += concat("set key at screen ", 780.0 / size.width, ",", double(box.y + box.height) / size.height,
                   " left top Left reverse samplen 0.5 spacing 1.2 font ',11'\n",
                   "plot $inliers using 1:2:3 with points pt 7 ps ", point_size, " lc rgb variable notitle");
  script += concat(", $outliers using 1:2 with points pt 7 ps ", point_size * 1.2, " lc rgb 'black' notitle");
  for (std::size_t c = 0; c < options.class_names.size(); ++c)
    script += concat(", keyentry with points pt 7 ps 1.2 lc rgb ",
                     style::hex(style::class_colours[c % style::class_colours.size()]), " title ",
                     gnuplot::quoted(options.class_names[c]));
  if (!options.class_names.empty() && any_outlier)
    script += concat(", keyentry with points pt 7 ps 1.2 lc rgb 'black' title ", gnuplot::quoted(options.outlier_name));
  plotter.draw(script, {inliers, outliers}, path, size);
}

/// The noise x_T coloured by the cluster or cell that its x_0 falls in: the partition that the map from noise to data
/// makes. A class below 0 (x_0 outside every cell) is black.
///
/// Shapes.    noise [n, 2], n classes.
/// Throws.    shape_error, option_error, io_error.
template <sample_set X>
void noise_structure_picture(const std::filesystem::path& path, std::string_view title, const X& noise,
                             const std::vector<int>& classes, scatter_options options = {},
                             const gnuplot& plotter = gnuplot()) {
  require_size("noise_structure_picture: the number of classes", index_t(classes.size()), kdm::samples_of(noise).rows);
  if (options.x_label == scatter_options().x_label) options.x_label = "first coordinate of x_T";
  if (options.y_label == scatter_options().y_label) options.y_label = "second coordinate of x_T";
  kdm::scatter_picture(path, title, noise, classes, options, plotter);
}

/// Eigenvalues in the complex plane with the unit circle; residuals, where given, as colour on a logarithmic scale.
///
/// Residuals below 1e-16 are shown as 1e-16.
/// Shapes.    residuals empty or as many as eigenvalues.
/// Throws.    shape_error, numeric_error for a value that is not finite or a residual below 0, io_error.
inline void spectrum_picture(const std::filesystem::path& path, std::string_view title,
                             const std::vector<std::complex<double>>& eigenvalues,
                             const std::vector<double>& residuals = {}, const gnuplot& plotter = gnuplot()) {
  if (eigenvalues.empty()) fail<shape_error>("spectrum_picture: found no eigenvalues, expected at least one");
  const bool coloured = !residuals.empty();
  if (coloured)
    require_size("spectrum_picture: the number of residuals", index_t(residuals.size()), index_t(eigenvalues.size()));
  data_block values("values");
  double radius = 1, lowest = INFINITY, highest = 0;
  for (std::size_t i = 0; i < eigenvalues.size(); ++i) {
    const std::complex<double> value = eigenvalues[i];
    const double residual = coloured ? std::max(residuals[i], 1e-16) : 1;
    if (!is_finite(std::abs(value)) || !is_finite(residual) || (coloured && !(residuals[i] >= 0)))
      fail<numeric_error>("spectrum_picture: eigenvalue ", i, " is ", value.real(), " + ", value.imag(), " i",
                          coloured ? concat(" with residual ", residuals[i]) : "", ", expected finite numbers");
    radius = std::max(radius, std::abs(value));
    lowest = std::min(lowest, residual);
    highest = std::max(highest, residual);
    values.row(value.real(), value.imag(), residual);
  }
  if (highest < 10 * lowest) {
    lowest /= 3;
    highest *= 3;
  }
  data_block circle("circle");
  for (int i = 0; i <= 360; ++i) circle.row(std::cos(i * 0.017453292519943295), std::sin(i * 0.017453292519943295));

  const double edge = 1.12 * radius;
  const canvas size{coloured ? 900 : 800, 800};
  const style::box box{85, 60, 680, 680};
  std::string script = style::preamble(title) + style::sequential_palette() +
                       style::axis_range({-edge, edge, -edge, edge}) + style::labels("Re λ", "Im λ") +
                       style::placed(box, size);
  script += coloured ? style::colour_bar(box, size, "residual") : "unset colorbox\n";
  script += concat("unset key\nset cbrange [", lowest, ":", highest, "]\n", style::logarithmic_colours(lowest, highest),
                   "set xzeroaxis lw 1 lc rgb '#bbbbbb' lt 1\nset yzeroaxis lw 1 lc rgb '#bbbbbb' lt 1\n",
                   "plot $circle using 1:2 with lines lw 1.5 lc rgb '#777777', $values using 1:2",
                   coloured ? ":3 with points pt 7 ps 1.4 lc palette"
                            : concat(" with points pt 7 ps 1.4 lc rgb ", style::hex(style::line_colours[0])),
                   ", $values using 1:2 with points pt 6 ps 1.4 lw 0.7 lc rgb '#333333'\n");
  plotter.draw(script, {circle, values}, path, size);
}

}  // namespace kdm
