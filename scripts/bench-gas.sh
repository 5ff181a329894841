#!/usr/bin/env bash
# The generated verifier beside snark-verifier's, in one run: gas of a verification on anvil (Prague) and bytes of code.
# bench-gas.sh [FIXTURE…]   stored keys of verifier-gen/tests/fixtures; default: three-layers. Writes target/bench/verifier.json.
# BENCH_CHECK=1 compares our gas with docs/verifier-gas.json and fails if it is more than 2 % off; BLESS=1 writes it (all fixtures).
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
"$here/tools/install.sh"
# shellcheck source=scripts/tools/env.sh
source "$here/tools/env.sh"
cd "$HALOCAST_ROOT"
(($#)) || set -- three-layers
work="$HALOCAST_ROOT/target/bench/verifier"
mkdir -p "$work"
for fixture in "$@"; do
  "${CARGO:-cargo}" run --release --quiet -p halocast-verifier-gen --example baseline -- \
    "verifier-gen/tests/fixtures/$fixture.vk" >"$work/$fixture.Baseline.sol"
done
port=$((20000 + RANDOM % 20000))
"$ANVIL" --port "$port" --hardfork prague --code-size-limit 100000 --gas-limit 1000000000 >"$work/anvil.log" 2>&1 &
anvil=$!
trap 'kill "$anvil" 2>/dev/null || true' EXIT
node "$here/bench-gas.mjs" "http://127.0.0.1:$port" "$work" "$@"
