#!/usr/bin/env bash
# What the headers cost the compiler: seconds of processor time (median of 3) and the size of the object, for each
# public header alone and for a small program on three backends. Writes build/benchmarks/compile_time.md.
#   benchmarks/compile_time.sh              every header: half an hour
#   benchmarks/compile_time.sh --programs   the programs alone: two minutes
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/common.sh"

folder=build/benchmarks
for argument in "$@"; do
  if [[ "$argument" != --programs ]]; then
    sed -n '4,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
  fi
done
# The configuration knows the flags of every header.
say "configure"
generator=()
if [[ ! -f "$folder/CMakeCache.txt" ]] && command -v ninja >/dev/null; then generator=(-G Ninja); fi
run_logged "$folder/configure.log" cmake --preset release -B "$folder" "${generator[@]}" -DKDM_BENCHMARKS=ON \
  -DKDM_EXAMPLES=OFF
say "compile"
python3 "$root/benchmarks/compile_time/compile_time.py" --build "$folder" --compiler "${CXX:-g++}" "$@"
