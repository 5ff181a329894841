#!/usr/bin/env node
// Makes a fixture for RealHarness: node contracts/testing/make-fixture.mjs VERIFIER_DIR OUT.json name=PROOF.json…
//   VERIFIER_DIR  what `halocast verifier BUNDLE --out DIR` wrote
//   name          request, second, pull, optimistic: which context the proof was made for (contracts/testing/HalocastTest.sol says which)
// Compiles the verifier by the legacy pipeline, optimizer on (a deployment compiles via-IR), with $FOUNDRY_SOLC or scripts/tools/solc.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const [dir, out, ...named] = process.argv.slice(2);
if (!dir || !out || named.length === 0) {
  console.error('usage: make-fixture.mjs VERIFIER_DIR OUT.json name=PROOF.json…');
  process.exit(2);
}
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const solc = process.env.FOUNDRY_SOLC || path.join(root, 'scripts/tools/solc');
const input = {
  language: 'Solidity',
  sources: { 'Verifier.sol': { content: readFileSync(path.join(dir, 'Halo2Verifier.sol'), 'utf8') } },
  settings: {
    optimizer: { enabled: true, runs: 1_000_000 },
    evmVersion: 'prague',
    metadata: { bytecodeHash: 'none', appendCBOR: false },
    outputSelection: { '*': { '*': ['evm.bytecode.object'] } },
  },
};
const answer = JSON.parse(execFileSync(solc, ['--standard-json'], { input: JSON.stringify(input), maxBuffer: 1 << 28 }));
const errors = (answer.errors ?? []).filter((e) => e.severity === 'error');
if (errors.length) throw new Error(errors[0].formattedMessage);

const meta = JSON.parse(readFileSync(path.join(dir, 'Halo2Verifier.json'), 'utf8'));
const proofs = {};
let statement;
for (const pair of named) {
  const [name, file] = pair.split('=');
  const proof = JSON.parse(readFileSync(file, 'utf8'));
  if (proof.kind !== 'evm') throw new Error(`${file}: kind ${proof.kind}, wanted evm`);
  if (proof.model !== meta.model) throw new Error(`${file}: model ${proof.model}, the verifier is for ${meta.model}`);
  const same = { inputs: proof.inputs, outputs: proof.outputs };
  statement ??= same;
  if (JSON.stringify(same) !== JSON.stringify(statement)) throw new Error(`${file}: other inputs or outputs than the first proof`);
  const limbs = proof.instances.slice(0, 12).map((w) => w.slice(2)).join('');
  proofs[name] = { context: proof.context, blob: `0x${limbs}${proof.proof.slice(2)}` };
}
const fixture = {
  modelId: meta.model,
  vkDigest: meta.vk_digest,
  insecureSrs: meta.insecure_srs,
  ...statement,
  proofs,
  rawVerifier: `0x${answer.contracts['Verifier.sol'].Halo2Verifier.evm.bytecode.object}`,
};
writeFileSync(out, `${JSON.stringify(fixture, null, 1)}\n`);
