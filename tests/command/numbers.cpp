// Numbers on the command line: what is one, what is none, and that every option asks the same function.
#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "kdm/numbers.hpp"
#include "runs.hpp"

using kdm_command::number_range;
using kdm_command::parse_number;
using kdm_test::contains;
using kdm_test::kdm_run;
using kdm_test::message_of;
using kdm_test::outcome;
using kdm_test::temporary_folder;

namespace {

template <class T>
std::string refusal(const std::string& text, number_range<T> range) {
  return message_of<kdm::option_error>([&] { parse_number<T>("--x", text, range); });
}

/// The options of a subcommand that take a number, by its own help.
std::vector<std::string> numbers_of(const temporary_folder& folder, const std::string& subcommand) {
  std::vector<std::string> names;
  std::istringstream help(kdm_run(folder, subcommand + " --help").out);
  for (std::string line; std::getline(help, line);) {
    std::istringstream words(line);
    std::string name, type;
    words >> name >> type;
    if (name.starts_with("--") && (type.starts_with("INTEGER") || type.starts_with("NUMBER"))) names.push_back(name);
    // What CLI11 would convert by itself.
    CHECK_FALSE((type.starts_with("INT ") || type.starts_with("UINT") || type.starts_with("FLOAT")));
  }
  return names;
}

}  // namespace

TEST_CASE("a number is all of its text and within its type and range") {
  CHECK(parse_number<kdm::index_t>("--x", "9223372036854775807", {}) == std::numeric_limits<kdm::index_t>::max());
  CHECK(parse_number<std::uint64_t>("--x", "18446744073709551615", {}) == std::numeric_limits<std::uint64_t>::max());
  CHECK(parse_number<int>("--x", "-3", {}) == -3);
  CHECK(parse_number<int>("--x", "010", {}) == 10);  // not octal
  CHECK(parse_number<double>("--x", "1e-3", {}) == 1e-3);
  CHECK(parse_number<double>("--x", "-2.5", {}) == -2.5);
  CHECK(parse_number<double>("--x", "4.9406564584124654e-324", {}) == std::numeric_limits<double>::denorm_min());

  for (const char* text : {"", " ", " 5", "5 ", "5x", "0x10", "1_000", "1'000", "1,000", "1e3", "5.0", "+5", "--5", "nan", "inf"}) {
    CAPTURE(text);
    CHECK(refusal<kdm::index_t>(text, {1}) == "--x: found '" + std::string(text) + "', expected 1 or more");
    CHECK(refusal<std::uint64_t>(text, {1}) == "--x: found '" + std::string(text) + "', expected 1 or more");
  }
  CHECK(refusal<kdm::index_t>("0", {1}) == "--x: found '0', expected 1 or more");
  CHECK(refusal<kdm::index_t>("9", {2, 8}) == "--x: found '9', expected 2 to 8");
  CHECK(refusal<int>("4294967297", {0}) == "--x: found '4294967297', expected 0 to 2147483647");
  CHECK(refusal<kdm::index_t>("9223372036854775808", {1}) ==
        "--x: found '9223372036854775808', expected 1 to 9223372036854775807");
  CHECK(refusal<std::uint64_t>("-1", {}) == "--x: found '-1', expected 0 or more");
  CHECK(refusal<std::uint64_t>("18446744073709551616", {}) ==
        "--x: found '18446744073709551616', expected 0 to 18446744073709551615");

  for (const char* text : {"", " 1", "1 ", "1.5x", "0x1p3", "1_0.5", "1,5", "+1", "nan", "NaN", "inf", "-inf", "infinity", "1e"}) {
    CAPTURE(text);
    CHECK(refusal<double>(text, {0.}) == "--x: found '" + std::string(text) + "', expected a number, 0 or more");
  }
  CHECK(refusal<double>("1e999", {}) == "--x: found '1e999', beyond what a double holds, expected a number");
  CHECK(refusal<double>("-1e-3", {0.}) == "--x: found '-1e-3', expected a number, 0 or more");
  CHECK(refusal<double>("0", {0., 1., true}) == "--x: found '0', expected a number above 0 up to 1");
  CHECK(refusal<double>("1.1", {0., 1.}) == "--x: found '1.1', expected a number from 0 to 1");
}

