#!/usr/bin/env bash
# Installs what the project needs and the machine lacks. With --clang also what the clang and sanitizer builds need,
# with --benchmarks what the benchmarks need.
# On a system without apt it names what is missing and stops.
set -euo pipefail

# One line each: Debian package | what it is for | how to see that it is there.
needed=(
  'g++|C++20 compiler (g++ 12 or clang 14 or newer)|command -v c++'
  'cmake|build system, 3.25 or newer|command -v cmake'
  'ninja-build|fast builds|command -v ninja'
  'git|downloads of third parties that are not installed|command -v git'
  'libeigen3-dev|linear algebra: kdm::eigen|header eigen3/Eigen/Core Eigen/Core'
  'libxtensor-blas-dev|tensors of xtensor users: kdm::xtensor|header xtensor-blas/xblas.hpp'
  'libopenblas-dev|matrix product of kdm::xtensor|header openblas_config.h'
  'libtbb-dev|threads of oneTBB: kdm::onetbb|header tbb/task_arena.h'
  'libboost-dev|example with an adaptive solver of Boost.odeint|header boost/numeric/odeint.hpp'
  'doctest-dev|unit tests|header doctest/doctest.h'
  'nlohmann-json3-dev|JSON: kdm::io and kdm::report|header nlohmann/json.hpp'
  'libcli11-dev|command line of the kdm command|header CLI/CLI.hpp'
  'gnuplot-nox|pictures of the report|command -v gnuplot'
  'fonts-dejavu-core|letters in the pictures|font dejavu'
)
needed_by_clang=(
  'clang|second compiler|command -v clang++'
  'libclang-rt-dev|sanitizers of clang|sanitizer'
  'libomp-dev|OpenMP of clang|clang_openmp'
)
needed_by_benchmarks=(
  'libbenchmark-dev|timing of kernels|header benchmark/benchmark.h'
  'python3-venv|the driver of the benchmarks, and their peers|python3 -m ensurepip --version'
)
optional=('ccache|faster rebuilds|command -v ccache')

# Is one of these headers found by the compiler?
header() {
  local name
  for name in "$@"; do
    if printf '#if !__has_include(<%s>)\n#error absent\n#endif\n' "$name" | c++ -E -x c++ - >/dev/null 2>&1; then
      return 0
    fi
  done
  return 1
}

font() { compgen -G "/usr/share/fonts/truetype/$1/*.ttf" || { fc-list | grep -qi "$1"; }; }

links() { printf 'int main() {}\n' | clang++ -x c++ - -o /dev/null "$@"; }
sanitizer() { links -fsanitize=address && links -fsanitize=thread; }
clang_openmp() { links -fopenmp && printf '#include <omp.h>\n' | clang++ -fopenmp -fsyntax-only -x c++ -; }

# Prints the lines of the table whose check fails.
missing_of() {
  local line check
  for line in "$@"; do
    IFS='|' read -r _ _ check <<<"$line"
    # shellcheck disable=SC2086  # the check is a command with its arguments
    $check >/dev/null 2>&1 || printf '%s\n' "$line"
  done
}

wanted=("${needed[@]}")
for argument in "$@"; do
  case "$argument" in
    --clang) wanted+=("${needed_by_clang[@]}") ;;
    --benchmarks) wanted+=("${needed_by_benchmarks[@]}") ;;
    *)
      printf 'usage: %s [--clang] [--benchmarks]\n' "$0" >&2
      exit 2
      ;;
  esac
done

mapfile -t missing < <(missing_of "${wanted[@]}")
mapfile -t missing_optional < <(missing_of "${optional[@]}")
if ((${#missing[@]} == 0 && ${#missing_optional[@]} == 0)); then
  exit 0
fi

if ! command -v apt-get >/dev/null; then
  if ((${#missing[@]} == 0)); then
    exit 0
  fi
  {
    printf 'This system has no apt. Please install (the names are those of Debian):\n'
    for line in "${missing[@]}"; do
      IFS='|' read -r package purpose _ <<<"$line"
      printf '  %-20s %s\n' "$package" "$purpose"
    done
  } >&2
  exit 1
fi

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    printf 'Please install as root: apt-get install %s\n' "$(printf '%s ' "${missing[@]%%|*}")" >&2
    exit 1
  fi
  as_root=(sudo)
fi
# Waits where another apt is at work, as it is on a machine that has just started.
apt_install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq -o DPkg::Lock::Timeout=300 --no-install-recommends "$@" >/dev/null </dev/null
}

"${as_root[@]}" apt-get update -qq </dev/null || printf 'apt-get update failed; trying with the known lists\n' >&2
if ((${#missing[@]} > 0)); then
  printf '== install %s\n' "${missing[*]%%|*}"
  apt_install "${missing[@]%%|*}"
fi
if ((${#missing_optional[@]} > 0)); then
  apt_install "${missing_optional[@]%%|*}" || printf 'not installed (optional): %s\n' "${missing_optional[*]%%|*}" >&2
fi
