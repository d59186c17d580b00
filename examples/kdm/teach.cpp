// kdm teach: trajectories of an exact teacher, from noise to data.
#include <algorithm>
#include <iostream>
#include <unistd.h>

#include "commands.hpp"
#include "engine.hpp"
#include "kdm/io/trajectories.hpp"
#include "kdm/teacher/teacher.hpp"

namespace kdm_command {

namespace {

template <class Path, class Field, class Solver>
void run(const Path& path, const Field& field, const Solver& solver, const teach_options& o) {
  // On a terminal one line is rewritten; elsewhere a line is added about twenty times a run.
  const bool live = isatty(STDERR_FILENO) != 0;
  const auto progress = [live, shown = index_t(0)](index_t done, index_t total) mutable {
    if (!live && done != total && done - shown < total / 20) return;
    shown = done;
    std::cerr << (live ? "\r" : "") << "teach " << done << "/" << total << (live && done != total ? "" : "\n")
              << std::flush;
  };
  const kdm::trajectories<scalar> t =
      kdm::generate(path, field, solver, {o.samples, o.steps, o.snapshots, o.seed}, make_executor(o.compute), progress);
  kdm::io::save_npy(o.out, t.values.view(), {t.snapshots, t.n, t.d});
  std::cout << "wrote " << o.out.string() << ": " << t.snapshots << " snapshots of " << t.n << " trajectories in "
            << t.d << " dimensions, " << kdm::evaluations(solver, o.steps) << " evaluations of the teacher each\n";
}

template <class Path, class Field>
void with_solver(const Path& path, const Field& field, const teach_options& o) {
  if (o.solver == "euler") return run(path, field, kdm::euler{}, o);
  if (o.solver == "heun") return run(path, field, kdm::heun{}, o);
  return run(path, field, kdm::rk4{}, o);
}

template <class Field>
void with_path(const Field& field, const teach_options& o) {
  if (o.path == "flow") return with_solver(kdm::flow_path{}, field, o);
  return with_solver(kdm::edm_path{}, field, o);
}

}  // namespace

void teach(const teach_options& o) {
  require_place(o.out);
  if ((o.teacher == "empirical") != !o.data.empty())
    kdm::fail<kdm::option_error>(o.data.empty() ? "--teacher empirical needs --data FILE.npy, the points to learn from"
                                                : "--data belongs to --teacher empirical alone");
  if (o.teacher == "checkerboard") return with_path(kdm::checkerboard<scalar>(), o);
  if (o.teacher == "gaussians") return with_path(kdm::ring_of_gaussians<scalar>(8, 3, scalar(0.2)), o);
  const auto points = kdm::io::load_npy_matrix<scalar>(o.data);
  with_path(kdm::empirical<scalar>(points.view()), o);
}

}  // namespace kdm_command
