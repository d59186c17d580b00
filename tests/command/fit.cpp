#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <functional>
#include <vector>

#include "kdm/io/json.hpp"
#include "kdm/io/npy.hpp"
#include "kdm/io/safetensors.hpp"
#include "kdm/io/tensor.hpp"
#include "runs.hpp"

using kdm_test::contains;
using kdm_test::kdm_run;
using kdm_test::outcome;
using kdm_test::read_bytes;
using kdm_test::temporary_folder;

namespace {

/// Row-wise steps x a: a rotation by 0.3 that shrinks by 0.95, and a decay by 0.5, in mixed coordinates.
constexpr double mix[3][3] = {{1, 0.4, 0}, {0, 1, 0.3}, {0.2, 0, 1}};

void advance(double* w) {
  const double c = 0.95 * std::cos(0.3), s = 0.95 * std::sin(0.3), p = w[0], q = w[1];
  w[0] = c * p - s * q, w[1] = s * p + c * q, w[2] *= 0.5;
}

/// Trajectories of that system, [snapshots, n, 3].
void save_linear(const std::string& file, kdm::index_t snapshots, kdm::index_t n) {
  kdm::io::tensor<double> t({snapshots, n, 3});
  const auto start = kdm_test::random_matrix<double>(n, 3, 7);
  for (kdm::index_t i = 0; i < n; ++i) {
    double w[3] = {start(i, 0), start(i, 1), start(i, 2)};
    for (kdm::index_t k = 0; k < snapshots; ++k, advance(w))
      for (int j = 0; j < 3; ++j) {
        double& x = t.slice(k)(i, j);
        x = 0;
        for (int l = 0; l < 3; ++l) x += w[l] * mix[l][j];
      }
  }
  kdm::io::save_npy(file, t);
}

/// Noise in the plane and a smooth map of it, [2, n, 2].
void save_smooth(const std::string& file, kdm::index_t n, unsigned seed) {
  kdm::io::tensor<float> t({2, n, 2});
  const auto noise = kdm_test::random_matrix<float>(n, 2, seed);
  for (kdm::index_t i = 0; i < n; ++i) {
    const float x = t.slice(0)(i, 0) = noise(i, 0), y = t.slice(0)(i, 1) = noise(i, 1);
    t.slice(1)(i, 0) = 2 * std::tanh(x) + 1;
    t.slice(1)(i, 1) = y + std::sin(x);
  }
  kdm::io::save_npy(file, t);
}

/// The largest distance from an expected eigenvalue to the nearest found one; -1 for another number of them.
double error_of(const kdm::io::json& spectrum, const std::vector<std::complex<double>>& expected) {
  const auto& list = spectrum["eigenvalues"];
  if (list.size() != expected.size()) return -1;
  double worst = 0;
  for (const auto z : expected) {
    double nearest = 1e300;
    for (const auto& e : list) nearest = std::min(nearest, std::abs(z - std::complex<double>(e["re"].get<double>(), e["im"].get<double>())));
    worst = std::max(worst, nearest);
  }
  return worst;
}

const std::complex<double> rotation = std::polar(0.95, 0.3);

}  // namespace

TEST_CASE("fit finds the eigenvalues of a linear system by every method of states") {
  const temporary_folder folder;
  save_linear(folder / "t.npy", 5, 40);
  for (const std::string method : {"exact", "projected", "total_least_squares", "forward_backward", "edmd"}) {
    CAPTURE(method);
    const outcome fitted = kdm_run(folder, "fit --pairs t.npy --consecutive --no-pictures --dt 0.1 --out f --method " + method);
    INFO(fitted.err);
    REQUIRE(fitted.status == 0);
    CHECK(contains(fitted.out, "residual"));
    const auto spectrum = kdm::io::read_json(folder / "f/spectrum.json");
    const double error = error_of(spectrum, {rotation, std::conj(rotation), 0.5});
    CHECK(error >= 0);
    CHECK(error < 1e-10);
    CHECK(spectrum["method"] == method);
    CHECK(spectrum["pairs"] == 160);
    CHECK(spectrum["dt"] == 0.1);
    CHECK(spectrum["rank"]["rank"] == 3);
    CHECK(spectrum["rank"]["rule"] == "tolerance");
    const auto& first = spectrum["eigenvalues"][0];
    CHECK(first["growth_rate"].get<double>() == doctest::Approx(std::log(0.95) / 0.1).epsilon(1e-9));
    CHECK(std::abs(first["frequency"].get<double>()) == doctest::Approx(0.3 / 0.1 / 6.283185307179586).epsilon(1e-9));
    CHECK(first["residual"].get<double>() < 1e-10);
  }
}

