#!/usr/bin/env bash
# What it costs to make one proof for the chain of n layer proofs, side by side in one run: keys, proofs, peak memory, gas and
# code of the contract.
#   bench-aggregation.sh [N…]     numbers of layer proofs, 6 by default; the stock circuit of six takes ten minutes and 20 GiB
#   BENCH_WAYS="direct wrap"      only some of the ways (see `ways`)
# Writes target/bench/aggregation.json and .md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/tools/install.sh
# shellcheck source=scripts/tools/env.sh
source scripts/tools/env.sh

declare -A ways=(
  [stock]='AGG_CHIP=stock'
  [direct]=''
  [direct-gas]='AGG_OBJECTIVE=gas'
  [wrap]='AGG_FOLD=%n AGG_OBJECTIVE=gas'
  [wrap-stock]='AGG_FOLD=%n AGG_CHIP=stock'
)
order="${BENCH_WAYS:-stock direct direct-gas wrap-stock wrap}"
target="${CARGO_TARGET_DIR:-target}"
work=target/bench/aggregation
rm -rf "$work" && mkdir -p "$work"
cargo build --release --locked --quiet --workspace --all-targets
# A copy, so that nothing changes while the run goes on.
built=$(cargo test --release --locked --workspace --lib --no-run 2>&1 | grep -o '[^ (]*deps/halocast_prover-[0-9a-f]*')
cp "$built" "$work/measure"
cp "$target"/release/examples/{baseline,ours} "$work"

for n in "${@:-6}"; do
  for way in $order; do
    dir="$PWD/$work/$way-$n"
    mkdir -p "$dir"
    echo "== $n layer proofs, $way"
    read -ra settings <<<"${ways[$way]//%n/$n}"
    env AGG_PROOFS="$n" AGG_OUT="$dir" ${settings[@]+"${settings[@]}"} "$work/measure" measure_aggregation --ignored --nocapture |
      grep -E ' CPU s|^k |points' | tee "$dir/log"
    rm -f "$dir/key"
    "$work/baseline" "$dir/vk.bin" >"$work/$way-$n.Baseline.sol"
    "$work/ours" "$dir/vk.bin" "$dir" || echo "$way: no contract of ours" | tee -a "$dir/log"
  done
done

port=$((20000 + RANDOM % 20000))
"$ANVIL" --port "$port" --hardfork prague --code-size-limit 100000 --gas-limit 1000000000 >"$work/anvil.log" 2>&1 &
anvil=$!
trap 'kill "$anvil" 2>/dev/null || true' EXIT
node scripts/bench-gas.mjs "http://127.0.0.1:$port" "$work" "$PWD/$work"/*/
node scripts/bench-aggregation.mjs "$work"