TEST_CASE("every number of every subcommand is converted in one way") {
  const temporary_folder folder;
  const std::vector<std::pair<std::string, std::vector<std::string>>> expected{
      {"teach", {"--steps", "--samples", "--snapshots", "--seed", "--threads"}},
      {"distill",
       {"--steps", "--batch", "--learning-rate", "--hidden", "--depth", "--latent", "--seed", "--stop-after",
        "--checkpoint-every", "--validate-every", "--log-every", "--threads"}},
      {"fit", {"--bandwidth", "--rank", "--energy", "--ridge", "--dt", "--seed", "--threads"}},
      {"sample", {"--samples", "--seed", "--threads"}},
      {"export", {}},
      {"evaluate", {"--threads"}},
      {"analyze", {"--threads"}}};
  for (const auto& item : expected) {
    const std::string& subcommand = item.first;
    const std::vector<std::string> found = numbers_of(folder, subcommand);
    for (const std::string& name : item.second) {
      CAPTURE(name);
      CHECK(std::find(found.begin(), found.end(), name) != found.end());
    }
    for (const std::string& name : found)
      for (const std::string text : {"1_000", "0x10", "99999999999999999999e999"}) {
        const outcome o = kdm_run(folder, subcommand + " --pairs p --model m --out o " + name + " " + text);
        INFO(subcommand << " " << name << " " << text << "\n" << o.err);
        CHECK(o.status == 2);
        CHECK(contains(o.err, "kdm: " + name + ": found '" + text + "', "));
        CHECK(contains(o.err, "expected "));
        CHECK_FALSE(contains(o.err, ".0"));
      }
  }
}

TEST_CASE("seeds and sizes beyond 64 bits are refused where they are written") {
  const temporary_folder folder;
  const auto refuses = [&](const std::string& arguments, const std::string& words) {
    const outcome o = kdm_run(folder, arguments);
    INFO(arguments << "\n" << o.err);
    CHECK(o.status == 2);
    CHECK(o.err == "kdm: " + words + "\n");
  };
  refuses("teach --samples 3 --out s.npy --seed -1", "--seed: found '-1', expected 0 or more");
  refuses("teach --samples 3 --out s.npy --seed 18446744073709551616",
          "--seed: found '18446744073709551616', expected 0 to 18446744073709551615");
  refuses("fit --pairs p.npy --out f --rank 0", "--rank: found '0', expected 1 or more");
  refuses("fit --pairs p.npy --out f --energy 1.5", "--energy: found '1.5', expected a number above 0 up to 1");
  refuses("fit --pairs p.npy --out f --dt 0", "--dt: found '0', expected a number above 0");
  refuses("sample --model m --out s.npy --samples 1_000", "--samples: found '1_000', expected 1 or more");
  refuses("distill --pairs p.npy --out m --steps 99999999999999999999",
          "--steps: found '99999999999999999999', expected 0 to 1000000000000000");
  refuses("distill --pairs p.npy --out m --batch 9223372036854775807",
          "--batch: found '9223372036854775807', expected 1 to 16777216");
  refuses("distill --pairs p.npy --out m --learning-rate 0", "--learning-rate: found '0', expected a number above 0");
  // The largest seed is one of its own, and a configuration says the same of its numbers.
  REQUIRE(kdm_run(folder, "teach --samples 3 --steps 2 --snapshots 2 --out a.npy --seed 18446744073709551615").status == 0);
  REQUIRE(kdm_run(folder, "teach --samples 30 --steps 2 --snapshots 2 --out p.npy --seed 1").status == 0);
  kdm_test::write_bytes(folder / "c.json", R"({"training": {"batch": 100000000000}})");
  refuses("distill --pairs p.npy --out m --config c.json",
          "c.json: training: 'batch' is 100000000000, expected 1 to 16777216");
  kdm_test::write_bytes(folder / "c.json", R"({"training": {"learning_rate": 0}})");
  refuses("distill --pairs p.npy --out m --config c.json",
          "c.json: training: 'learning_rate' is 0, expected a number above 0");
}
