// bench-gas.mjs RPC WORK FIXTURE…: see bench-gas.sh.
import fs from 'node:fs';
import path from 'node:path';
import { Chain, IR, LEGACY, compile, intrinsic, root } from './bench-chain.mjs';
import { fulfilment } from './bench-fulfil.mjs';

const [rpc, work, ...fixtures] = process.argv.slice(2);
const SNARK_VERIFIER = 'snark-verifier 0.2.7 (legacy, optimizer off)';
/** Real models of three input and three output words. */
const FULFILLED = ['three-layers', 'six-layers'];
const UNOPTIMIZED = { optimizer: { enabled: false }, viaIR: false };

const chain = await Chain.connect(rpc);

async function measure(verifier, data, more = {}) {
  const total = await chain.spend(verifier.address, data);
  return { execution: total - intrinsic(data), transaction: total, code: verifier.size, deployGas: verifier.deployGas, ...more };
}

async function bench(fixture) {
  // A directory outside of the fixtures is taken as it is.
  const dir = path.resolve(root, 'verifier-gen/tests/fixtures', fixture);
  const data = '0x' + fs.readFileSync(path.join(dir, 'calldata.bin')).toString('hex');
  const rows = [];
  // A contract that does not compile or is too large for a chain is an answer as well.
  const row = async (name, made) => {
    try {
      rows.push({ name, ...(await made()) });
    } catch (error) {
      rows.push({ name, failed: error.message.split('\n')[0] });
    }
  };
  const built = (file, settings) => chain.deploy(compile(path.join(dir, file), 'Halo2Verifier', settings));
  await row(SNARK_VERIFIER, async () =>
    measure(await chain.deploy(compile(path.join(work, `${path.basename(fixture)}.Baseline.sol`), 'Halo2Verifier', UNOPTIMIZED)), data),
  );
  for (const [pipeline, settings, id] of [['legacy', LEGACY, 'legacy'], ['via-IR', IR, 'ir']]) {
    await row(`ours, monolithic, ${pipeline}`, async () => measure(await built('Monolithic.sol', settings), data, { id: `monolithic-${id}` }));
    await row(`ours, split, ${pipeline}`, async () => {
      const verifier = await built('Split.sol', settings);
      const key = await chain.deploy(compile(path.join(dir, 'Key.sol'), 'Halo2VerifyingKey', settings));
      const prefixed = '0x' + key.address.slice(2).padStart(64, '0') + data.slice(2);
      return measure(verifier, prefixed, { id: `split-${id}`, key: key.size, keyDeployGas: key.deployGas });
    });
  }
  const base = rows[0].execution;
  for (const r of rows) if (base && r.execution) r.ratio = +(r.execution / base).toFixed(3);
  return rows;
}

const report = {};
for (const fixture of fixtures) {
  report[fixture] = await bench(fixture);
  console.log(`\n${fixture}\n| verifier | execution gas | ratio | whole transaction | code bytes | key bytes |\n|---|---|---|---|---|---|`);
  for (const r of report[fixture]) {
    const n = (x) => (x === undefined ? '' : x.toLocaleString('en'));
    console.log(r.failed ? `| ${r.name} | ${r.failed} | | | | |` : `| ${r.name} | ${n(r.execution)} | ${n(r.ratio)} | ${n(r.transaction)} | ${n(r.code)} | ${n(r.key)} |`);
  }
}
for (const fixture of fixtures.filter((f) => FULFILLED.includes(f))) {
  const made = await fulfilment(chain, fixture);
  report[fixture].push({ name: 'fulfill, a whole transaction', ...made });
  console.log(`\n${fixture}: fulfill through oracle, leaf and verifier, 3 output words stored, a payee not seen before`);
  for (const [what, gas] of Object.entries(made)) console.log(`  ${what}: ${gas.toLocaleString('en')} gas`);
}
fs.writeFileSync(path.join(work, '..', 'verifier.json'), JSON.stringify(report, null, 1) + '\n');
const stored = path.join(root, 'docs/verifier-gas.json');
const gas = Object.fromEntries(fixtures.map((f) => [f, Object.fromEntries(report[f].filter((r) => r.id).map((r) => [r.id, r.execution]))]));
if (process.env.BLESS) fs.writeFileSync(stored, JSON.stringify(gas, null, 1) + '\n');
if (process.env.BENCH_CHECK) {
  const old = JSON.parse(fs.readFileSync(stored, 'utf8'));
  for (const f of fixtures) {
    for (const [name, before] of Object.entries(old[f] ?? {})) {
      const now = gas[f][name];
      if (!now || Math.abs(now - before) > 0.02 * before) throw new Error(`${f}, ${name}: ${now} gas, stored ${before}`);
    }
  }
}
