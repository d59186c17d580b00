#!/usr/bin/env bash
# Builds, measures everything interleaved with the peers, prints one table; leaves table.md and results.json in
# build/benchmarks. Installs what is missing first.
#   benchmarks/run.sh [cpu]          on the processor
#   benchmarks/run.sh gpu            on a CUDA device (in build/benchmarks/gpu)
#   benchmarks/run.sh --quick        fewer cases and rounds: minutes instead of a quarter of an hour and more
#   benchmarks/run.sh --no-peers     ours alone; nothing is downloaded
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/common.sh"
unset OMP_WAIT_POLICY  # a quiet machine is assumed here

usage() {
  sed -n '4,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
}

where=cpu peers=1 options=()
for argument in "$@"; do
  case "$argument" in
    cpu | gpu) where="$argument" ;;
    --quick) options+=(--quick) ;;
    --no-peers) peers=0 ;;
    *) usage ;;
  esac
done

folder=build/benchmarks
out="$folder"
server="$folder/bin/benchmark_server"
targets=(benchmark_server kdm_command)
build_options=(-DKDM_BENCHMARKS=ON -DKDM_EXAMPLES=OFF)
if [[ "$where" == gpu ]]; then
  out="$folder/gpu"
  server="$folder/bin/benchmark_server_cuda"
  targets+=(benchmark_server_cuda)
  build_options+=(-DCMAKE_CUDA_ARCHITECTURES=native)
  if ! command -v nvcc >/dev/null; then
    printf 'nvcc is not on the PATH: the CUDA toolkit 12.4 or newer is needed\n' >&2
    exit 1
  fi
  if ! nvidia-smi --query-gpu=name --format=csv,noheader >/dev/null 2>&1; then
    printf 'no CUDA device: nvidia-smi lists none. Everything else is here (nvcc); run this where there is a device\n' >&2
    exit 1
  fi
fi

say "packages"
"$root/scripts/install_packages.sh" --benchmarks
mkdir -p "$out"

say "build"
generator=()
if [[ ! -f "$folder/CMakeCache.txt" ]] && command -v ninja >/dev/null; then generator=(-G Ninja); fi
run_logged "$folder/configure.log" cmake --preset release -B "$folder" "${generator[@]}" "${build_options[@]}"
run_logged "$folder/build.log" cmake --build "$folder" --target "${targets[@]}"

# The weights on which everything is measured: trained ones make denormal numbers, fresh ones do not.
if [[ ! -f "$folder/model/model.safetensors" ]]; then
  say "trained weights"
  kdm="$folder/bin/kdm"
  "$kdm" teach --teacher checkerboard --path flow --solver heun --steps 20 --samples 50000 --seed 1 \
    --out "$folder/pairs.npy"
  run_logged "$folder/distill.log" "$kdm" distill --pairs "$folder/pairs.npy" --out "$folder/model" --overwrite \
    --hidden 256 --batch 256 --steps 2000
fi

peer_options=()
if ((peers)); then
  say "peers"
  if run_logged "$folder/peers.log" "$root/benchmarks/peers/torch/install.sh"; then
    device=cpu
    if [[ "$where" == gpu ]]; then device=cuda; fi
    peer_options=(--peer "torch=build/peers/torch/bin/python benchmarks/peers/torch/server.py --device $device")
  else
    say "PyTorch could not be installed: ours alone"
  fi
fi

say "measure"
python3 "$root/benchmarks/compare.py" "$where" --server "$server" --model "$folder/model" --out "$out" \
  "${peer_options[@]}" "${options[@]}"
say "wrote $out/table.md and $out/results.json"
