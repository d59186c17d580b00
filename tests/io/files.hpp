// What the tests of file formats share: fixtures, their values, messages, mutations.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <string_view>

#include "kdm/core/error.hpp"
#include "kdm/io/tensor.hpp"
#include "support.hpp"

namespace kdm_test {

/// A file made by tests/fixtures/numpy_files.py.
inline std::filesystem::path fixture(const std::string& name) {
  return std::filesystem::path(KDM_TEST_FIXTURES) / name;
}

/// The values of the fixtures: element k is (k - 2) * 0.75.
template <class T>
kdm::io::tensor<T> counting_tensor(const kdm::io::shape_t& shape) {
  kdm::io::tensor<T> x(shape);
  for (kdm::index_t k = 0; k < x.size(); ++k) x.data()[k] = T(k - 2) * T(0.75);
  return x;
}

template <class T>
bool same(const kdm::io::tensor<T>& a, const kdm::io::tensor<T>& b) {
  return a.shape() == b.shape() &&
         (a.size() == 0 || std::memcmp(a.data(), b.data(), std::size_t(a.size()) * sizeof(T)) == 0);
}

/// Checks that `f` throws an `Error` whose message has every one of these parts.
template <class Error = kdm::io_error, class F>
void check_message(F&& f, std::initializer_list<std::string_view> parts) {
  const std::string message = message_of<Error>(f);
  INFO(message);
  for (const std::string_view part : parts) {
    INFO("expected part: ", std::string(part));
    CHECK(message.find(part) != std::string::npos);
  }
}

inline std::string bytes_of(std::uint64_t value, std::size_t count) {
  return std::string(reinterpret_cast<const char*>(&value), count);
}

/// The number of files in a folder: a failed write must leave none behind.
inline long files_in(const std::filesystem::path& folder) {
  return std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator());
}

/// Reads `count` damaged copies of `good`: each must give a value or an io_error. Returns how many gave an error.
inline int survive_mutations(const std::string& good, unsigned seed, int count,
                             const std::function<void(std::string_view)>& read) {
  std::mt19937 engine(seed);
  const auto below = [&](std::size_t n) { return std::size_t(engine() % n); };
  const std::string_view favourites("\0\xff\x7f\x80 019-{}[](),:'\"\\eE.<>|O\n", 29);
  int errors = 0;
  for (int k = 0; k < count; ++k) {
    std::string bytes = good;
    for (std::size_t edits = 1 + below(4); edits > 0 && !bytes.empty(); --edits) {
      const std::size_t at = below(bytes.size()), from = below(bytes.size()), length = 1 + below(8);
      const char favourite = favourites[below(favourites.size())];
      switch (below(6)) {
        case 0:
          bytes[at] = char(engine());
          break;
        case 1:
          bytes[at] = favourite;
          break;
        case 2:
          bytes.resize(at);
          break;
        case 3:
          bytes.erase(at, length);
          break;
        case 4:
          bytes.insert(at, length, favourite);
          break;
        default:
          bytes.insert(at, bytes.substr(from, 2 * length));
          break;
      }
    }
    // An own heap block of exactly this size, so that the address sanitizer sees a read past its end.
    const std::unique_ptr<char[]> block(new char[bytes.size()]);
    std::copy(bytes.begin(), bytes.end(), block.get());
    try {
      read({block.get(), bytes.size()});
    } catch (const kdm::io_error&) {
      ++errors;
    }
  }
  return errors;
}

}  // namespace kdm_test
