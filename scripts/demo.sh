#!/usr/bin/env bash
# The whole method in a few minutes: teaches, distils, evaluates and analyses one small model with the kdm command.
# Installs what is missing and builds first. Everything it makes is in out/demo.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# What is given to this script are further options of `kdm distill`.
distill_options=("$@")

out=out/demo
kdm=build/release/bin/kdm
names=() seconds=()

# stage NAME COMMAND...: runs the command and remembers how long it took.
stage() {
  local name="$1" from=$EPOCHREALTIME
  shift
  "$@" </dev/null
  names+=("$name")
  seconds+=("$(awk -v a="$from" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')")
}

teach() { "$kdm" teach --teacher checkerboard --path flow --solver heun --steps 20 "$@"; }
build_command() {
  configure release
  build release --target kdm_command
}

stage packages "$root/scripts/install_packages.sh"
stage build build_command
mkdir -p "$out"

say "teach: trajectories of the exact flow to a checkerboard"
stage teach teach --samples 50000 --snapshots 10 --seed 1 --out "$out/trajectories.npy"
stage "teach (held out)" teach --samples 10000 --seed 2 --out "$out/held_out.npy"
say "distill: encoders, Koopman operator and decoder"
stage distill "$kdm" distill --pairs "$out/trajectories.npy" --validation "$out/held_out.npy" --out "$out" \
  --overwrite "${distill_options[@]}"
say "evaluate: student, teacher and truth on held-out noise"
stage evaluate "$kdm" evaluate --model "$out" --pairs "$out/held_out.npy" --support checkerboard \
  --out "$out/metrics.json"
say "analyze: spectrum and latent geometry"
stage analyze "$kdm" analyze --model "$out" --pairs "$out/held_out.npy" --support checkerboard --out "$out"

say "seconds per stage"
for i in "${!names[@]}"; do
  printf '  %-18s %8s\n' "${names[$i]}" "${seconds[$i]}"
done
say "look at $root/$out/report.html"
