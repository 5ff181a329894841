#!/usr/bin/env bash
# Installs the pinned EVM tools and Solidity libraries into node_modules/. Quiet; does nothing when the lock file has not changed.
# Nothing is taken from outside the npm registry and no package script runs.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
stamp="$root/node_modules/.halocast-lock.sha256"

die() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }

command -v node >/dev/null || die 'Node >= 20 is needed (node is not on PATH)'
command -v npm >/dev/null || die 'npm is needed (it comes with Node >= 20)'
[[ "$(node -p 'Number(process.versions.node.split(".")[0]) >= 20')" == true ]] || die "Node >= 20 is needed, found $(node --version)"

want="$(cat "$root/package.json" "$root/package-lock.json" | sha256sum | cut -d' ' -f1)"

installed() { [[ -f "$stamp" && "$(cat "$stamp")" == "$want" && -f "$root/node_modules/solc/soljson.js" ]]; }

if ! installed; then
  mkdir -p "$root/node_modules"
  # One at a time: `make` may start several targets that each want the tools.
  exec 9<"$root/package-lock.json"
  if command -v flock >/dev/null; then flock 9; fi
  if ! installed; then
    log="$(mktemp)"
    if ! (cd "$root" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >"$log" 2>&1); then
      cat "$log" >&2
      rm -f "$log"
      die 'npm ci failed (its output is above)'
    fi
    rm -f "$log"
    printf '%s\n' "$want" >"$stamp.$$"
    mv "$stamp.$$" "$stamp"
  fi
  exec 9<&-
fi

# shellcheck source=scripts/tools/env.sh
source "$root/scripts/tools/env.sh"
for tool in "$ANVIL" "$FORGE" "$CAST" "$FOUNDRY_SOLC"; do
  [[ -x "$tool" ]] || die "$tool is missing or not executable; on another system than linux-amd64 put anvil, forge and cast >= 1.7 on PATH"
done
