// Fits what each line of standard input asks for and answers with eigenvalues and seconds: kdm as one of the
// packages that benchmarks/peers/fits compares. One thread.
//   {"method": "dmd::exact", "x": "x.npy", "rank": 10}    rows of x are samples; further keys below
//   {"seconds": 1.3, "cpu": 1.3, "eigenvalues": [[0.9, 0.1], ...]}
#include <chrono>
#include <complex>
#include <ctime>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "kdm/fit/bagging_dmd.hpp"
#include "kdm/fit/dictionaries/kernels.hpp"
#include "kdm/fit/dmd.hpp"
#include "kdm/fit/hankel_dmd.hpp"
#include "kdm/fit/kernel_edmd.hpp"
#include "kdm/fit/least_squares.hpp"
#include "kdm/fit/optimized_dmd.hpp"
#include "kdm/fit/randomized_dmd.hpp"
#include "kdm/io/json.hpp"
#include "kdm/io/npy.hpp"

namespace {

using namespace kdm;
using eigenvalue_list = std::vector<std::complex<double>>;

/// Matrices from files, each read once.
class store {
 public:
  const matrix<double>& operator[](const std::string& file) {
    auto at = files_.find(file);
    if (at == files_.end()) at = files_.emplace(file, io::load_npy_matrix<double>(file)).first;
    return at->second;
  }

 private:
  std::map<std::string, matrix<double>> files_;
};

struct problem {
  const io::json& request;
  store& files;

  const matrix<double>& x() const { return files[request.at("x")]; }
  std::vector<double> times() const {
    const matrix<double>& t = files[request.at("t")];
    return {t.data(), t.data() + t.size()};
  }
  rank_rule rank() const {
    return request.contains("rank") ? rank_rule::fixed(request["rank"].get<index_t>()) : rank_rule::tolerance();
  }
  double dt() const { return request.value("dt", 1.); }
  /// Those of the file "y", or the neighbouring snapshots of x.
  snapshot_pairs pairs() const {
    if (request.contains("y")) return pairs_from_matrices(x(), files[request["y"]], dt());
    return pairs_from_trajectory(x(), {.dt = dt()});
  }
  snapshot_qr triangle() const {
    const snapshot_pairs p = pairs();
    snapshot_qr qr(p.states(), p.states());
    qr.append(p.x, p.y);
    return qr;
  }
};

const std::map<std::string, std::function<eigenvalue_list(const problem&)>> methods{
    {"dmd::exact", [](const problem& p) { return dmd::exact(p.pairs(), {p.rank()}).eigenvalues; }},
    {"dmd::projected", [](const problem& p) { return dmd::projected(p.pairs(), {p.rank()}).eigenvalues; }},
    {"dmd::total_least_squares",
     [](const problem& p) { return dmd::total_least_squares(p.pairs(), {p.rank()}).eigenvalues; }},
    {"dmd::forward_backward",
     [](const problem& p) { return dmd::forward_backward(p.pairs(), {p.rank()}).eigenvalues; }},
    {"randomized_dmd",
     [](const problem& p) {
       return randomized_dmd(p.pairs(), {.rank = p.request.at("rank").get<index_t>()}).dynamics.eigenvalues;
     }},
    {"hankel_dmd",
     [](const problem& p) {
       return hankel_dmd(p.x().view(), {.delays = p.request.at("delays").get<index_t>(), .rank = p.rank()})
           .eigenvalues;
     }},
    {"dmd::optimized",
     [](const problem& p) {
       dmd::optimized_options o;
       o.rank = p.rank();
       return dmd::optimized(p.x(), p.times(), o).exponents;
     }},
    {"dmd::bagging",
     [](const problem& p) {
       dmd::bagging_options o;
       o.fit.rank = p.rank();
       o.trials = 20;
       return dmd::bagging(p.x(), p.times(), o).exponents;
     }},
    {"edmd", [](const problem& p) { return spectrum(least_squares(p.triangle()).k).eigenvalues; }},
    {"kernel_edmd", [](const problem& p) {
       const snapshot_pairs pairs = p.pairs();
       return kernel_edmd(polynomial_kernel{2}, pairs.x, pairs.y).dynamics.eigenvalues;
     }}};

io::json answer(const io::json& request, store& files) {
  const auto method = methods.find(request.at("method").get<std::string>());
  if (method == methods.end()) return {{"error", concat("unknown method ", request["method"].get<std::string>())}};
  const problem p{request, files};
  p.x();  // reading is no part of a fit
  const auto start = std::chrono::steady_clock::now();
  const std::clock_t cpu = std::clock();
  const eigenvalue_list eigenvalues = method->second(p);
  io::json result{{"seconds", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()},
                  {"cpu", double(std::clock() - cpu) / CLOCKS_PER_SEC},
                  {"eigenvalues", io::json::array()}};
  for (const auto& lambda : eigenvalues) result["eigenvalues"].push_back({lambda.real(), lambda.imag()});
  return result;
}

}  // namespace

int main() {
  store files;
  for (std::string line; std::getline(std::cin, line);) {
    try {
      std::cout << answer(io::json::parse(line), files) << std::endl;
    } catch (const std::exception& e) {
      std::cout << io::json{{"error", e.what()}} << std::endl;
    }
  }
}
