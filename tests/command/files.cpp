// The files of the command: one run a folder, whole lines in logs, nothing left behind, nothing lost in silence.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "kdm/io/json.hpp"
#include "kdm/io/npy.hpp"
#include "kdm/io/safetensors.hpp"
#include "kdm/io/safetensors_save.hpp"
#include "runs.hpp"
#include "sanitized.hpp"

using kdm_test::contains;
using kdm_test::kdm_run;
using kdm_test::outcome;
using kdm_test::read_bytes;
using kdm_test::temporary_folder;
using kdm_test::write_bytes;

namespace {

const std::string small = " --hidden 8 --depth 2 --batch 64 --threads 1 ";

void teach_some(const temporary_folder& folder) {
  REQUIRE(kdm_run(folder, "teach --samples 600 --steps 4 --snapshots 2 --seed 3 --out pairs.npy").status == 0);
}

/// Runs a script of bash in the folder, with the command as $KDM. Jobs in the background get signals as in a terminal.
outcome script(const temporary_folder& folder, const std::string& text) {
  write_bytes(folder / "script.sh", "set -m; KDM='" KDM_COMMAND "'\n" + text);
  const int code = std::system(("cd '" + folder.path().string() + "' && bash script.sh >stdout.txt 2>stderr.txt </dev/null").c_str());
  return {WIFEXITED(code) ? WEXITSTATUS(code) : -WTERMSIG(code), read_bytes(folder / "stdout.txt"), read_bytes(folder / "stderr.txt")};
}

std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// The steps of a log in which every line must be an object.
std::vector<int> steps_of(const std::filesystem::path& log) {
  std::vector<int> steps;
  const std::string text = read_bytes(log);
  CHECK((text.empty() || text.back() == '\n'));
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    CAPTURE(line);
    REQUIRE_NOTHROW(kdm::io::parse_json(line, "log"));
    steps.push_back(kdm::io::parse_json(line, "log")["step"].get<int>());
  }
  return steps;
}

}  // namespace

TEST_CASE("a folder takes one run at a time and a killed run leaves it free") {
  const temporary_folder folder;
  teach_some(folder);
  const std::string long_run = "$KDM distill --pairs pairs.npy --out m --steps 3000000 --checkpoint-every 100000000" + small;
  const std::string wait = "2>long.txt & A=$!; while ! grep -q step m/training.jsonl 2>/dev/null; do sleep 0.02; done\n";
  const outcome o = script(folder, long_run + wait +
                                       "try() { $KDM \"$@\" 2>>refusals.txt; echo $? >>status.txt; }\n"
                                       "try distill --pairs pairs.npy --out m --steps 10\n"
                                       "try distill --pairs pairs.npy --out m --steps 10 --overwrite\n"
                                       "try distill --pairs pairs.npy --out m --resume\n"
                                       "try fit --pairs pairs.npy --out m --no-pictures\n"
                                       "kill -KILL $A; wait $A; rm -r m\n" +
                                       long_run + wait + "kill -TERM $A; wait $A; echo $? >>status.txt\n"
                                       "try distill --pairs pairs.npy --out m --resume --stop-after 2\n");
  INFO(o.err);
  CHECK(read_bytes(folder / "status.txt") == "1\n1\n1\n1\n143\n0\n");
  std::istringstream refusals(read_bytes(folder / "refusals.txt"));
  std::string line;
  for (int k = 0; k < 4; ++k) {
    REQUIRE(std::getline(refusals, line));
    CHECK(line == "kdm: m: another run is writing there, expected a folder of one run at a time");
  }
  CHECK(kdm_run(folder, "sample --model m --samples 3 --out s.npy").status == 0);
}

