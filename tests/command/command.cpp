#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include "kdm/io/json.hpp"
#include "kdm/io/npy.hpp"
#include "kdm/io/safetensors.hpp"
#include "kdm/io/trajectories.hpp"
#include "runs.hpp"

using kdm_test::contains;
using kdm_test::kdm_run;
using kdm_test::outcome;
using kdm_test::read_bytes;
using kdm_test::temporary_folder;

namespace {

const std::string small = " --hidden 16 --depth 2 --batch 64 --learning-rate 5e-3 --threads 1 ";

void teach_small(const temporary_folder& folder) {
  const outcome taught = kdm_run(folder, "teach --samples 600 --steps 8 --snapshots 3 --seed 3 --out pairs.npy");
  INFO(taught.err);
  REQUIRE(taught.status == 0);
}

std::size_t files_in(const std::filesystem::path& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::recursive_directory_iterator(folder)) ++count;
  return count;
}

}  // namespace

TEST_CASE("teach writes trajectories from noise to the checkerboard whatever the number of threads") {
  const temporary_folder folder;
  REQUIRE(kdm_run(folder, "teach --samples 1500 --steps 10 --snapshots 4 --seed 5 --threads 1 --out a.npy").status == 0);
  REQUIRE(kdm_run(folder, "teach --samples 1500 --steps 10 --snapshots 4 --seed 5 --threads 3 --out b.npy").status == 0);
  CHECK(read_bytes(folder / "a.npy") == read_bytes(folder / "b.npy"));
  const auto t = kdm::io::load_trajectories<float>(folder / "a.npy");
  CHECK(t.shape() == kdm::io::shape_t{4, 1500, 2});
  double noise = 0;
  for (kdm::index_t i = 0; i < 1500; ++i) noise += double(t.slice(0)(i, 0)) * double(t.slice(0)(i, 0)) / 1500;
  CHECK(noise == doctest::Approx(1).epsilon(0.15));
}

TEST_CASE("teach knows every teacher and path and solver") {
  const temporary_folder folder;
  for (const char* solver : {"euler", "heun", "rk4"})
    for (const char* path : {"flow", "edm"})
      CHECK(kdm_run(folder, std::string("teach --teacher gaussians --path ") + path + " --solver " + solver +
                                " --samples 20 --steps 5 --snapshots 2 --out g.npy")
                .status == 0);
  kdm::io::save_npy(folder / "points.npy", kdm_test::random_matrix<float>(30, 3, 1).view());
  REQUIRE(kdm_run(folder, "teach --teacher empirical --data points.npy --samples 20 --steps 5 --snapshots 2 --out e.npy")
              .status == 0);
  CHECK(kdm::io::load_trajectories<float>(folder / "e.npy").shape() == kdm::io::shape_t{2, 20, 3});
}

