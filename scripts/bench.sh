#!/usr/bin/env bash
# The figures of docs/benchmarks.md, one JSON file a command in target/bench/: d = 64 and d = 128 blocks down to layer proofs,
# TinyGemma down to the chain (the demo's report). Nothing is taken from earlier runs but reference strings and the build.
# With arguments only the parts named: `layers`, `demo`.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
halocast="${HALOCAST:-$root/target/release/halocast}"
out="$root/target/bench"
rm -rf "$out"
mkdir -p "$out"

# $1 = name below models/fixtures
layers() {
  local dir="$root/models/fixtures/$1" bundle="$out/$1.bundle"
  echo "== $1: compile, set up, prove layers, verify" >&2
  "$halocast" --json compile "$dir/model.onnx" --calibration "$dir/calibration.json" --out "$bundle" >"$out/$1.compile.json"
  node -e 'const [from, to] = process.argv.slice(1), fs = require("fs");
    fs.writeFileSync(to, JSON.stringify(JSON.parse(fs.readFileSync(from))[0]))' "$dir/calibration.json" "$out/$1.input.json"
  "$halocast" --json inspect "$bundle" >"$out/$1.inspect.json"
  "$halocast" --json setup "$bundle" --stage layers >"$out/$1.setup.json"
  "$halocast" --json prove "$bundle" --input "$out/$1.input.json" --stage layers --out "$out/$1.proof.json" >"$out/$1.prove.json"
  "$halocast" --json verify "$bundle" "$out/$1.proof.json" >"$out/$1.verify.json"
}

parts=" ${*:-layers demo} "
if [[ "$parts" == *' layers '* ]]; then
  layers block64
  layers block128
fi
if [[ "$parts" == *' demo '* ]]; then
  echo '== tinygemma: the demo' >&2
  "$halocast" --json demo --out "$out/demo" >"$out/demo.json"
fi
node "$root/scripts/bench-table.mjs" "$out"
