#!/usr/bin/env node
// Runs Slither over contracts/ and compares its findings with contracts/slither.md, in which each is answered: a finding without an
// answer fails, and so does an answer without a finding. Not part of `make lint`: Slither comes from PyPI (pip install slither-analyzer==0.11.6).
//   slither.mjs [--list]     --list prints the keys of all findings
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const contracts = path.join(root, 'contracts');
const slither = process.env.SLITHER || 'slither';
const solc = process.env.FOUNDRY_SOLC || path.join(root, 'scripts/tools/solc');
const files = ['InferenceOracle', 'ModelRegistry', 'VerifierRouter', 'RoutedVerifier', 'OptimisticOracle', 'ModelVerifier', 'BatchVerifier',
  'adapters/ERC7992Adapter', 'adapters/ERC8274Adapter', 'adapters/ValueVerifier', 'examples/AskTinyGemma', 'examples/CompareTexts', 'examples/ProofGate'];

// One file that imports them all: one compilation.
const cache = path.join(contracts, 'cache');
mkdirSync(cache, { recursive: true });
const all = path.join(cache, 'SlitherAll.sol');
const json = path.join(cache, 'slither.json');
writeFileSync(all, `pragma solidity 0.8.37;\n${files.map((f) => `import "../src/${f}.sol";`).join('\n')}\n`);
rmSync(json, { force: true });
// Slither asks forge for the project's settings, whatever compiles.
const forge = process.env.FORGE || path.join(root, 'node_modules/@foundry-rs/forge-linux-amd64/bin/forge');
const env = { ...process.env, PATH: `${path.dirname(forge)}:${process.env.PATH}` };
const run = spawnSync(slither, ['cache/SlitherAll.sol', '--compile-force-framework', 'solc', '--solc', solc, '--solc-args', '--optimize --evm-version prague',
  '--solc-remaps', `@openzeppelin/contracts/=${root}/node_modules/@openzeppelin/contracts/`, '--filter-paths', 'node_modules',
  '--exclude-informational', '--exclude-optimization', '--json', json, '--fail-none'], { cwd: contracts, encoding: 'utf8', maxBuffer: 1 << 28, env });
let report;
try {
  report = JSON.parse(readFileSync(json, 'utf8'));
} catch {
  console.error(run.stderr || run.error);
  console.error('slither did not finish');
  process.exit(2);
}
rmSync(all);
rmSync(json);
const found = new Map();
for (const d of report.results.detectors ?? []) {
  const where = (d.elements ?? []).find((e) => e.type === 'function' || e.type === 'variable' || e.type === 'contract') ?? {};
  const parent = where.type_specific_fields?.parent?.name;
  const key = `${d.check} ${parent && parent !== where.name ? `${parent}.` : ''}${where.name ?? '?'}`;
  found.set(key, `${d.impact}: ${d.description.split('\n')[0]}`);
}
if (process.argv.includes('--list')) {
  for (const key of [...found.keys()].sort()) console.log(`${key} | ${found.get(key)}`);
  process.exit(0);
}
const answered = new Set([...readFileSync(path.join(contracts, 'slither.md'), 'utf8').matchAll(/^\| `([^`]+)` \|/gm)].map((m) => m[1]));
const open = [...found.keys()].filter((k) => !answered.has(k));
const gone = [...answered].filter((k) => !found.has(k));
for (const key of open) console.error(`not answered: ${key} — ${found.get(key)}`);
for (const key of gone) console.error(`answered, but not found any more: ${key}`);
console.log(`${found.size} findings, ${found.size - open.length} answered`);
process.exit(open.length || gone.length ? 1 : 0);
