#!/usr/bin/env bash
# EZKL and Halocast side by side: run.sh [options] [MODEL…], see --help and README.md. Writes target/bench/peers.{json,md}.
# HALOCAST names the command (default: target/release/halocast), HALOCAST_CACHE the folder for the virtual environment, models and
# reference strings, PYTHON an interpreter that has requirements.txt already.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
halocast="${HALOCAST:-$root/target/release/halocast}"
export HALOCAST_CACHE="${HALOCAST_CACHE:-$root/target/cache}"
cache="$HALOCAST_CACHE/peers"
out="$root/target/bench"

die() { printf 'bench-peers: %s\n' "$*" >&2; exit 1; }

[[ "$(uname -sm)" == 'Linux x86_64' ]] || die "Linux on x86_64 is needed (memory is watched in /proc; EZKL's wheel is for it), found $(uname -sm)"
[[ -x "$halocast" ]] || die "$halocast is missing or not executable; run \`make build\` or set HALOCAST"
mkdir -p "$cache" "$out"

python="${PYTHON:-}"
if [[ -z "$python" ]]; then
  python="$cache/venv/bin/python"
  want="$(sha256sum <"$here/requirements.txt")"
  if [[ ! -x "$python" || "$(cat "$cache/venv/ready" 2>/dev/null || true)" != "$want" ]]; then
    command -v python3 >/dev/null || die 'python3 (>= 3.11) is needed and is not on PATH'
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "python3 >= 3.11 is needed, found $(python3 --version 2>&1)"
    echo '== virtual environment with EZKL, PyTorch and onnxruntime (2.5 GB from PyPI, once)' >&2
    python3 -m venv --clear "$cache/venv" || die 'python3 cannot make a virtual environment (on Debian: apt-get install python3-venv)'
    "$python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt" ||
      die 'pip could not install scripts/peers/requirements.txt (its message is above); PyPI must be reachable, or PYTHON name an interpreter that has it'
    printf '%s\n' "$want" >"$cache/venv/ready"
  fi
fi
"$python" -c 'import ezkl, onnx, onnxruntime, onnxscript, torch' || die "$python lacks a package of scripts/peers/requirements.txt (message above)"

"$root/scripts/tools/install.sh"
# shellcheck source=scripts/tools/env.sh
source "$root/scripts/tools/env.sh"
exec "$python" "$here/bench.py" --out "$out" --cache "$cache" --halocast "$halocast" "$@"
