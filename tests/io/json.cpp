// JSON within limits, and configuration objects.
#include "kdm/io/json.hpp"

#include <cmath>
#include <limits>

#include "files.hpp"
#include "kdm/io/config.hpp"

using namespace kdm_test;
using kdm::io::config_reader;
using kdm::io::json;
using kdm::io::parse_json;
using kdm::io::read_json;
using kdm::io::write_json;

namespace {

void refused(const std::string& text, std::initializer_list<std::string_view> parts) {
  check_message([&] { parse_json(text, "a.json"); }, {"a.json: "});
  check_message([&] { parse_json(text, "a.json"); }, parts);
}

config_reader reader(const std::string& text) { return {parse_json(text, "run.json"), "run.json"}; }

template <class F>
void option_refused(F&& f, std::initializer_list<std::string_view> parts) {
  check_message<kdm::option_error>(f, {"run.json: "});
  check_message<kdm::option_error>(f, parts);
}

}  // namespace

TEST_CASE("json: values") {
  const json value =
      parse_json(R"( {"a": [1, -2, 2.5, true, null, "x\u00e9", [], {}], "b": {"c": {"d": 1e3}}} )", "a");
  CHECK(value.size() == 2);
  CHECK(value["a"].size() == 8);
  CHECK(value["a"][0] == 1);
  CHECK(value["a"][0].is_number_unsigned());
  CHECK(value["a"][1] == -2);
  CHECK(value["a"][2] == 2.5);
  CHECK(value["a"][3] == true);
  CHECK(value["a"][4].is_null());
  CHECK(value["a"][5] == "x\xc3\xa9");
  CHECK(value["a"][6] == json::array());
  CHECK(value["a"][7] == json::object());
  CHECK(value["b"]["c"]["d"] == 1000.0);
  CHECK(parse_json("7", "a") == 7);
  CHECK(parse_json("\"s\"", "a") == "s");
  // The same text through the library's own tree builder.
  const std::string text = R"([{"x":[[],[{}],{"y":[1,{"z":[2,3]},4]}]},{"":{"":""}},[[[0.1]]]])";
  CHECK(parse_json(text, "a") == json::parse(text));
  CHECK(parse_json(text, "a").dump() == text);
}

TEST_CASE("json: errors name file and line and column") {
  refused("", {"line 1, column 0", "unexpected end of input"});
  refused("{\"a\": 1,\n \"b\": x}", {"a.json: line 2, column 7", "invalid literal"});
  refused("{\"a\": 1,\n\n", {"line 2, column 1", "unexpected end"});
  refused("{\"a\": 1,\n \"b\": 2,\n \"a\": 3}", {"line 3, column 4", "found the key \"a\" again"});
  refused("{\"a\": {\"b\": 1, \"b\": 2}}", {"the key \"b\" again"});
  CHECK(parse_json("[{\"a\": 1}, {\"a\": {\"a\": 2}}]", "a").size() == 2);
  for (const std::string text : {"[1,]",
                                 "{\"a\":}",
                                 "[1 2]",
                                 "{'a': 1}",
                                 "{a: 1}",
                                 "[01]",
                                 "[+1]",
                                 "[.5]",
                                 "[1.]",
                                 "NaN",
                                 "[Infinity]",
                                 "[1] x",
                                 "// comment\n1",
                                 "[1, /* */ 2]",
                                 "\"\x01\"",
                                 "\"\xff\"",
                                 "\"\\x\"",
                                 "\"\\ud800\"",
                                 "[",
                                 "{",
                                 "\"",
                                 "tru",
                                 "-",
                                 "[1e]",
                                 "}"})
    refused(text, {"line "});
  refused(std::string("[\0]", 3), {"line 1, column 2"});
  // A NUL byte ends no text.
  using namespace std::string_literals;
  refused("{\"a\": 1}\0{\"b\": 2} garbage"s, {"line 1, column 9", "found a NUL byte after the value"});
  refused("{\"a\": 1}\n\0"s, {"line 2, column 1", "NUL"});
  refused("1\0"s, {"line 1, column 2", "NUL"});
  refused("\0"s, {"line 1, column 1"});
  refused("{\"a\": 1, \0\"b\": 2}"s, {"line 1, column 10"});
  refused("\"a\0b\""s, {"line 1, column 3"});
  CHECK(parse_json("{\"a\": 1} \n\t\r\n", "a").size() == 1);
  CHECK(parse_json("\"\\u0000\"", "a") == "\0"s);
  refused("[1e999]", {"line 1", "number overflow"});
  const std::string long_text = "\"" + std::string(100000, 'x') + "\x01";
  CHECK(message_of<kdm::io_error>([&] { parse_json(long_text, "a.json"); }).size() < 300);
  refused("[-1e999]", {"number overflow"});
}

