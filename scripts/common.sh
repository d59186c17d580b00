# Shared by the scripts: sourced, not run. Moves to the root of the project and defines what they have in common.
# shellcheck shell=bash

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root" || exit 1

export CMAKE_BUILD_PARALLEL_LEVEL="${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc 2>/dev/null || echo 2)}"
export CTEST_PARALLEL_LEVEL="${CTEST_PARALLEL_LEVEL:-$CMAKE_BUILD_PARALLEL_LEVEL}"
# OpenMP threads that spin at barriers slow a shared machine down.
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}"

if [[ -t 1 ]]; then
  bold=$'\e[1m' plain=$'\e[0m'
else
  bold='' plain=''
fi

say() { printf '%s== %s%s\n' "$bold" "$*" "$plain"; }

# run_logged LOG COMMAND...: quiet when the command succeeds, its last 100 lines when it fails.
run_logged() {
  local log="$1"
  shift
  mkdir -p "$(dirname "$log")"
  if ! "$@" >"$log" 2>&1 </dev/null; then
    tail -n 100 "$log" >&2
    printf 'failed: %s (full output: %s)\n' "$*" "$log" >&2
    return 1
  fi
}

# configure PRESET [CMAKE ARGUMENTS...]: with Ninja when it is there and the folder is new.
configure() {
  local preset="$1"
  shift
  local generator=()
  if [[ ! -f "build/$preset/CMakeCache.txt" ]] && command -v ninja >/dev/null; then
    generator=(-G Ninja)
  fi
  say "configure $preset"
  run_logged "build/$preset-configure.log" cmake --preset "$preset" "${generator[@]}" "$@"
}

# build PRESET [BUILD ARGUMENTS...]
build() {
  local preset="$1"
  shift
  say "build $preset"
  run_logged "build/$preset-build.log" cmake --build --preset "$preset" "$@"
}