TEST_CASE("every line of the log is JSON after a resume whatever was left of the last ones") {
  const temporary_folder folder;
  teach_some(folder);
  REQUIRE(kdm_run(folder, "distill --pairs pairs.npy --out m --steps 40 --log-every 5 --stop-after 20" + small).status == 0);
  const std::string log = read_bytes(folder / "m/training.jsonl"), checkpoint = read_bytes(folder / "m/checkpoint.safetensors");
  CHECK(steps_of(folder / "m/training.jsonl") == std::vector<int>{5, 10, 15, 20});
  const std::vector<int> all{5, 10, 15, 20, 25, 30, 35, 40}, without_20{5, 10, 15, 25, 30, 35, 40};
  const std::string zeros(5000, '\0'), stump = "{\"step\": 2";
  const std::size_t last = log.rfind('\n', log.size() - 2) + 1;
  const std::vector<std::pair<std::string, std::vector<int>>> damaged{
      {log + stump, all},
      {log + stump + "\n", all},
      {log.substr(0, log.size() - 30), without_20},
      {log.substr(0, log.size() - 1), all},
      {log + zeros, all},
      {log.substr(0, last) + stump + zeros + log.substr(last), all},
      {log.substr(0, last) + zeros + log.substr(last), all},
      {log.substr(0, last) + stump + log.substr(last), all},
      {log.substr(0, last) + stump + zeros + "\n" + log.substr(last) + "\n\n", all},
      {"garbage\n" + log + "[1, 2]\n{\"loss\": 1}\n", all},
      {"", {25, 30, 35, 40}}};
  for (const auto& item : damaged) {
    const std::string& text = item.first;
    CAPTURE(text);
    write_bytes(folder / "m/training.jsonl", text);
    write_bytes(folder / "m/checkpoint.safetensors", checkpoint);
    const outcome o = kdm_run(folder, "distill --pairs pairs.npy --out m --resume --log-every 5");
    INFO(o.err);
    REQUIRE(o.status == 0);
    CHECK(steps_of(folder / "m/training.jsonl") == item.second);
  }
  if (std::system("gnuplot --version >/dev/null 2>&1") != 0) return;
  write_bytes(folder / "m/training.jsonl", log + zeros + stump);
  const outcome analyzed = kdm_run(folder, "analyze --model m --pairs pairs.npy --out page");
  CHECK(analyzed.status == 0);
  CHECK(contains(analyzed.err, "m/training.jsonl: 1 torn line left out"));
  CHECK(std::filesystem::exists(folder / "page/training.png"));
}

TEST_CASE("a signal leaves no temporary file and says what came") {
  const temporary_folder folder;
  teach_some(folder);
  REQUIRE(kdm_run(folder, "distill --pairs pairs.npy --out m --steps 2" + small).status == 0);
  std::filesystem::create_directory(folder / "d");
  // Enough samples that writing them takes a while; a temporary file is what says that writing is under way.
  struct job {
    const char *signal, *command;
    int number;
  };
  for (const job& j : {job{"INT", "teach --teacher gaussians --solver euler --steps 1 --snapshots 2 --samples 1000000 --out d/t.npy", 2},
                       job{"TERM", "sample --model m --samples 1000000 --out d/t.npy", 15},
                       job{"HUP", "sample --model m --samples 1000000 --out d/t.npy", 1}}) {
    CAPTURE(j.signal);
    const outcome o = script(folder, std::string("$KDM ") + j.command + " 2>words.txt & A=$!\n"
                                     "while kill -0 $A 2>/dev/null && ! ls d | grep -q tmp; do :; done\nkill -" + j.signal +
                                     " $A; wait $A; echo $? >status.txt\n");
    // On a machine that writes faster than a signal comes, the file is whole.
    const bool late = std::filesystem::exists(folder / "d/t.npy");
    if (!late) {
      CHECK(read_bytes(folder / "status.txt") == std::to_string(128 + j.number) + "\n");
      CHECK(contains(read_bytes(folder / "words.txt"), "no file is left half-written"));
      CHECK(contains(read_bytes(folder / "words.txt"), std::string("SIG") + j.signal));
    }
    CHECK(names_in(folder / "d") == (late ? std::vector<std::string>{"t.npy"} : std::vector<std::string>{}));
    std::filesystem::remove(folder / "d/t.npy");
  }
}

TEST_CASE("a closed terminal ends a training as SIGTERM does") {
  const temporary_folder folder;
  teach_some(folder);
  const outcome o = script(folder, "$KDM distill --pairs pairs.npy --out m --steps 3000000 --checkpoint-every 100000000" + small +
                                       "2>/dev/null & A=$!\nwhile ! grep -q step m/training.jsonl 2>/dev/null; do sleep 0.02; done\n"
                                       "kill -HUP $A; wait $A; echo $? >status.txt\n");
  INFO(o.err);
  CHECK(read_bytes(folder / "status.txt") == "129\n");
  CHECK(contains(o.out, "go on with --resume"));
  CHECK(kdm_run(folder, "distill --pairs pairs.npy --out m --resume --stop-after 2").status == 0);
}

