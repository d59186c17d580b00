#!/usr/bin/env bash
# Builds everything and runs every test. Installs what is missing first.
#   scripts/test.sh              the default compiler (preset dev)
#   scripts/test.sh --clang      also clang
#   scripts/test.sh --sanitize   also the address, undefined-behaviour and thread sanitizers (clang)
#   scripts/test.sh --all        all of these
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

clang=0 sanitize=0
for argument in "$@"; do
  case "$argument" in
    --clang) clang=1 ;;
    --sanitize) sanitize=1 ;;
    --all) clang=1 sanitize=1 ;;
    *)
      sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
      exit 2
      ;;
  esac
done

presets=(dev)
packages=()
if ((clang)); then presets+=(clang); fi
if ((sanitize)); then presets+=(asan-ubsan tsan); fi
# Clang also looks at the programs that the default compiler builds; without apt that is left out where clang is.
if ((clang || sanitize)) || command -v apt-get >/dev/null; then packages=(--clang); fi

"$root/scripts/install_packages.sh" "${packages[@]}"

# Hides the lines of tests that passed; ctest's summary comes last.
summarize() {
  awk '
    /^ *Start +[0-9]+: / || / Passed +[0-9.]+ sec *$/ || /^Internal ctest|^Test project|^Total Test time|^ *$/ { next }
    /tests passed, [0-9]+ tests? failed out of/ { summary = $0; next }
    { print; fflush() }
    END { if (summary != "") print summary }'
}

for preset in "${presets[@]}"; do
  configure "$preset"
  build "$preset"
  say "test $preset"
  ctest --preset "$preset" --no-label-summary </dev/null 2>&1 | summarize
done
