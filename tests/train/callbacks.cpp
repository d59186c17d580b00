// The callbacks that come with the trainer.
#include <doctest/doctest.h>

#include <sys/resource.h>

#include <clocale>
#include <csignal>
#include <limits>
#include <memory>
#include <sstream>

#include "kdm/kdm.hpp"
#include "support.hpp"

using namespace kdm;
using kdm_test::message_of;
using kdm_test::random_matrix;
using kdm_test::read_bytes;
using kdm_test::temporary_folder;

namespace {

auto small_trainer(index_t steps) {
  static const matrix<float> xT = random_matrix<float>(50, 2, 1), x0 = random_matrix<float>(50, 3, 2);
  const koopman_model model{dense_layer(2, 4, activations::tanh{}), dense_layer(3, 4, activations::tanh{}),
                            linear_operator(4), dense_layer(4, 3)};
  return trainer(distillation{model, objective{0, terms::latent<>{}, terms::reconstruction<>{}}}, sgd{},
                 {.steps = steps, .batch = 10, .learning_rate = 1e-2}, xT.view(), x0.view(),
                 reference_backend<float>{});
}

}  // namespace

TEST_CASE("the log has a line every so many steps and after the last and goes on where it is told to") {
  const temporary_folder folder;
  auto t = small_trainer(7);
  {
    metrics_log log(folder / "log", 3);
    double mine = 0.5;
    log.add("mine", [&] { return std::exchange(mine, std::numeric_limits<double>::quiet_NaN()); });
    t.run(log);
  }
  const std::string text = read_bytes(folder / "log");
  CHECK(std::count(text.begin(), text.end(), '\n') == 3);
  CHECK(text.starts_with("{\"step\": 3, \"loss\": "));
  CHECK(text.find("\"mine\": 0.5") != std::string::npos);
  CHECK(text.find("\"mine\"", text.find("\"mine\"") + 1) == std::string::npos);
  CHECK(text.find("nan") == std::string::npos);
  CHECK(message_of<option_error>([&] { metrics_log(folder / "log", 0); }) ==
        "metrics_log: every 0 steps, expected at least 1");
  CHECK(read_bytes(folder / "log") == text);
  { metrics_log log(folder / "log", 1, true); }
  CHECK(read_bytes(folder / "log") == text);
  CHECK(message_of<io_error>([&] { metrics_log(folder / "nowhere/log", 1); }).find("nowhere/log") != std::string::npos);
}

TEST_CASE("the log holds whole lines alone whatever the run before has left") {
  const temporary_folder folder;
  const std::string file = folder / "log", line = "{\"step\": 1, \"loss\": 0.5}", long_line = "{\"x\": \"" + std::string(10000, 'y') + "\"}";
  const auto repaired = [&](const std::string& text) {
    kdm_test::write_bytes(file, text);
    { metrics_log log(file, 1, true); }
    return read_bytes(file);
  };
  const std::string zeros(9000, '\0');
  for (const std::string& kept : {std::string(), line + "\n", long_line + "\n" + line + "\n", line + "\n" + long_line + "\n"}) {
    CHECK(repaired(kept) == kept);
    CHECK(repaired(kept + "{\"step\": 2") == kept);
    CHECK(repaired(kept + long_line.substr(0, 9000)) == kept);
    CHECK(repaired(kept + zeros) == kept);
    CHECK(repaired(kept + "{\"step\": 2" + zeros) == kept);
    CHECK(repaired(kept + zeros + "{\"step\"") == kept);
    CHECK(repaired(kept + line) == kept + line + "\n");
    CHECK(repaired(kept + long_line) == kept + long_line + "\n");
    CHECK(repaired(kept + line + zeros) == kept + line + "\n");
  }
  for (std::size_t cut = 1; cut <= line.size(); ++cut)
    CHECK(repaired(line + "\n" + line.substr(0, line.size() - cut)) == line + "\n");

  // A log that somebody cuts off below it has no hole afterwards.
  auto t = small_trainer(4);
  metrics_log log(file, 1);
  log.add("a \"name\"\\\n", [] { return 1.; });
  t.run(log, [&](auto&, const step_report& r) {
    if (r.step == 2) std::filesystem::resize_file(file, 0);
  });
  const std::string text = read_bytes(file);
  CHECK(text.starts_with("{\"step\": 3, "));
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
  CHECK(text.find('\0') == std::string::npos);
  CHECK(text.find("\"a \\\"name\\\"\\\\\\u000a\": 1") != std::string::npos);
}