#if !defined(KDM_TEST_THREADS_SANITIZED)
TEST_CASE("a limit on file sizes is an error in a sentence") {
  const temporary_folder folder;
  std::filesystem::create_directory(folder / "d");
  outcome o = script(folder, "ulimit -f 8; exec $KDM teach --samples 20000 --steps 2 --snapshots 2 --out d/t.npy");
  CHECK(o.status == 1);
  CHECK(contains(o.err, "kdm: d/t.npy: cannot write: File too large"));
  CHECK(names_in(folder / "d").empty());
  teach_some(folder);
  o = script(folder, "ulimit -f 8; exec $KDM distill --pairs pairs.npy --out d --steps 2000000 --log-every 1" + small);
  CHECK(o.status == 1);
  CHECK(contains(o.err, "kdm: d/training.jsonl: cannot write: File too large"));
  CHECK(steps_of(folder / "d/training.jsonl").size() > 10);
  CHECK(names_in(folder / "d") == std::vector<std::string>{"configuration.json", "training.jsonl"});
}
#endif

TEST_CASE("a closed pipe ends the command without words") {
  const temporary_folder folder;
  const outcome o = script(folder, "$KDM --help | true; echo ${PIPESTATUS[0]}; (trap '' PIPE; $KDM distill --help | true)");
  CHECK((contains(o.out, "141") || contains(o.out, "0")));
  CHECK(o.err == "");
}

TEST_CASE("what a killed run has left goes with the next one") {
  const temporary_folder folder;
  teach_some(folder);
  REQUIRE(kdm_run(folder, "distill --pairs pairs.npy --out m --steps 9 --stop-after 2" + small).status == 0);
  write_bytes(folder / "m/kdm-tmp-123-0", "left");
  write_bytes(folder / "kdm-tmp-123-7", "left");
  REQUIRE(kdm_run(folder, "distill --pairs pairs.npy --out m --resume").status == 0);
  CHECK(names_in(folder / "m") ==
        std::vector<std::string>{"checkpoint.safetensors", "configuration.json", "model.safetensors", "training.jsonl"});
  REQUIRE(kdm_run(folder, "sample --model m --samples 3 --out s.npy").status == 0);
  CHECK_FALSE(std::filesystem::exists(folder / "kdm-tmp-123-7"));
}

TEST_CASE("output that cannot be written is an error") {
  const temporary_folder folder;
  teach_some(folder);
  REQUIRE(kdm_run(folder, "distill --pairs pairs.npy --out m --steps 2" + small).status == 0);
  for (const char* command : {"--help", "--version", "fit --help", "evaluate --model m --pairs pairs.npy",
                              "fit --pairs pairs.npy --no-pictures --out f", "sample --model m --samples 3 --out s.npy",
                              "export --model m --safetensors frozen.safetensors",
                              "teach --samples 3 --steps 2 --snapshots 2 --out t.npy",
                              "distill --pairs pairs.npy --out m --steps 1 --overwrite"}) {
    CAPTURE(command);
    const outcome o = script(folder, std::string("$KDM ") + command + " >/dev/full");
    CHECK(o.status == 1);
    CHECK(contains(o.err, "kdm: standard output: No space left on device\n"));
  }
  // With standard output closed, no file takes its place.
  CHECK(script(folder, "$KDM distill --pairs pairs.npy --out m --steps 1 --overwrite >&-").status == 0);
  CHECK(steps_of(folder / "m/training.jsonl") == std::vector<int>{1});
}

