// The conformance suite finds what is wrong with a backend, and says so in a sentence that names the verb.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <sstream>
#include <optional>
#include <string>
#include <vector>

#include "backend/six_clauses.hpp"
#include "kdm/testing/conformance.hpp"

using kdm::const_view;
using kdm::index_t;
using kdm::op;
using kdm::view;
using kdm::testing::conformance_report;

namespace {

using right = kdm::reference_backend<float>;

/// The failures of one part of the suite, a line each.
template <class Part>
std::string failures_of(Part part) {
  conformance_report report;
  report.run(part);
  CHECK(report.checks() > 0);
  std::string lines;
  for (const auto& topic : report.topics())
    for (const auto& failure : topic.failures) lines += failure + '\n';
  return lines;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Some failure starts with `verb`, and no line is about something else.
void check_names(const std::string& failures, const std::string& verb) {
  CAPTURE(failures.substr(0, 400));
  REQUIRE(!failures.empty());
  std::istringstream lines(failures);
  for (std::string line; std::getline(lines, line);) CHECK(line.starts_with(verb));
}

enum class fault {
  none,
  keeps_nan,         ///< keep = 0 multiplies
  ignores_keep,      ///< keep = 0.5 counts as 1
  ignores_ld,        ///< operands are taken for gap-free
  writes_padding,    ///< one number too many in each row
  transposes_wrong,  ///< B is never transposed
  ignores_factor,
  skips_last
};

template <fault F>
struct gemm_with : right {
  void gemm(op ta, op tb, float a, const_view<float> x, const_view<float> y, float keep, view<float> z) {
    if (F == fault::ignores_ld) x.ld = x.cols;
    if (F == fault::ignores_factor) a = 1;
    if (F == fault::ignores_keep && keep == 0.5f) keep = 1;
    if (F == fault::skips_last && ta == op::as_is && x.cols > 1) {
      x.cols -= 1;
      if (tb == op::as_is) y.rows -= 1;
      else y.cols -= 1;
    }
    if (F == fault::transposes_wrong && tb == op::transposed && y.rows == y.cols) tb = op::as_is;
    if (F == fault::keeps_nan && keep == 0)
      for (index_t i = 0; i < z.rows; ++i)
        for (index_t j = 0; j < z.cols; ++j) z(i, j) *= keep;
    right::gemm(ta, tb, a, x, y, F == fault::keeps_nan && keep == 0 ? 1 : keep, z);
    if (F == fault::writes_padding && z.ld > z.cols)
      for (index_t i = 0; i < z.rows; ++i) z.row_pointer(i)[z.cols] = 0;
  }
};

template <fault F>
std::string gemm_failures() {
  return failures_of([](conformance_report& r) { kdm::testing::check_gemm(gemm_with<F>{}, r); });
}

/// How often verbs were called, on all copies of a backend together.
struct shared_count {
  std::shared_ptr<int> calls = std::make_shared<int>(0);
};

}  // namespace

TEST_CASE("a right backend has no failures") {
  CHECK(gemm_failures<fault::none>() == "");
  const conformance_report report = kdm::testing::check_backend(right{});
  CHECK(report.passed());
  CHECK(report.failures() == 0);
  CHECK(report.checks() > 1000);
  std::ostringstream out;
  out << report;
  CHECK(contains(out.str(), "kdm conformance: float in host memory\n"));
  CHECK(contains(out.str(), "  gemm  "));
  CHECK(contains(out.str(), "checks, all passed\n"));
}

TEST_CASE("a report without checks has not passed and a long list is cut") {
  CHECK(!conformance_report().passed());
  kdm::testing::conformance_options options;
  options.printed = 2;
  conformance_report report("title", options);
  report.begin("topic");
  for (int k = 0; k < 5; ++k) report.check(k == 0, "sentence ", k);
  CHECK(!report.passed());
  std::ostringstream out;
  out << report;
  CHECK(out.str() ==
        "title\n  topic  5 checks, 4 failed\n    sentence 1\n    sentence 2\n    and 2 more\n5 checks, 4 failed\n");
}

TEST_CASE("wrong products are found") {
  check_names(gemm_failures<fault::keeps_nan>(), "gemm(");
  CHECK(contains(gemm_failures<fault::keeps_nan>(), "keep 0: element (0, 0) is nan, expected "));
  check_names(gemm_failures<fault::ignores_keep>(), "gemm(");
  CHECK(!contains(gemm_failures<fault::ignores_keep>(), "keep 0:"));
  check_names(gemm_failures<fault::ignores_ld>(), "gemm(");
  CHECK(contains(gemm_failures<fault::ignores_ld>(), "rows padded by 8"));
  check_names(gemm_failures<fault::writes_padding>(), "gemm(");
  CHECK(contains(gemm_failures<fault::writes_padding>(), "numbers of the padding changed, expected none"));
  check_names(gemm_failures<fault::transposes_wrong>(), "gemm(");
  CHECK(!contains(gemm_failures<fault::transposes_wrong>(), "as_is) of"));
  check_names(gemm_failures<fault::ignores_factor>(), "gemm(");
  CHECK(contains(gemm_failures<fault::ignores_factor>(), "times -1.5"));
  check_names(gemm_failures<fault::skips_last>(), "gemm(");
}

namespace {

struct sums_in_changing_order : right, shared_count {
  template <class F, class... X>
  void sum_rows(F f, float keep, view<float> y, X... x) {
    const bool forward = ++*calls % 2 == 0;
    const index_t rows = std::min({x.rows...});
    for (index_t j = 0; j < y.cols; ++j) {
      float sum = keep == 0 ? 0 : keep * y(0, j);
      for (index_t k = 0; k < rows; ++k) {
        const index_t i = forward ? k : rows - 1 - k;
        sum += f(x(i, j)...);
      }
      y(0, j) = sum;
    }
  }
};

struct sums_keep_nan : right {
  template <class F, class... X>
  void sum_rows(F f, float keep, view<float> y, X... x) {
    for (index_t j = 0; j < y.cols; ++j) y(0, j) *= keep;
    right::sum_rows(f, 1, y, x...);
  }
};

struct sums_first_operand_only : right {
  template <class F, class... X>
  void sum_rows(F f, float keep, view<float> y, const_view<float> x, X...) {
    if constexpr (sizeof...(X) == 0) right::sum_rows(f, keep, y, x);
    else right::sum_rows(f, keep, y, x, x);
  }
};

}  // namespace

TEST_CASE("wrong sums are found") {
  const auto failures = [](auto b) {
    return failures_of([&](conformance_report& r) { kdm::testing::check_sum_rows(b, r); });
  };
  check_names(failures(sums_in_changing_order{}), "sum_rows a second time");
  check_names(failures(sums_keep_nan{}), "sum_rows");
  check_names(failures(sums_first_operand_only{}), "sum_rows of two operands");
  CHECK(failures(right{}) == "");
  const std::string of_dot =
      failures_of([](conformance_report& r) { kdm::testing::check_sums(sums_first_operand_only{}, r); });
  check_names(of_dot, "dot of ");
}

namespace {

struct uploads_into_padding : right {
  void upload(const_view<float> x, view<float> y) {
    right::upload(x, y);
    if (y.ld > y.cols && y.rows > 1) std::fill_n(y.row_pointer(0) + y.cols, y.ld - y.cols, 0.f);
  }
};
struct downloads_gap_free : right {
  void download(const_view<float> x, view<float> y) {
    x.ld = x.cols;
    right::download(x, y);
  }
};
struct allocates_off_boundary : right {
  float* allocate(index_t n) { return right::allocate(n + 1) + 1; }
  void deallocate(float* p, index_t n) { right::deallocate(p - 1, n); }
};
struct allocates_one_block : right {
  std::shared_ptr<kdm::matrix<float>> block = std::make_shared<kdm::matrix<float>>(1000, 1);
  float* allocate(index_t) { return block->data(); }
  void deallocate(float*, index_t) {}
};
struct leaves_out_the_first : right {
  template <class Kernel>
  void for_each(index_t n, Kernel kernel) {
    for (index_t i = n > 7 ? 1 : 0; i < n; ++i) kernel(i);
  }
};
/// What is issued on a copy is lost.
struct loses_copies : right {
  loses_copies() = default;
  loses_copies(const loses_copies& other) : right(other), is_copy(true) {}
  loses_copies& operator=(const loses_copies&) = default;
  bool is_copy = false;
  template <class Kernel>
  void for_each(index_t n, Kernel kernel) {
    if (!is_copy) right::for_each(n, kernel);
  }
};

}  // namespace

TEST_CASE("wrong memory and transfers and loops are found") {
  const auto memory = [](auto b) {
    return failures_of([&](conformance_report& r) { kdm::testing::check_memory(b, r); });
  };
  const auto transfers = [](auto b) {
    return failures_of([&](conformance_report& r) { kdm::testing::check_transfers(b, r); });
  };
  const auto loops = [](auto b) {
    return failures_of([&](conformance_report& r) { kdm::testing::check_for_each(b, r); });
  };
  check_names(memory(allocates_off_boundary{}), "allocate(");
  CHECK(contains(memory(allocates_off_boundary{}), "4 bytes past a boundary of 64 bytes"));
  CHECK(contains(memory(allocates_one_block{}), "allocate(64): two blocks overlap"));
  check_names(transfers(uploads_into_padding{}), "upload");
  CHECK(contains(transfers(uploads_into_padding{}), "of the padding changed"));
  check_names(transfers(downloads_gap_free{}), "download");
  check_names(loops(leaves_out_the_first{}), "for_each");
  CHECK(contains(loops(leaves_out_the_first{}), "for_each(1000): element (0, 0) is 1, expected exactly 2"));
  CHECK(contains(loops(loses_copies{}), "for_each through a backend, its copy"));
}

namespace {

struct visits_twice : right {
  template <class Kernel>
  void for_each_cell(index_t rows, index_t cols, Kernel kernel) {
    right::for_each_cell(rows, cols, kernel);
    right::for_each_cell(std::min(rows, index_t(1)), std::min(cols, index_t(1)), kernel);
  }
};
template <class Kernel>
struct only_cells_below {
  Kernel kernel;
  index_t limit;
  void operator()(index_t i, index_t j) const {
    if (i < limit) kernel(i, j);
  }
};
struct leaves_out_rows : right {
  template <class Kernel>
  void for_each_cell(index_t rows, index_t cols, Kernel kernel) {
    right::for_each_cell(rows, cols, only_cells_below<Kernel>{kernel, 512});
  }
};
struct maps_without_rows : right {
  template <class F, class... X>
  void map(F f, view<float> y, X... x) {
    for (index_t i = 0; i < y.rows; ++i)
      for (index_t j = 0; j < y.cols; ++j) y(i, j) = f(x(std::min(i, x.rows - 1), x.rows == 1 ? 0 : j)...);
  }
};
/// The right forms, to be changed in one place.
struct overtakes : right {
  template <class Act>
  void dense(const_view<float> x, const_view<float> w, const_view<float> c, Act act, view<float> y, view<float> slope) {
    kdm::testing::only_clauses<right> derived{};
    kdm::ops::dense(derived, x, w, c, act, y, slope);
  }
  void add_normal(const kdm::random_table& table, index_t first, float scale, const_view<float> x, view<float> y) {
    kdm::testing::only_clauses<right> derived{};
    kdm::ops::add_normal(derived, table, first, scale, x, y);
  }
};
struct wrong_slope : overtakes {
  template <class Act>
  void dense(const_view<float> x, const_view<float> w, const_view<float> c, Act act, view<float> y, view<float> slope) {
    overtakes::dense(x, w, c, act, y, slope);
    // The slope at the value instead of the slope at z.
    if (slope)
      for (index_t i = 0; i < y.rows; ++i)
        for (index_t j = 0; j < y.cols; ++j) slope(i, j) = act(y(i, j)).slope;
  }
};
struct always_a_bias : overtakes {
  template <class Act>
  void dense(const_view<float> x, const_view<float> w, const_view<float> c, Act act, view<float> y, view<float> slope) {
    const kdm::matrix<float> ones = [&] {
      kdm::matrix<float> m(1, y.cols);
      std::fill_n(m.data(), m.size(), 1.f);
      return m;
    }();
    overtakes::dense(x, w, c ? c : ones.view(), act, y, slope);
  }
};
struct noise_a_row_late : overtakes {
  void add_normal(const kdm::random_table& table, index_t first, float scale, const_view<float> x, view<float> y) {
    overtakes::add_normal(table, first + 1, scale, x, y);
  }
};

}  // namespace

TEST_CASE("wrong operations are found") {
  const auto cells = [](auto b) {
    return failures_of([&](conformance_report& r) { kdm::testing::check_for_each_cell(b, r); });
  };
  const auto maps = [](auto b) {
    return failures_of([&](conformance_report& r) { kdm::testing::check_map(b, r); });
  };
  const auto dense = [](auto b) {
    return failures_of([&](conformance_report& r) { kdm::testing::check_dense(b, r); });
  };
  const auto noise = [](auto b) {
    return failures_of([&](conformance_report& r) { kdm::testing::check_add_normal(b, r); });
  };
  const auto overtaken = [](auto b) {
    return failures_of([&](conformance_report& r) { kdm::testing::check_overtaken(b, r); });
  };
  check_names(cells(visits_twice{}), "for_each_cell over ");
  CHECK(contains(cells(visits_twice{}), "rows padded by 3"));
  check_names(cells(leaves_out_rows{}), "for_each_cell over 597 x 43");
  CHECK(contains(maps(maps_without_rows{}), "map with one row as first operand of 597 x 43"));
  CHECK(contains(maps(maps_without_rows{}), "copy of one row"));
  CHECK(contains(maps(maps_without_rows{}), "axpy of one row"));
  CHECK(!contains(maps(maps_without_rows{}), "fill"));

  CHECK(dense(overtakes{}) == "");
  check_names(dense(wrong_slope{}), "dense(");
  CHECK(!contains(dense(wrong_slope{}), "no slope"));
  CHECK(contains(overtaken(wrong_slope{}), "dense(gelu) overtaken and derived, the slope"));
  CHECK(contains(dense(always_a_bias{}), "no bias"));
  CHECK(contains(overtaken(always_a_bias{}), "dense(identity) overtaken and derived, no bias"));

  CHECK(noise(overtakes{}) == "");
  check_names(noise(noise_a_row_late{}), "add_normal to");
  check_names(overtaken(noise_a_row_late{}), "add_normal overtaken and derived");
  CHECK(overtaken(overtakes{}) == "");
}

namespace {

/// Records a sequence at its first call and replays nothing.
struct never_replays : right {
  struct recording {
    bool made = false;
  };
  template <class F>
  void repeat(recording& r, F f) {
    if (!r.made) f();
    r.made = true;
  }
};
/// Sums lose a row wherever there are more than `Limit`: a wrong gradient of every bias.
template <class T, index_t Limit>
struct loses_a_row : kdm::reference_backend<T> {
  template <class F, class... X>
  void sum_rows(F f, T keep, view<T> y, X... x) {
    const auto cut = [](auto v) { return v.row_range(0, v.rows > Limit && v.cols > 1 ? v.rows - 1 : v.rows); };
    kdm::reference_backend<T>::sum_rows(f, keep, y, cut(x)...);
  }
};
/// Results depend on how many products were computed before, on all copies of the backend together.
struct remembers : right, shared_count {
  void gemm(op ta, op tb, float a, const_view<float> x, const_view<float> y, float keep, view<float> z) {
    right::gemm(ta, tb, a, x, y, keep, z);
    if (!z.empty() && z.rows < 17) z(0, 0) *= 1 + 1e-6f * float(++*calls % 101);
  }
};
/// Counts what it takes from the heap.
struct allocates_always : right {
  long* count;
  void gemm(op ta, op tb, float a, const_view<float> x, const_view<float> y, float keep, view<float> z) {
    ++*count;
    right::gemm(ta, tb, a, x, y, keep, z);
  }
};
struct throws_in_products : right {
  void gemm(op, op, float, const_view<float>, const_view<float>, float, view<float>) {
    kdm::fail<kdm::numeric_error>("my_library: no handle");
  }
};

}  // namespace

TEST_CASE("wrong replays and training are found") {
  const auto training = [](auto b) {
    return failures_of([&](conformance_report& r) { kdm::testing::check_training(b, r); });
  };
  CHECK(training(right{}) == "");
  const std::string of_memory = training(remembers{});
  CHECK(contains(of_memory, "training on 2 lanes, weights"));
  CHECK(!contains(of_memory, "training, losses"));
  const std::string of_row = training(loses_a_row<float, 8>{});
  CHECK(contains(of_row, "training, weights"));
  CHECK(!contains(of_row, "lanes"));
  CHECK(contains(failures_of([](conformance_report& r) { kdm::testing::check_objective(loses_a_row<float, 8>{}, r); }),
                 "objective, gradient"));
  CHECK(contains(failures_of([](conformance_report& r) { kdm::testing::check_layers(loses_a_row<float, 8>{}, r); }),
                 "dense_layer(relu), 61 rows, dw"));
  CHECK(contains(failures_of([](conformance_report& r) { kdm::testing::check_operator(loses_a_row<float, 8>{}, r); }),
                 "linear_operator, 61 rows, dw"));
  const std::string of_gradient = failures_of([](conformance_report& r) {
    const kdm::dense_layer layer(3, 4, kdm::activations::silu{});
    kdm::testing::check_layer(loses_a_row<double, 2>{}, layer, "my_layer", r);
  });
  CHECK(contains(of_gradient, "my_layer: dw against differences is off by "));
  CHECK(!contains(of_gradient, "dx"));
  check_names(failures_of([](conformance_report& r) { kdm::testing::check_repeat(never_replays{}, r); }), "repeat");

  long count = 0;
  kdm::testing::conformance_options options;
  options.allocations = [&count] { return count; };
  conformance_report report("title", options);
  kdm::testing::check_training(allocates_always{{}, &count}, report);
  REQUIRE(report.failures() == 1);
  CHECK(report.topics().back().failures[0].starts_with("allocations: "));

  check_names(failures_of([](conformance_report& r) { kdm::testing::check_gemm(throws_in_products{}, r); }),
              "ended by an exception: my_library: no handle");
}

TEST_CASE("supported operations are found while compiling") {
  using kdm::testing::support;
  const auto how = [](const auto& operations, const std::string& name) -> std::optional<support> {
    for (const auto& o : operations)
      if (o.name == name) return o.how;
    return {};
  };
  const auto plain = kdm::testing::supported_operations<kdm_test::six_clauses<float>>();
  const auto host = kdm::testing::supported_operations<right>();
  const auto own = kdm::testing::supported_operations<overtakes>();
  CHECK(how(plain, "gemm") == support::native);
  CHECK(how(plain, "for_each_cell") == support::derived);
  CHECK(how(host, "for_each_cell") == support::native);
  CHECK(how(host, "dense") == support::derived);
  CHECK(how(own, "dense") == support::native);
  CHECK(how(own, "add_normal") == support::native);
  CHECK(how(own, "map") == support::derived);
  CHECK(how(kdm::testing::supported_operations<maps_without_rows>(), "map") == support::native);
  CHECK(how(kdm::testing::supported_operations<never_replays>(), "repeat") == support::native);
  CHECK(how(host, "gemm").has_value());
  CHECK(!how(host, "nonsense").has_value());
}