TEST_CASE("a full disk leaves no part of a line in the log") {
  const temporary_folder folder;
  auto t = small_trainer(400);
  metrics_log log(folder / "log", 1);
  // A limit on the size of files stands in for the full disk.
  rlimit before;
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string message = message_of<io_error>([&] { t.run(log); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(message == (folder / "log").string() + ": cannot write: File too large");
  const std::string text = read_bytes(folder / "log");
  CHECK(text.size() > 500);
  CHECK(text.size() <= 1000);
  CHECK(text.ends_with("}\n"));
}

TEST_CASE("validation measures the averaged student on its schedule and after the last step") {
  const auto xT = random_matrix<float>(20, 2, 5), x0 = random_matrix<float>(20, 3, 6);
  auto t = small_trainer(5);
  validation<float> held(xT.view(), x0.view(), 2);
  CHECK(std::isnan(held.unlogged()));
  std::vector<bool> seen;
  t.run(held, [&](auto&, const step_report&) { seen.push_back(!std::isnan(held.unlogged())); });
  CHECK(seen == std::vector<bool>{false, true, false, true, true});
  generator student(t.model(), t.average().view(), 1, reference_backend<float>{});
  CHECK(held.errors().mean_squared == pair_error(student.push(xT.view()), x0).mean_squared);
  CHECK(held.step() == 5);
  CHECK(held.text().starts_with("  held out "));
  validation<float> wrong(x0.view(), xT.view(), 2);
  CHECK(message_of<shape_error>([&] { wrong(t, t.report()); }) == "validation: columns of xT is 3, expected 2");
  CHECK_THROWS_AS(validation<float>(xT.view().row_range(0, 0), x0.view().row_range(0, 0), 2), shape_error);
}

TEST_CASE("validation sees a student get better as a distribution while its pairs get worse") {
  // Data that the noise says nothing about: 1 or -1 at random. The best guess of a pair is 0, and a student that sends
  // half of the noise to either side has the right distribution and twice the error.
  matrix<float> xT = random_matrix<float>(400, 1, 1), x0(400, 1);
  for (index_t i = 0; i < 400; ++i) x0(i, 0) = random_matrix<float>(400, 1, 2)(i, 0) > 0 ? 1.f : -1.f;
  struct student {
    bool crisp = false;
    struct {
      index_t noise_dimension() const { return 1; }
      index_t data_dimension() const { return 1; }
    } sizes;
    const auto& model() const { return sizes; }
    matrix<float> push_average(const_view<float> x) const {
      matrix<float> y(x.rows, 1);
      for (index_t i = 0; i < x.rows; ++i) y(i, 0) = !crisp ? 0.f : x(i, 0) > 0 ? 1.f : -1.f;
      return y;
    }
  } t;
  validation<float> held(xT.view(), x0.view(), 1);
  CHECK(std::isnan(held.sliced_wasserstein()));
  CHECK(std::isnan(held.sliced_wasserstein_floor()));
  step_report r;
  r.step = 1, r.steps = 2;
  held(t, r);
  CHECK(held.errors().mean_squared == doctest::Approx(1));
  CHECK(held.errors().unexplained == doctest::Approx(1).epsilon(0.02));
  CHECK(held.sliced_wasserstein() == doctest::Approx(1));  // every quantile moves by 1
  CHECK(held.unlogged_sliced_wasserstein() == held.sliced_wasserstein());
  CHECK(held.unlogged_standard_error() == held.errors().standard_error);
  CHECK(std::isnan(held.unlogged_sliced_wasserstein()));
  CHECK(held.sliced_wasserstein_floor() < 0.7);
  t.crisp = true;
  r.step = 2;
  held(t, r);
  CHECK(held.errors().mean_squared == doctest::Approx(2).epsilon(0.2));
  CHECK(held.sliced_wasserstein() < 0.7);
  CHECK(held.measure_distance(t) == held.sliced_wasserstein());
  // Both ways between the halves, in brute force.
  const halves h = halves_of(400, {}, 0);
  const matrix<float> y = t.push_average(xT.view());
  const auto rows = [](const matrix<float>& x, const std::vector<index_t>& which) {
    matrix<float> z(index_t(which.size()), 1);
    for (index_t i = 0; i < z.rows(); ++i) z(i, 0) = x(which[std::size_t(i)], 0);
    return z;
  };
  const double there = sliced_wasserstein(rows(y, h.first), rows(x0, h.second), {.directions = 64});
  const double back = sliced_wasserstein(rows(y, h.second), rows(x0, h.first), {.directions = 64});
  CHECK(held.sliced_wasserstein() == doctest::Approx((there + back) / 2));
  CHECK(held.sliced_wasserstein_floor() ==
        sliced_wasserstein(rows(x0, h.first), rows(x0, h.second), {.directions = 64}));
  validation<float> few(xT.view().row_range(0, 3), x0.view().row_range(0, 3), 1);
  few(t, r);
  CHECK(few.errors().mean_squared >= 0);
  CHECK(std::isnan(few.sliced_wasserstein()));
}

TEST_CASE("the progress line names the terms and fits a terminal when live") {
  std::ostringstream plain, live;
  auto t = small_trainer(40);
  progress_line log(plain, false), line(live, true);
  t.run(log, line);
  CHECK(plain.str().find("step 40/40") != std::string::npos);
  CHECK(plain.str().find("reconstruction ") != std::string::npos);
  const std::string lines = plain.str();
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 20);
  const std::string shown = live.str().substr(live.str().rfind('\r') + 1);
  CHECK(shown.size() < 80);
}

TEST_CASE("what a run reports and what it trains go into a stream") {
  auto t = small_trainer(7);
  std::ostringstream out;
  out << step_report{100, 300, 0.2012, {}, 0.0025} << '\n'
      << pair_error(const_view<float>(random_matrix<float>(2, 1, 1)), const_view<float>(random_matrix<float>(2, 1, 1)))
      << '\n'
      << gradient_errors{2.13e-10, 4e-11, 0} << '\n'
      << split_figure{0.44123, 0.44, 0.0151, {0.41, 0.4704}} << '\n'
      << t.model().decoder << '\n';
  CHECK(out.str() ==
        "step 100 of 300, loss 0.201, learning rate 0.0025\n"
        "mean squared error 0 +- 0, 0 % of the variance; median distance 0\n"
        "largest relative errors: dw 2.1e-10, dx 4e-11, conventions 0\n"
        "0.441 +- 0.015 (0.41 to 0.47)\n"
        "dense_layer 4 -> 3, identity\n");
}

TEST_CASE("an interrupt stops after the step and the handler before comes back") {
  auto t = small_trainer(1000);
  void (*before)(int) = std::signal(SIGINT, SIG_DFL);
  {
    stop_on_interrupt stop;
    t.run(stop, [](auto& of, const step_report& r) {
      if (r.step == 4) std::raise(SIGINT);
      CHECK(of.step() <= 5);
    });
    CHECK(stop.interrupted());
    CHECK(stop.signal() == SIGINT);
    CHECK(t.step() == 5);
  }
  const bool restored = std::signal(SIGINT, SIG_IGN) == SIG_DFL;
  CHECK(restored);
  {
    stop_on_interrupt stop;
    std::raise(SIGINT);
    CHECK_FALSE(stop.interrupted());
  }
  std::signal(SIGINT, before);
}

TEST_CASE("the last of overlapping interrupt callbacks restores what was there before the first") {
  void (*const before)(int) = std::signal(SIGTERM, SIG_DFL);
  auto first = std::make_unique<stop_on_interrupt>();
  auto second = std::make_unique<stop_on_interrupt>();
  SUBCASE("in the order in which they began") {
    first.reset();
    std::raise(SIGTERM);  // still somebody's
    CHECK(second->signal() == SIGTERM);
    second.reset();
  }
  SUBCASE("in reverse") {
    second.reset();
    std::raise(SIGTERM);
    CHECK(first->interrupted());
    auto third = std::make_unique<stop_on_interrupt>();
    CHECK(third->interrupted());  // what has arrived is for all of them
    first.reset();
    third.reset();
  }
  const bool restored = std::signal(SIGTERM, SIG_IGN) == SIG_DFL;
  CHECK(restored);
  {
    const stop_on_interrupt later;
    CHECK_FALSE(later.interrupted());
  }
  std::signal(SIGTERM, before);
}

TEST_CASE("a handler that came while an interrupt callback lived stays") {
  void (*const before)(int) = std::signal(SIGTERM, SIG_DFL);
  const auto theirs = +[](int) {};
  {
    const stop_on_interrupt stop;
    std::signal(SIGTERM, theirs);
  }
  const bool stayed = std::signal(SIGTERM, before) == theirs;
  CHECK(stayed);
}

TEST_CASE("the progress line has a decimal point in any locale") {
  // Without the locales of the machine: what printf would read.
  for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "da_DK.UTF-8"})
    if (std::setlocale(LC_NUMERIC, name)) break;
  std::ostringstream plain;
  auto t = small_trainer(20);
  progress_line log(plain, false);
  t.run(log);
  std::setlocale(LC_NUMERIC, "C");
  CHECK(plain.str().find(',') == std::string::npos);
  CHECK(plain.str().find("loss ") != std::string::npos);
  CHECK(kdm::detail::scientific(1234.56, 3) == "1.235e+03");
  CHECK(kdm::detail::scientific(std::numeric_limits<double>::infinity(), 3) == "inf");
  CHECK(kdm::detail::clock_text(59.2) == "1:00");
  CHECK(kdm::detail::clock_text(3661) == "1:01:01");
  CHECK(kdm::detail::clock_text(1e300).size() < 20);
}
