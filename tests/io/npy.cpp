// .npy files against those NumPy writes.
#include "kdm/io/npy.hpp"

#include <cmath>
#include <limits>

#include "files.hpp"

using namespace kdm_test;
using kdm::io::load_npy;
using kdm::io::save_npy;
using kdm::io::shape_t;
using kdm::io::tensor;

namespace {

const shape_t all_shapes[] = {{}, {1}, {5}, {2, 3}, {3, 2, 4}, {2, 3, 1, 2}, {0}, {0, 3}, {2, 0, 3}};

std::string name_of(const shape_t& shape) {
  std::string s;
  for (const auto n : shape) s += (s.empty() ? "" : "x") + std::to_string(n);
  return s.empty() ? "scalar" : s;
}

template <class T>
std::string type_name() {
  return sizeof(T) == 4 ? "f4" : "f8";
}

/// A version 1 file with this header text and these bytes of data.
std::string file_with(const std::string& header, std::size_t data_bytes = 48, std::string version = {1, 0}) {
  return "\x93NUMPY" + version + bytes_of(header.size(), version[0] == 1 ? 2 : 4) + header +
         std::string(data_bytes, '\0');
}

tensor<double> parse(std::string_view bytes) {
  kdm::io::input_bytes in(bytes, "a.npy");
  return kdm::io::read_npy<double>(in);
}

void refused(const std::string& bytes, std::initializer_list<std::string_view> parts) {
  check_message([&] { parse(bytes); }, {"a.npy: "});
  check_message([&] { parse(bytes); }, parts);
}

void header_refused(const std::string& header, std::initializer_list<std::string_view> parts) {
  refused(file_with(header), parts);
}

}  // namespace

TEST_CASE_TEMPLATE("npy: NumPy's files give NumPy's values and ours have NumPy's bytes", T, float, double) {
  const temporary_folder folder;
  for (const shape_t& shape : all_shapes) {
    const auto file = fixture("npy/" + type_name<T>() + "_" + name_of(shape) + ".npy");
    const auto expected = counting_tensor<T>(shape);
    CHECK(same(load_npy<T>(file), expected));
    save_npy(folder / "a.npy", expected);
    CHECK(read_bytes(folder / "a.npy") == read_bytes(file));
    // The other type: exact, since the values are.
    CHECK(same(load_npy<float>(file), counting_tensor<float>(shape)));
    CHECK(same(load_npy<double>(file), counting_tensor<double>(shape)));
  }
}

TEST_CASE_TEMPLATE("npy: Fortran order and versions 2 and 3", T, float, double) {
  const std::string type = "npy/" + type_name<T>();
  for (const std::string ending :
       {"_3x2x4_fortran.npy", "_4x3_fortran.npy", "_2x3_version2.npy", "_2x3_version3.npy"}) {
    const shape_t shape = ending[1] == '3' ? shape_t{3, 2, 4} : ending[1] == '4' ? shape_t{4, 3} : shape_t{2, 3};
    CHECK(same(load_npy<float>(fixture(type + ending)), counting_tensor<float>(shape)));
    CHECK(same(load_npy<double>(fixture(type + ending)), counting_tensor<double>(shape)));
  }
}

