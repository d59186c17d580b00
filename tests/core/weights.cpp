// The manifest of a flat weight buffer.
#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

#include "kdm/core/matrix.hpp"
#include "kdm/core/weights.hpp"
#include "support.hpp"

using kdm::index_t;
using kdm::initializer;
using kdm_test::message_of;

namespace {
kdm::manifest example() {
  kdm::manifest m;
  m.add("encoder.0.weight", 4, 3, 3, initializer::pytorch);
  m.add("encoder.0.bias", 1, 4, 3, initializer::zeros);
  m.add("operator", 4, 4, 4, initializer::identity);
  return m;
}
}  // namespace

TEST_CASE("tensors stand one after the other from offset zero") {
  const auto m = example();
  CHECK(m.size() == 12 + 4 + 16);
  index_t offset = 0;
  for (const auto& e : m) {
    CHECK(e.offset == offset);
    CHECK(e.size() == e.rows * e.cols);
    offset += e.size();
  }
  CHECK(offset == m.size());
  CHECK(m.entries().size() == 3);
  CHECK(m.entries()[1].is_bias());
  CHECK_FALSE(m.entries()[0].is_bias());
}

TEST_CASE("tensors are found by name") {
  const auto m = example();
  CHECK(m.find("operator").offset == 16);
  CHECK(m.find("encoder.0.bias").fan_in == 3);
  CHECK(message_of<kdm::shape_error>([&] { m.find("decoder"); }) == "manifest: no tensor is named decoder");
}

TEST_CASE("two tensors of one name are refused and leave the manifest as it was") {
  auto m = example();
  CHECK(message_of<kdm::shape_error>([&] { m.add("operator", 1, 1, 1, initializer::zeros); }) ==
        "manifest: two tensors are named operator");
  CHECK(m.entries().size() == 3);
  CHECK(m.size() == 32);
}

TEST_CASE("a tensor is a matrix inside the buffer") {
  const auto m = example();
  kdm::matrix<double> w(1, m.size());
  for (index_t k = 0; k < w.size(); ++k) w.data()[k] = double(k);
  const auto c = kdm::tensor_of(w.view(), m.find("operator"));
  CHECK(c.rows == 4);
  CHECK(c.cols == 4);
  CHECK(c(2, 1) == 16 + 4 * 2 + 1);
  static_assert(std::same_as<decltype(kdm::tensor_of(kdm::const_view<float>{}, m.find("operator"))),
                             kdm::const_view<float>>);
}

TEST_CASE("a manifest and whatever else has a text go into a stream") {
  std::ostringstream out;
  out << example() << '\n' << kdm::manifest{} << '\n';
  CHECK(out.str() ==
        "encoder.0.weight  4 x 3\n"
        "encoder.0.bias    1 x 4\n"
        "operator          4 x 4\n"
        "32 weights\n"
        "0 weights\n");
  static_assert(kdm::has_text<kdm::manifest> && !kdm::has_text<kdm::weight_entry>);
}

TEST_CASE("names are joined with dots") {
  CHECK(kdm::join_name("", "weight") == "weight");
  CHECK(kdm::join_name("decoder", "0") == "decoder.0");
  CHECK(kdm::join_name(kdm::join_name("decoder", "0"), "bias") == "decoder.0.bias");
}
