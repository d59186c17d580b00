/// Where a model and a page come from: the lines at the head of a report.
#pragma once

#include <bit>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "kdm/core/config.hpp"
#include "kdm/io/pairs.hpp"
#include "kdm/io/safetensors.hpp"
#include "kdm/report/html.hpp"
#include "student.hpp"

namespace kdm_command {

/// A number that other pairs are unlikely to have: a resumed run must go on with the same ones.
///
/// Source.    Fowler, Noll, Vo: the 64-bit FNV-1a hash.
template <class T>
std::uint64_t fingerprint(const kdm::io::pair_set<T>& pairs) {
  using word = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  std::uint64_t h = 0xcbf29ce484222325u;
  for (const auto* m : {&pairs.xT, &pairs.x0})
    for (index_t k = 0; k < m->size(); ++k) h = (h ^ std::bit_cast<word>(m->data()[k])) * 0x100000001b3u;
  return h;
}

/// The processor's own name and the number of its threads.
inline std::string machine() {
  std::string name = "processor";
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (const auto colon = line.find(": "); line.starts_with("model name") && colon != line.npos) {
      name = line.substr(colon + 2);
      break;
    }
  return kdm::concat(name, ", ", std::thread::hardware_concurrency(), " threads");
}

/// What the checkpoint says of the pairs it was trained on: "45000 pairs, hash 123"; empty where there is none.
inline std::string training_data(const model_folder& folder) {
  std::string configuration;
  try {
    const kdm::io::safetensors file = kdm::io::load_safetensors(folder.checkpoint());
    if (const auto place = file.metadata().find("configuration"); place != file.metadata().end())
      configuration = place->second;
  } catch (const kdm::io_error&) {
    // A page does not need the checkpoint.
  }
  const auto on = configuration.rfind(" on "), pairs = configuration.rfind(" pairs, ");
  if (on == std::string::npos || pairs == std::string::npos || pairs < on) return {};
  return configuration.substr(on + 4, pairs - on - 4) + " pairs, hash " + configuration.substr(pairs + 8);
}

/// `seconds` is that of training; below 0 where it is not known.
inline std::vector<std::pair<std::string, std::string>> provenance(const model_folder& folder,
                                                                   const std::string& command, double seconds,
                                                                   const kdm::io::pair_set<scalar>& pairs) {
  std::vector<std::pair<std::string, std::string>> rows{
      {"folder", std::filesystem::absolute(folder.path).lexically_normal().string()},
      {"command", command},
      {"version", kdm::concat("kdm ", KDM_VERSION_MAJOR, '.', KDM_VERSION_MINOR, '.', KDM_VERSION_PATCH)},
      {"machine", machine()},
      {"pairs compared", kdm::concat(pairs.size(), " pairs, hash ", fingerprint(pairs))}};
  if (const std::string data = training_data(folder); !data.empty()) rows.emplace_back("trained on", data);
  if (seconds >= 0) rows.emplace_back("seconds of training", kdm::rounded(seconds, 3));
  return rows;
}

}  // namespace kdm_command