TEST_CASE("npy: large Fortran arrays pass through many chunks") {
  // 301 x 97 elements of which (i, j) stands at i + 301 j in the file.
  std::string data;
  for (int j = 0; j < 97; ++j)
    for (int i = 0; i < 301; ++i) {
      const double value = i * 1000 + j;
      data.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
  const auto y = parse(file_with("{'descr': '<f8', 'fortran_order': True, 'shape': (301, 97), }\n", 0) + data);
  bool good = true;
  for (int i = 0; i < 301; ++i)
    for (int j = 0; j < 97; ++j) good = good && y.as_matrix()(i, j) == i * 1000 + j;
  CHECK(good);
}

TEST_CASE("npy: extreme doubles are exact and a double beyond float is refused") {
  const auto x = load_npy<double>(fixture("npy/f8_extremes.npy"));
  CHECK(x.data()[0] == 5e-324);
  CHECK(x.data()[1] == std::numeric_limits<double>::max());
  CHECK(x.data()[2] == 0);
  CHECK(std::signbit(x.data()[2]));
  CHECK(x.data()[3] == 0.1);
  check_message([] { load_npy<float>(fixture("npy/f8_extremes.npy")); },
                {"f8_extremes.npy: element [1] is 1.7976931348623157e+308", "float"});
}

TEST_CASE_TEMPLATE("npy: NaN and infinity pass in both types until require_finite", T, float, double) {
  const temporary_folder folder;
  tensor<T> x({3});
  x.data()[1] = std::numeric_limits<T>::quiet_NaN();
  x.data()[2] = -std::numeric_limits<T>::infinity();
  save_npy(folder / "a.npy", x);
  const auto f = load_npy<float>(folder / "a.npy");
  const auto d = load_npy<double>(folder / "a.npy");
  CHECK(std::isnan(f.data()[1]));
  CHECK(std::isnan(d.data()[1]));
  CHECK(f.data()[2] == -std::numeric_limits<float>::infinity());
  CHECK(d.data()[2] == -std::numeric_limits<double>::infinity());
}

TEST_CASE_TEMPLATE("npy: matrices and views with gaps and vectors", T, float, double) {
  const temporary_folder folder;
  const auto m = random_matrix<T>(7, 5, 3);
  save_npy(folder / "m.npy", m);
  CHECK(relative_difference(kdm::io::load_npy_matrix<T>(folder / "m.npy"), m) == 0);

  const auto part = m.view().col_range(1, 3).row_range(2, 4);
  save_npy(folder / "part.npy", part);
  CHECK(relative_difference(kdm::io::load_npy_matrix<T>(folder / "part.npy"), kdm::matrix<T>(part)) == 0);

  const std::vector<T> v{1, 2, 3, 4, 5, 6};
  save_npy(folder / "v.npy", v, {2, 3});
  CHECK(load_npy<T>(folder / "v.npy").shape() == shape_t{2, 3});
  CHECK(load_npy<T>(folder / "v.npy").data()[5] == 6);
  check_message<kdm::shape_error>([&] { save_npy(folder / "w.npy", v, {4, 2}); }, {"w.npy", "[4, 2]", "6 x 1"});
  CHECK(!std::filesystem::exists(folder / "w.npy"));
  check_message([&] { kdm::io::load_npy_matrix<T>(fixture("npy/f4_5.npy")); },
                {"f4_5.npy: found shape [5]", "expected"});
}

TEST_CASE("npy: other element types are refused by name") {
  const auto bad = [](const std::string& name, std::initializer_list<std::string_view> parts) {
    const auto file = fixture("npy/bad_" + name + ".npy");
    check_message([&] { load_npy<float>(file); }, {file.string(), "expected '<f4' or '<f8'"});
    check_message([&] { load_npy<float>(file); }, parts);
  };
  bad("big_endian", {"big-endian", "'>f8'"});
  bad("integers", {"'<i8'"});
  bad("half", {"'<f2'"});
  bad("complex", {"'<c16'"});
  bad("bool", {"'|b1'"});
  bad("text", {"'<U2'"});
  bad("structured", {"structured"});
  bad("objects", {"Python objects", "'|O'"});
}

TEST_CASE("npy: what other writers put into the header is read as NumPy reads it") {
  // The files and what NumPy makes of them: tests/fixtures/numpy_files.py.
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(fixture("npy"))) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("other_")) continue;
    CAPTURE(name);
    ++files;
    const bool single = name.starts_with("other_f4");
    CHECK(same(load_npy<double>(entry.path()), counting_tensor<double>({2, 3})));
    const std::string bytes = read_bytes(entry.path());
    kdm::io::input_bytes in(bytes, name);
    CHECK(kdm::io::read_npy_header(in).item_size == (single ? 4 : 8));
  }
  CHECK(files == 22);
  header_refused("{'descr': '>f8', 'fortran_order': False, 'shape': (2, 3), }\n", {"big-endian element type '>f8'"});
  header_refused("{'descr': '>d', 'fortran_order': False, 'shape': (2, 3), }\n", {"big-endian element type '>d'"});
  header_refused("{'descr': '<float64', 'fortran_order': False, 'shape': (2, 3), }\n", {"element type '<float64'"});
  header_refused("{'descr': uu'<f8', 'fortran_order': False, 'shape': (2, 3), }\n", {"a quoted string"});
  header_refused("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3LL), }\n", {"expected ')'"});
  header_refused("{'descr': '<f8', 'fortran_order': False, 'shape': (6), }\n", {"a tuple of one size"});
}

