/// What all pictures share: colours, quiet axes, ranges, equal aspect.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kdm/core/error.hpp"
#include "kdm/core/finite.hpp"
#include "kdm/core/matrix.hpp"
#include "kdm/metrics/samples.hpp"
#include "kdm/report/gnuplot.hpp"

namespace kdm {

/// The rectangle of the plane that a picture shows.
struct plot_range {
  double x_min, x_max, y_min, y_max;
};

/// Points of the plane under a name: a panel, a series.
struct named_points {
  std::string name;
  matrix<double> points;

  /// Copies the points. Throws shape_error unless they have two columns.
  template <sample_set X>
  named_points(std::string name_, const X& points_) : name(std::move(name_)), points(kdm::samples_of(points_)) {
    if (points.cols() != 2) fail<shape_error>("picture: '", name, "' has ", points.cols(), " columns, expected 2");
  }
};

/// A vertical line with a name, such as a median, a threshold, the beginning of a phase.
struct axis_mark {
  std::string name;
  double x;
};

enum class colour_scale { linear, logarithmic };

/// The smallest range around all finite points, 4 percent wider on each side.
inline plot_range range_around(const matrix<double>& points) {
  plot_range r{INFINITY, -INFINITY, INFINITY, -INFINITY};
  for (index_t i = 0; i < points.rows(); ++i) {
    const double x = points(i, 0), y = points(i, 1);
    if (!is_finite(x) || !is_finite(y)) continue;
    r = {std::min(r.x_min, x), std::max(r.x_max, x), std::min(r.y_min, y), std::max(r.y_max, y)};
  }
  if (r.x_min > r.x_max) return {-1, 1, -1, 1};
  const double margin_x = r.x_max > r.x_min ? 0.04 * (r.x_max - r.x_min) : 1;
  const double margin_y = r.y_max > r.y_min ? 0.04 * (r.y_max - r.y_min) : 1;
  return {r.x_min - margin_x, r.x_max + margin_x, r.y_min - margin_y, r.y_max + margin_y};
}

inline void require_range(const plot_range& r) {
  if (!(r.x_min < r.x_max && r.y_min < r.y_max) || !is_finite(r.x_max - r.x_min + r.y_max - r.y_min))
    fail<option_error>("picture: the range is [", r.x_min, ", ", r.x_max, "] x [", r.y_min, ", ", r.y_max,
                       "], expected finite and increasing bounds");
}

namespace style {

/// Viridis at nine equal steps: perceptually uniform, readable in grey and for the colour-blind.
///
/// Source.    Smith, van der Walt, Firing 2015, the default colour map of matplotlib (CC0).
inline std::string sequential_palette() {
  return "set palette defined (0 '#440154', 1 '#472d7b', 2 '#3b528b', 3 '#2c728e', 4 '#21918c', 5 '#28ae80', "
         "6 '#5ec962', 7 '#addc30', 8 '#fde725')\n";
}

/// Distinct for the colour-blind; used again from the start after the last.
///
/// Source.    Tol 2021, "Colour schemes", the schemes "bright" (lines) and "muted" (classes).
inline constexpr std::array<unsigned, 6> line_colours{0x4477AA, 0xEE6677, 0x228833, 0xCCBB44, 0x66CCEE, 0xAA3377};
inline constexpr std::array<unsigned, 9> class_colours{0x332288, 0x88CCEE, 0x44AA99, 0x117733, 0x999933,
                                                       0xDDCC77, 0xCC6677, 0x882255, 0xAA4499};

inline std::string hex(unsigned rgb) {
  std::string text = "'#000000'";
  for (std::size_t digit = 0; digit < 6; ++digit) text[7 - digit] = "0123456789abcdef"[(rgb >> (4 * digit)) & 15];
  return text;
}

/// Axes and ticks in grey on two sides, a faint grid, the title.
inline std::string preamble(std::string_view title) {
  return concat("set border 3 lw 1 lc rgb '#555555'\nset tics nomirror out scale 0.6 textcolor rgb '#333333'\n",
                "set grid lw 0.5 lc rgb '#e4e4e4' lt 1\nset datafile missing 'NaN'\n",
                "set title ", gnuplot::quoted(title), " font ',15' offset 0,0.3\n");
}

inline std::string labels(std::string_view x_label, std::string_view y_label) {
  return concat("set xlabel ", gnuplot::quoted(x_label), "\nset ylabel ", gnuplot::quoted(y_label), "\n");
}

inline std::string axis_range(const plot_range& r) {
  return concat("set xrange [", r.x_min, ":", r.x_max, "]\nset yrange [", r.y_min, ":", r.y_max, "]\n");
}

/// A plot box given in pixels of the canvas, (x, y) its lower left corner.
struct box {
  int x, y, width, height;
};

inline std::string placed(const box& b, canvas c) {
  const auto across = [&](int pixels) { return concat("at screen ", double(pixels) / c.width, "\n"); };
  const auto up = [&](int pixels) { return concat("at screen ", double(pixels) / c.height, "\n"); };
  return concat("set lmargin ", across(b.x), "set rmargin ", across(b.x + b.width), "set bmargin ", up(b.y),
                "set tmargin ", up(b.y + b.height));
}

/// A colour bar right of the box.
inline std::string colour_bar(const box& b, canvas c, std::string_view label) {
  return concat("set colorbox user origin screen ", double(b.x + b.width + 18) / c.width, ",",
                double(b.y) / c.height, " size screen ", 16.0 / c.width, ",", double(b.height) / c.height,
                " noborder\nset cblabel ", gnuplot::quoted(label), 
                " offset 0.8,0\nset cbtics scale 0.3\nset format cb '%g'\n");
}

/// Colours on a logarithmic scale, with ticks at 1, 2 and 5 when a tick per decade would be too few.
inline std::string logarithmic_colours(double low, double high) {
  std::string text = "set logscale cb\n";
  if (high > 300 * low) return text;
  std::string ticks;
  for (double decade = std::pow(10.0, std::floor(std::log10(low))); decade <= high; decade *= 10)
    for (const int digit : {1, 2, 5})
      if (digit * decade >= low && digit * decade <= high) ticks += concat(ticks.empty() ? "" : ", ", digit * decade);
  return ticks.empty() ? text : concat(text, "set cbtics (", ticks, ")\n");
}

/// A remark in small print below the right end of the x axis.
inline std::string remark(std::string_view text, const box& b, canvas c) {
  if (text.empty()) return {};
  return concat("set label 99 ", gnuplot::quoted(text), " at screen ", double(b.x + b.width) / c.width, ",",
                14.0 / c.height, " right font ',9' textcolor rgb '#777777'\n");
}

/// Dashed lines at the marks that lie within [low, high], every name beside its line on one of two levels at the top.
inline std::string marks(const std::vector<axis_mark>& at, double low, double high, bool logarithmic) {
  std::string script;
  int tag = 1;
  for (const axis_mark& mark : at) {
    if (!(mark.x >= low && mark.x <= high) || !is_finite(mark.x)) continue;
    const bool right_half = logarithmic ? mark.x * mark.x > low * high : mark.x > (low + high) / 2;
    const double level = 0.97 - 0.05 * ((tag - 1) % 2);
    script += concat("set arrow ", tag, " from first ", mark.x, ", graph 0 to first ", mark.x,
                     ", graph 1 nohead front dt 2 lw 1.5 lc rgb '#333333'\nset label ", tag, " ",
                     gnuplot::quoted(mark.name), " at first ", mark.x, ", graph ", level,
                     right_half ? " right" : " left", " offset ", right_half ? "-0.7" : "0.7", ",0 front font ',11'\n");
    ++tag;
  }
  return script;
}

/// Height over width of an equally scaled box, within what fits on a page; beyond that the aspect is not equal.
inline double aspect(const plot_range& r) {
  return std::clamp((r.y_max - r.y_min) / (r.x_max - r.x_min), 0.3, 1.5);
}

/// Up to three significant digits and a percent sign.
inline std::string percent(double share) {
  char digits[64];
  const auto end = std::to_chars(digits, digits + sizeof digits, 100 * share, std::chars_format::general, 3);
  return concat(std::string_view(digits, std::size_t(end.ptr - digits)), "%");
}

}  // namespace style

}  // namespace kdm
