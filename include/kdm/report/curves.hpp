/// Pictures of numbers along one axis: training curves and histograms.
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "kdm/core/finite.hpp"
#include "kdm/report/style.hpp"

namespace kdm {

/// One series; points that are not finite are left out.
struct curve {
  std::string name;
  std::vector<double> x, y;
};

/// A line in a histogram.
using histogram_mark = axis_mark;

struct curve_options {
  std::string x_label = "step";
  std::string y_label = {};
  bool log_x = false;
  bool log_y = true;  ///< leaves out values of 0 and below
  std::vector<axis_mark> marks = {};
};

/// Several named series as lines, the legend above the plot.
///
/// Shapes.    x and y of a curve are equally long.
/// Throws.    shape_error, io_error.
inline void curves_picture(const std::filesystem::path& path, std::string_view title, const std::vector<curve>& curves,
                           const curve_options& options = {}, const gnuplot& plotter = gnuplot()) {
  if (curves.empty()) fail<shape_error>("curves_picture: found no curves, expected at least one");
  std::vector<data_block> blocks;
  std::string plot;
  double first = INFINITY, last = -INFINITY;
  for (std::size_t c = 0; c < curves.size(); ++c) {
    const curve& series = curves[c];
    if (series.x.size() != series.y.size())
      fail<shape_error>("curves_picture: '", series.name, "' has ", series.x.size(), " x and ", series.y.size(),
                        " y values, expected equally many");
    data_block& block = blocks.emplace_back(concat("curve", c));
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      const bool visible = is_finite(series.x[i]) && is_finite(series.y[i]) &&
                           (!options.log_x || series.x[i] > 0) && (!options.log_y || series.y[i] > 0);
      if (!visible) continue;
      block.row(series.x[i], series.y[i]);
      first = std::min(first, series.x[i]);
      last = std::max(last, series.x[i]);
    }
    if (block.text().empty()) block.row(NAN, NAN);
    plot += concat(c == 0 ? "plot $curve" : ", $curve", c, " using 1:2 with lines lw 2 lc rgb ",
                   style::hex(style::line_colours[c % style::line_colours.size()]), " title ",
                   gnuplot::quoted(series.name));
  }
  if (first > last) fail<shape_error>("curves_picture: found no value that the axes can show, expected at least one");
  // The legend stands between title and plot, as many names a row as fit.
  std::size_t longest = 0;
  for (const curve& series : curves) longest = std::max(longest, series.name.size());
  const std::size_t columns = std::clamp<std::size_t>(750 / (70 + 8 * longest), 1, 4);
  const int legend = 6 + 18 * int((curves.size() + columns - 1) / columns);
  const canvas size{900, 550 + legend};
  const style::box box{120, 65, 750, 430};  // room for a label beside the ticks, such as 0.0001
  std::string script =
      style::preamble("") + style::labels(options.x_label, options.y_label) + style::placed(box, size);
  script += concat("set label 98 ", gnuplot::quoted(title), " at screen ", (box.x + box.width / 2.0) / size.width, ",",
                   1 - 24.0 / size.height, " center font ',15'\n");
  script += concat("set key at graph 0,1.01 left bottom horizontal maxcols ", columns,
                   " Left reverse samplen 2 font ',11'\n",
                   options.log_x ? "set logscale x\n" : "", options.log_y ? "set logscale y\n" : "",
                   "set format '%g'\n");
  if (first < last) script += concat("set xrange [", first, ":", last, "]\n");
  script += style::marks(options.marks, first, last, options.log_x);
  plotter.draw(script + plot, blocks, path, size);
}

struct histogram_options {
  std::string x_label = "distance of a pair";
  bool log_x = true;  ///< leaves out values of 0 and below, and says how many
  index_t bins = 60;
  std::vector<histogram_mark> marks = {};
};

/// How values (such as the errors of pairs) are distributed: the percentage of them in equal bins of the axis.
///
/// Throws.    shape_error without values that the axis can show, option_error, io_error.
inline void histogram_picture(const std::filesystem::path& path, std::string_view title,
                              const std::vector<double>& values, const histogram_options& options = {},
                              const gnuplot& plotter = gnuplot()) {
  if (options.bins < 1 || options.bins > 2000)
    fail<option_error>("histogram_picture: bins is ", options.bins, ", expected 1 to 2000");
  const auto visible = [&](double x) { return is_finite(x) && (!options.log_x || x > 0); };
  const auto scaled = [&](double x) { return options.log_x ? std::log10(x) : x; };
  const auto unscaled = [&](double x) { return options.log_x ? std::pow(10.0, x) : x; };
  double low = INFINITY, high = -INFINITY;
  index_t shown = 0;
  for (const double x : values)
    if (visible(x)) {
      low = std::min(low, scaled(x));
      high = std::max(high, scaled(x));
      ++shown;
    }
  if (shown == 0) fail<shape_error>("histogram_picture: found no value that the axis can show, expected at least one");
  if (low == high) {
    low -= 0.5;
    high += 0.5;
  }
  std::vector<double> share(std::size_t(options.bins));
  const double width = (high - low) / double(options.bins);
  for (const double x : values)
    if (visible(x))
      share[std::size_t(std::min(index_t((scaled(x) - low) / width), options.bins - 1))] += 100 / double(values.size());
  data_block bars("bars");
  double tallest = 0;
  for (std::size_t b = 0; b < share.size(); ++b) {
    const double left = unscaled(low + double(b) * width), right = unscaled(low + double(b + 1) * width);
    bars.row((left + right) / 2, share[b], left, right, 0, share[b]);
    tallest = std::max(tallest, share[b]);
  }

  const canvas size{900, 560};
  const style::box box{85, 70, 785, 430};
  const index_t missing = index_t(values.size()) - shown;
  std::string note;
  if (missing > 0)
    note = concat("left out: ", missing, " of ", values.size(), options.log_x ? " (not above 0)" : " (not finite)");
  std::string script = style::preamble(title) + style::labels(options.x_label, "percent of the values") +
                       style::placed(box, size) + style::remark(note, box, size);
  if (options.log_x) script += "set logscale x\n";
  script += concat("unset key\nset format '%g'\nset xrange [", unscaled(low), ":", unscaled(high), "]\nset yrange [0:",
                   1.15 * tallest, "]\nset style fill solid 1 border rgb 'white'\n");
  script += style::marks(options.marks, unscaled(low), unscaled(high), options.log_x);
  script += concat("plot $bars using 1:2:3:4:5:6 with boxxyerror lw 0.5 fillcolor rgb ",
                   style::hex(style::line_colours[0]), "\n");
  plotter.draw(script, {bars}, path, size);
}

}  // namespace kdm
