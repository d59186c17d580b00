// safetensors files against those the Python package writes.
#include "kdm/io/safetensors.hpp"

#include <limits>

#include "files.hpp"
#include "kdm/io/safetensors_save.hpp"

using namespace kdm_test;
using kdm::io::load_safetensors;
using kdm::io::named_tensor;
using kdm::io::safetensors;
using kdm::io::save_safetensors;
using kdm::io::shape_t;
using kdm::io::tensor;

namespace {

safetensors parse(std::string_view bytes) {
  kdm::io::input_bytes in(bytes, "m.safetensors");
  return safetensors(in);
}

std::string file_with(const std::string& header, std::size_t data_bytes = 24) {
  return bytes_of(header.size(), 8) + header + std::string(data_bytes, '\0');
}

void refused(const std::string& bytes, std::initializer_list<std::string_view> parts) {
  check_message([&] { parse(bytes); }, {"m.safetensors: "});
  check_message([&] { parse(bytes); }, parts);
}

std::string entry(const std::string& name, const std::string& shape, const std::string& offsets,
                  const std::string& dtype = "F32") {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

const std::string accent = "\xc3\xa9";  // e with an acute accent

}  // namespace

TEST_CASE("safetensors: the Python package's files give its values") {
  const auto file = load_safetensors(fixture("safetensors/mixed.safetensors"));
  CHECK(file.metadata() == kdm::io::metadata_t{{"format", "pt " + accent}});
  CHECK(file.entries().size() == 6);
  CHECK(same(file.get<float>("encoder.0.weight"), counting_tensor<float>({3, 2})));
  CHECK(same(file.get<double>("encoder.0.weight"), counting_tensor<double>({3, 2})));
  CHECK(same(file.get<float>("encoder.0.bias"), counting_tensor<float>({3})));
  CHECK(same(file.get<double>("operator"), counting_tensor<double>({2, 2})));
  CHECK(same(file.get<float>("operator"), counting_tensor<float>({2, 2})));
  CHECK(same(file.get<double>("step"), counting_tensor<double>({})));
  CHECK(same(file.get<float>("empty"), counting_tensor<float>({0, 4})));
  CHECK(same(file.get<float>("quote\"\\\n" + accent), counting_tensor<float>({1})));
  CHECK(load_safetensors(fixture("safetensors/empty.safetensors")).entries().empty());
}

TEST_CASE("safetensors: ours have the Python package's bytes in any order of the tensors") {
  const temporary_folder folder;
  const auto weight = counting_tensor<float>({3, 2}), bias = counting_tensor<float>({3});
  const auto empty = counting_tensor<float>({0, 4}), quote = counting_tensor<float>({1});
  const auto op = counting_tensor<double>({2, 2}), step = counting_tensor<double>({});
  std::vector<named_tensor> tensors{
      {"encoder.0.weight", weight},   {"encoder.0.bias", bias}, {"operator", op}, {"step", step}, {"empty", empty},
      {"quote\"\\\n" + accent, quote}};
  for (int turn = 0; turn < 6; ++turn) {
    save_safetensors(folder / "a", tensors, {{"format", "pt " + accent}});
    CHECK(read_bytes(folder / "a") == read_bytes(fixture("safetensors/mixed.safetensors")));
    std::rotate(tensors.begin(), tensors.begin() + 1, tensors.end());
  }
  const auto x = counting_tensor<float>({2, 3});
  save_safetensors(folder / "a", {{"x", x}});
  CHECK(read_bytes(folder / "a") == read_bytes(fixture("safetensors/one.safetensors")));
  save_safetensors(folder / "a", {{std::string(8, 'x'), x}});
  CHECK(read_bytes(folder / "a") == read_bytes(fixture("safetensors/aligned.safetensors")));
  save_safetensors(folder / "a", {});
  CHECK(read_bytes(folder / "a") == read_bytes(fixture("safetensors/empty.safetensors")));
}

TEST_CASE_TEMPLATE("safetensors: round trip of views with gaps and shapes", T, float, double) {
  const temporary_folder folder;
  const auto m = random_matrix<T>(6, 4, 5);
  const auto part = m.view().col_range(1, 2);
  save_safetensors(folder / "a", {{"part", part}, {"as 3 x 4", part, {3, 4}}, {"m", m.view(), {2, 3, 4}}},
                   {{"seed", "1"}, {"a", ""}});
  const auto file = load_safetensors(folder / "a");
  CHECK(file.metadata() == kdm::io::metadata_t{{"a", ""}, {"seed", "1"}});
  CHECK(file.entry("m").dtype == (sizeof(T) == 4 ? "F32" : "F64"));
  CHECK(relative_difference(kdm::matrix<T>(file.get<T>("part").as_matrix()), kdm::matrix<T>(part)) == 0);
  CHECK(file.get<T>("as 3 x 4").shape() == shape_t{3, 4});
  CHECK(file.get<T>("as 3 x 4").data()[11] == part(5, 1));
  CHECK(file.get<T>("m").shape() == shape_t{2, 3, 4});

  kdm::matrix<T> target(8, 5);
  file.copy_to("m", target.view().col_range(1, 4).row_range(2, 6));
  CHECK(target(7, 4) == m(5, 3));
  CHECK(target(2, 1) == m(0, 0));
  CHECK(target(1, 1) == 0);
  CHECK(target(2, 0) == 0);
  check_message([&] { file.copy_to("m", target.view()); }, {"\"m\"", "[2, 3, 4]", "8 x 5"});
}

TEST_CASE("safetensors: other types are present but not readable as float or double") {
  const auto path = fixture("safetensors/other_types.safetensors");
  const auto file = load_safetensors(path);
  CHECK(file.entries().size() == 6);
  CHECK(file.get<double>("f32").size() == 3);
  for (const std::string name : {"i64", "i32", "u8", "f16", "bool"}) {
    CHECK(file.contains(name));
    CHECK(file.entry(name).shape.size() == 1);
    check_message([&] { file.get<float>(name); }, {path.string(), "\"" + name + "\"", "expected F32 or F64"});
  }
  check_message([&] { file.get<float>("i64"); }, {"found dtype \"I64\""});
  check_message([&] { file.get<float>("f33"); }, {path.string(), "tensor \"f33\" is missing"});
}

TEST_CASE("safetensors: every type of the format has its size and a later one is listed") {
  // Bits of an element, from the format's own table.
  const std::vector<std::pair<std::string, std::uint64_t>> types{
      {"BOOL", 8}, {"F4", 4}, {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8}, {"I8", 8}, {"F8_E5M2", 8}, {"F8_E4M3", 8},
      {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16}, {"U16", 16}, {"F16", 16}, {"BF16", 16},
      {"I32", 32}, {"U32", 32}, {"F32", 32}, {"C64", 64}, {"F64", 64}, {"I64", 64}, {"U64", 64}};
  for (const auto& item : types) {
    const std::string& type = item.first;
    const std::uint64_t bits = item.second;
    CAPTURE(type);
    // Eight elements take as many bytes as one takes bits.
    const std::string header = "{" + entry("w", "[1]", "[0,4]") + "," + entry("z", "[2,4]", "[4," + std::to_string(4 + bits) + "]", type) + "}";
    const auto file = parse(file_with(header, 4 + bits));
    CHECK(file.entry("z").dtype == type);
    CHECK(file.get<float>("w").size() == 1);
    if (type != "F32" && type != "F64")
      check_message([&] { file.get<float>("z"); }, {"tensor \"z\": found dtype \"" + type + "\", expected F32 or F64"});
    refused(file_with("{" + entry("z", "[2,4]", "[0," + std::to_string(bits + 1) + "]", type) + "}", bits + 1),
            {"shape [2, 4] of " + type, "expected 8 times"});
  }
  refused(file_with("{" + entry("z", "[3]", "[0,2]", "F4") + "}", 2), {"expected 3 times 4 bits"});
  refused(file_with("{" + entry("z", "[4611686018427387904]", "[0,0]", "F4") + "}", 0), {"expected 4611686018427387904"});
  // A type that is not known may take what it takes, in its place.
  const auto later = parse(file_with("{" + entry("w", "[1]", "[3,7]") + "," + entry("z", "[5]", "[0,3]", "F2") + "}", 7));
  CHECK(later.entry("z").dtype == "F2");
  CHECK(later.get<float>("w").size() == 1);
  check_message([&] { later.get<float>("z"); }, {"found dtype \"F2\", expected F32 or F64"});
  refused(file_with("{" + entry("w", "[1]", "[2,6]") + "," + entry("z", "[5]", "[0,3]", "F2") + "}", 6), {"overlaps"});
}

TEST_CASE("safetensors: a double beyond float is refused and names its position") {
  const temporary_folder folder;
  tensor<double> x({2, 2});
  x.data()[1] = std::numeric_limits<double>::infinity();
  x.data()[3] = 1e39;
  save_safetensors(folder / "a", {{"x", x}});
  check_message([&] { load_safetensors(folder / "a").get<float>("x"); }, {"\"x\": element [1, 1] is 1e+39"});
  CHECK(load_safetensors(folder / "a").get<double>("x").data()[3] == 1e39);
}

TEST_CASE("safetensors: require accounts for every tensor") {
  const auto path = fixture("safetensors/mixed.safetensors");
  const auto file = load_safetensors(path);
  std::vector<kdm::io::tensor_label> labels{
      {"encoder.0.weight", {3, 2}}, {"encoder.0.bias", {3}}, {"operator", {2, 2}}, {"step", {}}, {"empty", {0, 4}},
      {"quote\"\\\n" + accent, {1}}};
  file.require(labels);
  labels[0].shape = {2, 3};
  labels[1].name = "encoder.1.bias";
  check_message([&] { file.require(labels); }, {path.string(), "found 6 tensors, expected 6",
                                                "\"encoder.0.weight\" has shape [3, 2], expected [2, 3]",
                                                "\"encoder.1.bias\" is missing", "\"encoder.0.bias\" is unknown"});
  labels.push_back(labels[2]);
  check_message([&] { file.require(labels); }, {"\"operator\" is expected twice"});
  labels.clear();
  check_message([&] { file.require(labels); }, {"expected 0", "\"quote\\\"\\\\\\n\\u00e9\" is unknown"});
  for (int k = 0; k < 20; ++k) labels.push_back({"t" + std::to_string(k), {}});
  check_message([&] { file.require(labels); }, {"\"t7\" is missing; and 18 more"});
}

TEST_CASE("safetensors: header length") {
  refused("", {"found 0 bytes"});
  refused("1234567", {"found 7 bytes"});
  refused(bytes_of(std::uint64_t(1) << 63, 8) + "{}",
          {"found a header of 9223372036854775808 bytes, expected at most 2"});
  refused(bytes_of(~std::uint64_t(0), 8) + "{}", {"18446744073709551615"});
  refused(bytes_of(3, 8) + "{}", {"found a header of 3 bytes, expected at most 2 (the rest of the file)"});
  refused(bytes_of(0, 8) + "{}", {"starts with '{'"});
  refused(bytes_of(3, 8) + " {}", {"starts with '{'"});
  refused(bytes_of(1, 8) + "{", {"header: line 1, column 1"});
  CHECK(parse(bytes_of(2, 8) + "{}").entries().empty());
  CHECK(parse(bytes_of(6, 8) + "{}    ").entries().empty());

  // A length of 100 MB + 1 in a file that is long enough.
  const temporary_folder folder;
  write_bytes(folder / "long", bytes_of(100'000'001, 8) + "{");
  std::filesystem::resize_file(folder / "long", 100'000'100);
  check_message([&] { load_safetensors(folder / "long"); }, {"100000001 bytes, expected at most 100000000"});
  check_message([&] { load_safetensors(folder / "long", {1000}); },
                {"found 100000100 bytes, expected at most 1000"});
}

TEST_CASE("safetensors: the header is exactly of the format") {
  CHECK(parse(file_with("{" + entry("a", "[2,3]", "[0,24]") + "}")).entry("a").shape == shape_t{2, 3});
  refused(file_with("{\"a\":1}"), {"tensor \"a\"", "dtype, shape and data_offsets"});
  refused(file_with("{\"a\":{\"dtype\":\"F32\",\"shape\":[6]}}"), {"dtype, shape and data_offsets"});
  refused(file_with("{\"a\":{\"dtype\":\"F32\",\"shape\":[6],\"data_offsets\":[0,24],\"x\":1}}"),
          {"tensor \"a\""});
  refused(file_with("{\"a\":{\"dtype\":\"F32\",\"shape\":[6],\"offsets\":[0,24]}}"), {"tensor \"a\""});
  refused(file_with("{\"a\":{\"dtype\":7,\"shape\":[6],\"data_offsets\":[0,24]}}"), {"string as dtype"});
  refused(file_with("{" + entry("a", "[6]", "[0,24]") + "," + entry("a", "[6]", "[0,24]") + "}"),
          {"header: line 1, column", "the key \"a\" again"});
  for (const std::string shape :
       {"6", "[6.0]", "[-6]", "[\"6\"]", "[null]", "{}", "[9223372036854775808]", "[1e1]"})
    refused(file_with("{" + entry("a", shape, "[0,24]") + "}"), {"\"a\"", "found \"shape\": "});
  for (const std::string offsets : {"24", "[0.0,24]", "[-1,24]", "{}", "[0,18446744073709551615]"})
    refused(file_with("{" + entry("a", "[6]", offsets) + "}"), {"\"a\"", "found \"data_offsets\": "});
  refused(file_with("{" + entry("a", "[6]", "[24]") + "}"), {"found 1 data_offsets, expected 2"});
  refused(file_with("{" + entry("a", "[6]", "[0,24,24]") + "}"), {"found 3 data_offsets, expected 2"});
  refused(file_with("[]"), {"starts with '{'"});
  refused(file_with("{]"), {"header: line 1, column 2"});
  refused(file_with("{} {}"), {"header: line 1"});
  refused(file_with("{\"a\":{\"dtype\":[[[[[1]]]]]}}"), {"found more than 3 levels"});
  refused(file_with("{\"a\":" + std::string(100000, '[')), {"found more than 3 levels"});
  refused(file_with("{\"__metadata__\":[]}", 0), {"__metadata__"});
  refused(file_with("{\"__metadata__\":{\"a\":1}}", 0), {"__metadata__: expected a string under \"a\""});
  refused(file_with("{\"\xff\":1}"), {"header: line 1"});
}

TEST_CASE("safetensors: the data has neither holes nor overlaps") {
  const auto two = [](const std::string& a, const std::string& b, std::size_t data = 24) {
    return file_with("{" + entry("a", "[3]", a) + "," + entry("b", "[3]", b) + "}", data);
  };
  CHECK(parse(two("[0,12]", "[12,24]")).entries().size() == 2);
  CHECK(parse(two("[12,24]", "[0,12]")).entries().size() == 2);
  refused(two("[0,12]", "[0,12]"), {"begins at 0, expected 12 (it overlaps another tensor)"});
  refused(two("[0,12]", "[8,20]"), {"tensor \"b\"", "begins at 8, expected 12 (it overlaps"});
  refused(two("[0,12]", "[16,28]", 28), {"tensor \"b\"", "begins at 16, expected 12 (no holes)"});
  refused(two("[4,16]", "[16,28]", 28), {"tensor \"a\"", "begins at 4, expected 0"});
  refused(two("[0,12]", "[12,24]", 23), {"tensor \"b\"", "[12, 24]", "end <= 23"});
  refused(two("[0,12]", "[12,24]", 25), {"found 25 bytes of data, expected 24"});
  refused(two("[12,0]", "[12,24]"), {"tensor \"a\"", "begin <= end"});
  refused(two("[0,12]", "[12,20]"), {"tensor \"b\"", "shape [3] of F32: found 8 bytes, expected 3 times 4"});
  refused(file_with("{}", 1), {"found 1 bytes of data, expected 0"});
  refused(file_with("{" + entry("a", "[4611686018427387904,4]", "[0,24]") + "}"), {"tensor \"a\"", "overflows"});
  refused(file_with("{" + entry("a", "[4611686018427387904]", "[0,0]") + "}", 0), {"4611686018427387904 times 4"});
  refused(file_with("{" + entry("a", "[0,9223372036854775807,9]", "[0,0]") + "}", 0),
          {"tensor \"a\"", "overflows"});
  const std::string good = read_bytes(fixture("safetensors/mixed.safetensors"));
  for (std::size_t size = 0; size < good.size(); ++size) refused(good.substr(0, size), {"expected"});
  refused(good + "x", {"bytes of data, expected"});
}

TEST_CASE("safetensors: bad names and bad places write nothing") {
  const temporary_folder folder;
  const tensor<float> x({2});
  check_message([&] { save_safetensors(folder / "a", {{"x", x}, {"x", x}}); }, {"/a: tensor name \"x\" is taken"});
  check_message([&] { save_safetensors(folder / "a", {{"__metadata__", x}}); }, {"\"__metadata__\" is taken"});
  check_message([&] { save_safetensors(folder / "a", {{"\xff", x}}); }, {"/a: ", "expected UTF-8"});
  check_message([&] { save_safetensors(folder / "a", {{"x", x}}, {{"k", "\xff"}}); }, {"/a: ", "expected UTF-8"});
  check_message([&] { save_safetensors(folder / "b/a", {{"x", x}}); }, {"b/a: cannot create: No such file"});
  check_message<kdm::shape_error>([&] { named_tensor("x", x.as_matrix(), {3}); }, {"\"x\"", "[3]", "2 x 1"});
  CHECK(files_in(folder.path()) == 0);
}

TEST_CASE("safetensors: damaged files give a value or an io_error") {
  int errors = 0, count = 0;
  for (const std::string name : {"one", "mixed", "empty", "other_types"}) {
    const std::string good = read_bytes(fixture("safetensors/" + name + ".safetensors"));
    count += 4000;
    errors += survive_mutations(good, unsigned(count), 4000, [](std::string_view bytes) {
      kdm::io::input_bytes in(bytes, "mutant");
      const safetensors file(in);
      for (const auto& item : file.entries())
        if (item.second.dtype[0] == 'F') file.get<float>(item.first);
    });
  }
  CHECK(errors > count / 2);
  CHECK(errors < count);
}
