#include "protocol.hpp"

#include <exception>
#include <iostream>

#include "kdm/io/config.hpp"

namespace kdm_benchmark {

namespace {

request read(const std::string& line) {
  kdm::io::config_reader in(kdm::io::parse_json(line, "request"), "request");
  request r;
  const auto at_least_one = [&](const char* key, auto value) {
    value = in.get(key, value);
    if (value < 1) kdm::fail<kdm::option_error>("request: '", key, "' is ", value, ", expected at least 1");
    return value;
  };
  r.name = in.require<std::string>("case");
  r.variant = in.get("variant", r.variant);
  r.weights = in.choice("weights", r.weights, {"fresh", "trained"});
  r.model = in.get("model", r.model);
  r.batch = at_least_one("batch", r.batch);
  r.m = at_least_one("m", index_t(1));
  r.n = at_least_one("n", index_t(1));
  r.k = at_least_one("k", index_t(1));
  r.transpose_a = in.get("transpose_a", false);
  r.transpose_b = in.get("transpose_b", false);
  r.threads = at_least_one("threads", r.threads);
  r.repeats = at_least_one("repeats", r.repeats);
  in.finish();
  return r;
}

kdm::io::json written(const answer& a) {
  if (!a.skip.empty()) return {{"skip", a.skip}};
  kdm::io::json out{{"seconds", a.seconds}};
  if (a.flops > 0) out["flops"] = a.flops;
  if (a.bytes > 0) out["bytes"] = a.bytes;
  for (const auto& [name, value] : a.numbers) out[name] = value;
  return out;
}

}  // namespace

int serve(const std::map<std::string, std::string>& about, const std::function<answer(const request&)>& handle) {
  std::cout << kdm::io::json{{"ready", true}, {"who", "kdm"}, {"versions", about}}.dump() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    kdm::io::json out;
    try {
      out = written(handle(read(line)));
    } catch (const std::exception& e) {
      out = {{"error", e.what()}};
    }
    std::cout << out.dump() << std::endl;
  }
  return 0;
}

}  // namespace kdm_benchmark
