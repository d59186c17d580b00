// Gnuplot and the pictures: they exist, have their size and show something; errors carry a message; text is text.
#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include "kdm/report/report.hpp"
#include "support.hpp"

using kdm::matrix;
using kdm_test::message_of;
using kdm_test::temporary_folder;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Says so where gnuplot is missing; the tests of pictures then end early.
bool gnuplot_missing() {
  static const bool missing = [] {
    const temporary_folder folder;
    try {
      kdm::gnuplot().draw("plot x", {}, folder / "probe.png");
      return false;
    } catch (const kdm::io_error& e) {
      MESSAGE("pictures are not tested: " << e.what());
      return true;
    }
  }();
  return missing;
}

struct picture {
  std::uint32_t width = 0, height = 0;
  std::size_t bytes = 0;
  bool complete = false;
};

/// What the header of a PNG file says. A picture of one colour compresses to almost nothing: see `bytes`.
picture read_png(const std::filesystem::path& file) {
  const std::string bytes = kdm_test::read_bytes(file);
  if (bytes.size() < 33 || !bytes.starts_with("\x89PNG\r\n\x1a\n") || bytes.compare(12, 4, "IHDR") != 0) return {};
  const auto word = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t k = 0; k < 4; ++k) value = value << 8 | static_cast<unsigned char>(bytes[at + k]);
    return value;
  };
  return {word(16), word(20), bytes.size(), bytes.compare(bytes.size() - 8, 4, "IEND") == 0};
}

void check_picture(const std::filesystem::path& file, std::uint32_t width, std::uint32_t height, std::size_t least = 8000) {
  const picture found = read_png(file);
  CAPTURE(file.string());
  CHECK(found.width == width);
  CHECK(found.height == height);
  CHECK(found.complete);
  CHECK(found.bytes > least);
}

}  // namespace

TEST_CASE("gnuplot: a blank page is smaller than any picture checked here") {
  if (gnuplot_missing()) return;
  const temporary_folder folder;
  kdm::gnuplot().draw("unset border\nunset tics\nunset key\nplot [0:1][0:1] 2", {}, folder / "blank.png");
  CHECK(read_png(folder / "blank.png").width == 900);
  CHECK(read_png(folder / "blank.png").bytes < 8000);
}

TEST_CASE("density pictures: size and content") {
  if (gnuplot_missing()) return;
  const temporary_folder folder;
  auto x = kdm_test::random_matrix<float>(2000, 2, 1);
  x(7, 0) = NAN;
  const kdm::plot_range range{-3, 3, -3, 3};
  kdm::density_picture(folder / "one.png", "density", x, {.range = range});
  check_picture(folder / "one.png", 900, 800);
  kdm::density_picture(folder / "log.png", "density", x, {.bins = 50, .colours = kdm::colour_scale::logarithmic});
  CHECK(read_png(folder / "log.png").complete);
  kdm::pair_picture(folder / "three.png", "all", {{"data", x}, {"teacher", x}, {"student", x}}, {.range = range});
  check_picture(folder / "three.png", 1468, 544);
}

TEST_CASE("density pictures: the histogram is normalised by all points") {
  matrix<double> x(5, 2);
  x(0, 0) = 0.5, x(0, 1) = 1.5;
  x(1, 0) = 2.0, x(1, 1) = 2.0;  // the upper corner belongs to the last bin
  x(2, 0) = 2.1;
  x(3, 1) = NAN;
  const auto d = kdm::detail::density_of(x, {0, 2, 0, 2}, 2, 2);
  CHECK(d.outside == doctest::Approx(0.4));
  CHECK(d.values(0, 0) == doctest::Approx(0.2));
  CHECK(d.values(1, 0) == doctest::Approx(0.2));
  CHECK(d.values(1, 1) == doctest::Approx(0.2));
  CHECK(d.values(0, 1) == 0);
}

TEST_CASE("scatter pictures: size and content") {
  if (gnuplot_missing()) return;
  const temporary_folder folder;
  const auto x = kdm_test::random_matrix<double>(500, 2, 2);
  std::vector<int> classes(500);
  for (std::size_t i = 0; i < 500; ++i) classes[i] = int(i % 13) - 1;
  const kdm::plot_range range{-3, 3, -3, 3};
  kdm::scatter_picture(folder / "a.png", "points", x, {}, {.range = range, .limit = 100});
  check_picture(folder / "a.png", 800, 800);
  kdm::noise_structure_picture(folder / "b.png", "noise", x, classes, {.range = range, .class_names = {"one", "two"}});
  check_picture(folder / "b.png", 900, 800);
  kdm::scatter_picture(folder / "all_out.png", "outliers only", x, std::vector<int>(500, -1));
  CHECK(read_png(folder / "all_out.png").complete);
}