TEST_CASE("json: depth and size are limited") {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK_NOTHROW(parse_json(nested(64), "a"));
  refused(nested(65), {"line 1, column 65", "more than 64 levels"});
  refused(std::string(10'000'000, '['), {"line 1, column 65", "more than 64 levels"});
  std::string objects;
  for (int k = 0; k < 100000; ++k) objects += "{\"a\":";
  refused(objects, {"more than 64 levels"});
  check_message(
      [&] {
        parse_json("[1, 2]", "a.json", {5, 64});
      },
      {"a.json: found 6 bytes of JSON, expected at most 5"});
  CHECK_NOTHROW(parse_json("[1, 2]", "a.json", {6, 1}));

  const temporary_folder folder;
  write_bytes(folder / "a.json", "[1, 2]");
  CHECK(read_json(folder / "a.json").size() == 2);
  check_message([&] { read_json(folder / "a.json", {5, 64}); }, {"/a.json: found 6 bytes, expected at most 5"});
  check_message([&] { read_json(folder / "b.json"); }, {"/b.json: cannot open"});
  write_bytes(folder / "a.json", "[1,\n2");
  check_message([&] { read_json(folder / "a.json"); }, {"/a.json: line 2, column 1"});
}

TEST_CASE("json: numbers and text survive the round trip") {
  const temporary_folder folder;
  std::mt19937_64 engine(7);
  json value = {{"max", std::numeric_limits<double>::max()},
                {"denormal", 5e-324},
                {"zero", -0.0},
                {"one", 1.0},
                {"int", std::numeric_limits<std::int64_t>::min()},
                {"seed", std::numeric_limits<std::uint64_t>::max()},
                {"text", "a\"\\\n\t\x01 \xc3\xa9"},
                {"random", json::array()},
                {"floats", json::array()}};
  while (value["random"].size() < 1000) {
    const std::uint64_t bits = engine();
    double x;
    std::memcpy(&x, &bits, sizeof x);
    if (std::isfinite(x)) value["random"].push_back(x);
    if (std::isfinite(float(bits) * 1e-30f)) value["floats"].push_back(float(bits) * 1e-30f);
  }
  write_json(folder / "a.json", value);
  const json again = read_json(folder / "a.json");
  CHECK(again == value);
  CHECK(again["one"].is_number_float());
  CHECK(again["seed"].is_number_unsigned());
  CHECK(std::signbit(again["zero"].get<double>()));
  write_json(folder / "b.json", again);
  CHECK(read_bytes(folder / "b.json") == read_bytes(folder / "a.json"));
  write_json(folder / "c.json", {{"b", {1, 2}}, {"a", 0.1}});
  CHECK(read_bytes(folder / "c.json") == "{\n  \"a\": 0.1,\n  \"b\": [\n    1,\n    2\n  ]\n}\n");
}

TEST_CASE("json: what JSON cannot hold is refused and nothing is written") {
  const temporary_folder folder;
  const double nan = std::nan("");
  check_message(
      [&] {
        write_json(folder / "a.json", {{"loss", {1.0, nan}}});
      },
      {"/a.json: /loss/1 is nan", "finite"});
  check_message([&] { write_json(folder / "a.json", json(-INFINITY)); }, {"/a.json: the value is -inf"});
  check_message([&] { write_json(folder / "a.json", "\xff"); }, {"/a.json: cannot write as JSON", "UTF-8"});
  check_message([&] { write_json(folder / "b/a.json", 1); }, {"b/a.json: cannot create"});
  CHECK(files_in(folder.path()) == 0);
}

TEST_CASE("config_reader: typed values and defaults") {
  config_reader run =
      reader(R"({"batch": 64, "rate": 1, "name": "x", "ema": true, "sizes": [1, 2], "solver": "heun",
                                 "seed": 18446744073709551615, "shift": -5, "optimizer": {"beta": 0.5}})");
  CHECK(run.get("batch", 128) == 64);
  CHECK(run.get("steps", 1000) == 1000);
  CHECK(run.get("rate", 0.5) == 1.0);
  CHECK(run.get("rate", 0.5f) == 1.0f);
  CHECK(run.get("name", "y") == "x");
  CHECK(run.get("other", "y") == "y");
  CHECK(run.get("ema", false));
  CHECK(run.get("sizes", std::vector<int>{}) == std::vector<int>{1, 2});
  CHECK(run.get("sizes", std::vector<double>{}) == std::vector<double>{1, 2});
  CHECK(run.require<std::uint64_t>("seed") == std::numeric_limits<std::uint64_t>::max());
  CHECK(run.get("shift", kdm::index_t(0)) == -5);
  CHECK(run.choice("solver", "euler", {"euler", "heun"}) == "heun");
  CHECK(run.choice("field", "flow", {"flow", "edm"}) == "flow");
  CHECK(run.has("batch"));
  CHECK(!run.has("steps"));
  config_reader optimizer = run.section("optimizer");
  CHECK(optimizer.get("beta", 0.9) == 0.5);
  optimizer.finish();
  run.section("missing").finish();
  run.finish();
}

