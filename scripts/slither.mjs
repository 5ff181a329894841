#!/usr/bin/env node
// Runs Slither over contracts/ and compares its findings with contracts/slither.md, in which each is answered: a finding without an
// answer fails, and so does an answer without a finding. Not part of `make lint`: Slither comes from PyPI (pip install slither-analyzer==0.11.6).
//   slither.mjs [--list]     --list prints the keys of all findings
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const contracts = path.join(root, 'contracts');
const work = mkdtempSync(path.join(tmpdir(), 'slither-'));
const slither = process.env.SLITHER || 'slither';
const json = path.join(work, 'out.json');
// Its own compilation by the legacy pipeline: Slither reads syntax trees, not code.
const solc = process.env.FOUNDRY_SOLC || path.join(root, 'scripts/tools/solc');
const remap = `@openzeppelin/contracts/=${root}/node_modules/@openzeppelin/contracts/`;
const files = ['InferenceOracle', 'ModelRegistry', 'VerifierRouter', 'RoutedVerifier', 'OptimisticOracle', 'ModelVerifier',
  'adapters/ERC7992Adapter', 'adapters/ERC8274Adapter', 'examples/AskTinyGemma', 'examples/ProofGate'];
const found = new Map();
for (const file of files) {
  rmSync(json, { force: true });
  const args = [`src/${file}.sol`, '--solc', solc, '--solc-remaps', remap, '--solc-args', `--base-path ${contracts} --include-path ${root}/node_modules --allow-paths ${root}`,
    '--filter-paths', 'node_modules', '--exclude-informational', '--exclude-optimization', '--json', json, '--fail-none'];
  const run = spawnSync(slither, args, { cwd: contracts, encoding: 'utf8', maxBuffer: 1 << 28 });
  let report;
  try {
    report = JSON.parse(readFileSync(json, 'utf8'));
  } catch {
    console.error(run.stderr || run.error);
    console.error(`slither did not finish on src/${file}.sol`);
    process.exit(2);
  }
  for (const d of report.results.detectors ?? []) {
    const where = (d.elements ?? []).find((e) => e.type === 'function' || e.type === 'variable' || e.type === 'contract') ?? {};
    const parent = where.type_specific_fields?.parent?.name;
    const key = `${d.check} ${parent && parent !== where.name ? `${parent}.` : ''}${where.name ?? '?'}`;
    found.set(key, `${d.impact}: ${d.description.split('\n')[0]}`);
  }
}
rmSync(work, { recursive: true, force: true });
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