TEST_CASE("the whole way from teacher to report") {
  const temporary_folder folder;
  teach_small(folder);
  const outcome distilled = kdm_run(folder, "distill --pairs pairs.npy --out model --steps 150" + small);
  INFO(distilled.err);
  REQUIRE(distilled.status == 0);
  CHECK(contains(distilled.out, "held-out pair error"));
  CHECK(contains(distilled.err, "operator fitted"));
  for (const char* name : {"model.safetensors", "checkpoint.safetensors", "configuration.json", "training.jsonl"})
    CHECK(std::filesystem::exists(folder / ("model/" + std::string(name))));

  SUBCASE("samples depend on the seed and not on the threads or the number") {
    REQUIRE(kdm_run(folder, "sample --model model --samples 700 --seed 4 --threads 1 --out a.npy").status == 0);
    REQUIRE(kdm_run(folder, "sample --model model --samples 500 --seed 4 --threads 2 --out b.npy").status == 0);
    const auto a = kdm::io::load_npy_matrix<float>(folder / "a.npy"), b = kdm::io::load_npy_matrix<float>(folder / "b.npy");
    REQUIRE(a.rows() == 700);
    CHECK(std::equal(b.data(), b.data() + b.size(), a.data()));
  }
  SUBCASE("given noise is pushed") {
    const auto pairs = kdm::io::load_pairs<float>(folder / "pairs.npy");
    kdm::io::save_npy(folder / "noise.npy", pairs.xT.view());
    REQUIRE(kdm_run(folder, "sample --model model --noise noise.npy --out x.npy").status == 0);
    const auto x = kdm::io::load_npy_matrix<float>(folder / "x.npy");
    double squares = 0;
    for (kdm::index_t k = 0; k < x.size(); ++k) squares += std::pow(double(x.data()[k]) - double(pairs.x0.data()[k]), 2);
    // Far from trained, but far better than guessing: the data have a mean square of about 6.6.
    CHECK(squares / double(x.size()) < 2);
  }
  SUBCASE("evaluate and analyze") {
    REQUIRE(kdm_run(folder, "evaluate --model model --pairs pairs.npy --support checkerboard --out m.json").status == 0);
    const auto figures = kdm::io::read_json(folder / "m.json");
    CHECK(figures["pair_error"]["mean_squared"].get<double>() > 0);
    CHECK(figures["share_outside_support"].size() == 2);
    CHECK(figures["share_outside_support"][0]["teacher"].get<double>() < 0.05);
    if (std::system("gnuplot --version >/dev/null 2>&1") != 0) return;
    const outcome analyzed = kdm_run(folder, "analyze --model model --pairs pairs.npy --support checkerboard --out page");
    INFO(analyzed.err);
    REQUIRE(analyzed.status == 0);
    const std::string page = read_bytes(folder / "page/report.html");
    CHECK(contains(page, "data:image/png;base64,"));
    CHECK_FALSE(contains(page, "src=\"http"));
    for (const char* picture : {"samples", "spectrum", "training", "pair_errors", "noise_structure"})
      CHECK(read_bytes(folder / ("page/" + std::string(picture) + ".png")).starts_with("\x89PNG"));
  }
  SUBCASE("the model file opens as a state dict") {
    const auto file = kdm::io::load_safetensors(folder / "model/model.safetensors");
    CHECK(file.entry("encoder_noise.0.weight").shape == kdm::io::shape_t{16, 2});
    CHECK(file.entry("koopman.bias").shape == kdm::io::shape_t{16});
    CHECK(file.metadata().at("format") == "pt");
  }
}

TEST_CASE("a student that is its teacher is at the floor by every distance") {
  const temporary_folder folder;
  teach_small(folder);
  REQUIRE(kdm_run(folder, "distill --pairs pairs.npy --out model --steps 60" + small).status == 0);
  const auto pairs = kdm::io::load_pairs<float>(folder / "pairs.npy");
  kdm::io::save_npy(folder / "noise.npy", pairs.xT.view());
  REQUIRE(kdm_run(folder, "sample --model model --noise noise.npy --out x.npy").status == 0);
  // Its own samples as the teacher's.
  const auto x = kdm::io::load_npy_matrix<float>(folder / "x.npy");
  kdm::io::tensor<float> own({2, 600, 2});
  for (kdm::index_t k = 0; k < 1200; ++k) {
    own.as_matrix().p[k] = pairs.xT.data()[k];
    own.as_matrix().p[1200 + k] = x.data()[k];
  }
  kdm::io::save_npy(folder / "own.npy", own);
  REQUIRE(kdm_run(folder, "evaluate --model model --pairs own.npy --out own.json").status == 0);
  const auto figures = kdm::io::read_json(folder / "own.json");
  CHECK(figures["pair_error"]["mean_squared"].get<double>() < 1e-10);
  CHECK(figures["pair_error"]["share_of_variance"].get<double>() < 1e-10);
  CHECK(figures["pair_error"]["spread"].get<double>() > 0.5);
  for (const char* distance : {"sliced_wasserstein_2", "energy_distance", "mmd_squared"}) {
    CAPTURE(distance);
    CHECK(std::abs(figures["same_noise"][distance].get<double>()) < 1e-6);
    const auto& halves = figures["halves"][distance];
    CHECK(halves["rows"] == 300);
    CHECK(halves["student_to_teacher"]["mean"].get<double>() ==
          doctest::Approx(halves["teacher_to_teacher"]["mean"].get<double>()));
    CHECK(std::abs(halves["excess"]["mean"].get<double>()) < 1e-6);
    CHECK(halves["teacher_to_teacher"]["standard_error"].get<double>() > 1e-5);
  }
  // Half a deviation aside the student can be told from its teacher, and every figure has its error.
  for (kdm::index_t k = 0; k < 1200; ++k) own.as_matrix().p[1200 + k] += 1;
  kdm::io::save_npy(folder / "own.npy", own);
  const outcome aside = kdm_run(folder, "evaluate --model model --pairs own.npy --out own.json --threads 1");
  REQUIRE(aside.status == 0);
  CHECK(contains(aside.out, "By every distance the student can be told from its teacher"));
  const std::string bytes = read_bytes(folder / "own.json");
  const auto moved = kdm::io::parse_json(bytes, "own.json");
  CHECK(moved["pair_error"]["mean_squared"].get<double>() == doctest::Approx(1));
  CHECK(moved["pair_error"]["median_distance_interval"][0].get<double>() == doctest::Approx(std::sqrt(2.)));
  CHECK(moved["halves"]["sliced_wasserstein_2"]["excess"]["interval"][0].get<double>() > 0.1);
}