TEST_CASE("a folder of fit holds the files of one fit") {
  const temporary_folder folder;
  teach_some(folder);
  const bool draws = std::system("gnuplot --version >/dev/null 2>&1") == 0;
  const std::string pictures = draws ? "" : " --no-pictures";
  REQUIRE(kdm_run(folder, "fit --pairs pairs.npy --method edmd --dictionary rff:20 --out f" + pictures).status == 0);
  CHECK(std::filesystem::exists(folder / "f/model.safetensors"));
  write_bytes(folder / "f/notes.txt", "of the user");
  REQUIRE(kdm_run(folder, "fit --pairs pairs.npy --no-pictures --out f").status == 0);
  CHECK(names_in(folder / "f") == std::vector<std::string>{"notes.txt", "operator.safetensors", "spectrum.json"});
  REQUIRE(kdm_run(folder, "fit --pairs pairs.npy --method edmd --dictionary rff:20 --student-only --out f").status == 0);
  CHECK(names_in(folder / "f") == std::vector<std::string>{"configuration.json", "model.safetensors", "notes.txt"});

  REQUIRE(kdm_run(folder, "fit --pairs pairs.npy --no-pictures --out f").status == 0);
  const outcome refused = kdm_run(folder, "distill --pairs pairs.npy --out f --steps 1" + small);
  CHECK(refused.status == 2);
  CHECK(contains(refused.err, "f/operator.safetensors is of a fit: --overwrite replaces it"));
  REQUIRE(kdm_run(folder, "distill --pairs pairs.npy --out f --steps 1 --overwrite" + small).status == 0);
  CHECK_FALSE(std::filesystem::exists(folder / "f/spectrum.json"));
  const outcome back = kdm_run(folder, "fit --pairs pairs.npy --no-pictures --out f");
  CHECK(back.status == 2);
  CHECK(contains(back.err, "f holds a trained student, expected another folder for --out"));

  if (!draws) return;
  REQUIRE(kdm_run(folder, "analyze --model f --pairs pairs.npy --support checkerboard --out page").status == 0);
  CHECK(std::filesystem::exists(folder / "page/noise_structure.png"));
  REQUIRE(kdm_run(folder, "analyze --model f --pairs pairs.npy --out page").status == 0);
  CHECK_FALSE(std::filesystem::exists(folder / "page/noise_structure.png"));
  // A fit that fails at its pictures leaves no picture of the fit before.
  REQUIRE(kdm_run(folder, "fit --pairs pairs.npy --method edmd --dictionary rff:20 --out g").status == 0);
  CHECK(std::filesystem::exists(folder / "g/eigenvalues.png"));
  CHECK(script(folder, "PATH=/nowhere exec $KDM fit --pairs pairs.npy --out g").status == 1);
  CHECK(names_in(folder / "g") == std::vector<std::string>{"operator.safetensors", "spectrum.json"});
  CHECK(script(folder, "TMPDIR=/nonexistent exec $KDM fit --pairs pairs.npy --out g").status == 0);
}

TEST_CASE("weights of one run beside the configuration of another are refused") {
  const temporary_folder folder;
  teach_some(folder);
  REQUIRE(kdm_run(folder, "distill --pairs pairs.npy --out a --steps 2" + small).status == 0);
  kdm::io::tensor<float> pairs = kdm::io::load_npy<float>(folder / "pairs.npy");
  for (kdm::index_t k = 0; k < pairs.slice(0).size(); ++k) pairs.data()[k] *= 7;
  kdm::io::save_npy(folder / "wide.npy", pairs);
  REQUIRE(kdm_run(folder, "distill --pairs wide.npy --out b --steps 2" + small).status == 0);
  REQUIRE(kdm_run(folder, "distill --pairs pairs.npy --out c --steps 2 --hidden 12 --depth 2 --batch 64").status == 0);
  const std::string own = read_bytes(folder / "a/model.safetensors");
  for (const char* other : {"b", "c"}) {
    write_bytes(folder / "a/model.safetensors", read_bytes(folder / (other + std::string("/model.safetensors"))));
    for (const char* command : {"sample --model a --samples 5 --out s.npy", "export --model a --header s.hpp",
                                "evaluate --model a --pairs pairs.npy"}) {
      const outcome o = kdm_run(folder, command);
      INFO(o.err);
      CHECK(o.status == 1);
      CHECK(o.err.starts_with("kdm: a/model.safetensors: was written with '"));
      CHECK(contains(o.err, "a/configuration.json has "));
      CHECK(contains(o.err, "not of one run"));
    }
  }
  // Weights that do not say where they belong are taken, as those of older versions.
  write_bytes(folder / "a/model.safetensors", own);
  const kdm::io::safetensors file = kdm::io::load_safetensors(folder / "a/model.safetensors");
  std::vector<kdm::io::tensor<float>> values;
  for (const auto& entry : file.entries()) values.push_back(file.get<float>(entry.first));
  std::vector<kdm::io::named_tensor> tensors;
  for (std::size_t k = 0; const auto& entry : file.entries()) tensors.emplace_back(entry.first, values[k++]);
  REQUIRE(kdm_run(folder, "sample --model a --samples 5 --out new.npy").status == 0);
  kdm::io::save_safetensors(folder / "a/model.safetensors", tensors, {{"format", "pt"}});
  REQUIRE(kdm_run(folder, "sample --model a --samples 5 --out old.npy").status == 0);
  CHECK(read_bytes(folder / "new.npy") == read_bytes(folder / "old.npy"));
}

