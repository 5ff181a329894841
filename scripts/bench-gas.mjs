// bench-gas.mjs RPC WORK FIXTURE…: see bench-gas.sh.
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';

const root = path.resolve(import.meta.dirname, '..');
const [rpc, work, ...fixtures] = process.argv.slice(2);
const LEGACY = { optimizer: { enabled: true, runs: 1_000_000 }, viaIR: false };
const IR = { ...LEGACY, viaIR: true };
const SNARK_VERIFIER = 'snark-verifier 0.2.7 (legacy, optimizer off)';
const UNOPTIMIZED = { optimizer: { enabled: false }, viaIR: false };

function compile(file, contract, settings) {
  const input = {
    language: 'Solidity',
    sources: { 'V.sol': { content: fs.readFileSync(file, 'utf8') } },
    settings: {
      ...settings,
      evmVersion: 'prague',
      metadata: { bytecodeHash: 'none', appendCBOR: false },
      outputSelection: { '*': { '*': ['evm.bytecode.object'] } },
    },
  };
  const solc = process.env.FOUNDRY_SOLC;
  const run = spawnSync(solc, ['--standard-json'], { input: JSON.stringify(input), maxBuffer: 1 << 28 });
  const answer = JSON.parse(run.stdout.toString());
  const error = answer.errors?.find((e) => e.severity === 'error');
  if (error) throw new Error(`${file}: ${error.formattedMessage}`);
  return '0x' + answer.contracts['V.sol'][contract].evm.bytecode.object;
}

let id = 0;
async function call(method, ...params) {
  const body = JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params });
  const response = await fetch(rpc, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const { result, error } = await response.json();
  if (error) throw new Error(`${method}: ${error.message}`);
  return result;
}

async function ready() {
  for (let tries = 0; tries < 100; ++tries) {
    try {
      return await call('eth_accounts');
    } catch {
      await new Promise((done) => setTimeout(done, 100));
    }
  }
  throw new Error('anvil does not answer');
}

const [from] = await ready();

async function send(to, data) {
  const gas = '0x3000000';
  const hash = await call('eth_sendTransaction', { from, ...(to && { to }), data, gas });
  for (;;) {
    const receipt = await call('eth_getTransactionReceipt', hash);
    if (receipt) return receipt;
    await new Promise((done) => setTimeout(done, 20));
  }
}

async function deploy(code) {
  const receipt = await send(null, code);
  if (receipt.status !== '0x1') throw new Error('deployment failed');
  const size = (await call('eth_getCode', receipt.contractAddress, 'latest')).length / 2 - 1;
  return { address: receipt.contractAddress, size, deployGas: Number(receipt.gasUsed) };
}

/** What a transaction costs before its first instruction. */
function intrinsic(data) {
  let gas = 21_000;
  for (const byte of Buffer.from(data.slice(2), 'hex')) gas += byte ? 16 : 4;
  return gas;
}

async function measure(verifier, data, more = {}) {
  const receipt = await send(verifier.address, data);
  if (receipt.status !== '0x1') throw new Error('refuses the proof');
  const total = Number(receipt.gasUsed);
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
  const built = (file, settings) => deploy(compile(path.join(dir, file), 'Halo2Verifier', settings));
  await row(SNARK_VERIFIER, async () =>
    measure(await deploy(compile(path.join(work, `${path.basename(fixture)}.Baseline.sol`), 'Halo2Verifier', UNOPTIMIZED)), data),
  );
  for (const [pipeline, settings, id] of [['legacy', LEGACY, 'legacy'], ['via-IR', IR, 'ir']]) {
    await row(`ours, monolithic, ${pipeline}`, async () => measure(await built('Monolithic.sol', settings), data, { id: `monolithic-${id}` }));
    await row(`ours, split, ${pipeline}`, async () => {
      const verifier = await built('Split.sol', settings);
      const key = await deploy(compile(path.join(dir, 'Key.sol'), 'Halo2VerifyingKey', settings));
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
