#!/usr/bin/env bash
# The leaf's calldata parser by symbolic execution (halmos with z3, contracts/symbolic): symbolic.sh [check|break]…
#   check  the leaf as it is: every check must pass
#   break  copies of the leaf with one mistake each: halmos must show a counterexample for every one
# Both, if nothing is said. Makes a virtual environment under target/symbolic once (PyPI); nothing else needs Python.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/.." && pwd)"
work="$root/target/symbolic"
venv="$work/venv"

die() { printf 'symbolic: %s\n' "$*" >&2; exit 1; }

install_halmos() {
  local pins="$root/contracts/symbolic/requirements.txt" want
  want="$(sha256sum <"$pins")"
  [[ "$(cat "$venv/ready" 2>/dev/null || true)" != "$want" ]] || return 0
  command -v python3 >/dev/null || die 'python3 (>= 3.11) is needed and is not on PATH'
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "python3 >= 3.11 is needed, found $(python3 --version 2>&1)"
  echo '== virtual environment with halmos and z3 (once)' >&2
  python3 -m venv --clear "$venv" || die 'python3 cannot make a virtual environment (on Debian: apt-get install python3-venv)'
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$pins" ||
    die 'pip could not install contracts/symbolic/requirements.txt (its message is above); PyPI must be reachable'
  printf '%s\n' "$want" >"$venv/ready"
}

# $1 = a folder like contracts/, $2 = prefix of the checks' names, then options. Solver by name: halmos would fetch another.
halmos() {
  local at="$1" prefix="$2" out
  shift 2
  out="$(cd "$at" && realpath --canonicalize-missing --relative-to=. "${FOUNDRY_OUT:-$work/out}")"
  "$venv/bin/halmos" --root "$at" --forge-build-out "$out" --function "$prefix" --solver z3 --loop 40 --no-status "$@"
}

# name | checks that must find it | what sed does to ModelVerifier.sol
mistakes() {
  cat <<'LIST'
another model|check_V13_every_word|/if (modelId_ != modelId)/d
an input from the field's modulus on|check_V13_every_word|/if (inputs\[i\] >= SCALAR_MODULUS)/d
an output that is the modulus|check_V13_every_word|s/outputs\[i\] >= SCALAR_MODULUS/outputs[i] > SCALAR_MODULUS/
a context from the modulus on|check_V13_every_word|/if (context >= SCALAR_MODULUS)/d
limbs of 89 bits|check_V13_every_word|s/LIMB_BITS = 88/LIMB_BITS = 89/
the last limb unread|check_V13_every_word|s/i < ACCUMULATOR_LIMBS; ++i/i < ACCUMULATOR_LIMBS - 1; ++i/
inputs for outputs|check_V13_every_word|s/calldatacopy(cursor, outputs\.offset/calldatacopy(cursor, inputs.offset/
model for context|check_V13_every_word|s/mstore(cursor, context)/mstore(cursor, modelId_)/
the proof from its start|check_V13_every_word|s/calldatacopy(cursor, add(proof\.offset, LIMB_BYTES)/calldatacopy(cursor, proof.offset/
no key contract|check_V13_every_word|s/mstore(cursor, key)/mstore(cursor, 0)/
inputs anywhere|check_V13_inputs_elsewhere|/revert CalldataOffset(2)/d
outputs anywhere|check_V13_outputs_elsewhere|/revert CalldataOffset(3)/d
a proof anywhere|check_V13_proof_elsewhere|/revert CalldataOffset(4)/d
LIST
}

run_check() { halmos "$root/contracts" check_V13_ --statistics; }

run_break() {
  local copy="$work/broken" log="$work/broken.log" name checks change found=0
  while IFS='|' read -r name checks change; do
    rm -rf "$copy"
    mkdir -p "$copy/src"
    cp -r "$root/contracts/foundry.toml" "$root/contracts/symbolic" "$copy"
    cp "$root/contracts/src/IModelVerifier.sol" "$copy/src"
    sed "$change" "$root/contracts/src/ModelVerifier.sol" >"$copy/src/ModelVerifier.sol"
    ! cmp -s "$root/contracts/src/ModelVerifier.sol" "$copy/src/ModelVerifier.sol" || die "mistake \"$name\" changes nothing: has the leaf changed?"
    if (export FOUNDRY_OUT="$copy/out" FOUNDRY_CACHE_PATH="$copy/cache"; halmos "$copy" "$checks" --early-exit) >"$log" 2>&1; then
      die "mistake \"$name\" is not noticed (copy in $copy)"
    fi
    grep -q 'Counterexample' "$log" || { cat "$log" >&2; die "mistake \"$name\": no counterexample"; }
    printf 'found: %s\n' "$name"
    found=$((found + 1))
  done < <(mistakes)
  printf '%d mistakes, a counterexample for each\n' "$found"
}

(($#)) || set -- check break
for command in "$@"; do
  [[ "$command" == check || "$command" == break ]] || { sed -n '2,5p' "${BASH_SOURCE[0]}" >&2; exit 2; }
done
install_halmos
"$here/tools/install.sh"
# shellcheck source=scripts/tools/env.sh
source "$here/tools/env.sh"
PATH="$venv/bin:$(dirname "$FORGE"):$PATH"
export PATH FOUNDRY_PROFILE=symbolic
for command in "$@"; do "run_$command"; done
