// libFuzzer target: any bytes as a safetensors file give tensors or an io_error.
#include <cstddef>
#include <cstdint>

#include "kdm/io/safetensors.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    kdm::io::input_bytes in({reinterpret_cast<const char*>(data), size}, "fuzz");
    const kdm::io::safetensors file(in);
    for (const auto& item : file.entries())
      if (item.second.dtype == "F32" || item.second.dtype == "F64") file.get<float>(item.first);
  } catch (const kdm::io_error&) {
  }
  return 0;
}
