#include "library.hpp"

#include "kdm/exec/openmp.hpp"
#include "kdm/metrics/wasserstein.hpp"
#include "kdm/teacher/teacher.hpp"

namespace kdm_benchmark {

answer run_teacher(const request& r) {
  const auto board = kdm::checkerboard<float>();
  const kdm::heun solver;
  const index_t steps = 20;
  answer a = measure(r, 0, [&] {
    const auto made = kdm::generate(kdm::flow_path{}, board, solver, {.samples = r.batch, .steps = steps, .seed = 1},
                                    kdm::openmp(r.threads));
    if (made.n != r.batch) kdm::fail<kdm::error>("teacher: made ", made.n, " pairs");
  });
  a.numbers["evaluations"] = double(kdm::evaluations(solver, steps)) * double(r.batch);
  return a;
}

answer run_sliced_wasserstein(const request& r) {
  const auto board = kdm::checkerboard<float>();
  const kdm::matrix<float> x = board.draw(1, r.batch), y = board.draw(2, r.batch);
  const kdm::sliced_options options;
  double distance = 0;
  answer a = measure(r, 0.1, [&] {
    distance = kdm::sliced_wasserstein(x.view(), y.view(), options, kdm::openmp(r.threads));
  });
  a.numbers["distance"] = distance;
  // Its limit: the two sorts of every direction, and nothing else.
  std::vector<double> unsorted(std::size_t(r.batch)), sorted;
  for (index_t i = 0; i < r.batch; ++i) unsorted[std::size_t(i)] = double(x(i, 0));
  double sorts = 1e30;
  for (int k = 0; k < 9; ++k) {
    sorted = unsorted;
    const auto start = seconds_clock::now();
    std::sort(sorted.begin(), sorted.end());
    sorts = std::min(sorts, seconds_since(start));
  }
  a.numbers["seconds_of_its_sorts"] = sorts * 2 * double(options.directions) / r.threads;
  return a;
}

}  // namespace kdm_benchmark
