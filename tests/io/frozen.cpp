// Frozen students as files and as headers.
#include "kdm/io/frozen.hpp"

#include <cstdlib>
#include <limits>

#include "files.hpp"
#include "kdm/io/frozen_header.hpp"

using namespace kdm_test;
using kdm::frozen_layer;
using kdm::frozen_parts;
using kdm::io::load_frozen;
using kdm::io::named_tensor;
using kdm::io::save_frozen;
using kdm::io::save_safetensors;

namespace {

frozen_parts<float> small_parts() {
  frozen_parts<float> p{{{3, 4, "leaky_relu", 0.01}, {4, 2, "silu"}, {2, 2}}, random_matrix<float>(1, 32, 1), 2.5};
  p.weights.data()[0] = 1, p.weights.data()[1] = -0.f, p.weights.data()[2] = 1e-38f, p.weights.data()[3] = 3e20f;
  p.weights.data()[4] = std::numeric_limits<float>::denorm_min(), p.weights.data()[5] = 16777216;
  return p;
}

template <class T>
bool same_bits(const kdm::matrix<T>& a, const kdm::matrix<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), std::size_t(a.size()) * sizeof(T)) == 0;
}

}  // namespace

TEST_CASE("frozen: a file gives back what was saved") {
  const temporary_folder folder;
  const auto saved = small_parts();
  save_frozen(folder / "s.safetensors", saved);
  const auto loaded = load_frozen<float>(folder / "s.safetensors");
  CHECK(same_bits(loaded.weights, saved.weights));
  CHECK(loaded.prior_scale == 2.5);
  REQUIRE(loaded.layers.size() == 3);
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK(loaded.layers[k].inputs == saved.layers[k].inputs);
    CHECK(loaded.layers[k].outputs == saved.layers[k].outputs);
    CHECK(loaded.layers[k].activation_name() == saved.layers[k].activation_name());
    CHECK(loaded.layers[k].parameter == saved.layers[k].parameter);
  }
  CHECK(kdm::frozen_model(loaded).size() == 32);
  CHECK(kdm::frozen_model(load_frozen<double>(folder / "s.safetensors")).data_dimension() == 2);
}

TEST_CASE("frozen: files that are not such students are refused by name") {
  const temporary_folder folder;
  const auto path = folder / "s.safetensors";
  const kdm::matrix<float> w(2, 3), narrow(2, 2), c(1, 2), wide(2, 4), c4(1, 4);
  kdm::io::metadata_t good{{"frozen", "1"}, {"activations", "identity"}, {"prior_scale", "1"}};
  const auto refused = [&](kdm::io::metadata_t metadata, std::vector<named_tensor> tensors, std::string_view part) {
    save_safetensors(path, std::move(tensors), metadata);
    check_message([&] { load_frozen<float>(path); }, {path.string(), part});
  };
  const named_tensor weight("layers.0.weight", w.view()), bias("layers.0.bias", c.view(), {2});
  save_safetensors(path, {weight, bias}, good);
  CHECK(load_frozen<float>(path).weights.size() == 8);
  const auto with = [&](const char* key, const char* value) {
    auto m = good;
    m[key] = value;
    return m;
  };
  refused({}, {weight, bias}, "the metadata have no 'frozen', expected a frozen student");
  refused(with("frozen", "2"), {weight, bias}, "'frozen' is \"2\", expected \"1\"");
  refused(with("prior_scale", "1x"), {weight, bias}, "'prior_scale' is \"1x\", expected a finite number");
  refused(with("prior_scale", "inf"), {weight, bias}, "'prior_scale' is \"inf\", expected a finite number");
  refused(with("prior_scale", "-1"), {weight, bias}, "'prior_scale' is -1, expected more than 0");
  refused(with("activations", ""), {weight, bias}, "the name of activation 0 has 0 characters");
  refused(with("activations", "silu "), {weight, bias}, "the name of activation 1 has 0 characters");
  refused(with("activations", "silu  silu"), {weight, bias}, "the name of activation 1 has 0 characters");
  refused(with("activations", "leaky_relu:x"), {weight, bias}, "the parameter of activation 0 is \"x\"");
  refused(with("activations", "abcdefghijklmnopqrstuvwxyz0123456789"), {weight, bias},
          "has 36 characters, expected 1 to 31");
  refused(with("activations", "silu silu"), {weight, bias}, "\"layers.1.weight\" is missing");
  refused(good, {weight}, "\"layers.0.bias\" is missing");
  refused(good, {weight, named_tensor("layers.0.bias", c.view())}, "\"layers.0.bias\" has shape [1, 2], expected [2]");
  refused(good, {named_tensor("layers.0.weight", w.view(), {6}), bias}, "has shape [6], expected [outputs, inputs]");
  refused(good, {weight, bias, named_tensor("more", c.view())}, "\"more\" is unknown");
  refused(with("activations", "silu silu"),
          {weight, bias, named_tensor("layers.1.weight", wide.view()), named_tensor("layers.1.bias", c.view(), {2})},
          "has shape [2, 4], expected 2 inputs, the outputs of the layer before");
  kdm::matrix<float> bad(2, 3);
  bad(1, 0) = std::numeric_limits<float>::quiet_NaN();
  refused(good, {named_tensor("layers.0.weight", bad.view()), bias}, "element 3 is nan, expected a finite number");
}