TEST_CASE("config_reader: wrong types name the key and what was found and expected") {
  config_reader run =
      reader(R"({"batch": "32", "rate": null, "whole": 1.0, "large": 300, "negative": -1, "flag": 1,
                                 "text": 5, "list": [1, "a"], "object": {}, "huge": 1e300, "seed": 18446744073709551616,
                                 "most": 9223372036854775808})");
  option_refused([&] { run.get("batch", 1); },
                 {"'batch' is the string \"32\", expected an integer from -2147483648 to 2147483647"});
  option_refused([&] { run.get("rate", 1.0); }, {"'rate' is null, expected a number"});
  option_refused([&] { run.get("whole", 1); }, {"'whole' is the number 1.0, expected an integer"});
  option_refused([&] { run.get("large", std::uint8_t(1)); },
                 {"'large' is the number 300, expected an integer from 0 to 255"});
  option_refused([&] { run.get("negative", 1u); }, {"'negative' is the number -1, expected an integer from 0"});
  option_refused([&] { run.get("flag", true); }, {"'flag' is the number 1, expected true or false"});
  option_refused([&] { run.get("text", "a"); }, {"'text' is the number 5, expected a string"});
  option_refused([&] { run.get("list", std::vector<int>{}); },
                 {"'list[1]' is the string \"a\", expected an integer"});
  option_refused([&] { run.get("object", std::vector<int>{}); }, {"'object' is an object, expected an array"});
  option_refused([&] { run.get("huge", 1.0f); }, {"'huge' is the number 1e+300, expected a number"});
  option_refused([&] { run.get("seed", std::uint64_t(0)); }, {"'seed' is the number 1.8446744073709552e+19"});
  option_refused([&] { run.get("most", std::int64_t(0)); }, {"'most' is the number 9223372036854775808"});
  option_refused([&] { run.require<int>("absent"); }, {"the key 'absent' is missing, expected an integer"});
  option_refused(
      [&] {
        run.choice("batch", "a", {"a", "b"});
      },
      {"'batch' is the string \"32\", expected one of 'a', 'b'"});
  option_refused([&] { run.section("list"); }, {"run.json: list: found an array of 2, expected an object"});
  option_refused([&] { config_reader(json(5), "run.json"); }, {"found the number 5, expected an object"});
}

TEST_CASE("config_reader: unknown keys are an error with the nearest known one") {
  config_reader run = reader(R"({"bacth": 64})");
  option_refused([&] { run.finish(); }, {"unknown key \"bacth\", expected no keys"});
  run.get("batch", 1);
  run.get("rate", 1.0);
  option_refused([&] { run.finish(); }, {"run.json: unknown key \"bacth\", expected 'batch'"});
  config_reader other = reader(R"({"colour": 1})");
  other.get("batch", 1);
  other.get("rate", 1.0);
  option_refused([&] { other.finish(); }, {"unknown key \"colour\", expected one of 'batch', 'rate'"});
  config_reader nested = reader(R"({"optimizer": {"rte": 1}})");
  config_reader optimizer = nested.section("optimizer");
  optimizer.get("rate", 1.0);
  nested.finish();
  option_refused([&] { optimizer.finish(); }, {"run.json: optimizer: unknown key \"rte\", expected 'rate'"});
}

TEST_CASE("config_reader: edit distance") {
  using kdm::io::detail::edit_distance;
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("saturday", "sunday") == 3);
  CHECK(edit_distance("batch", "bacth") == 2);
  CHECK(edit_distance("same", "same") == 0);
}

TEST_CASE("json: damaged texts give a value or an io_error") {
  const std::string good =
      R"({"batch": 64, "rate": 1.5e-3, "name": "x\u00e9\n", "ema": true, "sizes": [1, [2, {"a": null}]]})";
  const int errors = survive_mutations(good, 3, 20000, [](std::string_view text) {
    const json value = parse_json(text, "mutant", {1000, 4});
    // What we accept, the library's own parser accepts with the same value.
    CHECK(value == json::parse(text));
  });
  CHECK(errors > 10000);
  CHECK(errors < 20000);
}
