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
  return a.size() == b.size() &&
         (a.size() == 0 || std::memcmp(a.data(), b.data(), std::size_t(a.size()) * sizeof(T)) == 0);
}

}  // namespace

TEST_CASE("frozen: a file gives back what was saved") {
  const temporary_folder folder;
  const auto saved = small_parts();
  save_frozen(folder / "s.safetensors", saved);
  const auto loaded = load_frozen<float>(folder / "s.safetensors");
  CHECK(same_bits(loaded.weights, saved.weights));
  CHECK(loaded.prior.scale == 2.5);
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

TEST_CASE("frozen: a prior of its own comes back from a file and stands in the header") {
  const temporary_folder folder;
  const auto path = folder / "s.safetensors";
  kdm::matrix<double> mean(1, 3), deviations(1, 3), triangle(3, 3);
  for (kdm::index_t i = 0; i < 3; ++i) {
    mean(0, i) = 0.1 * double(i) - 7, deviations(0, i) = 1. / double(3 + i), triangle(i, i) = 2;
    for (kdm::index_t j = 0; j < i; ++j) triangle(i, j) = -0.3;
  }
  auto parts = small_parts();
  for (const auto& factor : {deviations, triangle, kdm::matrix<double>()}) {
    parts.prior = kdm::normal_prior(mean, factor);
    save_frozen(path, parts);
    const auto loaded = load_frozen<float>(path);
    CHECK(same_bits(loaded.prior.mean, mean));
    CHECK(loaded.prior.factor.rows() == factor.rows());
    CHECK(same_bits(loaded.prior.factor, factor));
    CHECK(same_bits(loaded.weights, parts.weights));
    CHECK(kdm::io::load_safetensors(path).metadata().at("frozen") == "2");
  }
  parts.prior = kdm::normal_prior(mean, deviations);
  const std::string text = kdm::io::frozen_header(parts, "s");
  CHECK(text.find("prior_mean[] = {\n-7.,-6.9,-6.8,\n};") != std::string::npos);
  CHECK(text.find("prior_factor[] = {\n0.3333333333333333,0.25,0.2,\n};") != std::string::npos);
  CHECK(text.find("compiled{layers, weights, 1., prior_mean, prior_factor};") != std::string::npos);
  parts.prior = kdm::normal_prior::unknown();
  save_frozen(path, parts);
  CHECK_FALSE(load_frozen<float>(path).prior.known);
  CHECK(kdm::io::frozen_header(parts, "s").find("compiled{layers, weights, 1., {}, {}, false};") != std::string::npos);

  parts.prior = kdm::normal_prior(mean, kdm::matrix<double>(1, 3));
  CHECK(message_of<kdm::option_error>([&] { save_frozen(path, parts); }).find("deviation of column 0 is 0") !=
        std::string::npos);
  const kdm::matrix<float> w(2, 3), c(1, 2);
  const named_tensor weight("layers.0.weight", w.view()), bias("layers.0.bias", c.view(), {2});
  const auto refused = [&](std::vector<named_tensor> tensors, const char* kind, std::string_view part) {
    tensors.push_back(weight), tensors.push_back(bias);
    save_safetensors(path, tensors,
                     {{"frozen", "2"}, {"activations", "identity"}, {"prior_scale", "1"}, {"prior", kind}});
    check_message([&] { load_frozen<float>(path); }, {path.string(), part});
  };
  const kdm::matrix<double> two(1, 2), zero(1, 3);
  refused({}, "uniform", "'prior' is \"uniform\", expected \"normal\" or \"unknown\"");
  refused({named_tensor("prior.mean", two.view(), {2})}, "normal", "the prior's mean is 1 x 2, expected 1 x 3");
  refused({named_tensor("prior.factor", zero.view(), {3})}, "normal", "the prior's deviation of column 0 is 0, expected");
  refused({named_tensor("prior.factor", zero.view(), {1, 1, 3})}, "normal", "has shape [1, 1, 3], expected [d] or [d, d]");
  refused({named_tensor("prior.more", zero.view())}, "normal", "\"prior.more\" is unknown");
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
  refused({}, {weight, bias},
          "the metadata have no 'frozen', expected a frozen student, such as kdm export --safetensors writes");
  // The file of a model folder.
  refused({{"format", "pt"}}, {named_tensor("koopman.weight", w.view())},
          "expected a frozen student: this is a student that is not frozen, kdm export --model FOLDER --safetensors FILE "
          "freezes it");
  refused(with("frozen", "3"), {weight, bias}, "'frozen' is \"3\", expected \"1\" or \"2\"");
  refused(with("prior_scale", "1x"), {weight, bias}, "'prior_scale' is \"1x\", expected a finite number");
  refused(with("prior_scale", "inf"), {weight, bias}, "'prior_scale' is \"inf\", expected a finite number");
  refused(with("prior_scale", "-1"), {weight, bias}, "the prior's scale is -1, expected a finite number above 0");
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
