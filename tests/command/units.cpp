// The unit of data and noise does not matter, and samples are drawn from the prior of the pairs.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "kdm/backend/reference.hpp"
#include "kdm/io/frozen.hpp"
#include "kdm/io/json.hpp"
#include "kdm/io/npy.hpp"
#include "kdm/io/trajectories.hpp"
#include "kdm/koopman/generator.hpp"
#include "kdm/prior.hpp"
#include "kdm/standardise.hpp"
#include "runs.hpp"

using kdm::index_t;
using kdm::matrix;
using kdm_test::contains;
using kdm_test::kdm_run;
using kdm_test::outcome;
using kdm_test::temporary_folder;

namespace {

using change = std::function<double(double value, index_t row, index_t column)>;

/// Normal noise z, and tanh(2 z) as its data, both changed.
kdm::io::pair_set<double> tanh_pairs(index_t n, const change& noise, const change& data) {
  matrix<double> z = kdm_test::random_matrix<double>(n, 2, 7), x(n, 2);
  for (index_t i = 0; i < n; ++i)
    for (index_t j = 0; j < 2; ++j) x(i, j) = data(std::tanh(2 * z(i, j)), i, j), z(i, j) = noise(z(i, j), i, j);
  return {std::move(z), std::move(x)};
}

double same(double value, index_t, index_t) { return value; }

const std::string small = " --steps 500 --hidden 16 --depth 2 --batch 128 --learning-rate 5e-3 --threads 1";

outcome distill(const temporary_folder& folder, const kdm::io::pair_set<double>& pairs, const std::string& options = small) {
  kdm::io::save_pairs(folder / "pairs.npy", pairs);
  const outcome o = kdm_run(folder, "distill --pairs pairs.npy --overwrite --out model" + options);
  INFO(o.err);
  REQUIRE(o.status == 0);
  return o;
}

std::vector<double> means(const matrix<float>& x) {
  std::vector<double> m(std::size_t(x.cols()), 0);
  for (index_t i = 0; i < x.rows(); ++i)
    for (index_t j = 0; j < x.cols(); ++j) m[std::size_t(j)] += double(x(i, j)) / double(x.rows());
  return m;
}

/// Mean square error over variance, of each column, of the student on the pairs it learned from.
std::vector<double> shares_missed(const temporary_folder& folder, const kdm::io::pair_set<double>& pairs) {
  kdm::io::save_npy(folder / "noise.npy", pairs.xT.view());
  const outcome o = kdm_run(folder, "sample --model model --noise noise.npy --out x.npy");
  INFO(o.err);
  REQUIRE(o.status == 0);
  const auto x = kdm::io::load_npy_matrix<float>(folder / "x.npy");
  std::vector<double> shares;
  for (index_t j = 0; j < x.cols(); ++j) {
    double mean = 0, error = 0, variance = 0;
    for (index_t i = 0; i < x.rows(); ++i) mean += pairs.x0(i, j) / double(x.rows());
    for (index_t i = 0; i < x.rows(); ++i) {
      error += std::pow(double(x(i, j)) - pairs.x0(i, j), 2);
      variance += std::pow(pairs.x0(i, j) - mean, 2);
    }
    shares.push_back(error / variance);
  }
  return shares;
}

kdm::io::json model_of(const temporary_folder& folder) {
  return kdm::io::read_json(folder / "model/configuration.json")["model"];
}

/// Samples of the model against the mean and deviation of the pairs' data.
void check_samples(const temporary_folder& folder, const kdm::io::pair_set<double>& pairs) {
  REQUIRE(kdm_run(folder, "sample --model model --samples 5000 --out s.npy").status == 0);
  const auto x = kdm::io::load_npy_matrix<float>(folder / "s.npy");
  const auto expected = means(matrix<float>(pairs.x0.view())), found = means(x);
  for (index_t j = 0; j < 2; ++j) {
    double expected_square = 0, square = 0;
    for (index_t i = 0; i < pairs.size(); ++i)
      expected_square += std::pow(pairs.x0(i, j) - expected[std::size_t(j)], 2) / double(pairs.size());
    for (index_t i = 0; i < x.rows(); ++i)
      square += std::pow(double(x(i, j)) - found[std::size_t(j)], 2) / double(x.rows());
    const double deviation = std::sqrt(expected_square);
    // Standard errors: a fortieth of a deviation for the 2,000 pairs, less for the samples.
    CHECK(std::abs(found[std::size_t(j)] - expected[std::size_t(j)]) < 0.12 * deviation);
    CHECK(std::sqrt(square) == doctest::Approx(deviation).epsilon(0.08));
  }
}

/// A student with random weights, wide apart from one another.
kdm_command::student_model some_model() {
  kdm_command::model_settings m;
  m.noise_dimension = 3, m.data_dimension = 2, m.hidden = 7, m.depth = 3, m.latent = 5;
  return kdm_command::build(m);
}

}  // namespace