TEST_CASE("frozen: what is not finite is not written") {
  const temporary_folder folder;
  auto parts = small_parts();
  parts.weights.data()[7] = std::numeric_limits<float>::infinity();
  CHECK(message_of<kdm::numeric_error>([&] { save_frozen(folder / "s.safetensors", parts); })
            .find("s.safetensors: not written, number 7 is inf") != std::string::npos);
  CHECK(message_of<kdm::numeric_error>([&] { kdm::io::save_frozen_header(folder / "s.hpp", parts, "s"); })
            .find("s.hpp: not written, number 7") != std::string::npos);
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("frozen: the header's literals are the weights") {
  const temporary_folder folder;
  const auto parts = small_parts();
  kdm::io::save_frozen_header(folder / "s.hpp", parts, "my_student");
  const std::string text = read_bytes(folder / "s.hpp");
  CHECK(text.find("namespace kdm_students::my_student {") != std::string::npos);
  CHECK(text.find("    {3, 4, \"leaky_relu\", 0.01},\n    {4, 2, \"silu\", 0.},\n    {2, 2, \"identity\", 0.},\n") !=
        std::string::npos);
  CHECK(text.find("compiled{layers, weights, 2.5};") != std::string::npos);
  CHECK(text.find("{\n1.f,-0.f,") != std::string::npos);
  kdm::matrix<float> found(1, parts.weights.size());
  const char* at = text.c_str() + text.find("{\n1.f") + 2;
  for (kdm::index_t k = 0; k < found.size(); ++k) {
    char* end = nullptr;
    found.data()[k] = std::strtof(at, &end);
    REQUIRE(*end == 'f');
    REQUIRE(end[1] == ',');
    at = end + (end[2] == '\n' ? 3 : 2);
  }
  CHECK(same_bits(found, parts.weights));
  CHECK(std::string(at).starts_with("};"));
}

TEST_CASE("frozen: names that a program cannot take are refused") {
  for (const char* name : {"", "1a", "a-b", "a b", "class", "a__b", "_a", "kdm", "std", "a\n", "xor"})
    CHECK(message_of<kdm::option_error>([&] { kdm::io::frozen_header(small_parts(), name); })
              .find("cannot name a namespace") != std::string::npos);
  for (const char* name : {"errno", "stdin", "NULL", "linux", "unix", "EOF"})
    CHECK(message_of<kdm::option_error>([&] { kdm::io::require_identifier(name); }) ==
          kdm::concat("the name \"", name,
                      "\" cannot name a namespace: it is a macro of C or of the compiler, expected another name"));
  for (const char* name : {"a", "Student_2", "classes", "log", "main"})
    CHECK(kdm::io::frozen_header(small_parts(), name).find(kdm::concat("namespace kdm_students::", name, " {")) !=
          std::string::npos);
}
