#!/usr/bin/env bash
# Puts a model's verifier, the registry and the oracle on a chain and writes deployments/<chain-id>.json. Run again it changes
# nothing. Without --broadcast it only says what it would do.
#
#   HALOCAST_RPC_URL=http://127.0.0.1:8545 HALOCAST_PRIVATE_KEY=0x… scripts/deploy.sh BUNDLE [--broadcast] [more of `halocast deploy`]
#
# The key may also come from a keystore: --keystore FILE --password-file FILE.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

if [[ $# -lt 1 || "$1" == -h || "$1" == --help ]]; then
  sed -n '2,8p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//' >&2
  exit 2
fi
: "${HALOCAST_RPC_URL:?set it to the HTTP endpoint of a node}"

"$root/scripts/tools/install.sh"
# shellcheck source=scripts/tools/env.sh
source "$root/scripts/tools/env.sh"
halocast="${HALOCAST:-$root/target/release/halocast}"
[[ -x "$halocast" ]] || cargo build --release --locked --quiet --manifest-path "$root/Cargo.toml" -p halocast-cli
bundle="$(realpath "$1")"
shift
# The record's default place is deployments/ of the checkout.
cd "$root"
exec "$halocast" deploy "$bundle" "$@"