TEST_CASE("distill learns data in any unit equally well") {
  const temporary_folder folder;
  const auto clean = tanh_pairs(2000, same, same);
  const outcome first = distill(folder, clean);
  CHECK_FALSE(contains(first.err, "warning:"));
  const double expected = shares_missed(folder, clean)[0];
  CHECK(expected < 0.02);
  const auto check = [&](const change& noise, const change& data) {
    const auto pairs = tanh_pairs(2000, noise, data);
    CHECK_FALSE(contains(distill(folder, pairs).err, "warning:"));
    for (const double share : shares_missed(folder, pairs)) CHECK(share < 2 * expected + 1e-4);
  };
  check(same, [](double x, index_t, index_t) { return 1e-6 * x; });
  check([](double z, index_t, index_t) { return 1e-6 * z; }, [](double x, index_t, index_t) { return 1e6 * x; });
  check([](double z, index_t, index_t) { return z + 1000; }, [](double x, index_t, index_t) { return x - 800; });
  // Columns of unequal size, in noise and data.
  check([](double z, index_t, index_t j) { return j == 0 ? z : 100 * z; },
        [](double x, index_t, index_t j) { return j == 0 ? 1e-4 * x : 1e3 * x + 5; });
}

TEST_CASE("distill takes a constant column and says where float cannot hold one") {
  const temporary_folder folder;
  const std::string few = " --steps 5 --hidden 8 --depth 2 --threads 1";
  const auto constant = tanh_pairs(200, same, [](double x, index_t, index_t j) { return j == 0 ? x : 1e5; });
  CHECK_FALSE(contains(distill(folder, constant, few).err, "warning:"));
  REQUIRE(kdm_run(folder, "sample --model model --samples 4 --out s.npy").status == 0);
  const auto s = kdm::io::load_npy_matrix<float>(folder / "s.npy");
  for (index_t i = 0; i < 4; ++i) CHECK(s(i, 1) == doctest::Approx(1e5).epsilon(1e-4));
  const auto far = tanh_pairs(200, same, [](double x, index_t, index_t j) { return j == 0 ? x : x + 1e6; });
  CHECK(contains(distill(folder, far, few).err, "warning: pairs.npy: x_0: column 1 has mean "));
  const auto tiny = tanh_pairs(200, same, [](double x, index_t, index_t) { return 1e-40 * x; });
  kdm::io::save_pairs(folder / "pairs.npy", tiny);
  const outcome refused = kdm_run(folder, "distill --pairs pairs.npy --out other" + few);
  CHECK(refused.status == 1);
  CHECK(contains(refused.err, "pairs.npy: x_0: column 0 has mean"));
}

TEST_CASE("samples come from the prior of the pairs") {
  const temporary_folder folder;
  SUBCASE("a mean") {
    const auto pairs = tanh_pairs(2000, [](double z, index_t, index_t) { return z + 3; }, same);
    const outcome o = distill(folder, pairs);
    CHECK_FALSE(contains(o.err, "warning:"));
    CHECK(contains(o.err, "the prior has the mean and deviation of every column"));
    const auto model = model_of(folder);
    CHECK(model["prior"] == "normal");
    for (std::size_t j = 0; j < 2; ++j) {
      CHECK(model["prior_mean"][j].get<double>() == doctest::Approx(3).epsilon(0.05));
      CHECK(model["prior_factor"][0][j].get<double>() == doctest::Approx(1).epsilon(0.1));
    }
    check_samples(folder, pairs);
    // A frozen student draws the same.
    REQUIRE(kdm_run(folder, "export --model model --safetensors f.safetensors").status == 0);
    REQUIRE(kdm_run(folder, "sample --model model --samples 300 --seed 2 --out x.npy").status == 0);
    kdm::frozen_model<float> frozen(kdm::io::load_frozen<float>(folder / "f.safetensors"));
    matrix<float> x(300, 2);
    frozen.sample(2, 0, x);
    CHECK(kdm_test::relative_difference(x, kdm::io::load_npy_matrix<float>(folder / "x.npy")) < 1e-5);
  }
  SUBCASE("columns of unequal size") {
    const auto pairs = tanh_pairs(2000, [](double z, index_t, index_t j) { return j == 0 ? z : 100 * z; }, same);
    distill(folder, pairs);
    check_samples(folder, pairs);
  }
  SUBCASE("a correlation") {
    auto pairs = tanh_pairs(2000, same, same);
    for (index_t i = 0; i < 2000; ++i) pairs.xT(i, 1) = 0.8 * pairs.xT(i, 0) + 0.6 * pairs.xT(i, 1);
    const outcome o = distill(folder, pairs);
    CHECK(contains(o.err, "columns 0 and 1 have a correlation of 0.8"));
    const auto factor = model_of(folder)["prior_factor"];
    REQUIRE(factor.size() == 2);
    CHECK(factor[0][1] == 0);
    CHECK(factor[1][0].get<double>() == doctest::Approx(0.8).epsilon(0.1));
    CHECK(factor[1][1].get<double>() == doctest::Approx(0.6).epsilon(0.1));
    check_samples(folder, pairs);
  }
}

