/// A picture of a pseudospectrum: how near to an eigenvalue the points of the complex plane are.
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "kdm/core/finite.hpp"
#include "kdm/report/style.hpp"

namespace kdm {

/// tau as colour and contours at powers of 10^(1/2), with the eigenvalues and the unit circle.
///
/// Values below 1e-16 are shown as 1e-16; eigenvalues beyond the grid are left out.
/// Shapes.    tau [im, re]: row i belongs to im[i], column j to re[j]; both at least two and increasing.
/// Throws.    shape_error, option_error, io_error.
inline void pseudospectrum_picture(const std::filesystem::path& path, std::string_view title,
                                   const std::vector<double>& re, const std::vector<double>& im,
                                   const matrix<double>& tau, const std::vector<std::complex<double>>& eigenvalues = {},
                                   const gnuplot& plotter = gnuplot()) {
  if (re.size() < 2 || im.size() < 2)
    fail<shape_error>("pseudospectrum_picture: found ", re.size(), " x ", im.size(), " points, expected at least 2 x 2");
  require_size("pseudospectrum_picture: rows of tau", tau.rows(), index_t(im.size()));
  require_size("pseudospectrum_picture: columns of tau", tau.cols(), index_t(re.size()));
  const plot_range range{re.front(), re.back(), im.front(), im.back()};
  require_range(range);

  data_block grid("grid"), values("values"), circle("circle");
  double lowest = INFINITY, highest = -INFINITY;
  for (index_t i = 0; i < tau.rows(); ++i) {
    for (index_t j = 0; j < tau.cols(); ++j) {
      const double level = std::log10(std::max(tau(i, j), 1e-16));
      if (is_finite(level)) lowest = std::min(lowest, level), highest = std::max(highest, level);
      grid.row(re[std::size_t(j)], im[std::size_t(i)], level);
    }
    grid.gap();
  }
  if (!(lowest < highest)) lowest = -1, highest = 0;
  for (const std::complex<double> z : eigenvalues)
    if (z.real() >= range.x_min && z.real() <= range.x_max && z.imag() >= range.y_min && z.imag() <= range.y_max)
      values.row(z.real(), z.imag(), 0);
  values.row(NAN, NAN, 0);
  for (int i = 0; i <= 360; ++i) circle.row(std::cos(i * 0.017453292519943295), std::sin(i * 0.017453292519943295), 0);

  const canvas size{900, 120 + int(680 * style::aspect(range))};
  const style::box box{85, 60, 680, size.height - 120};
  std::string script = style::preamble("") + style::sequential_palette();
  // Contour lines are made before the map is drawn: splot writes them into a block.
  script += concat("set contour base\nset cntrparam levels incremental ", std::floor(2 * lowest) / 2, ", 0.5, ", highest,
                   "\nunset surface\nset table $contours\nsplot $grid using 1:2:3\nunset table\nunset contour\n");
  script += concat("set title ", gnuplot::quoted(title), "\nset grid front\nunset grid\nunset key\n") +
            style::axis_range(range) + style::labels("Re z", "Im z") + style::placed(box, size) +
            style::colour_bar(box, size, "log10 tau") + concat("set cbrange [", lowest, ":", highest, "]\n");
  script += "plot $grid using 1:2:3 with image pixels, $contours using 1:2 with lines lw 0.7 lc rgb '#ffffff', "
            "$circle using 1:2 with lines lw 1.5 lc rgb '#dddddd', "
            "$values using 1:2 with points pt 6 ps 1.2 lw 1.5 lc rgb '#ff5555'\n";
  plotter.draw(script, {grid, values, circle}, path, size);
}

}  // namespace kdm
