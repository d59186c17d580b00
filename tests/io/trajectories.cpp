// Pair sets and trajectory files.
#include "kdm/io/trajectories.hpp"

#include <limits>

#include "files.hpp"

using namespace kdm_test;
using kdm::io::load_pairs;
using kdm::io::load_trajectories;
using kdm::io::pair_set;
using kdm::io::save_npy;
using kdm::io::shape_t;
using kdm::io::tensor;

TEST_CASE_TEMPLATE("pair_set: split keeps the order and takes the last rows for validation", T, float, double) {
  const pair_set<T> pairs{random_matrix<T>(7, 3, 1), random_matrix<T>(7, 2, 2)};
  CHECK(pairs.size() == 7);
  for (const kdm::index_t count : {0, 1, 6}) {
    const auto parts = pairs.split(count);
    CHECK(parts.training.size() == 7 - count);
    CHECK(parts.validation.size() == count);
    CHECK(parts.training.xT.rows() == 7 - count);
    CHECK(parts.validation.xT.cols() == 3);
    CHECK(parts.validation.x0.cols() == 2);
    bool good = true;
    for (kdm::index_t i = 0; i < 7; ++i) {
      const bool trains = i < 7 - count;
      const auto& part = trains ? parts.training : parts.validation;
      const kdm::index_t row = trains ? i : i - (7 - count);
      for (kdm::index_t j = 0; j < 3; ++j) good = good && part.xT(row, j) == pairs.xT(i, j);
      for (kdm::index_t j = 0; j < 2; ++j) good = good && part.x0(row, j) == pairs.x0(i, j);
    }
    CHECK(good);
  }
  check_message<kdm::option_error>([&] { pairs.split(7); }, {"found 7 validation rows, expected 0 to 6 of 7"});
  check_message<kdm::option_error>([&] { pairs.split(-1); }, {"found -1 validation rows"});
  const pair_set<T> odd{random_matrix<T>(7, 3, 1), random_matrix<T>(6, 3, 2)};
  check_message<kdm::shape_error>([&] { odd.split(1); }, {"xT has 7 rows", "6"});
}

TEST_CASE_TEMPLATE("load_pairs: first snapshot is noise and last is data", T, float, double) {
  const auto pairs = load_pairs<T>(fixture("npy/f4_3x2x4.npy"));
  REQUIRE(pairs.size() == 2);
  REQUIRE(pairs.xT.cols() == 4);
  REQUIRE(pairs.x0.cols() == 4);
  CHECK(pairs.xT(0, 0) == T(-1.5));
  CHECK(pairs.xT(1, 3) == T(5 * 0.75));
  CHECK(pairs.x0(0, 0) == T(14 * 0.75));
  CHECK(pairs.x0(1, 3) == T(21 * 0.75));
  CHECK(load_trajectories<T>(fixture("npy/f8_3x2x4_fortran.npy")).slice(1)(0, 1) == T(7 * 0.75));

  const temporary_folder folder;
  save_pairs(folder / "p.npy", pairs);
  CHECK(kdm::io::load_npy<T>(folder / "p.npy").shape() == shape_t{2, 2, 4});
  const auto again = load_pairs<T>(folder / "p.npy");
  CHECK(relative_difference(again.xT, pairs.xT) == 0);
  CHECK(relative_difference(again.x0, pairs.x0) == 0);
}

TEST_CASE("load_snapshots: many trajectories or one") {
  const temporary_folder folder;
  const auto file = folder / "t.npy";
  for (const shape_t& shape : {shape_t{4, 3}, shape_t{4, 2, 3}}) {
    tensor<double> x(shape);
    for (kdm::index_t k = 0; k < x.size(); ++k) x.data()[k] = double(k);
    save_npy(file, x);
    const auto read = kdm::io::load_snapshots<double>(file);
    CHECK(read.shape() == shape);
    CHECK(read.data()[x.size() - 1] == double(x.size() - 1));
  }
  for (const shape_t& shape : {shape_t{}, shape_t{4}, shape_t{1, 3}, shape_t{4, 0}, shape_t{4, 3, 0}, shape_t{2, 4, 3, 1}}) {
    save_npy(file, tensor<double>(shape));
    check_message([&] { kdm::io::load_snapshots<double>(file); },
                  {file.string(), "found shape " + kdm::io::shape_text(shape), "or [snapshots, d] of one trajectory"});
  }
}

TEST_CASE("load_trajectories: other shapes and numbers that are not finite") {
  const temporary_folder folder;
  const auto file = folder / "t.npy";
  for (const shape_t& shape : {shape_t{}, shape_t{4}, shape_t{4, 3}, shape_t{1, 4, 3}, shape_t{0, 4, 3},
                               shape_t{2, 0, 3}, shape_t{2, 4, 0}, shape_t{2, 4, 3, 1}}) {
    save_npy(file, tensor<float>(shape));
    check_message([&] { load_pairs<float>(file); },
                  {file.string(), "found shape " + kdm::io::shape_text(shape), "expected [snapshots, n, d]"});
  }
  tensor<double> x({3, 4, 2});
  x.data()[1 * 8 + 2 * 2 + 1] = std::numeric_limits<double>::quiet_NaN();
  save_npy(file, x);
  check_message([&] { load_pairs<float>(file); }, {file.string() + ": element [1, 2, 1] is nan"});
  check_message([&] { load_trajectories<double>(file); }, {file.string() + ": element [1, 2, 1] is nan"});
  check_message([&] { load_pairs<float>(folder / "missing.npy"); }, {"missing.npy", "cannot open"});
  check_message<kdm::shape_error>([] { kdm::io::pairs_of(tensor<float>({4, 3})); }, {"[4, 3]"});
  const pair_set<float> odd{kdm::matrix<float>(2, 3), kdm::matrix<float>(2, 4)};
  check_message<kdm::shape_error>([&] { save_pairs(folder / "odd.npy", odd); }, {"odd.npy", "2 x 3", "2 x 4"});
  CHECK(files_in(folder.path()) == 1);
}
