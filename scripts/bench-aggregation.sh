#!/usr/bin/env bash
# What aggregation costs, our chip and halo2-ecc's side by side in one run: key and proof for n proofs with the columns of the
# layer circuit. The stock circuit of six proofs takes ten minutes and 20 GiB; the numbers of proofs are arguments (3 and 6).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tests=(cargo test --release --locked --quiet --workspace)
"${tests[@]}" --no-run
for proofs in "${@:-3 6}"; do
  for n in $proofs; do
    for chip in stock wide; do
      echo "== $n proofs, $chip chip"
      AGG_PROOFS="$n" AGG_CHIP="$chip" "${tests[@]}" --lib measure_aggregation -- --ignored --nocapture |
        grep -E ' CPU s|^k |points'
    done
  done
done
