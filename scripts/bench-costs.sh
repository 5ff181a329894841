#!/usr/bin/env bash
# What a plan predicts beside what proving then takes: for each model and each way to cut it, CPU seconds and memory of every
# layer proof and of the aggregation. By the figures that `compile` uses: run `make calibrate-costs` before, on the same machine.
#   bench-costs.sh [CASE…]      cases below, all by default: some twelve minutes of two cores
# Writes target/bench/costs.json and prints a table. Bundles are made anew and removed.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
halocast="${HALOCAST:-$root/target/release/halocast}"
out="$root/target/bench/costs"

# model, and how it is cut
declare -A cases=(
  [block64-auto]='fixtures/block64 --segments auto'
  [block64-two]='fixtures/block64 --segments 2'
  [tinygemma-total]='tinygemma --task generate --segments auto --objective total'
  [tinygemma-latency]='tinygemma --task generate --segments auto --objective latency'
)
(($#)) || set -- block64-auto block64-two tinygemma-total tinygemma-latency
rm -rf "$out" && mkdir -p "$out"
for name in "$@"; do
  read -ra how <<<"${cases[$name]}"
  dir="$root/models/${how[0]}" bundle="$out/$name.bundle"
  echo "== $name: compile, set up, prove" >&2
  "$halocast" --json compile "$dir/model.onnx" --calibration "$dir/calibration.json" "${how[@]:1}" --out "$bundle" >"$out/$name.compile.json"
  case "${how[0]}" in
    tinygemma) echo '{"inputs": {"prompt": "Q:capital of France?A:", "n": 6}}' >"$out/$name.input.json" ;;
    *) node -e 'const [from, to] = process.argv.slice(1), fs = require("fs");
      fs.writeFileSync(to, JSON.stringify(JSON.parse(fs.readFileSync(from))[0]))' "$dir/calibration.json" "$out/$name.input.json" ;;
  esac
  "$halocast" --json inspect "$bundle" >"$out/$name.inspect.json"
  "$halocast" --json setup "$bundle" >"$out/$name.setup.json"
  "$halocast" --json prove "$bundle" --input "$out/$name.input.json" --out "$out/$name.proof.json" >"$out/$name.prove.json"
  rm -rf "$bundle"
done
node "$root/scripts/bench-costs.mjs" "$out" "$@"
