/// Pictures of samples that are images: some of each set in a row, one set below the other.
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kdm/core/finite.hpp"
#include "kdm/report/style.hpp"

namespace kdm {

/// Samples under a name, as they are.
struct named_images {
  std::string name;
  matrix<double> samples;

  template <sample_set X>
  named_images(std::string name_, const X& samples_) : name(std::move(name_)), samples(samples_of(samples_)) {}
};

struct image_options {
  index_t height = 0, width = 0;  ///< of one image; a sample holds its rows one after the other
  index_t count = 20;             ///< images of each set: the first rows
};

/// The first samples of several sets as grey images, all on one scale: column k holds row k of every set.
///
/// Black and white are the 1 % and 99 % quantiles of the first set's numbers.
/// Shapes.    one to four sets [n, height width].
/// Throws.    shape_error, option_error, io_error.
inline void images_picture(const std::filesystem::path& path, std::string_view title,
                           const std::vector<named_images>& sets, const image_options& options,
                           const gnuplot& plotter = gnuplot()) {
  if (sets.empty() || sets.size() > 4)
    fail<option_error>("images_picture: found ", sets.size(), " sets, expected 1 to 4");
  if (options.height < 1 || options.width < 1 || options.height > 4096 || options.width > 4096)
    fail<option_error>("images_picture: an image is ", options.height, " x ", options.width, ", expected 1 to 4096 each");
  if (options.count < 1) fail<option_error>("images_picture: count is ", options.count, ", expected at least 1");
  index_t count = options.count;
  for (const named_images& set : sets) {
    require_size("images_picture: the numbers of a sample", set.samples.cols(), options.height * options.width);
    count = std::min(count, set.samples.rows());
  }
  if (count < 1) fail<shape_error>("images_picture: a set has no samples, expected at least one");
  std::vector<double> values;
  for (index_t k = 0; k < count; ++k)
    for (index_t j = 0; j < options.height * options.width; ++j)
      if (is_finite(sets[0].samples(k, j))) values.push_back(sets[0].samples(k, j));
  if (values.empty()) fail<shape_error>("images_picture: found no finite number, expected at least one");
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) { return values[std::size_t(share * double(values.size() - 1))]; };
  double low = at(0.01), high = at(0.99);
  if (!(low < high)) low -= 0.5, high += 0.5;

  // One table of pixels, white between the images.
  const index_t lines = index_t(sets.size());
  const index_t across = count * (options.width + 1) - 1, down = lines * (options.height + 1) - 1;
  data_block pixels("pixels");
  for (index_t y = 0; y < down; ++y)
    for (index_t x = 0; x < across; ++x) {
      const index_t i = y % (options.height + 1), j = x % (options.width + 1);
      const bool inside = i < options.height && j < options.width;
      const matrix<double>& samples = sets[std::size_t(y / (options.height + 1))].samples;
      const double value = inside ? samples(x / (options.width + 1), i * options.width + j) : high;
      pixels.row(x, y, is_finite(value) ? std::round(255 * std::clamp((value - low) / (high - low), 0., 1.)) : 0);
    }
  const int width = 1000;
  const int height = std::clamp(int(width * double(down) / double(across)), 40, 1200);
  const canvas size{width + 130, height + 90};
  const style::box box{110, 30, width, height};
  std::string script = style::preamble(title) + style::placed(box, size);
  script += concat("unset grid\nunset key\nset border 0\nunset tics\nset xrange [-0.5:", double(across) - 0.5,
                   "]\nset yrange [", double(down) - 0.5, ":-0.5]\n");
  for (index_t set = 0; set < lines; ++set)
    script += concat("set label ", set + 1, " ", gnuplot::quoted(sets[std::size_t(set)].name), " at screen ",
                     100.0 / size.width, ", first ", double(set * (options.height + 1)) + double(options.height - 1) / 2,
                     " right\n");
  plotter.draw(script + "plot $pixels using 1:2:3:3:3 with rgbimage\n", {pixels}, path, size);
}

}  // namespace kdm
