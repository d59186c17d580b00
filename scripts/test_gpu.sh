#!/usr/bin/env bash
# Builds and runs the CUDA tests on a machine with a device, then again under compute-sanitizer where it is installed.
#   scripts/test_gpu.sh [folder for the logs]
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

logs="${1:-build/gpu}"
mkdir -p "$logs"
logs="$(cd "$logs" && pwd)"

if ! command -v nvcc >/dev/null; then
  printf 'nvcc is not on the PATH: the CUDA toolkit 12.4 or newer is needed\n' >&2
  exit 1
fi
say "device"
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader

configure dev -DCMAKE_CUDA_ARCHITECTURES=native
say "build test_cuda"
run_logged "$logs/build.log" cmake --build --preset dev --target test_cuda
test_cuda=build/dev/tests/cuda/test_cuda

say "tests"
"$test_cuda" | tee "$logs/tests.log"
if command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck; do
    say "compute-sanitizer $tool"
    # The suite's largest cases are slow under a sanitizer and add nothing there; one test makes a call fail on purpose.
    compute-sanitizer --tool "$tool" --report-api-errors no --error-exitcode 1 "$test_cuda" --test-case-exclude='*larger than*' \
      >"$logs/$tool.log" 2>&1 || { tail -n 40 "$logs/$tool.log" >&2; exit 1; }
    tail -n 2 "$logs/$tool.log"
  done
else
  say "compute-sanitizer is not installed: left out"
fi
