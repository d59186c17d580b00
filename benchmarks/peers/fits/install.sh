#!/usr/bin/env bash
# Makes two virtual environments with the packages that the fits are compared with. Not used by any test.
#
#   build/peers/main        PyDMD and kooplearn, current numpy
#   build/peers/pykoopman   pykoopman, which pins numpy 1.26, scikit-learn 1.1.3 and PyDMD 0.4.1
#
# pykoopman is installed without its dependencies: it also asks for torch 2.1, lightning, jupyter, sphinx and pytest.
# Only its neural regressor needs torch, and torch's Linux wheels carry CUDA. use_pykoopman.py puts an empty module in
# their place; what runs here never calls it.
set -euo pipefail

root=$(cd "$(dirname "$0")/../../.." && pwd)
peers=${1:-$root/build/peers}
python=${PYTHON:-python3}

make_environment() {
  local folder=$1
  [ -x "$folder/bin/python" ] || "$python" -m venv "$folder"
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "${@:2}"
}

make_environment "$peers/main" \
  numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 pydmd==2025.8.1 kooplearn==2.0.3 threadpoolctl==3.8.0

make_environment "$peers/pykoopman" \
  numpy==1.26.0 scipy==1.11.2 scikit-learn==1.1.3 pydmd==0.4.1 matplotlib==3.10.8 \
  derivative==0.6.3 optht==0.2.0 prettytable==3.9.0 threadpoolctl==3.8.0
make_environment "$peers/pykoopman" --no-deps pykoopman==1.2.1

for name in main pykoopman; do
  echo "$peers/$name:"
  "$peers/$name/bin/python" -m pip list --disable-pip-version-check 2>/dev/null |
    grep -iE '^(numpy|scipy|scikit-learn|pydmd|pykoopman|kooplearn) '
done
