/// Pictures of densities: one set of points, or several side by side on one colour scale.
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kdm/report/style.hpp"

namespace kdm {

struct density_options {
  std::optional<plot_range> range = {};  ///< none: around all points
  index_t bins = 0;                 ///< along x; square bins; 0: about half the root of the number of points
  colour_scale colours = colour_scale::linear;
  std::string x_label = "x₁";
  std::string y_label = "x₂";
};

namespace detail {

/// A histogram over `range`, normalised by all points: its integral is the share of the points inside.
struct plane_density {
  matrix<double> values;  ///< [bins along y, bins along x]
  double outside = 0;     ///< share of the points outside the range or not finite
};

inline plane_density density_of(const matrix<double>& points, const plot_range& r, index_t across, index_t up) {
  plane_density result{matrix<double>(up, across), 0};
  const double dx = (r.x_max - r.x_min) / double(across), dy = (r.y_max - r.y_min) / double(up);
  const double n = double(points.rows());
  for (index_t i = 0; i < points.rows(); ++i) {
    const double x = (points(i, 0) - r.x_min) / dx, y = (points(i, 1) - r.y_min) / dy;
    if (x >= 0 && x <= double(across) && y >= 0 && y <= double(up))
      result.values(std::min(index_t(y), up - 1), std::min(index_t(x), across - 1)) += 1 / (n * dx * dy);
    else
      result.outside += 1 / n;
  }
  return result;
}

}  // namespace detail

/// Densities of several sets of points side by side (data, teacher, student), all on one range and one colour scale.
///
/// A remark says how many points lie outside the range. On a logarithmic scale an empty bin counts as half of the
/// lowest density that occurs.
/// Shapes.    one to four panels of points [n, 2].
/// Throws.    option_error, io_error.
inline void pair_picture(const std::filesystem::path& path, std::string_view title,
                         const std::vector<named_points>& panels, const density_options& options = {},
                         const gnuplot& plotter = gnuplot()) {
  if (panels.empty() || panels.size() > 4)
    fail<option_error>("pair_picture: found ", panels.size(), " panels, expected 1 to 4");
  if (options.bins < 0 || options.bins > 2000)
    fail<option_error>("density_picture: bins is ", options.bins, ", expected 0 (automatic) to 2000");
  index_t bins = options.bins;
  for (const named_points& panel : panels)
    if (options.bins == 0)
      bins = std::max(bins, std::clamp<index_t>(std::llround(std::sqrt(double(panel.points.rows())) / 2), 32, 170));
  plot_range range = options.range.value_or(range_around(panels[0].points));
  if (!options.range)
    for (const named_points& panel : panels) {
      const plot_range r = range_around(panel.points);
      range = {std::min(range.x_min, r.x_min), std::max(range.x_max, r.x_max), std::min(range.y_min, r.y_min),
               std::max(range.y_max, r.y_max)};
    }
  require_range(range);

  const int count = int(panels.size()), width = count == 1 ? 680 : count == 2 ? 510 : 400;
  const int height = int(width * style::aspect(range)), step = width + 24, top = count == 1 ? 60 : 84;
  const canvas size{85 + step * count - 24 + 135, top + height + 60};
  const index_t up = std::max<index_t>(1, std::llround(double(bins) * style::aspect(range)));
  const double dx = (range.x_max - range.x_min) / double(bins), dy = (range.y_max - range.y_min) / double(up);

  std::vector<detail::plane_density> densities;
  double lowest = INFINITY, highest = 0;
  for (const named_points& panel : panels) {
    densities.push_back(detail::density_of(panel.points, range, bins, up));
    const matrix<double>& values = densities.back().values;
    for (index_t i = 0; i < values.size(); ++i) {
      if (values.data()[i] > 0) lowest = std::min(lowest, values.data()[i]);
      highest = std::max(highest, values.data()[i]);
    }
  }
  if (highest == 0) lowest = highest = 1;
  const bool logarithmic = options.colours == colour_scale::logarithmic;
  const double bottom = logarithmic ? lowest / 2 : 0;

  std::vector<data_block> blocks;
  for (const detail::plane_density& density : densities) {
    data_block& block = blocks.emplace_back(concat("panel", blocks.size()));
    for (index_t j = 0; j < up; ++j)
      for (index_t i = 0; i < bins; ++i)
        block.row(range.x_min + (double(i) + 0.5) * dx, range.y_min + (double(j) + 0.5) * dy,
                  std::max(density.values(j, i), bottom));
  }

  std::string script = style::preamble(count == 1 ? title : "") + style::sequential_palette() +
                       style::axis_range(range) + style::labels(options.x_label, options.y_label);
  script += concat("unset grid\nunset key\nset border 0\nset cbrange [", bottom, ":", highest, "]\n",
                   logarithmic ? style::logarithmic_colours(bottom, highest) : std::string(), "set multiplot\n");
  if (count > 1)
    script += concat("set label 98 ", gnuplot::quoted(title), " at screen 0.5,", 1 - 24.0 / size.height,
                     " center font ',15'\n");
  for (int k = 0; k < count; ++k) {
    const style::box box{85 + k * step, 60, width, height};
    const bool last = k + 1 == count;
    const double share = densities[std::size_t(k)].outside;
    const std::string note = share > 0 ? style::percent(share) + " of the points outside" : "";
    script += style::placed(box, size) + (last ? style::colour_bar(box, size, "density") : "unset colorbox\n") +
              style::remark(note, box, size);
    if (count > 1)
      script += concat("set title ", gnuplot::quoted(panels[std::size_t(k)].name), " font ',13' offset 0,-0.4\n");
    if (k == 1) script += "unset ylabel\nset format y ''\n";
    script += concat("plot $panel", k, " using 1:2:3 with image\nunset label\n");
  }
  plotter.draw(script + "unset multiplot\n", blocks, path, size);
}

/// The density of one set of points as a heat map: a two-dimensional histogram, equal aspect.
///
/// Shapes.    points [n, 2].
/// Throws.    shape_error, option_error, io_error.
template <sample_set X>
void density_picture(const std::filesystem::path& path, std::string_view title, const X& points,
                     const density_options& options = {}, const gnuplot& plotter = gnuplot()) {
  std::vector<named_points> panels;
  panels.emplace_back(std::string(title), points);
  pair_picture(path, title, panels, options, plotter);
}

}  // namespace kdm
