// kdm export: what it writes, and what it refuses.
#include <doctest/doctest.h>

#include "kdm/io/frozen.hpp"
#include "kdm/io/json.hpp"
#include "kdm/io/npy.hpp"
#include "runs.hpp"

using kdm_test::contains;
using kdm_test::kdm_run;
using kdm_test::outcome;
using kdm_test::read_bytes;
using kdm_test::temporary_folder;

namespace {

void require_run(const temporary_folder& folder, const std::string& arguments) {
  const outcome o = kdm_run(folder, arguments);
  INFO(arguments << "\n" << o.err);
  REQUIRE(o.status == 0);
}

/// A model folder `model` of a student that has seen little.
void distill_small(const temporary_folder& folder, const std::string& options) {
  require_run(folder, "teach --samples 400 --steps 5 --snapshots 2 --path edm --seed 3 --out pairs.npy");
  require_run(folder, "distill --pairs pairs.npy --out model --steps 20 --batch 64 --threads 1 " + options);
}

std::size_t files_in(const temporary_folder& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) ++count;
  return count;
}

}  // namespace

TEST_CASE("export writes a student that samples as kdm sample does") {
  for (const char* options : {"--hidden 16 --depth 2", "--hidden 20 --depth 3 --latent 9 --config linear.json"}) {
    CAPTURE(options);
    const temporary_folder folder;
    kdm_test::write_bytes(folder / "linear.json", R"({"model": {"operator_bias": false}})");
    distill_small(folder, options);
    require_run(folder, "export --model model --safetensors s.safetensors --header s.hpp --name tiny");
    require_run(folder, "sample --model model --samples 500 --seed 4 --out x.npy");
    const auto expected = kdm::io::load_npy_matrix<float>(folder / "x.npy");
    const auto parts = kdm::io::load_frozen<float>(folder / "s.safetensors");
    kdm::frozen_model<float> student(parts);
    kdm::matrix<float> x(500, 2);
    student.sample(4, 0, x);
    CHECK(kdm_test::relative_difference(x, expected) < 1e-5);
    CHECK(student.prior().scale == 80);
    const auto depth = kdm::io::read_json(folder / "model/configuration.json")["model"]["depth"].get<kdm::index_t>();
    CHECK(student.layers() == 2 * depth);

    const std::string header = read_bytes(folder / "s.hpp");
    CHECK(contains(header, "namespace kdm_students::tiny {"));
    CHECK(contains(header, "compiled{layers, weights, 80.};"));
  }
}

TEST_CASE("export leaves nothing behind where it refuses") {
  const temporary_folder folder;
  distill_small(folder, "--hidden 8 --depth 2");
  require_run(folder, "fit --pairs pairs.npy --method edmd --dictionary rff:16 --student-only --out fitted");
  require_run(folder, "export --model model --header old.hpp");
  const std::string old = read_bytes(folder / "old.hpp");
  const auto refuses = [&](const std::string& arguments, int status, const std::string& words) {
    const std::size_t before = files_in(folder);
    const outcome o = kdm_run(folder, "export " + arguments);
    INFO(arguments << "\n" << o.err);
    CHECK(o.status == status);
    CHECK(contains(o.err, words));
    CHECK(files_in(folder) == before);
  };
  refuses("--model model", 2, "--header or --safetensors");
  refuses("--header s.hpp", 2, "--model");
  refuses("--model model --header s.hpp --name 3d", 2, "the name \"3d\" cannot name a namespace");
  refuses("--model model --header s.hpp --name errno", 2, "the name \"errno\" cannot name a namespace: it is a macro");
  refuses("--model nowhere --header s.hpp", 1, "nowhere/configuration.json");
  refuses("--model model --header nowhere/s.hpp", 1, "nowhere/s.hpp: cannot be written, nowhere is no folder");
  refuses("--model model --header s.hpp --safetensors model", 1, "model: cannot be written, it is a folder");
  refuses("--model model --header old.hpp", 1, "old.hpp: is there already: --overwrite replaces it");
  refuses("--model model --safetensors s.safetensors --header old.hpp", 1, "old.hpp: is there already");
  refuses("--model fitted --header s.hpp", 1,
          "fitted/configuration.json: 'kind' is \"features\", a student of kdm fit, expected a trained one");
  CHECK(read_bytes(folder / "old.hpp") == old);
  require_run(folder, "export --model model --header old.hpp --name another --overwrite");
  CHECK(read_bytes(folder / "old.hpp") != old);

  const std::string model = read_bytes(folder / "model/model.safetensors");
  kdm_test::write_bytes(folder / "model/model.safetensors", model.substr(0, model.size() - 4));
  refuses("--model model --header s.hpp", 1, "model/model.safetensors");
}