TEST_CASE("a report of images and of many columns shows where it comes from") {
  const temporary_folder folder;
  const auto points = kdm_test::random_matrix<float>(300, 6, 1);
  kdm::io::save_npy(folder / "points.npy", points.view());
  REQUIRE(kdm_run(folder, "teach --teacher empirical --data points.npy --samples 300 --steps 5 --snapshots 2 --out p.npy")
              .status == 0);
  REQUIRE(kdm_run(folder, "distill --pairs p.npy --out model --steps 20" + small).status == 0);
  const auto refuses = [&](const std::string& image, const std::string& words) {
    const outcome o = kdm_run(folder, "analyze --model model --pairs p.npy --out page --image " + image);
    CHECK(o.status == 2);
    INFO(o.err);
    CHECK(contains(o.err, words));
  };
  refuses("2x", "--image is '2x', expected HEIGHTxWIDTH of 1 to 4096 each, such as 8x8");
  refuses("0x6", "--image is '0x6'");
  refuses("2x3x1", "--image is '2x3x1'");
  refuses("99999999999999999999x1", "expected HEIGHTxWIDTH");
  refuses("2x2", "--image 2x2: has 4 numbers, expected 6, what a sample of the model has");
  if (std::system("gnuplot --version >/dev/null 2>&1") != 0) return;
  for (const char* options : {"", " --image 2x3"}) {
    CAPTURE(options);
    const outcome o = kdm_run(folder, std::string("analyze --model model --pairs p.npy --out page") + options);
    INFO(o.err);
    REQUIRE(o.status == 0);
    const std::string page = read_bytes(folder / "page/report.html");
    CHECK(contains(page, "an affine Koopman operator"));
    CHECK_FALSE(contains(page, "a affine"));
    CHECK(contains(page, "analyze --model model --pairs p.npy --out page" + std::string(options) + "</td>"));
    CHECK(contains(page, ">kdm 0."));
    for (const char* row : {"folder", "machine", "pairs compared", "trained on", "seconds of training"})
      CHECK(contains(page, "<th scope=\"row\">" + std::string(row) + "</th>"));
    CHECK(contains(page, "first two principal components") == (*options == '\0'));
    CHECK(contains(page, "At the mark the latent noise leaves"));
    CHECK(read_bytes(folder / "page/samples.png").starts_with("\x89PNG"));
  }
}

