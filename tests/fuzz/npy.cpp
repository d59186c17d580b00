// libFuzzer target: any bytes as a .npy file give a tensor or an io_error.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kdm/io/npy.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    kdm::io::input_bytes as_float(bytes, "fuzz");
    const auto x = kdm::io::read_npy<float>(as_float);
    kdm::io::require_finite(x, "fuzz");
  } catch (const kdm::io_error&) {
  }
  try {
    kdm::io::input_bytes as_double(bytes, "fuzz");
    kdm::io::read_npy<double>(as_double);
  } catch (const kdm::io_error&) {
  }
  return 0;
}
