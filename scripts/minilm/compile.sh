#!/usr/bin/env bash
# Fetches and exports all-MiniLM-L6-v2 (fetch.sh) and compiles it for each sequence length: OUT/minilm-<length>.bundle, with the
# fidelity report of the sentences in sentences.tsv (fidelity.json, fidelity.md, three SVG files).
#   scripts/minilm/compile.sh OUT LENGTH...
# HALOCAST names the command (default: target/release/halocast).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
halocast=${HALOCAST:-$here/../../target/release/halocast}
out=${1:?usage: compile.sh OUT LENGTH...}
shift

"$here/fetch.sh" "$out" "$@"
for length in "$@"; do
  from=$out/minilm-$length
  "$halocast" compile "$from/model.onnx" --calibration "$from/calibration.json" \
    --samples "$from/samples.json" --fidelity-min-cosine 0.999 --segments layer --out "$out/minilm-$length.bundle" --force
  "$halocast" inspect "$out/minilm-$length.bundle"
done