TEST_CASE("pairs that cannot be compared are named with their option") {
  const temporary_folder folder;
  teach_small(folder);
  REQUIRE(kdm_run(folder, "distill --pairs pairs.npy --out model --steps 3" + small).status == 0);
  REQUIRE(kdm_run(folder, "teach --samples 1 --snapshots 2 --out one.npy").status == 0);
  const outcome one = kdm_run(folder, "evaluate --model model --pairs one.npy");
  CHECK(one.status == 1);
  CHECK(one.err == "kdm: one.npy (--pairs): has 1 pair, expected at least 4, to compare two halves of them\n");
  REQUIRE(kdm_run(folder, "teach --samples 4 --snapshots 2 --out four.npy").status == 0);
  CHECK(kdm_run(folder, "evaluate --model model --pairs four.npy").status == 0);
  kdm::io::save_npy(folder / "same.npy", kdm::io::tensor<float>({2, 8, 2}));
  const outcome same = kdm_run(folder, "evaluate --model model --pairs same.npy");
  CHECK(same.status == 1);
  CHECK(same.err == "kdm: same.npy (--pairs): every x_0 is the same point, expected different ones\n");
}

TEST_CASE("a run that stops and resumes leaves the same bytes as one that does not") {
  const temporary_folder folder;
  teach_small(folder);
  const std::string common = "distill --pairs pairs.npy --steps 60 --checkpoint-every 7" + small;
  REQUIRE(kdm_run(folder, common + "--out whole").status == 0);
  REQUIRE(kdm_run(folder, common + "--out parts --stop-after 25").status == 0);
  CHECK(read_bytes(folder / "whole/checkpoint.safetensors") != read_bytes(folder / "parts/checkpoint.safetensors"));
  const outcome resumed = kdm_run(folder, "distill --pairs pairs.npy --out parts --resume --threads 2");
  INFO(resumed.err);
  REQUIRE(resumed.status == 0);
  for (const char* name : {"checkpoint.safetensors", "model.safetensors", "configuration.json"})
    CHECK(read_bytes(folder / (std::string("whole/") + name)) == read_bytes(folder / (std::string("parts/") + name)));
  const outcome other = kdm_run(folder, "distill --pairs pairs.npy --out parts --resume --batch 32");
  CHECK(other.status == 2);
  CHECK(contains(other.err, "--resume goes on with parts/configuration.json"));
  REQUIRE(kdm_run(folder, "teach --samples 600 --steps 8 --snapshots 3 --seed 4 --out others.npy").status == 0);
  const outcome others = kdm_run(folder, "distill --pairs others.npy --out parts --resume");
  CHECK(others.status == 1);
  CHECK(contains(others.err, "parts/checkpoint.safetensors: was made with another configuration"));
}

