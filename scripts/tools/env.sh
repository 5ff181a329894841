# Source me (bash): exports absolute paths of the EVM tools, and HALOCAST_ROOT.
#   ANVIL FORGE CAST     a tool already named by the variable, else the user's own on PATH if it is >= 1.7, else the pinned npm one
#   FOUNDRY_SOLC         the pinned Solidity compiler (scripts/tools/solc)
# It installs nothing: scripts/tools/install.sh does. Look-ups are cheap (one --version for each tool found on PATH).
HALOCAST_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
export HALOCAST_ROOT

# $1 = tool, prints the path to use. PATH entries inside node_modules are skipped: those are wrappers of the npm packages.
_halocast_tool() {
  local found line major minor
  found="$(command -v "$1" 2>/dev/null || true)"
  if [[ "$found" == /* && "$found" != */node_modules/* ]]; then
    line="$("$found" --version 2>/dev/null | head -n 1)" || line=''
    if [[ "$line" =~ ([0-9]+)\.([0-9]+)\.[0-9]+ ]]; then
      major="${BASH_REMATCH[1]}" minor="${BASH_REMATCH[2]}"
      if ((major > 1 || (major == 1 && minor >= 7))); then
        printf '%s\n' "$found"
        return
      fi
    fi
  fi
  printf '%s\n' "$HALOCAST_ROOT/node_modules/@foundry-rs/$1-linux-amd64/bin/$1"
}

export ANVIL="${ANVIL:-$(_halocast_tool anvil)}"
export FORGE="${FORGE:-$(_halocast_tool forge)}"
export CAST="${CAST:-$(_halocast_tool cast)}"
export FOUNDRY_SOLC="${FOUNDRY_SOLC:-$HALOCAST_ROOT/scripts/tools/solc}"
unset TARGET_TOOL # set by the npm wrappers; inherited, it makes `cast` start another tool
unset -f _halocast_tool
