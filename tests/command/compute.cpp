#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "kdm/any_executor.hpp"
#include "kdm/exec/openmp.hpp"
#include "kdm/exec/serial.hpp"
#include "kdm/io/json.hpp"
#include "kdm/io/npy.hpp"
#include "kdm/io/trajectories.hpp"
#include "runs.hpp"

using kdm_command::any_executor;
using kdm_test::contains;
using kdm_test::kdm_run;
using kdm_test::message_of;
using kdm_test::outcome;
using kdm_test::read_bytes;
using kdm_test::relative_difference;
using kdm_test::temporary_folder;

namespace {

constexpr std::array backends{"native", "reference", "eigen", "xtensor", "cuda"};
constexpr std::array executors{"serial --threads 1", "openmp --threads 2", "openmp --threads 3", "onetbb --threads 2"};

/// 600 pairs, and 30 steps of a small student on them.
const std::string distill =
    "distill --pairs pairs.npy --steps 30 --hidden 16 --depth 2 --batch 256 --learning-rate 5e-3 ";

void teach(const temporary_folder& folder) {
  REQUIRE(kdm_run(folder, "teach --samples 600 --steps 8 --snapshots 2 --seed 3 --out pairs.npy").status == 0);
}

/// Whether this build and this machine lack what `o` was asked to run on.
bool is_missing(const outcome& o) {
  if (o.status == 2 && contains(o.err, "this kdm was built without ")) return true;
  return o.status == 1 && contains(o.err, "CUDA") && contains(o.err, "device");
}

/// 500 samples of the model in `model`, pushed on `backend`.
kdm::matrix<float> samples(const temporary_folder& folder, const std::string& model, const std::string& backend) {
  const outcome o =
      kdm_run(folder, "sample --samples 500 --seed 4 --out x.npy --model " + model + " --backend " + backend);
  INFO(o.err);
  REQUIRE(o.status == 0);
  return kdm::io::load_npy_matrix<float>(folder / "x.npy");
}

struct chunk {
  kdm::index_t first, last;
  int lane;
};

}  // namespace

TEST_CASE("an executor of any kind has the lanes and chunks of the one it holds") {
  for (const int lanes : {1, 3}) {
    const any_executor run = lanes == 1 ? any_executor(kdm::serial{}) : any_executor(kdm::openmp(lanes));
    CHECK(run.lanes() == lanes);
    std::vector<chunk> seen(4, {-1, -1, -1});
    run.for_chunks(10, 3, [&](kdm::index_t first, kdm::index_t last, int lane) {
      seen[std::size_t(first / 3)] = {first, last, lane};
    });
    for (kdm::index_t c = 0; c < 4; ++c) {
      CHECK(seen[std::size_t(c)].first == 3 * c);
      CHECK(seen[std::size_t(c)].last == std::min<kdm::index_t>(3 * c + 3, 10));
      CHECK(seen[std::size_t(c)].lane >= 0);
      CHECK(seen[std::size_t(c)].lane < lanes);
    }
    run.for_chunks(0, 3, [](kdm::index_t, kdm::index_t, int) { FAIL("a chunk of nothing"); });
    const auto throws = [&] {
      run.for_chunks(10, 3, [](kdm::index_t first, kdm::index_t, int) {
        if (first >= 6) throw std::runtime_error("at " + std::to_string(first));
      });
    };
    CHECK(message_of<std::runtime_error>(throws) == "at 6");
  }
}

TEST_CASE("an executor of any kind calls function objects as they are") {
  struct counter {
    kdm::index_t rows = 0, calls_as_const = 0;
    void operator()(kdm::index_t first, kdm::index_t last, int) { rows += last - first; }
    void operator()(kdm::index_t, kdm::index_t, int) const { FAIL("called as const"); }
  };
  const any_executor run(kdm::serial{});
  const any_executor copy = run;
  counter count;
  copy.for_chunks(10, 3, count);
  CHECK(count.rows == 10);
  struct table {
    kdm::index_t* sum;
    void operator()(kdm::index_t first, kdm::index_t last, int) const { *sum += last - first; }
  };
  kdm::index_t sum = 0;
  const table constant{&sum};
  run.for_chunks(10, 3, constant);
  CHECK(sum == 10);
}

TEST_CASE("every backend trains the same student and every executor leaves the same bytes") {
  const temporary_folder folder;
  teach(folder);
  REQUIRE(kdm_run(folder, distill + "--out truth --backend reference --executor serial").status == 0);
  const auto truth = samples(folder, "truth", "reference");
  // The agreement below says something: another seed and a step less are further away.
  REQUIRE(kdm_run(folder, distill + "--out seed --seed 2").status == 0);
  CHECK(relative_difference(samples(folder, "seed", "eigen"), truth) > 0.05);
  REQUIRE(kdm_run(folder, distill + "--out short --stop-after 20").status == 0);
  CHECK(relative_difference(samples(folder, "short", "eigen"), truth) > 0.01);

  std::set<std::string> skipped;
  for (const std::string backend : backends) {
    CAPTURE(backend);
    std::string checkpoint, model;
    for (const std::string executor : executors) {
      CAPTURE(executor);
      const outcome o =
          kdm_run(folder, distill + "--out run --overwrite --backend " + backend + " --executor " + executor);
      if (is_missing(o)) {
        skipped.insert(o.err);
        continue;
      }
      INFO(o.err);
      REQUIRE(o.status == 0);
      const std::string bytes = read_bytes(folder / "run/checkpoint.safetensors");
      if (checkpoint.empty()) {
        checkpoint = bytes;
        model = read_bytes(folder / "run/model.safetensors");
        const auto x = samples(folder, "run", backend);
        CHECK(relative_difference(x, truth) < 5e-3);
        // One model, pushed on two backends.
        CHECK(relative_difference(x, samples(folder, "run", "reference")) < 1e-4);
      }
      CHECK((bytes == checkpoint));
      CHECK((read_bytes(folder / "run/model.safetensors") == model));
    }
  }
  for (const auto& why : skipped) MESSAGE("skipped: " << why);
}