TEST_CASE("the weights with the best held-out figure are kept through stops and the rise of the error is said") {
  const temporary_folder folder;
  // Noise and data that have nothing to do with each other: the error on pairs not seen falls to that of the mean and
  // rises as the training pairs are learned by heart, while the samples spread as the data do.
  const auto write_pairs = [&](const char* name, kdm::index_t n, unsigned seed) {
    kdm::io::tensor<float> t({2, n, 2});
    const auto x = kdm_test::random_matrix<float>(2 * n, 2, seed);
    std::copy(x.data(), x.data() + x.size(), t.as_matrix().p);
    kdm::io::save_npy(folder / name, t);
  };
  write_pairs("pairs.npy", 60, 1);
  write_pairs("unseen.npy", 400, 2);
  const std::string data = "distill --pairs pairs.npy --validation unseen.npy --validate-every 10 --log-every 10 --threads 1 ";
  const std::string common = data + "--steps 300 --hidden 16 --depth 2 --batch 64 --learning-rate 1e-2 --checkpoint-every 7 ";
  const auto error_of = [&](const std::string& model) {
    REQUIRE(kdm_run(folder, "evaluate --model " + model + " --pairs unseen.npy --out f.json").status == 0);
    return kdm::io::read_json(folder / "f.json")["pair_error"]["mean_squared"].get<double>();
  };
  const outcome last = kdm_run(folder, common + "--out last");
  INFO(last.err);
  REQUIRE(last.status == 0);
  CHECK(contains(last.err, "the held-out pair error was lowest at step "));
  CHECK(contains(last.err, "--keep saves the best weights"));
  CHECK_FALSE(std::filesystem::exists(folder / "last/best.safetensors"));
  std::istringstream log(read_bytes(folder / "last/training.jsonl"));
  double lowest = 1e9, lowest_distance = 1e9, last_error = 0;
  kdm::index_t best_step = 0, best_distance_step = 0;
  for (std::string line; std::getline(log, line);) {
    const auto values = kdm::io::parse_json(line, "log");
    last_error = values["held_out_pair_error"].get<double>();
    const double distance = values["held_out_sliced_wasserstein_2"].get<double>();
    CHECK(values["held_out_standard_error"].get<double>() > 0);
    if (last_error < lowest) lowest = last_error, best_step = values["step"].get<kdm::index_t>();
    if (distance < lowest_distance) lowest_distance = distance, best_distance_step = values["step"].get<kdm::index_t>();
  }
  CHECK(last_error > 1.2 * lowest);
  CHECK(best_distance_step > best_step);
  CHECK(error_of("last") == doctest::Approx(last_error).epsilon(1e-4));

  const outcome whole = kdm_run(folder, common + "--out whole --keep pair_error");
  INFO(whole.err);
  REQUIRE(whole.status == 0);
  CHECK(contains(whole.out, "(step " + std::to_string(best_step) + ", the lowest pair_error)"));
  CHECK(error_of("whole") == doctest::Approx(lowest).epsilon(1e-4));
  const outcome by_distance = kdm_run(folder, common + "--out distance --keep sliced_wasserstein");
  CHECK(contains(by_distance.out, "(step " + std::to_string(best_distance_step) + ", the lowest sliced_wasserstein)"));

  // The best step lies in the first part.
  REQUIRE(kdm_run(folder, common + "--out parts --keep pair_error --stop-after 123").status == 0);
  REQUIRE(kdm_run(folder, data + "--out parts --resume --stop-after 2").status == 0);
  const outcome other = kdm_run(folder, data + "--out parts --resume --keep last");
  CHECK(other.status == 2);
  const outcome resumed = kdm_run(folder, data + "--out parts --resume");
  REQUIRE(resumed.status == 0);
  CHECK(contains(resumed.err, "was lowest at step " + std::to_string(best_step) + ","));
  for (const char* name : {"/best.safetensors", "/model.safetensors", "/checkpoint.safetensors"})
    CHECK(read_bytes(folder / ("whole" + std::string(name))) == read_bytes(folder / ("parts" + std::string(name))));
  // Another run in the same folder leaves no weights of this one.
  REQUIRE(kdm_run(folder, common + "--out parts --overwrite").status == 0);
  CHECK_FALSE(std::filesystem::exists(folder / "parts/best.safetensors"));
  // The distance needs two halves.
  write_pairs("three.npy", 3, 3);
  const outcome few = kdm_run(folder, "distill --pairs pairs.npy --validation three.npy --out few --steps 20 --hidden 8 "
                                      "--depth 2 --keep sliced_wasserstein");
  CHECK(few.status == 2);
  CHECK(few.err == "kdm: --keep sliced_wasserstein: has 3 held-out pairs, expected at least 4, two for each half\n");
  CHECK_FALSE(std::filesystem::exists(folder / "few/configuration.json"));
}