TEST_CASE("fit takes one trajectory without the axis of samples") {
  const temporary_folder folder;
  save_linear(folder / "t.npy", 30, 1);
  kdm::io::tensor<double> one({30, 3});
  const auto t = kdm::io::load_npy<double>(folder / "t.npy");
  std::copy_n(t.data(), t.size(), one.data());
  kdm::io::save_npy(folder / "one.npy", one);
  const outcome fitted = kdm_run(folder, "fit --pairs one.npy --consecutive --no-pictures --out f");
  INFO(fitted.err);
  REQUIRE(fitted.status == 0);
  const auto spectrum = kdm::io::read_json(folder / "f/spectrum.json");
  const double error = error_of(spectrum, {rotation, std::conj(rotation), 0.5});
  CHECK(error >= 0);
  CHECK(error < 1e-8);
  CHECK(spectrum["pairs"] == 29);

  const outcome refused = kdm_run(folder, "fit --pairs one.npy --no-pictures --out g");
  CHECK(refused.status != 0);
  CHECK(contains(refused.err, "one.npy: found one trajectory [30, 3], expected --consecutive"));
}

TEST_CASE("fit maps the first snapshot to the last unless the pairs are consecutive") {
  const temporary_folder folder;
  save_linear(folder / "t.npy", 4, 30);
  REQUIRE(kdm_run(folder, "fit --pairs t.npy --no-pictures --out f").status == 0);
  const auto spectrum = kdm::io::read_json(folder / "f/spectrum.json");
  const auto cubed = rotation * rotation * rotation;
  const double error = error_of(spectrum, {cubed, std::conj(cubed), 0.125});
  CHECK(error >= 0);
  CHECK(error < 1e-10);
  CHECK(spectrum["pairs"] == 30);

  // x decode' of the operator file: encode k decode moves the first snapshot to the last.
  const auto file = kdm::io::load_safetensors(folder / "f/operator.safetensors");
  CHECK(file.entry("eigenvalues").shape == kdm::io::shape_t{3, 2});
  CHECK(file.entry("modes").shape == kdm::io::shape_t{3, 3, 2});
  kdm::matrix<double> encode(3, 3), k(3, 3), decode(3, 3);
  file.copy_to("encode", encode.view());
  file.copy_to("k", k.view());
  file.copy_to("decode", decode.view());
  const auto t = kdm::io::load_npy<double>(folder / "t.npy");
  double worst = 0;
  for (kdm::index_t i = 0; i < 30; ++i)
    for (kdm::index_t j = 0; j < 3; ++j) {
      double x = 0;
      for (kdm::index_t a = 0; a < 3; ++a)
        for (kdm::index_t b = 0; b < 3; ++b)
          for (kdm::index_t c = 0; c < 3; ++c) x += t.slice(0)(i, a) * encode(a, b) * k(b, c) * decode(c, j);
      worst = std::max(worst, std::abs(x - t.slice(3)(i, j)));
    }
  CHECK(worst < 1e-10);
}

/// cos .3t, sin .3t and what else `extra` says at time t, in `states` states; `keep` rounds.
template <class T>
void save_modes(const std::string& file, kdm::index_t times, kdm::index_t states, bool fast,
                const std::function<double(double)>& keep) {
  kdm::io::tensor<T> x({times, 1, states});
  for (kdm::index_t t = 0; t < times; ++t)
    for (kdm::index_t j = 0; j < states; ++j) {
      const double time = double(t), place = double(j);
      double v = std::cos(.3 * time) * std::cos(place) + std::sin(.3 * time) * std::cos(2 * place) +
                 std::pow(.9, time) * std::cos(3 * place);
      if (fast) v += std::cos(1.1 * time) * std::cos(4 * place) + std::sin(1.1 * time) * std::cos(5 * place);
      x.slice(t)(0, j) = T(keep(v));
    }
  kdm::io::save_npy(file, x);
}
const std::vector<std::complex<double>> slow_modes{std::polar(1., .3), std::polar(1., -.3), .9};
const std::vector<std::complex<double>> all_modes{std::polar(1., .3), std::polar(1., -.3), .9, std::polar(1., 1.1),
                                                  std::polar(1., -1.1)};