TEST_CASE("every backend validates and refits and predicts and clips") {
  const temporary_folder folder;
  teach(folder);
  kdm_test::write_bytes(folder / "c.json", R"({"objective": {"prediction": 0.5, "prediction_from": 0, "late_noise": 0.4},
                                               "training": {"refit_every": 8, "clip_norm": 0.1}})");
  const std::string run =
      distill + "--config c.json --validate-every 10 --log-every 10 --checkpoint-every 10 --overwrite ";
  REQUIRE(kdm_run(folder, run + "--out truth --backend reference").status == 0);
  const auto truth = samples(folder, "truth", "reference");
  const auto evaluate = [&](const std::string& backend) {
    const outcome o = kdm_run(folder, "evaluate --model truth --pairs pairs.npy --out m.json --backend " + backend);
    REQUIRE(o.status == 0);
    return kdm::io::read_json(folder / "m.json")["pair_error"]["mean_squared"].get<double>();
  };
  const double error = evaluate("reference");
  const auto last_line = [&](const std::string& model) {
    const std::string log = read_bytes(folder / (model + "/training.jsonl"));
    return kdm::io::parse_json(log.substr(log.rfind("{\"step\": 30")), "log");
  };
  for (const std::string backend : backends) {
    CAPTURE(backend);
    const outcome o = kdm_run(folder, run + "--out run --backend " + backend);
    if (is_missing(o)) continue;
    INFO(o.err);
    REQUIRE(o.status == 0);
    CHECK(relative_difference(samples(folder, "run", backend), truth) < 5e-3);
    const auto line = last_line("run"), expected = last_line("truth");
    for (const char* key : {"loss", "latent", "reconstruction", "prediction", "held_out_pair_error"})
      CHECK(line[key].get<double>() == doctest::Approx(expected[key].get<double>()).epsilon(1e-3));
    CHECK(evaluate(backend) == doctest::Approx(error).epsilon(1e-4));
  }
}

TEST_CASE("a run goes on with another backend and executor") {
  const temporary_folder folder;
  teach(folder);
  REQUIRE(kdm_run(folder, distill + "--out whole").status == 0);
  REQUIRE(kdm_run(folder, distill + "--out parts --stop-after 15").status == 0);
  const outcome resumed =
      kdm_run(folder, "distill --pairs pairs.npy --out parts --resume --backend reference --executor serial");
  INFO(resumed.err);
  REQUIRE(resumed.status == 0);
  CHECK(contains(resumed.err, "going on after step 15"));
  CHECK(relative_difference(samples(folder, "parts", "eigen"), samples(folder, "whole", "eigen")) < 5e-3);
  CHECK(read_bytes(folder / "parts/configuration.json") == read_bytes(folder / "whole/configuration.json"));
}

TEST_CASE("teach and analyze take an executor") {
  const temporary_folder folder;
  const std::string teach = "teach --samples 1500 --steps 4 --snapshots 2 --seed 3 ";
  REQUIRE(kdm_run(folder, teach + "--executor serial --out a.npy").status == 0);
  for (const std::string executor : executors) {
    const outcome o = kdm_run(folder, teach + "--out b.npy --executor " + executor);
    if (is_missing(o)) continue;
    REQUIRE(o.status == 0);
    CHECK((read_bytes(folder / "a.npy") == read_bytes(folder / "b.npy")));
  }
  const outcome help = kdm_run(folder, "analyze --help");
  CHECK(contains(help.out, "--executor"));
  CHECK(contains(help.out, "--backend"));
}

TEST_CASE("what a build or a name lacks is said before anything is written") {
  const temporary_folder folder;
  teach(folder);
  const auto refused = [&](const std::string& arguments, const std::string& words) {
    const outcome o = kdm_run(folder, distill + "--out m " + arguments);
    INFO(arguments << "\n" << o.err);
    CHECK(o.status == 2);
    CHECK(contains(o.err, words));
    CHECK_FALSE(std::filesystem::exists(folder / "m"));
  };
  refused("--backend abacus", "--backend");
  refused("--executor monks", "--executor");
  refused("--executor serial --threads 2", "--executor serial has one thread, --threads is 2");
  const auto missing = [&](const std::string& arguments, const std::string& words) {
    if (kdm_run(folder, distill + "--out other --overwrite " + arguments).status == 2)
      refused(arguments, "kdm: this kdm was built without " + words + ", then configure again\n");
  };
  missing("--backend xtensor", "xtensor: install xtensor-blas and a BLAS (Debian: libxtensor-blas-dev libopenblas-dev)");
  missing("--backend cuda", "CUDA: install the CUDA toolkit 12.4 or newer, set KDM_CUDA=ON");
  missing("--executor onetbb", "oneTBB: install it (Debian: libtbb-dev)");
}