TEST_CASE("a run stops and resumes in either phase and between them") {
  const temporary_folder folder;
  teach_small(folder);
  // The second phase begins after step 36.
  const std::string common = "distill --pairs pairs.npy --steps 60 --checkpoint-every 7" + small;
  REQUIRE(kdm_run(folder, common + "--out whole").status == 0);
  for (const char* first : {"20", "36", "50"}) {
    CAPTURE(first);
    const std::string parts = std::string("parts") + first;
    REQUIRE(kdm_run(folder, common + "--out " + parts + " --stop-after " + first).status == 0);
    REQUIRE(kdm_run(folder, "distill --pairs pairs.npy --resume --stop-after 3 --out " + parts).status == 0);
    REQUIRE(kdm_run(folder, "distill --pairs pairs.npy --resume --out " + parts).status == 0);
    for (const char* name : {"/checkpoint.safetensors", "/model.safetensors"})
      CHECK(read_bytes(folder / ("whole" + std::string(name))) == read_bytes(folder / (parts + name)));
  }
}

TEST_CASE("the prediction term comes in the second phase and the latent noise leaves") {
  const temporary_folder folder;
  teach_small(folder);
  const auto run = [&](const std::string& name, const std::string& objective) {
    kdm_test::write_bytes(folder / "c.json", R"({"objective": {)" + objective + "}}");
    const outcome o =
        kdm_run(folder, "distill --pairs pairs.npy --steps 40 --log-every 1 --config c.json --out " + name + small);
    INFO(o.err);
    REQUIRE(o.status == 0);
    std::vector<kdm::io::json> lines;
    std::istringstream log(read_bytes(folder / (name + "/training.jsonl")));
    for (std::string line; std::getline(log, line);) lines.push_back(kdm::io::parse_json(line, "log"));
    REQUIRE(lines.size() == 40);
    return lines;
  };
  const auto first = run("first", R"("prediction_from": 1)");
  CHECK_FALSE(first.back().contains("prediction"));
  const auto both = run("both", R"("prediction_from": 0.25)");
  for (std::size_t k = 0; k < 40; ++k) CHECK(both[k].contains("prediction") == (k >= 10));
  // Up to the boundary all runs are one, and beyond it only what the phases differ in tells them apart.
  const auto noisy = run("noisy", R"("prediction_from": 0.25, "prediction": 0, "late_noise": 0.4)");
  const auto quiet = run("quiet", R"("prediction_from": 0.25, "prediction": 0)");
  for (std::size_t k = 0; k < 40; ++k) {
    CHECK(noisy[k]["loss"] == first[k]["loss"]);
    CHECK((quiet[k]["loss"] == first[k]["loss"]) == (k < 10));
    if (k < 10) CHECK(both[k]["loss"] == first[k]["loss"]);
  }
  const auto second = run("second", R"("prediction_from": 0, "prediction": 0.5)");
  CHECK(second.front().contains("prediction"));
}

TEST_CASE("a model is not replaced by accident and leaves with its configuration") {
  const temporary_folder folder;
  teach_small(folder);
  const std::string run = "distill --pairs pairs.npy --out model --steps 3" + small;
  REQUIRE(kdm_run(folder, run).status == 0);
  const std::string model = read_bytes(folder / "model/model.safetensors");
  const outcome again = kdm_run(folder, run + "--seed 2");
  CHECK(again.status == 2);
  CHECK(contains(again.err, "model holds a model already: --resume goes on with it, --overwrite replaces it"));
  CHECK(read_bytes(folder / "model/model.safetensors") == model);
  REQUIRE(kdm_run(folder, run + "--seed 2 --overwrite").status == 0);
  CHECK(read_bytes(folder / "model/model.safetensors") != model);
}

TEST_CASE("sampling does not draw the noise that a teacher with the same seed drew") {
  const temporary_folder folder;
  REQUIRE(kdm_run(folder, "teach --samples 300 --steps 5 --snapshots 2 --seed 1 --out pairs.npy").status == 0);
  REQUIRE(kdm_run(folder, "distill --pairs pairs.npy --out model --steps 2" + small).status == 0);
  const auto pairs = kdm::io::load_pairs<float>(folder / "pairs.npy");
  kdm::io::save_npy(folder / "noise.npy", pairs.xT.view());
  REQUIRE(kdm_run(folder, "sample --model model --noise noise.npy --out a.npy").status == 0);
  REQUIRE(kdm_run(folder, "sample --model model --samples 300 --seed 1 --out b.npy").status == 0);
  CHECK(read_bytes(folder / "a.npy") != read_bytes(folder / "b.npy"));
}