TEST_CASE("spectrum curves and histogram pictures: size and content") {
  if (gnuplot_missing()) return;
  const temporary_folder folder;
  const std::vector<std::complex<double>> eigenvalues{{0.9, 0.1}, {0.9, -0.1}, {0.2, 0}};
  kdm::spectrum_picture(folder / "s.png", "spectrum", eigenvalues, {1e-3, 1e-3, 0});
  check_picture(folder / "s.png", 900, 800);
  kdm::spectrum_picture(folder / "plain.png", "spectrum", eigenvalues);
  check_picture(folder / "plain.png", 800, 800);
  kdm::curves_picture(folder / "c.png", "curves", {{"a", {1, 2, 3}, {1, 0.1, NAN}}, {"b", {1, 2}, {-1, 0}}},
                      {.y_label = "loss"});
  check_picture(folder / "c.png", 900, 574);
  kdm::curves_picture(folder / "point.png", "one point", {{"a", {1}, {1}}});
  CHECK(read_png(folder / "point.png").complete);
  kdm::histogram_picture(folder / "h.png", "errors", {0, 0.1, 0.2, 0.2, 3}, {.marks = {{"median", 0.2}, {"far", 99}}});
  check_picture(folder / "h.png", 900, 560);
  kdm::histogram_picture(folder / "same.png", "all equal", std::vector<double>(9, 1.0), {.log_x = false});
  CHECK(read_png(folder / "same.png").complete);
}

TEST_CASE("images pictures: size and content") {
  if (gnuplot_missing()) return;
  const temporary_folder folder;
  const auto x = kdm_test::random_matrix<float>(30, 12, 6);
  kdm::images_picture(folder / "i.png", "images", {{"teacher", x}, {"student", x}}, {.height = 4, .width = 3, .count = 8});
  check_picture(folder / "i.png", 1130, 380, 4000);
  kdm::images_picture(folder / "grey.png", "one grey", {{"flat", matrix<double>(1, 12)}}, {.height = 4, .width = 3});
  CHECK(read_png(folder / "grey.png").complete);
}

TEST_CASE("curves pictures: marks within the axis are drawn") {
  if (gnuplot_missing()) return;
  const temporary_folder folder;
  const std::vector<kdm::curve> curves{{"a", {1, 2, 3}, {1, 0.1, 0.2}}};
  const auto drawn = [&](std::vector<kdm::axis_mark> marks) {
    kdm::curves_picture(folder / "c.png", "curves", curves, {.marks = std::move(marks)});
    return kdm_test::read_bytes(folder / "c.png");
  };
  const std::string plain = drawn({});
  CHECK(drawn({{"phase", 2}}) != plain);
  CHECK(drawn({{"outside", 4}, {"nowhere", NAN}}) == plain);
}

TEST_CASE("gnuplot: hostile text is drawn and runs nothing") {
  CHECK(kdm::gnuplot::quoted("it's `x` @w\nset \\") == "\"it\\047s \\140x\\140 \\100w set \\134\"");
  CHECK(kdm::gnuplot::quoted("é λ₁ (50%)") == "\"é λ₁ (50%)\"");
  CHECK(kdm::gnuplot::quoted("") == "\"\"");
  if (gnuplot_missing()) return;
  const temporary_folder folder;
  const std::string trap = (folder / "trap").string();
  const auto x = kdm_test::random_matrix<float>(20, 2, 3);
  std::vector<kdm::named_points> panels;
  std::vector<kdm::curve> curves;
  std::vector<kdm::histogram_mark> marks;
  for (const std::string& bad :
       {"'; system 'touch " + trap + "'", "`touch " + trap + "`", "$(touch " + trap + ")",
        "a\nsystem \"touch " + trap + "\"\n", "\" . system(\"touch " + trap + "\") . \"", std::string("\\"),
        std::string("ends with '"), std::string("'''"), std::string("\"\""),
        std::string("@ARG0 %s {/:Bold x}_0^2 \\n \xff\xfe"), std::string("\rEND\r\nEND\n")}) {
    CAPTURE(bad);
    kdm::scatter_picture(folder / "s.png", bad, x, std::vector<int>(20, -1),
                         {.class_names = {bad}, .outlier_name = bad, .x_label = bad, .y_label = bad});
    panels.emplace_back(bad, x);
    curves.push_back({bad, {1, 2}, {1, 2}});
    marks.push_back({bad, 2});
    CHECK_FALSE(std::filesystem::exists(trap));
  }
  panels.erase(panels.begin() + 4, panels.end());
  kdm::pair_picture(folder / "d.png", panels[0].name, panels);
  kdm::curves_picture(folder / "c.png", panels[1].name, curves, {.x_label = panels[2].name, .marks = marks});
  kdm::histogram_picture(folder / "h.png", panels[3].name, {1, 2, 3}, {.x_label = panels[0].name, .marks = marks});
  CHECK_FALSE(std::filesystem::exists(trap));
  const auto odd = folder / "it's $(touch x) `y`.png";
  kdm::scatter_picture(odd, "odd path", x);
  CHECK(read_png(odd).complete);
}

