// libFuzzer target: any bytes as JSON give a value that reads back as itself, or an io_error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "kdm/io/json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kdm::io::json value;
  try {
    value = kdm::io::parse_json({reinterpret_cast<const char*>(data), size}, "fuzz");
  } catch (const kdm::io_error&) {
    return 0;
  }
  if (kdm::io::parse_json(value.dump(), "again", {std::uint64_t(-1), 64}) != value) std::abort();
  return 0;
}