TEST_CASE("links that lead nowhere and folders that refuse are sentences that name the file") {
  const temporary_folder folder;
  teach_some(folder);
  REQUIRE(kdm_run(folder, "distill --pairs pairs.npy --out m --steps 2" + small).status == 0);
  std::filesystem::create_directory(folder / "loop");
  for (const char* name : {"model.safetensors", "configuration.json", "checkpoint.safetensors"})
    std::filesystem::create_symlink(name, folder / ("loop/" + std::string(name)));
  std::filesystem::create_symlink("loop1", folder / "loop1");
  for (const char* command : {"distill --pairs pairs.npy --out loop --steps 1", "distill --pairs pairs.npy --out loop1 --steps 1",
                              "fit --pairs pairs.npy --out loop --no-pictures", "fit --pairs pairs.npy --out loop1 --no-pictures",
                              "export --model m --header loop1", "sample --model m --samples 2 --out loop1",
                              "sample --model loop --samples 2 --out s.npy", "analyze --model m --pairs pairs.npy --out loop1",
                              "teach --samples 2 --out loop1/t.npy"}) {
    const outcome o = kdm_run(folder, command);
    INFO(command << "\n" << o.err);
    CHECK(o.status == 1);
    CHECK(o.err.starts_with("kdm: loop"));
    CHECK_FALSE(contains(o.err, "filesystem error"));
    CHECK(std::count(o.err.begin(), o.err.end(), '\n') == 1);
  }
  std::filesystem::create_directory(folder / "real");
  std::filesystem::create_symlink(folder / "real/s.npy", folder / "link.npy");
  REQUIRE(kdm_run(folder, "sample --model m --samples 3 --out link.npy").status == 0);
  CHECK(std::filesystem::is_symlink(folder / "link.npy"));
  CHECK(names_in(folder / "real") == std::vector<std::string>{"s.npy"});
}

TEST_CASE("a stack that is too small is a sentence") {
  const temporary_folder folder;
  teach_some(folder);
  for (const std::string limits : {"ulimit -s 384", "export OMP_STACKSIZE=256k"}) {
    CAPTURE(limits);
    const outcome o = script(folder, limits + "; exec $KDM fit --pairs pairs.npy --out f --no-pictures --threads 2");
    CHECK(o.status == 2);
    CHECK(contains(o.err, "a thread has a stack of "));
    CHECK(contains(o.err, "expected 3072 kB or more: raise ulimit -s"));
  }
  CHECK(script(folder, "ulimit -s 3200; exec $KDM fit --pairs pairs.npy --out f --no-pictures --threads 2").status == 0);
}

TEST_CASE("a first run is told what a file of pairs looks like and what is required") {
  const temporary_folder folder;
  kdm::io::save_npy(folder / "turned.npy", kdm::io::tensor<float>({50, 2, 3}));
  const outcome o = kdm_run(folder, "distill --pairs turned.npy --out m");
  CHECK(o.status == 2);
  CHECK(contains(o.err, "turned.npy: has 2 pairs, expected at least 10"));
  CHECK(contains(o.err, "a file is [snapshots, pairs, columns]"));
  const std::string help = kdm_run(folder, "sample --help").out;
  CHECK(contains(help, "this or --noise is REQUIRED"));
  CHECK(contains(help, "this or --samples is REQUIRED"));
  // Not on a terminal there are about twenty lines a run.
  const outcome taught = kdm_run(folder, "teach --samples 40000 --steps 2 --snapshots 2 --out t.npy");
  const auto lines = std::count(taught.err.begin(), taught.err.end(), '\n');
  CHECK(contains(taught.err, "teach 40000/40000\n"));
  CHECK(lines >= 1);
  CHECK(lines <= 21);
}