TEST_CASE("noise that is not normal asks for --noise") {
  const temporary_folder folder;
  const std::string few = " --steps 5 --hidden 8 --depth 2 --threads 1";
  const change uniform = [](double z, index_t, index_t) { return 0.5 + 0.5 * std::erf(z / std::sqrt(2.)); };
  const change label = [](double z, index_t i, index_t j) { return j == 0 ? z : double(i % 3); };
  const change constant = [](double z, index_t, index_t j) { return j == 0 ? z : 7.5; };
  for (const change& noise : {uniform, label, constant}) {
    const auto pairs = tanh_pairs(600, noise, same);
    const outcome o = distill(folder, pairs, few);
    CHECK(contains(o.err, "warning: pairs.npy: the noise is of no known distribution, column "));
    CHECK(model_of(folder)["prior"] == "unknown");
    const outcome drawn = kdm_run(folder, "sample --model model --samples 5 --out s.npy");
    CHECK(drawn.status == 2);
    CHECK(contains(drawn.err, "give --noise instead of --samples"));
    CHECK_FALSE(std::filesystem::exists(folder / "s.npy"));
    CHECK(shares_missed(folder, pairs).size() == 2);
    // The written configuration stands for the same run, without another warning.
    const outcome again = kdm_run(folder, "distill --pairs pairs.npy --out again --overwrite --config "
                                          "model/configuration.json");
    CHECK(again.status == 0);
    CHECK(kdm_test::read_bytes(folder / "again/model.safetensors") ==
          kdm_test::read_bytes(folder / "model/model.safetensors"));
    const outcome fitted =
        kdm_run(folder, "fit --pairs pairs.npy --method edmd --dictionary rff:8 --student-only --out fitted");
    CHECK(fitted.status == 0);
    CHECK(contains(fitted.err, "warning: pairs.npy: the noise is of no known distribution"));
    CHECK(kdm_run(folder, "sample --model fitted --samples 5 --out s.npy").status == 2);
  }
}

TEST_CASE("the prior is measured and taken for one of the paths only where many numbers say so") {
  const auto measured = [](index_t n, double deviation) {
    const matrix<double> z = kdm_test::random_matrix<double>(n, 2, 3, deviation);
    const auto m = kdm_command::measure_prior(z.view());
    CHECK(m.plain);
    CHECK(m.settings.kind == "normal");
    return m.settings.scale;
  };
  CHECK(measured(1000, 1) == 1);
  CHECK(measured(1000, 80) == 80);
  CHECK(measured(1000, 2) == doctest::Approx(2).epsilon(0.05));
  CHECK(measured(1000, 60) == doctest::Approx(60).epsilon(0.05));
  for (const double deviation : {2., 60., 80.}) {
    const double scale = measured(10, deviation);
    CHECK(scale != 1);
    CHECK(scale != 80);
    CHECK(scale == doctest::Approx(deviation).epsilon(0.5));
  }
  // A mean is seen in ten rows.
  matrix<double> far = kdm_test::random_matrix<double>(10, 2, 3);
  for (index_t k = 0; k < far.size(); ++k) far.data()[k] += 50;
  CHECK(kdm_command::measure_prior(kdm::const_view<double>(far)).settings.mean.at(0) == doctest::Approx(50).epsilon(0.05));
  // What is stated stays, and is tested.
  const matrix<double> twice = kdm_test::random_matrix<double>(1000, 2, 3, 2);
  const auto stated = kdm_command::measure_prior(twice.view(), {.kind = "normal", .scale = 1});
  CHECK(stated.settings.scale == 1);
  CHECK_FALSE(stated.plain);
  CHECK(contains(stated.why, "times the root mean square"));
}

TEST_CASE("fit distils data in any unit equally well") {
  const temporary_folder folder;
  const auto error = [&](const change& noise, const change& data) {
    const auto pairs = tanh_pairs(1500, noise, data);
    kdm::io::save_pairs(folder / "pairs.npy", pairs);
    const outcome o =
        kdm_run(folder, "fit --pairs pairs.npy --method edmd --dictionary rff:64 --student-only --out model");
    INFO(o.err);
    REQUIRE(o.status == 0);
    const auto shares = shares_missed(folder, pairs);
    return std::max(shares[0], shares[1]);
  };
  const double expected = error(same, same);
  CHECK(expected < 0.05);
  CHECK(error(same, [](double x, index_t, index_t) { return 1e-6 * x; }) < 1.1 * expected + 1e-4);
  CHECK(error([](double z, index_t, index_t) { return 1e3 * z; }, [](double x, index_t, index_t j) {
          return j == 0 ? x - 500 : 1e6 * x;
        }) < 1.1 * expected + 1e-4);
}

