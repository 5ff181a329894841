#!/usr/bin/env bash
# The generated contracts against stored proofs: verifier-tests.sh [quick|full|mutants|size]…
#   quick    both back ends by both pipelines of the compiler (default), 10,000 flipped bits in all
#   full     the same with 40,000 flipped bits, other ones each time; VERIFIER_SEED=… for those of an earlier run
#   mutants  each line `// CHECK: name` removed in turn, or a part of one: the suite must notice
#   size     bytes of code of each contract
# The native side of the same fixtures: cargo test -p halocast-verifier-gen.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
"$here/tools/install.sh"
# shellcheck source=scripts/tools/env.sh
source "$here/tools/env.sh"
cd "$HALOCAST_ROOT/verifier-gen"

# $1 = bits flipped by each of two tests, $2 = seed of the first pipeline; the second has the next one.
both() {
  local profile seed="$2"
  for profile in default ir; do
    echo "profile $profile, flipped bits: seed $seed, 2 × $1"
    FOUNDRY_PROFILE=$profile VERIFIER_FLIPS=$1 VERIFIER_SEED=$seed "$FORGE" test
    seed=$((seed + 1))
  done
}

sizes() {
  local profile
  for profile in default ir; do
    echo "== $profile"
    FOUNDRY_PROFILE=$profile "$FORGE" build --quiet --force
    node - "../target/verifier-forge/out$([[ $profile == ir ]] && echo -ir || true)" <<'JS'
const fs = require('fs'), path = require('path');
for (const dir of fs.readdirSync(process.argv[2])) {
  if (!/^(Monolithic|Split|Key)\.sol$|^(Monolithic|Split|Key)/.test(dir)) continue;
  for (const file of fs.readdirSync(path.join(process.argv[2], dir))) {
    const { deployedBytecode, metadata, ast } = JSON.parse(fs.readFileSync(path.join(process.argv[2], dir, file)));
    console.log(dir, file, deployedBytecode.object.length / 2 - 1);
  }
}
JS
  done
}

(($#)) || set -- quick
for command in "$@"; do
  case "$command" in
    quick) both 2500 "${VERIFIER_SEED:-1}" ;;
    full) both 10000 "${VERIFIER_SEED:-$((RANDOM << 30 | RANDOM << 15 | RANDOM))}" ;;
    mutants) node "$here/verifier-mutants.mjs" && FOUNDRY_PROFILE=mutants "$FORGE" test ;;
    size) sizes ;;
    *)
      sed -n '2,6p' "${BASH_SOURCE[0]}" >&2
      exit 2
      ;;
  esac
done
