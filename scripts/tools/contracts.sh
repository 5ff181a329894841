#!/usr/bin/env bash
# The contracts' front door: contracts.sh build | test [forge test arguments…] | fmt | fmt-check | lint | abi | abi-check | snapshot
#   build      artefacts in contracts/out
#   test       unit, fuzz and invariant tests, and gas against contracts/snapshots (snapshot rewrites those)
#   lint       forge's lints; every custom error is named by a test
#   abi        writes contracts/abi/*.json (ABI and creation code, checked in: what Rust's `sol!` reads without forge)
#   abi-check  fails if contracts/abi/*.json are not what the sources give
# Installs the pinned tools first if they are missing (scripts/tools/install.sh).
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
"$here/install.sh"
# shellcheck source=scripts/tools/env.sh
source "$here/env.sh"
cd "$HALOCAST_ROOT/contracts"

# What Rust and other clients use. The mock stands in for a proof system in tests of the relayer.
published=(IModelVerifier IHalo2Verifier IModelRegistry IInferenceOracle IInferenceConsumer ModelVerifier ModelRegistry InferenceOracle AskTinyGemma MockModelVerifier)

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
  const { abi, bytecode } = JSON.parse(fs.readFileSync(path.join(out, `${name}.sol`, `${name}.json`), 'utf8'));
  const code = bytecode.object === '0x' ? {} : { bytecode: bytecode.object };
  fs.writeFileSync(path.join(to, `${name}.json`), JSON.stringify({ contractName: name, abi, ...code }, null, 1) + '\n');
}
JS
}

# Every custom error of src/ has a test that names it.
untested_errors() {
  local error status=0
  while read -r error; do
    if ! grep -rqE "\\.$error\\.selector" test; then
      echo "no test names the error $error" >&2
      status=1
    fi
  done < <(sed -nE 's/^ *error ([A-Za-z0-9]+)\(.*/\1/p' src/*.sol src/examples/*.sol | sort -u)
  return "$status"
}

command="${1:-}"
shift || true
case "$command" in
  build) "$FORGE" build "$@" ;;
  test)
    "$FORGE" test "$@"
    # Gas figures only with the whole run: a chosen test is chosen for another reason.
    if (($# == 0)); then FOUNDRY_PROFILE=gas "$FORGE" test; fi
    ;;
  snapshot) FOUNDRY_PROFILE=gas FORGE_SNAPSHOT_CHECK=false "$FORGE" test "$@" ;;
  fmt) "$FORGE" fmt src test "$@" ;;
  fmt-check) "$FORGE" fmt --check src test ;;
  lint)
    "$FORGE" lint --deny warnings src "$@"
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
    sed -n '2,7p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