TEST_CASE("columns are scaled together or apart or not at all") {
  matrix<double> x(2, 3);
  x(0, 0) = 1, x(1, 0) = 7, x(0, 1) = x(1, 1) = 0.1, x(0, 2) = -4, x(1, 2) = 4;
  const kdm_command::column_statistics found = kdm_command::statistics_of(kdm::const_view<double>(x));
  CHECK(found.deviation == std::vector<double>{3, 0, 4});
  const auto apart = kdm_command::scaling_of(found, "columns", "x");
  CHECK(apart.mean == std::vector<double>{4, 0.1, 0});
  CHECK(apart.deviation == std::vector<double>{3, 1, 4});
  const auto together = kdm_command::scaling_of(found, "common", "x");
  CHECK(together.mean == apart.mean);
  for (const double deviation : together.deviation) CHECK(deviation == doctest::Approx(std::sqrt((9. + 16.) / 3)));
  const auto none = kdm_command::scaling_of(found, "none", "x");
  CHECK(none.mean == std::vector<double>(3, 0));
  CHECK(none.deviation == std::vector<double>(3, 1));
}

TEST_CASE("scaling folded into the weights is the student of the scaled pairs") {
  const auto model = some_model();
  matrix<double> w = kdm_test::random_matrix<double>(1, model.size(), 1, 0.5);
  const kdm_command::column_scaling noise{{3, -2e3, 0}, {0.5, 80, 1}}, data{{1e4, -1}, {1e-3, 7}};
  const matrix<double> x = kdm_test::random_matrix<double>(50, 3, 2), y = kdm_test::random_matrix<double>(50, 2, 3);
  matrix<double> xT(50, 3), x0(50, 2);
  for (index_t i = 0; i < 50; ++i) {
    for (index_t j = 0; j < 3; ++j) xT(i, j) = noise.mean[std::size_t(j)] + noise.deviation[std::size_t(j)] * x(i, j);
    for (index_t j = 0; j < 2; ++j) x0(i, j) = data.mean[std::size_t(j)] + data.deviation[std::size_t(j)] * y(i, j);
  }
  using backend = kdm::reference_backend<double>;
  const auto pushed = [&](const matrix<double>& in) {
    return kdm::generator<kdm_command::student_model, backend>(model, w.view()).push(in.view());
  };
  const auto encoded = [&](const matrix<double>& in) {
    return kdm::runner<kdm_command::encoder, backend>(model.encoder_data, model.data_weights(w.view()))(in.view());
  };
  const matrix<double> scaled = pushed(x), codes = encoded(y);
  kdm_command::fold_scaling(model, w.view(), noise, data);
  const matrix<double> found = pushed(xT);
  for (index_t i = 0; i < 50; ++i)
    for (index_t j = 0; j < 2; ++j) {
      const double expected = data.mean[std::size_t(j)] + data.deviation[std::size_t(j)] * scaled(i, j);
      CHECK(std::abs(found(i, j) - expected) < 1e-12 * (std::abs(data.mean[std::size_t(j)]) + data.deviation[std::size_t(j)]));
    }
  CHECK(kdm_test::relative_difference(encoded(x0), codes) < 1e-8);  // 1e4 is 1e7 deviations
}

TEST_CASE("folders of 0.1.0 load and sample as they did") {
  const temporary_folder folder;
  const std::string fixtures = KDM_TEST_FIXTURES "/folders/";
  for (const char* name : {"trained", "fitted"}) {
    const outcome o =
        kdm_run(folder, "sample --model '" + fixtures + name + "' --samples 5 --seed 3 --out " + name + ".npy");
    INFO(o.err);
    REQUIRE(o.status == 0);
    const auto expected = kdm::io::load_npy_matrix<float>(fixtures + name + "/samples.npy");
    CHECK(kdm_test::relative_difference(kdm::io::load_npy_matrix<float>(folder / (std::string(name) + ".npy")), expected) <
          1e-5);
  }
  kdm::frozen_model<float> frozen(kdm::io::load_frozen<float>(fixtures + "trained/frozen.safetensors"));
  CHECK(frozen.prior().scale == 80);
  matrix<float> x(5, 2);
  frozen.sample(3, 0, x);
  CHECK(kdm_test::relative_difference(x, kdm::io::load_npy_matrix<float>(fixtures + "trained/samples.npy")) < 1e-5);
}
