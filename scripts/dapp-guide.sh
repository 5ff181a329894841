#!/usr/bin/env bash
# Runs section 3 of docs/dapp-guide.md as it stands, block by block, in a fresh clone: dapp-guide.sh [HALOCAST]
#   HALOCAST  the built binary; target/release/halocast if not given
# Ends with exit code 0 when the chain says "Paris". Port 8545 must be free.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
binary="$(realpath "${1:-$root/target/release/halocast}")"
work="$(mktemp -d)"
running=()
finish() {
  for pid in "${running[@]}"; do kill -- "-$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

# What is committed, the built binary, the tools.
git clone --quiet "$root" "$work/halocast"
cd "$work/halocast"
mkdir -p target/release && cp "$binary" target/release/halocast
scripts/tools/install.sh

# Block number $1 of section 3.
block() {
  awk -v wanted="$1" '/^## /{inside = /^## 3\./} inside && /^```sh/{n++; on = 1; next} /^```/{on = 0} on && n == wanted' docs/dapp-guide.md
}

# A terminal of its own, in the background, in its own process group.
terminal() {
  set -m
  bash -c "set -eu; $(block "$1")" >"$work/$2.log" 2>&1 &
  running+=("$!")
  set +m
}

terminal 1 chain
for _ in {1..100}; do
  if (exec 3<>/dev/tcp/127.0.0.1/8545) 2>/dev/null; then break; fi
  sleep 0.1
done
eval "$(block 2)"
terminal 3 relayer
for ((seconds = 0; seconds < ${GUIDE_SECONDS:-1800}; seconds += 5)); do
  answer="$(eval "$(block 4)")"
  if [[ "$answer" == '"Paris"' ]]; then
    echo "the chain says $answer"
    exit 0
  fi
  if ! kill -0 "${running[1]}" 2>/dev/null; then break; fi
  sleep 5
done
echo "no answer; the relayer said:" >&2
tail -n 20 "$work/relayer.log" >&2
exit 1