TEST_CASE("gnuplot: a failure carries its message and leaves the old picture") {
  const temporary_folder folder;
  kdm_test::write_bytes(folder / "old.png", "old");
  CHECK(has(message_of<kdm::io_error>([&] { kdm::gnuplot("no-such-gnuplot").draw("plot x", {}, folder / "old.png"); }),
            "the package gnuplot-nox"));
  CHECK(has(message_of<kdm::io_error>([&] { kdm::gnuplot("/bin/false").draw("plot x", {}, folder / "old.png"); }),
            "failed for"));
  CHECK(has(message_of<kdm::io_error>([&] { kdm::gnuplot("/bin/true").draw("plot x", {}, folder / "old.png"); }),
            "drew nothing"));
  if (!gnuplot_missing()) {
    CHECK(has(message_of<kdm::io_error>([&] { kdm::gnuplot().draw("plot nonsense(", {}, folder / "old.png"); }),
              "invalid expression"));
    CHECK(has(message_of<kdm::io_error>([&] { kdm::gnuplot().draw("set title 'x'", {}, folder / "old.png"); }),
              "drew nothing"));
    CHECK_THROWS_AS(kdm::gnuplot().draw("plot x", {}, folder / "no" / "such.png"), kdm::io_error);
  }
  CHECK(kdm_test::read_bytes(folder / "old.png") == "old");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("pictures: refuse what they cannot show before gnuplot starts") {
  const kdm::gnuplot none("no-such-gnuplot");
  const auto x = kdm_test::random_matrix<float>(5, 2, 4);
  CHECK_THROWS_AS(kdm::density_picture("x.png", "t", matrix<float>(5, 3), {}, none), kdm::shape_error);
  CHECK_THROWS_AS(kdm::density_picture("x.png", "t", x, {.range = kdm::plot_range{1, 1, 0, 1}}, none),
                  kdm::option_error);
  CHECK_THROWS_AS(kdm::density_picture("x.png", "t", x, {.range = kdm::plot_range{0, INFINITY, 0, 1}}, none),
                  kdm::option_error);
  CHECK_THROWS_AS(kdm::density_picture("x.png", "t", x, {.bins = -1}, none), kdm::option_error);
  CHECK_THROWS_AS(kdm::pair_picture("x.png", "t", {}, {}, none), kdm::option_error);
  CHECK_THROWS_AS(kdm::scatter_picture("x.png", "t", x, {1, 2}, {}, none), kdm::shape_error);
  CHECK_THROWS_AS(kdm::noise_structure_picture("x.png", "t", x, {}, {}, none), kdm::shape_error);
  CHECK_THROWS_AS(kdm::spectrum_picture("x.png", "t", {}, {}, none), kdm::shape_error);
  CHECK_THROWS_AS(kdm::spectrum_picture("x.png", "t", {{NAN, 0}}, {}, none), kdm::numeric_error);
  CHECK_THROWS_AS(kdm::spectrum_picture("x.png", "t", {{1, 0}}, {-1}, none), kdm::numeric_error);
  CHECK_THROWS_AS(kdm::spectrum_picture("x.png", "t", {{1, 0}}, {NAN}, none), kdm::numeric_error);
  CHECK_THROWS_AS(kdm::spectrum_picture("x.png", "t", {{1, 0}}, {1, 2}, none), kdm::shape_error);
  CHECK_THROWS_AS(kdm::curves_picture("x.png", "t", {{"a", {1, 2}, {1}}}, {}, none), kdm::shape_error);
  CHECK_THROWS_AS(kdm::curves_picture("x.png", "t", {{"a", {1}, {0}}}, {}, none), kdm::shape_error);
  CHECK_THROWS_AS(kdm::histogram_picture("x.png", "t", {0, NAN}, {}, none), kdm::shape_error);
  CHECK_THROWS_AS(kdm::images_picture("x.png", "t", {}, {.height = 1, .width = 2}, none), kdm::option_error);
  CHECK_THROWS_AS(kdm::images_picture("x.png", "t", {{"x", x}}, {.height = 1, .width = 3}, none), kdm::shape_error);
  CHECK_THROWS_AS(kdm::images_picture("x.png", "t", {{"x", x}}, {}, none), kdm::option_error);
}
