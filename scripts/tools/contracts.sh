#!/usr/bin/env bash
# The contracts' front door: contracts.sh build | test [forge test arguments…] | invariants | template | fmt | fmt-check | lint
#                                         | abi | abi-check | layout | layout-check | npm | npm-check | snapshot | slither
#   build      artefacts in contracts/out
#   test       unit, fuzz and invariant tests, and gas against contracts/snapshots (snapshot rewrites those)
#   invariants the stateful tests again, each with more than 100,000 calls
#   template   the tests of contracts/template, with mock and real proof
#   lint       forge's lints; every custom error is named by a test
#   abi        writes contracts/abi/*.json (ABI and creation code, checked in: what Rust's `sol!` reads without forge)
#   abi-check  fails if contracts/abi/*.json are not what the sources give
#   layout     writes contracts/storage-layout.json; layout-check fails if it is not what the sources give
#   npm        writes the generated part of contracts/npm from contracts/abi and deployments/; npm-check fails on drift
#   slither    runs Slither (on PATH, or $SLITHER) and compares with contracts/slither.md
# Installs the pinned tools first if they are missing (scripts/tools/install.sh).
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
"$here/install.sh"
# shellcheck source=scripts/tools/env.sh
source "$here/env.sh"
cd "$HALOCAST_ROOT/contracts"

# What Rust and other clients use. The mock stands in for a proof system in tests of the relayer.
published=(IModelVerifier IHalo2Verifier IModelRegistry IInferenceOracle IInferenceConsumer IInferenceSets IPullPath IBatchVerifier IVerifierRouter
  IOptimisticOracle IOptimisticConsumer ModelVerifier BatchVerifier ModelRegistry InferenceOracle VerifierRouter RoutedVerifier OptimisticOracle
  ERC7992Adapter ERC8274Adapter ValueVerifier AskTinyGemma CompareTexts ProofGate MockModelVerifier)

# Contracts with storage.
stateful=(ModelRegistry VerifierRouter InferenceOracle OptimisticOracle AskTinyGemma CompareTexts ProofGate)

sources=(src test symbolic testing deploy template/src template/test)

# Writes the published files into $1. Always a whole build of the same sources in an empty directory: via-IR's output depends on which
# files are compiled together, so an incremental build would not be reproducible.
write_abi() {
  local to="$1" work
  work="$(mktemp -d)"
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" RETURN
  "$FORGE" build --quiet --out "$work/out" --cache-path "$work/cache" src test/support/MockModelVerifier.sol
  mkdir -p "$to"
  node - "$work/out" "$to" "${published[@]}" <<'JS'
const fs = require('fs'), path = require('path');
const [out, to, ...names] = process.argv.slice(2);
for (const name of names) {
  // An interface that lies in another one's file.
  const file = ['IOptimisticConsumer'].includes(name) ? 'IOptimisticOracle' : name;
  const { abi, bytecode } = JSON.parse(fs.readFileSync(path.join(out, `${file}.sol`, `${name}.json`), 'utf8'));
  const code = bytecode.object === '0x' ? {} : { bytecode: bytecode.object };
  fs.writeFileSync(path.join(to, `${name}.json`), JSON.stringify({ contractName: name, abi, ...code }, null, 1) + '\n');
}
JS
}

# Writes slots, offsets and types of every stateful contract into $1.
write_layout() {
  "$FORGE" build --quiet
  node - "$1" "${stateful[@]}" <<'JS'
const fs = require('fs');
const [to, ...names] = process.argv.slice(2);
const plain = (type) => type.replace(/\)\d+(_storage)?/g, ')'); // ids of the syntax tree change with every file
const member = ({ label, slot, offset, type }) => `slot ${slot} offset ${offset}: ${label} ${plain(type)}`;
const out = {};
for (const name of names) {
  const { storage, types } = JSON.parse(fs.readFileSync(`out/${name}.sol/${name}.json`, 'utf8')).storageLayout;
  if (!storage.length) throw new Error(`contracts/out has no storage layout of ${name}: remove that folder and build again`);
  const structs = Object.entries(types ?? {}).filter(([, t]) => t.members).map(([id, t]) => [plain(id), t.members.map(member)]);
  out[name] = { storage: storage.map(member), structs: Object.fromEntries(structs.sort()) };
}
fs.writeFileSync(to, JSON.stringify(out, null, 1) + '\n');
JS
}

# Every custom error of src/ has a test that names it.
untested_errors() {
  local error status=0
  while read -r error; do
    if ! grep -rqE "\\b$error\\.selector" test; then
      echo "no test names the error $error" >&2
      status=1
    fi
  done < <(sed -nE 's/^ *error ([A-Za-z0-9]+)\(.*/\1/p' src/*.sol src/*/*.sol deploy/*.sol testing/*.sol | sort -u)
  return "$status"
}

command="${1:-}"
shift || true
case "$command" in
  build) "$FORGE" build "$@" ;;
  test)
    # With chosen tests forge would compile what they import for those tests only, and keep artefacts without code, methods and layout.
    if (($#)); then "$FORGE" build --quiet src deploy; fi
    "$FORGE" test "$@"
    # Gas figures only with the whole run: a chosen test is chosen for another reason.
    if (($# == 0)); then FOUNDRY_PROFILE=gas "$FORGE" test; fi
    ;;
  snapshot) FOUNDRY_PROFILE=gas FORGE_SNAPSHOT_CHECK=false "$FORGE" test "$@" ;;
  invariants)
    "$FORGE" build --quiet src deploy # as above
    # Runs × depth: 102,400 calls in each campaign.
    FOUNDRY_INVARIANT_RUNS=400 FOUNDRY_INVARIANT_DEPTH=256 "$FORGE" test --match-contract Invariants "$@"
    ;;
  template) (cd template && "$FORGE" test "$@") ;;
  layout) write_layout storage-layout.json ;;
  layout-check)
    fresh="$(mktemp)"
    write_layout "$fresh"
    diff "$fresh" storage-layout.json >&2 || {
      rm -f "$fresh"
      echo "contracts/storage-layout.json differs from the sources: run scripts/tools/contracts.sh layout and commit the result" >&2
      exit 1
    }
    rm -f "$fresh"
    ;;
  npm) node npm/generate.mjs ;;
  npm-check) node npm/generate.mjs --check ;;
  slither) node ../scripts/slither.mjs "$@" ;;
  fmt) "$FORGE" fmt "${sources[@]}" "$@" ;;
  fmt-check) "$FORGE" fmt --check "${sources[@]}" ;;
  lint)
    "$FORGE" lint --deny warnings src deploy "$@"
    untested_errors
    ;;
  abi) write_abi abi ;;
  abi-check)
    fresh="$(mktemp -d)"
    write_abi "$fresh"
    status=0
    diff -rq "$fresh" abi >&2 || status=1
    rm -rf "$fresh"
    if ((status)); then
      echo "contracts/abi differs from the sources: run scripts/tools/contracts.sh abi and commit the result" >&2
      exit 1
    fi
    ;;
  *)
    sed -n '2,17p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