TEST_CASE("an interrupted run ends with a checkpoint from which it resumes") {
  const temporary_folder folder;
  teach_small(folder);
  const std::string line = "cd '" + folder.path().string() +
                           "' && { '" KDM_COMMAND "' distill --pairs pairs.npy --out model --steps 1000000 --hidden 16 "
                           "--depth 2 --batch 64 --threads 1 --checkpoint-every 1000000 >out.txt 2>err.txt & pid=$!; "
                           "while ! grep -q '\"step\"' model/training.jsonl 2>/dev/null; do sleep 0.05; done; "
                           "kill -INT $pid; wait $pid; }";
  // A shell gives its background jobs an ignored SIGINT unless it is interactive or monitors them.
  const int code = std::system(("bash -c 'set -m; " + [&] {
                                 std::string quoted;
                                 for (const char c : line) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
                                 return quoted;
                               }() + "'").c_str());
  CHECK(WEXITSTATUS(code) == 130);
  CHECK(contains(read_bytes(folder / "out.txt"), "go on with --resume"));
  const outcome resumed = kdm_run(folder, "distill --pairs pairs.npy --out model --resume --stop-after 3");
  CHECK(resumed.status == 0);
  CHECK(contains(resumed.err, "going on after step"));
}

TEST_CASE("the effective configuration holds every default and is accepted again") {
  const temporary_folder folder;
  teach_small(folder);
  REQUIRE(kdm_run(folder, "distill --pairs pairs.npy --out a --steps 3" + small).status == 0);
  const auto written = kdm::io::read_json(folder / "a/configuration.json");
  CHECK(written["training"]["batch"] == 64);
  CHECK(written["model"]["prior_scale"].get<double>() > 0.9);
  CHECK(written["objective"].contains("latent_noise"));
  REQUIRE(kdm_run(folder, "distill --pairs pairs.npy --out b --config a/configuration.json").status == 0);
  CHECK(read_bytes(folder / "a/model.safetensors") == read_bytes(folder / "b/model.safetensors"));
}

TEST_CASE("usage errors exit with 2 and say which option") {
  const temporary_folder folder;
  const auto refuses = [&](const std::string& arguments, const std::string& words) {
    const outcome o = kdm_run(folder, arguments);
    INFO(arguments << "\n" << o.err);
    CHECK(o.status == 2);
    CHECK(contains(o.err, words));
  };
  refuses("", "subcommand is required");
  refuses("teach", "--out");
  refuses("teach --out x.npy --solver rk45", "--solver");
  refuses("teach --out x.npy --steps 0", "--steps");
  refuses("teach --out x.npy --steps 5 --snapshots 9", "snapshots");
  refuses("teach --out x.npy --teacher empirical", "--data");
  refuses("teach --out x.npy --samples 1e9x", "--samples");
  refuses("distill --out m", "--pairs");
  refuses("sample --model m --out x.npy", "--samples or --noise");
  refuses("sample --model m --out x.npy --samples 3 --noise n.npy", "--noise");
  refuses("evaluate --model m --pairs p.npy --support moon", "--support");
  refuses("juggle", "juggle");
  teach_small(folder);
  refuses("distill --pairs pairs.npy --out m --batch 0", "--batch: found '0', expected 1 to 16777216");
  refuses("distill --pairs pairs.npy --out m --learning-rate -1", "--learning-rate");
  refuses("distill --pairs pairs.npy --out m --learning-rate inf", "--learning-rate");
  kdm_test::write_bytes(folder / "c.json", R"({"training": {"stepz": 4}})");
  refuses("distill --pairs pairs.npy --out m --config c.json", "c.json: training: unknown key \"stepz\", expected 'steps'");
  kdm_test::write_bytes(folder / "c.json", R"({"training": {"steps": "4"}})");
  refuses("distill --pairs pairs.npy --out m --config c.json", "'steps' is the string \"4\", expected an integer");
  kdm_test::write_bytes(folder / "c.json", R"({"objective": {"prediction_from": 1.5}})");
  refuses("distill --pairs pairs.npy --out m --config c.json", "'prediction_from' is 1.5, expected a number from 0 to 1");
  CHECK_FALSE(std::filesystem::exists(folder / "m"));
  CHECK_FALSE(std::filesystem::exists(folder / "x.npy"));
}