/// The largest distance from an expected eigenvalue to the nearest found one, among any number.
double missing(const kdm::io::json& spectrum, const std::vector<std::complex<double>>& expected) {
  double worst = 0;
  for (const auto z : expected) {
    double nearest = 1e300;
    for (const auto& e : spectrum["eigenvalues"])
      nearest = std::min(nearest, std::abs(z - std::complex<double>(e["re"].get<double>(), e["im"].get<double>())));
    worst = std::max(worst, nearest);
  }
  return worst;
}

TEST_CASE("fit keeps true eigenvalues of data that carry rounding") {
  const temporary_folder folder;
  const auto thirteen = [](double v) { return std::round(v * 1e13) / 1e13; };
  for (const kdm::index_t times : {8, 10}) {
    CAPTURE(times);
    save_modes<double>(folder / "x.npy", times, 20, false, thirteen);
    const outcome fitted = kdm_run(folder, "fit --pairs x.npy --consecutive --no-pictures --out f");
    INFO(fitted.out, fitted.err);
    REQUIRE(fitted.status == 0);
    const auto spectrum = kdm::io::read_json(folder / "f/spectrum.json");
    CHECK(missing(spectrum, slow_modes) < 1e-8);
    CHECK(spectrum["relative_residual"].get<double>() < 1e-10);
    CHECK(contains(fitted.out, "the data are multiples of 1e-13"));
    REQUIRE(kdm_run(folder, "fit --pairs x.npy --consecutive --no-pictures --data-precision 1e-13 --out g").status == 0);
    const auto known = kdm::io::read_json(folder / "g/spectrum.json");
    CHECK(error_of(known, slow_modes) >= 0);
    CHECK(error_of(known, slow_modes) < 1e-10);
    CHECK(known["rank"]["rule"] == "rounding");
    CHECK(known["data_precision"]["absolute"] == 1e-13);
  }
}

TEST_CASE("fit does not take the rounding of float32 for information") {
  const temporary_folder folder;
  const auto as_it_is = [](double v) { return v; };
  const auto single = [](double v) { return double(float(v)); };
  save_modes<float>(folder / "f4.npy", 40, 12, true, as_it_is);
  save_modes<double>(folder / "f8.npy", 40, 12, true, single);
  save_modes<double>(folder / "clean.npy", 40, 12, true, as_it_is);
  const auto spectrum_of = [&](const std::string& options) {
    CAPTURE(options);
    const outcome fitted = kdm_run(folder, "fit --consecutive --no-pictures --out f --pairs " + options);
    INFO(fitted.out, fitted.err);
    REQUIRE(fitted.status == 0);
    CHECK_FALSE(contains(fitted.out, "warning:"));
    return kdm::io::read_json(folder / "f/spectrum.json");
  };
  for (const std::string method : {"exact", "projected", "total_least_squares", "forward_backward", "edmd"})
    for (const std::string file : {"f4.npy", "f8.npy --data-precision float32", "clean.npy"}) {
      CAPTURE(file);
      const auto spectrum = spectrum_of(file + " --method " + method);
      CHECK(error_of(spectrum, all_modes) >= 0);
      CHECK(error_of(spectrum, all_modes) < (file == "clean.npy" ? 1e-12 : 1e-5));
      CHECK(spectrum["rank"]["rank"] == 5);
      CHECK(spectrum["warnings"].empty());
    }
  CHECK(spectrum_of("f4.npy --data-precision float64")["rank"]["rank"] == 12);

  // Few snapshots of many states: rounding grows there, and whoever does not say what it is hears of it.
  save_modes<float>(folder / "f4.npy", 30, 40, true, as_it_is);
  save_modes<double>(folder / "f8.npy", 30, 40, true, single);
  CHECK(error_of(spectrum_of("f4.npy"), all_modes) < 1e-5);
  const outcome warned = kdm_run(folder, "fit --pairs f8.npy --consecutive --no-pictures --out f");
  REQUIRE(warned.status == 0);
  CHECK(contains(warned.out, "\nwarning: growing eigenvalues lie within the rounding of the data, which are numbers of "
                             "float: "));
  CHECK(kdm::io::read_json(folder / "f/spectrum.json")["warnings"].size() == 1);
}

