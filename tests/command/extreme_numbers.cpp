// Every number of every subcommand at its extremes: a sentence and an exit status, never a signal.
#include "sanitized.hpp"
#if !defined(KDM_TEST_SANITIZED)  // its shadow memory needs more than the limit
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "runs.hpp"

using kdm_test::contains;
using kdm_test::kdm_run;
using kdm_test::outcome;
using kdm_test::temporary_folder;

namespace {

struct subcommand {
  std::string name;
  std::vector<std::string> base;  ///< options of a small run, each with its value
  std::vector<std::string> numbers;
};

const std::vector<std::string> extremes{"0",     "-1",  "1",   "2147483648", "9223372036854775807", "18446744073709551616",
                                        "1e308", "nan", "inf", "1e-320"};

/// The line of the small run with one of its numbers replaced.
std::string line_of(const subcommand& s, const std::string& option, const std::string& value) {
  std::string line = s.name;
  for (const std::string& words : s.base)
    if (words.substr(0, words.find(' ')) != option) line += " " + words;
  return line + " " + option + " " + value;
}

/// Run under limits on memory and processor time: what a size asks for beyond them must end in a sentence as well.
outcome run_limited(const temporary_folder& folder, const std::string& arguments) {
  const std::string script = folder / "limited.sh";
  kdm_test::write_bytes(script, "ulimit -v 2000000\nulimit -t 20\ncd '" + folder.path().string() + "'\nexec '" KDM_COMMAND
                                "' " + arguments + " >stdout.txt 2>stderr.txt </dev/null\n");
  const int code = std::system(("sh '" + script + "'").c_str());
  return {WIFEXITED(code) ? WEXITSTATUS(code) : -WTERMSIG(code), {}, kdm_test::read_bytes(folder / "stderr.txt")};
}

void check_extremes(const temporary_folder& folder, const subcommand& s) {
  for (const std::string& option : s.numbers)
    for (const std::string& value : extremes) {
      const std::string line = line_of(s, option, value);
      CAPTURE(line);
      std::filesystem::remove_all(folder / "out");
      const outcome r = run_limited(folder, line);
      CAPTURE(r.err);
      CHECK(r.status >= 0);
      CHECK(r.status <= 2);
      if (r.status <= 0) continue;
      // The last line is the sentence; what stands before it is progress.
      std::string said = r.err.substr(0, r.err.find_last_not_of('\n') + 1);
      said = said.substr(std::max(said.rfind('\n') + 1, said.rfind('\r') + 1));
      CHECK((said.starts_with("kdm: ") || contains(said, option)));
      CHECK(said.size() < 300);
    }
}

}  // namespace

TEST_CASE("extreme numbers of every subcommand end in a sentence or a result") {
  const temporary_folder folder;
  REQUIRE(kdm_run(folder, "teach --samples 60 --steps 4 --snapshots 2 --out p.npy").status == 0);
  REQUIRE(kdm_run(folder, "distill --pairs p.npy --out m --steps 3 --hidden 4 --depth 2 --batch 8 --threads 1").status == 0);
  SUBCASE("teach") {
    check_extremes(folder, {"teach",
                            {"--samples 60", "--steps 4", "--snapshots 2", "--seed 1", "--threads 1", "--out t.npy"},
                            {"--samples", "--steps", "--snapshots", "--seed", "--threads"}});
  }
  SUBCASE("products that wrap") {
    for (const char* numbers : {"--samples 2305843009213693953 --snapshots 8 --steps 10",
                                "--samples 6148914691236517206 --snapshots 3 --steps 10", "--samples 9223372036854775807"}) {
      const outcome r = run_limited(folder, std::string("teach --threads 1 --out t.npy ") + numbers);
      CAPTURE(r.err);
      CHECK(r.status == 1);
      CHECK(r.err.starts_with("kdm: generate: rows of all snapshots is "));
    }
  }
  SUBCASE("distill") {
    check_extremes(folder, {"distill",
                            {"--pairs p.npy", "--out out", "--steps 3", "--hidden 4", "--depth 2", "--batch 8",
                             "--threads 1", "--stop-after 3"},
                            {"--steps", "--batch", "--learning-rate", "--hidden", "--depth", "--latent", "--seed",
                             "--stop-after", "--checkpoint-every", "--validate-every", "--log-every"}});
  }
  SUBCASE("fit and sample") {
    check_extremes(folder, {"fit",
                            {"--pairs p.npy", "--out out", "--method edmd", "--dictionary rff:4", "--no-pictures",
                             "--threads 1"},
                            {"--bandwidth", "--ridge", "--dt", "--seed"}});
    check_extremes(folder, {"fit", {"--pairs p.npy", "--out out", "--no-pictures", "--threads 1"}, {"--rank", "--energy"}});
    check_extremes(folder, {"sample",
                            {"--model m", "--samples 4", "--out s.npy", "--threads 1"},
                            {"--samples", "--seed", "--threads"}});
  }
}
#endif