TEST_CASE("bad files exit with 1 and one sentence that names the file") {
  const temporary_folder folder;
  teach_small(folder);
  REQUIRE(kdm_run(folder, "distill --pairs pairs.npy --out model --steps 2" + small).status == 0);
  const auto refuses = [&](const std::string& arguments, const std::string& words) {
    const std::size_t before = files_in(folder.path());
    const outcome o = kdm_run(folder, arguments);
    INFO(arguments << "\n" << o.err);
    CHECK(o.status == 1);
    CHECK(contains(o.err, words));
    CHECK(files_in(folder.path()) == before);
  };
  const std::string pairs = read_bytes(folder / "pairs.npy"), model = read_bytes(folder / "model/model.safetensors");
  refuses("distill --pairs nowhere.npy --out m", "nowhere.npy");
  kdm_test::write_bytes(folder / "cut.npy", pairs.substr(0, pairs.size() - 5));
  refuses("distill --pairs cut.npy --out m", "cut.npy");
  std::string nan = pairs;
  nan.replace(nan.size() - 4, 4, std::string("\0\0\xc0\x7f", 4));
  kdm_test::write_bytes(folder / "nan.npy", nan);
  refuses("distill --pairs nan.npy --out m", "nan.npy");
  kdm::io::save_npy(folder / "flat.npy", kdm::matrix<float>(7, 2).view());
  refuses("distill --pairs flat.npy --out m", "flat.npy: found shape");
  kdm::io::save_npy(folder / "wide.npy", kdm::matrix<float>(7, 3).view());
  refuses("sample --model model --noise wide.npy --out x.npy", "wide.npy: has 3 columns, expected 2");
  refuses("sample --model model --samples 5 --out nowhere/x.npy", "nowhere/x.npy: cannot be written, nowhere is no folder");
  refuses("teach --samples 1000000 --out nowhere/x.npy", "nowhere/x.npy: cannot be written, nowhere is no folder");
  refuses("sample --model nowhere --samples 5 --out x.npy", "nowhere/configuration.json");
  refuses("distill --pairs pairs.npy --out pairs.npy/m", "pairs.npy/m");

  kdm_test::write_bytes(folder / "model/model.safetensors", model.substr(0, 100));
  refuses("sample --model model --samples 5 --out x.npy", "model/model.safetensors");
  std::string huge = model;
  huge.replace(0, 8, std::string("\0\0\0\0\0\0\0\x80", 8));
  kdm_test::write_bytes(folder / "model/model.safetensors", huge);
  refuses("evaluate --model model --pairs pairs.npy --out m.json", "model/model.safetensors");
  kdm_test::write_bytes(folder / "model/model.safetensors", model);
  kdm_test::write_bytes(folder / "model/configuration.json", "{\"model\": [[[[");
  refuses("sample --model model --samples 5 --out x.npy", "configuration.json");
}

TEST_CASE("help and version") {
  const temporary_folder folder;
  CHECK(kdm_run(folder, "--help").status == 0);
  CHECK(contains(kdm_run(folder, "--version").out, "0.1.0"));
  for (const char* command : {"teach", "distill", "sample", "evaluate", "analyze"}) {
    const outcome o = kdm_run(folder, std::string(command) + " --help");
    CHECK(o.status == 0);
    CHECK(contains(o.out, "--out"));
  }
}
