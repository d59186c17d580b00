// Checkpoints as files: what goes in comes out, and nothing else is taken for one.
#include <doctest/doctest.h>

#include <limits>

#include "kdm/train/checkpoint.hpp"
#include "support.hpp"

using kdm::load_checkpoint;
using kdm::save_checkpoint;
using kdm::training_state;
using kdm_test::message_of;
using kdm_test::random_matrix;
using kdm_test::temporary_folder;

namespace {

template <class T>
training_state<T> some_state() {
  return {123, random_matrix<T>(1, 40, 1), random_matrix<T>(1, 40, 2), random_matrix<T>(2, 40, 3)};
}

template <class T>
bool same(const kdm::matrix<T>& a, const kdm::matrix<T>& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() && std::equal(a.data(), a.data() + a.size(), b.data());
}

}  // namespace

TEST_CASE_TEMPLATE("a checkpoint gives the state back bit for bit", T, float, double) {
  const temporary_folder folder;
  const auto s = some_state<T>();
  save_checkpoint(folder / "c", s, "configuration");
  const auto back = load_checkpoint<T>(folder / "c", "configuration");
  CHECK(back.step == 123);
  CHECK(same(back.weights, s.weights));
  CHECK(same(back.average, s.average));
  CHECK(same(back.slots, s.slots));
  save_checkpoint(folder / "d", back, "configuration");
  CHECK(kdm_test::read_bytes(folder / "c") == kdm_test::read_bytes(folder / "d"));
}

TEST_CASE("a rule without slots has a checkpoint too") {
  const temporary_folder folder;
  training_state<float> s = some_state<float>();
  s.slots = kdm::matrix<float>(0, 40);
  save_checkpoint(folder / "c", s);
  CHECK(load_checkpoint<float>(folder / "c").slots.rows() == 0);
}

TEST_CASE("what is no checkpoint of this run is refused by name") {
  const temporary_folder folder;
  const std::string file = folder / "c";
  save_checkpoint(file, some_state<float>(), "a");
  const auto refusal = [&](const std::string& configuration = "a") {
    return message_of<kdm::io_error>([&] { load_checkpoint<float>(file, configuration); });
  };
  CHECK(refusal() == "(nothing of that type was thrown)");
  CHECK(refusal("b") == file + ": was made with another configuration, expected that of this run");
  CHECK(message_of<kdm::io_error>([&] { load_checkpoint<double>(file, "a"); })
            .starts_with(file + ": tensor weights is F32 [1, 40], expected a matrix of F64"));

  const auto s = some_state<float>();
  kdm::io::save_safetensors(file, {{"weights", s.weights.view()}});
  CHECK(refusal() == file + ": no 'configuration' in it, expected a checkpoint");
  kdm::io::save_safetensors(file, {{"weights", s.weights.view()}}, {{"step", "3"}, {"configuration", "a"}});
  CHECK(refusal().find("average") != std::string::npos);
  for (const char* step : {"-1", "3x", "", "99999999999999999999"}) {
    kdm::io::save_safetensors(file,
                              {{"weights", s.weights.view()}, {"average", s.average.view()}, {"slots", s.slots.view()}},
                              {{"step", step}, {"configuration", "a"}});
    CHECK(refusal() == file + ": the step is '" + step + "', expected a number");
  }
  save_checkpoint(file, s, "a");
  const std::string bytes = kdm_test::read_bytes(file);
  kdm_test::write_bytes(file, bytes.substr(0, bytes.size() - 1));
  CHECK(refusal().starts_with(file));
}

TEST_CASE("numbers that are not finite never replace a good checkpoint or model") {
  const temporary_folder folder;
  save_checkpoint(folder / "c", some_state<float>());
  const std::string good = kdm_test::read_bytes(folder / "c");
  for (int which = 0; which < 3; ++which) {
    auto s = some_state<float>();
    auto& broken = which == 0 ? s.weights : which == 1 ? s.average : s.slots;
    broken(0, 7) = which == 1 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
    const std::string message = message_of<kdm::numeric_error>([&] { save_checkpoint(folder / "c", s); });
    CHECK(message.find("not written, number 7 is ") != std::string::npos);
    CHECK(kdm_test::read_bytes(folder / "c") == good);
  }
  kdm::manifest m;
  m.add("weight", 2, 3, 3, kdm::initializer::pytorch);
  kdm::matrix<double> w(1, 6);
  w(0, 5) = std::numeric_limits<double>::quiet_NaN();
  CHECK(message_of<kdm::numeric_error>([&] { kdm::io::save_weights<double>(folder / "w", m, w.view()); })
            .find("number 5 is nan") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder / "w"));
}
