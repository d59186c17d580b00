/// A table of a model's tensors for people to read.
#pragma once

#include <algorithm>
#include <string>

#include "kdm/nn/initialize.hpp"

namespace kdm {

/// One line a tensor (name, shape, weights, bytes), then the total.
///
/// Example.   std::cout << kdm::summary<float>(model);
template <class T, class Model>
std::string summary(const Model& model) {
  const manifest m = kdm::manifest_of(model);
  std::size_t width = 6;
  for (const auto& e : m) width = std::max(width, e.name.size());
  const auto left = [](std::string s, std::size_t n) { return s + std::string(s.size() < n ? n - s.size() : 0, ' '); };
  const auto right = [](std::string s, std::size_t n) { return std::string(s.size() < n ? n - s.size() : 0, ' ') + s; };
  const auto line = [&](std::string name, std::string shape, std::string weights, std::string bytes) {
    return left(std::move(name), width) + right(std::move(shape), 14) + right(std::move(weights), 12) +
           right(std::move(bytes), 14) + '\n';
  };
  const auto bytes = [](index_t n) { return concat(n * index_t(sizeof(T))); };
  std::string table = line("tensor", "shape", "weights", "bytes");
  for (const auto& e : m)
    table += line(e.name, concat(e.rows, " x ", e.cols), concat(e.size()), bytes(e.size()));
  return table + line("total", "", concat(m.size()), bytes(m.size()));
}

}  // namespace kdm
