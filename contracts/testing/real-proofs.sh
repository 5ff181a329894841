#!/usr/bin/env bash
# Makes test/fixtures/tinygemma.json anew: real-proofs.sh BUNDLE [HALOCAST]
#   BUNDLE    TinyGemma, set up with the development string (docs/dapp-guide.md, section 3)
#   HALOCAST  the built binary; target/release/halocast if not given
# Four proofs of one statement ("Q:capital of France?A:", six tokens), each for the context that its name in HalocastTest.sol says: some minutes.
# A finished proof is kept in BUNDLE/fixture, so that a run cut off goes on.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
bundle="${1:?which bundle?}"
halocast="${2:-$root/target/release/halocast}"
"$root/scripts/tools/install.sh"
# shellcheck source=scripts/tools/env.sh
source "$root/scripts/tools/env.sh"
out="$bundle/fixture"
mkdir -p "$out"
echo '{"inputs":{"prompt":"Q:capital of France?A:","n":6}}' >"$out/question.json"
"$halocast" verifier "$bundle" --out "$out/verifier"

tag() { "$CAST" keccak "$1"; }
named() { printf '0x%s' "$(tag "$1" | cut -c 27-)"; } # address(uint160(uint256(keccak256(name))))
# keccak256(abi.encode(…)) >> 8
context() {
  local digest
  digest="$("$CAST" keccak "$("$CAST" abi-encode "$@")")"
  printf '0x%s' "${digest:2:62}"
}
# $1 = file, of a proof for any context: its model, and keccak256 of its input words packed.
model_of() { node -p 'JSON.parse(fs.readFileSync(process.argv[1])).model' "$1"; }
inputs_of() { "$CAST" keccak "$(node -p '"0x" + JSON.parse(fs.readFileSync(process.argv[1])).inputs.map((w) => w.slice(2).padStart(64, "0")).join("")' "$1")"; }
prove() { [[ -e "$out/$1.json" ]] || "$halocast" prove "$bundle" --input "$out/question.json" --context "$2" --out "$out/$1.json"; }

oracle="$(named halocast.test.oracle)"
request='f(bytes32,uint256,address,uint256,address)'
prove request "$(context "$request" "$(tag halocast.inference.context.v1)" 31337 "$oracle" 1 "$(named payee)")"
prove second "$(context "$request" "$(tag halocast.inference.context.v1)" 31337 "$oracle" 2 "$(named payee)")"
prove optimistic "$(context "$request" "$(tag halocast.optimistic.context.v1)" 31337 "$(named halocast.test.optimistic)" 1 "$(named proposer)")"
prove pull "$(context 'f(bytes32,uint256,address,address,bytes32,bytes32,uint256)' "$(tag halocast.inference.pull.v1)" 31337 "$oracle" \
  "$(named consumer)" "$(model_of "$out/request.json")" "$(inputs_of "$out/request.json")" 9)"
node "$root/contracts/testing/make-fixture.mjs" "$out/verifier" "$root/contracts/test/fixtures/tinygemma.json" \
  request="$out/request.json" second="$out/second.json" pull="$out/pull.json" optimistic="$out/optimistic.json"
