#!/usr/bin/env bash
# Installs PyTorch for the comparison, newest of the registry, into build/peers/torch. Several GB: its wheel brings CUDA.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)"
folder="$root/build/peers/torch"

if [[ -x "$folder/bin/python" ]] && "$folder/bin/python" -c 'import torch, numpy' 2>/dev/null; then
  exit 0
fi
free=$(df --output=avail -k "$root" | tail -n 1)
if ((free < 8 * 1024 * 1024)); then
  printf 'PyTorch takes about 6 GB in %s, %d MB are free\n' "$folder" $((free / 1024)) >&2
  exit 1
fi
mkdir -p "$(dirname "$folder")"
python3 -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check torch numpy