TEST_CASE("npy: the header is exactly the dict of the format") {
  const std::string good = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }\n";
  CHECK(parse(file_with(good)).shape() == shape_t{2, 3});
  CHECK(parse(file_with("{\"shape\":(2,3),'fortran_order':False,'descr':\"<f8\"}   \n")).shape() == shape_t{2, 3});
  CHECK(parse(file_with("{ 'shape' : ( 6 , ) , 'fortran_order' : True , 'descr' : '<f8' , }\n")).shape() ==
        shape_t{6});
  CHECK(parse(file_with(good, 48, {2, 0})).shape() == shape_t{2, 3});

  header_refused("", {"found the end", "expected '{'"});
  header_refused("\n", {"found the end", "expected '{'"});
  CHECK(parse(file_with(good.substr(0, good.size() - 1))).shape() == shape_t{2, 3});
  header_refused("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), } x\n", {"'x?'", "nothing but spaces and line ends"});
  header_refused("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3)\n", {"expected '}'"});
  header_refused("{'descr': '<f8', 'fortran_order': False, }\n", {"no key 'shape'"});
  header_refused("{'fortran_order': False, 'shape': (2, 3)}\n", {"no key 'descr'"});
  header_refused("{'descr': '<f8', 'shape': (2, 3)}\n", {"no key 'fortran_order'"});
  header_refused("{}\n", {"no key"});
  header_refused("{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (2, 3)}\n", {"each key once"});
  header_refused("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), 'extra': 1}\n",
                 {"'extra': 1}", "expected key 'descr', 'fortran_order' or 'shape'"});
  header_refused("{'descr': '<f8', 'fortran_order': 0, 'shape': (2, 3)}\n", {"'0, 'shape'", "True or False"});
  header_refused("{'descr': '<f8', 'fortran_order': False 'shape': (2, 3)}\n", {"expected '}'"});
  header_refused("{'descr': '\\x3cf8', 'fortran_order': False, 'shape': (2, 3)}\n", {"without escapes"});
  header_refused("{'descr': '<f8, 'fortran_order': False, 'shape': (2, 3)}\n", {"expected"});
  header_refused("{'descr': \xff\x01, 'fortran_order': False, 'shape': (2, 3)}\n", {"'??,", "a quoted string"});
  header_refused("{'descr': 'a\xff', 'fortran_order': False, 'shape': (2, 3)}\n", {"'a?'"});
  for (const std::string shape :
       {"[2, 3]", "(6)", "6", "(2, -3)", "(2, 3.0)", "(2,, 3)", "(,)", "(02, 3)", "(2 3)", "(2, 3l)", "(2, 1+2)",
        "(2, 0x3)", "((2, 3))", "(2, 3", "(", "None", "(+2, 3)"})
    header_refused("{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + ", }\n", {"header", "expected"});
}