TEST_CASE("fit warns of an operator that describes little") {
  const temporary_folder folder;
  kdm::io::tensor<double> x({2, 50, 3});
  for (kdm::index_t k = 0; k < 2; ++k) {
    const auto noise = kdm_test::random_matrix<double>(50, 3, unsigned(k + 1));
    for (kdm::index_t i = 0; i < 50; ++i)
      for (kdm::index_t j = 0; j < 3; ++j) x.slice(k)(i, j) = noise(i, j);
  }
  kdm::io::save_npy(folder / "x.npy", x);
  for (const std::string method : {"exact", "projected", "total_least_squares", "edmd", "mp_edmd", "orthogonal"}) {
    CAPTURE(method);
    const outcome fitted = kdm_run(folder, "fit --pairs x.npy --no-pictures --out f --method " + method);
    INFO(fitted.err);
    REQUIRE(fitted.status == 0);
    CHECK(contains(fitted.out, "\nwarning: the relative residual is "));
  }
}

TEST_CASE("fit cuts the rank and says by which rule") {
  const temporary_folder folder;
  save_linear(folder / "t.npy", 5, 40);
  REQUIRE(kdm_run(folder, "fit --pairs t.npy --consecutive --rank 2 --no-pictures --out f").status == 0);
  const auto fixed = kdm::io::read_json(folder / "f/spectrum.json");
  CHECK(fixed["rank"]["rank"] == 2);
  CHECK(fixed["rank"]["rule"] == "fixed");
  CHECK(fixed["eigenvalues"].size() == 2);
  REQUIRE(kdm_run(folder, "fit --pairs t.npy --consecutive --energy 0.5 --no-pictures --out f").status == 0);
  CHECK(kdm::io::read_json(folder / "f/spectrum.json")["rank"]["rule"] == "energy");
}

TEST_CASE("fit of monomials finds products of eigenvalues") {
  const temporary_folder folder;
  save_linear(folder / "t.npy", 3, 80);
  REQUIRE(kdm_run(folder, "fit --pairs t.npy --consecutive --method edmd --dictionary monomials:2 --no-pictures --out f")
              .status == 0);
  const auto r = rotation, s = std::conj(rotation);
  const double error = error_of(kdm::io::read_json(folder / "f/spectrum.json"),
                                {1, r, s, 0.5, r * r, r * s, s * s, r * 0.5, s * 0.5, 0.25});
  CHECK(error >= 0);
  CHECK(error < 1e-9);
}

TEST_CASE("fit says what is wrong with its options and leaves nothing") {
  const temporary_folder folder;
  save_linear(folder / "t.npy", 3, 20);
  const auto refuses = [&](const std::string& options, const std::string& word, int status = 2) {
    CAPTURE(options);
    const outcome fitted = kdm_run(folder, "fit --pairs t.npy --no-pictures --out f " + options);
    CHECK(fitted.status == status);
    CHECK(contains(fitted.err, word));
    CHECK_FALSE(std::filesystem::exists(folder / "f"));
  };
  refuses("--method best", "--method");
  refuses("--rank 2 --energy 0.9", "--energy");
  refuses("--energy 1.5", "energy");
  refuses("--dt 0", "--dt");
  refuses("--dictionary monomials:2", "--dictionary");
  refuses("--method edmd --dictionary monomials:x", "monomials:x");
  refuses("--method edmd --dictionary rff:7", "even");
  refuses("--method edmd --dictionary fourier:3", "one angle");
  refuses("--method edmd --dictionary waves", "rff:N");
  refuses("--method edmd --bandwidth 2", "--bandwidth");
  refuses("--ridge 0.1", "--ridge");
  for (const std::string bad : {"x", "0", "float16", "1e-6x", "inf", "nan"})
    refuses("--data-precision " + bad, "--data-precision is " + bad + ", expected float32, float64");
  refuses("--student-only", "--student-only");
  const outcome missing = kdm_run(folder, "fit --pairs none.npy --out f");
  CHECK(missing.status == 1);
  CHECK(contains(missing.err, "none.npy"));
}