TEST_CASE("npy: sizes that overflow are refused before anything is allocated") {
  const auto shape = [](const std::string& s) {
    return "{'descr': '<f8', 'fortran_order': False, 'shape': " + s + "}\n";
  };
  header_refused(shape("(9223372036854775808,)"), {"a size below 2^63"});
  header_refused(shape("(99999999999999999999999999,)"), {"a size below 2^63"});
  header_refused(shape("(4294967296, 4294967296)"), {"[4294967296, 4294967296]", "overflows"});
  header_refused(shape("(0, 9223372036854775807, 3)"), {"overflows"});
  header_refused(shape("(2305843009213693952,)"), {"overflows"});
  header_refused(shape("(1000000000000,)"), {"found 48 bytes of data, expected 8000000000000"});
  std::string many = "(";
  for (int k = 0; k < 33; ++k) many += "1,";
  header_refused(shape(many + ")"), {"at most 32 sizes"});
  refused(file_with("{" + std::string(70000, ' ') + "}\n", 0, {2, 0}), {"70003 bytes, expected at most 65535"});
}

TEST_CASE("npy: truncated and oversized files and other versions are refused") {
  const std::string good = read_bytes(fixture("npy/f8_2x3.npy"));
  REQUIRE(good.size() == 176);
  for (std::size_t size = 0; size < good.size(); ++size) refused(good.substr(0, size), {"expected"});
  refused(good.substr(0, 5), {"found 5 bytes, expected 8"});
  refused(good.substr(0, 9), {"header length: found 1 bytes, expected 2"});
  refused(good.substr(0, 100), {"header: found 90 bytes, expected 118"});
  refused(good.substr(0, 175), {"[2, 3]", "found 47 bytes of data, expected 48"});
  refused(good + "x", {"found 49 bytes of data, expected 48"});
  refused("\x93NUMPZ" + good.substr(6), {"not a .npy file"});
  refused("PK\x03\x04 a zip file", {"not a .npy file"});
  for (const auto& version : {std::string{0, 0}, std::string{4, 0}, std::string{1, 1}, std::string{'\xff', 0}})
    refused("\x93NUMPY" + version + good.substr(8),
            {"version " + std::to_string((unsigned char)version[0]), "expected 1.0"});
}

TEST_CASE("npy: limits and missing files and folders") {
  const temporary_folder folder;
  const auto file = fixture("npy/f4_2x3.npy");
  CHECK(load_npy<float>(file, {152}).size() == 6);
  check_message([&] { load_npy<float>(file, {151}); }, {file.string(), "found 152 bytes, expected at most 151"});
  // 1024 floats fit, as doubles they do not.
  save_npy(folder / "a.npy", tensor<float>({1024}));
  check_message([&] { load_npy<double>(folder / "a.npy", {5000}); }, {"1024 elements", "5000 bytes"});
  check_message([&] { load_npy<float>(folder / "b.npy"); }, {"b.npy", "No such file"});
  check_message([&] { load_npy<float>(folder.path()); }, {"found a folder"});
  check_message([&] { save_npy(folder / "c/d.npy", tensor<float>({2})); }, {"c/d.npy", "No such file"});
  check_message<kdm::shape_error>([&] { save_npy(folder / "e.npy", tensor<float>(shape_t(33, 1))); },
                                  {"33", "32"});
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("npy: damaged files give a value or an io_error") {
  int errors = 0, count = 0;
  for (const std::string name : {"f4_2x3", "f8_3x2x4_fortran", "f4_2x3_version2", "f8_2x3_version3", "f8_scalar",
                                 "bad_structured", "bad_objects"}) {
    const std::string good = read_bytes(fixture("npy/" + name + ".npy"));
    count += 3000;
    errors += survive_mutations(good, unsigned(count), 3000, [](std::string_view bytes) {
      kdm::io::input_bytes in(bytes, "mutant");
      kdm::io::read_npy<float>(in);
    });
  }
  CHECK(errors > count / 2);
  CHECK(errors < count);
}