TEST_CASE("fit distils in closed form and its student samples and is evaluated") {
  const temporary_folder folder;
  save_smooth(folder / "pairs.npy", 3000, 1);
  save_smooth(folder / "unseen.npy", 500, 2);
  for (const std::string dictionary : {"rff:64", "rbf:60"}) {
    CAPTURE(dictionary);
    const std::string common = "fit --pairs pairs.npy --method edmd --student-only --dictionary " + dictionary;
    const outcome fitted = kdm_run(folder, common + " --threads 1 --out model");
    INFO(fitted.err);
    REQUIRE(fitted.status == 0);
    CHECK(contains(fitted.out, "pair error"));
    REQUIRE(kdm_run(folder, common + " --threads 3 --out again").status == 0);
    for (const char* name : {"model.safetensors", "configuration.json"})
      CHECK(read_bytes(folder / ("model/" + std::string(name))) == read_bytes(folder / ("again/" + std::string(name))));

    REQUIRE(kdm_run(folder, "evaluate --model model --pairs unseen.npy --out m.json").status == 0);
    // The data have a variance of about 2 a coordinate. Bumps stop where the data do, which costs at the edge.
    const double error = kdm::io::read_json(folder / "m.json")["pair_error"]["mean_squared"].get<double>();
    CHECK(error < (dictionary == "rff:64" ? 0.01 : 0.2));
    // The student in float reproduces on its own pairs the error that the triangle promised in double.
    REQUIRE(kdm_run(folder, "evaluate --model model --pairs pairs.npy --out own.json").status == 0);
    const double own = kdm::io::read_json(folder / "own.json")["pair_error"]["mean_squared"].get<double>();
    const double promised = std::stod(fitted.out.substr(fitted.out.find("pair error ") + 11));
    CHECK(own == doctest::Approx(promised).epsilon(0.02));
    REQUIRE(kdm_run(folder, "sample --model model --samples 300 --seed 3 --threads 1 --out a.npy").status == 0);
    REQUIRE(kdm_run(folder, "sample --model model --samples 300 --seed 3 --backend reference --out b.npy").status == 0);
    const auto a = kdm::io::load_npy_matrix<float>(folder / "a.npy"), b = kdm::io::load_npy_matrix<float>(folder / "b.npy");
    REQUIRE(a.rows() == 300);
    double worst = 0;
    for (kdm::index_t k = 0; k < a.size(); ++k)
      worst = std::max(worst, double(std::abs(a.data()[k] - b.data()[k])));
    CHECK(worst < 1e-2);
    CHECK(kdm::io::read_json(folder / "model/configuration.json")["kind"] == "features");
  }
  SUBCASE("a trained student is left alone") {
    std::filesystem::create_directory(folder / "trained");
    kdm_test::write_bytes(folder / "trained/checkpoint.safetensors", "x");
    const outcome fitted =
        kdm_run(folder, "fit --pairs pairs.npy --method edmd --student-only --dictionary rff:8 --out trained");
    CHECK(fitted.status == 2);
    CHECK(contains(fitted.err, "trained student"));
  }
}

TEST_CASE("the spectrum of a dictionary does not depend on the threads") {
  const temporary_folder folder;
  save_smooth(folder / "pairs.npy", 5000, 4);
  for (const std::string n : {"1", "3"})
    REQUIRE(kdm_run(folder, "fit --pairs pairs.npy --method edmd --dictionary rff:16 --no-pictures --threads " + n +
                                " --out f" + n).status == 0);
  for (const char* name : {"spectrum.json", "operator.safetensors", "model.safetensors"})
    CHECK(read_bytes(folder / ("f1/" + std::string(name))) == read_bytes(folder / ("f3/" + std::string(name))));
}

TEST_CASE("fit draws what it found") {
  if (std::system("gnuplot --version >/dev/null 2>&1") != 0) return;
  const temporary_folder folder;
  save_linear(folder / "t.npy", 4, 60);
  const outcome fitted =
      kdm_run(folder, "fit --pairs t.npy --consecutive --method edmd --dictionary monomials:1 --out f");
  INFO(fitted.err);
  REQUIRE(fitted.status == 0);
  for (const char* picture : {"eigenvalues", "singular_values", "pseudospectrum", "modes"})
    CHECK(read_bytes(folder / ("f/" + std::string(picture) + ".png")).starts_with("\x89PNG"));
}
