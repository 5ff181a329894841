// gas.mjs WORK: what a verification costs on a private chain (anvil, Prague), EZKL's contract and ours for the proofs below
// WORK/{ezkl,halocast-all}. Prints JSON. Needs ANVIL and FOUNDRY_SOLC (scripts/tools/env.sh).
import fs from 'node:fs';
import path from 'node:path';
import { spawn, spawnSync } from 'node:child_process';

const work = process.argv[2];
const SETTINGS = {
  'via-IR, runs 1,000,000': { optimizer: { enabled: true, runs: 1_000_000 }, viaIR: true },
  'legacy, runs 1,000,000': { optimizer: { enabled: true, runs: 1_000_000 }, viaIR: false },
  // What EZKL's own deployment asks for.
  'legacy, runs 1': { optimizer: { enabled: true, runs: 1 }, viaIR: false },
  'not optimized': { optimizer: { enabled: false }, viaIR: false },
};

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
  const run = spawnSync(process.env.FOUNDRY_SOLC, ['--standard-json'], { input: JSON.stringify(input), maxBuffer: 1 << 28 });
  if (run.error || run.status !== 0) throw new Error(`solc: ${run.error?.message ?? run.stderr}`);
  const answer = JSON.parse(run.stdout.toString());
  const error = answer.errors?.find((e) => e.severity === 'error');
  if (error) throw new Error(error.formattedMessage.split('\n')[0]);
  const found = answer.contracts['V.sol'][contract];
  if (!found) throw new Error(`no contract ${contract}, only ${Object.keys(answer.contracts['V.sol'])}`);
  return '0x' + found.evm.bytecode.object;
}

/** A chain of our own on a free port, which anvil names when it is up. */
async function chain() {
  const child = spawn(process.env.ANVIL, ['--port', '0', '--hardfork', 'prague', '--code-size-limit', '100000', '--gas-limit', '1000000000']);
  child.on('error', (error) => {
    console.error(`anvil (${process.env.ANVIL}): ${error.message}`);
    process.exit(1);
  });
  let said = '';
  for await (const chunk of child.stdout) {
    said += chunk;
    const at = said.match(/Listening on ([\d.]+:\d+)/);
    if (at) return { rpc: `http://${at[1]}`, stop: () => child.kill() };
  }
  throw new Error(`anvil ended: ${said.slice(-300)}`);
}

const anvil = await chain();
let id = 0;
async function call(method, ...params) {
  const body = JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params });
  const response = await fetch(anvil.rpc, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const { result, error } = await response.json();
  if (error) throw new Error(`${method}: ${error.message}`);
  return result;
}

const [from] = await call('eth_accounts');

async function send(to, data) {
  const hash = await call('eth_sendTransaction', { from, ...(to && { to }), data, gas: '0x3000000' });
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
  return { address: receipt.contractAddress, size };
}

const hex = (bytes) => '0x' + Buffer.from(bytes).toString('hex');
const plain = (text) => text.slice(2);

/** A call that succeeds, and one with a byte of the proof changed that must not: a contract that takes everything is cheap. */
async function measure(verifier, data, changed) {
  const accepts = async (d) => {
    try {
      const answer = await call('eth_call', { from, to: verifier.address, data: d, gas: '0x3000000' }, 'latest');
      return answer === '0x' || BigInt(answer) === 1n;
    } catch {
      return false;
    }
  };
  if (!(await accepts(data))) throw new Error('refuses the proof');
  if (await accepts(changed)) throw new Error('takes a changed proof');
  const receipt = await send(verifier.address, data);
  if (receipt.status !== '0x1') throw new Error('refuses the proof');
  const bytes = Buffer.from(plain(data), 'hex');
  const intrinsic = bytes.reduce((gas, byte) => gas + (byte ? 16 : 4), 21_000);
  const gas = Number(receipt.gasUsed);
  return { gas, execution: gas - intrinsic, calldata_bytes: bytes.length, code_bytes: verifier.size };
}

/** The hex text with the byte at this offset changed. */
function flip(data, at) {
  const bytes = Buffer.from(plain(data), 'hex');
  bytes[at] ^= 1;
  return hex(bytes);
}

async function ours(dir) {
  const proof = JSON.parse(fs.readFileSync(path.join(dir, 'proof.json')));
  const { recommended } = JSON.parse(fs.readFileSync(path.join(dir, 'contract/Halo2Verifier.json')));
  const data = '0x' + proof.instances.map(plain).join('') + plain(proof.proof);
  const settings = SETTINGS['via-IR, runs 1,000,000'];
  const built = (file, name) => deploy(compile(path.join(dir, 'contract', file), name, settings));
  const answers = {};
  for (const layout of ['monolithic', 'split']) {
    try {
      let [file, call] = ['Halo2Verifier.sol', data];
      if (layout === 'split') {
        const key = await built('split/Halo2VerifyingKey.sol', 'Halo2VerifyingKey');
        [file, call] = ['split/Halo2Verifier.sol', '0x' + plain(key.address).padStart(64, '0') + plain(data)];
      }
      const verifier = await built(file, 'Halo2Verifier');
      answers[layout] = await measure(verifier, call, flip(call, plain(call).length / 2 - 40));
    } catch (error) {
      answers[layout] = { failed: error.message };
    }
  }
  return { recommended, answers };
}

async function ezkl(dir) {
  const data = hex(fs.readFileSync(path.join(dir, 'calldata.bin')));
  const proof = plain(JSON.parse(fs.readFileSync(path.join(dir, 'proof.json'))).hex_proof);
  const at = plain(data).indexOf(proof) / 2;
  if (at < 0) throw new Error("EZKL's call data does not hold its proof");
  const answers = {};
  for (const [name, settings] of Object.entries(SETTINGS)) {
    try {
      const verifier = await deploy(compile(path.join(dir, 'verifier.sol'), 'Halo2Verifier', settings));
      answers[name] = await measure(verifier, data, flip(data, at + proof.length / 2 - 40));
    } catch (error) {
      answers[name] = { failed: error.message };
    }
  }
  return { answers };
}

/** The cheapest that a chain of today takes, code size included; the cheapest at all if none. */
function best({ recommended, answers }) {
  const fine = Object.entries(answers).filter(([, a]) => a.gas).sort(([, a], [, b]) => a.gas - b.gas);
  const [name, least] = fine.find(([, a]) => a.code_bytes <= 24_576) ?? fine[0] ?? [];
  return { ...(least ? { way: name, ...least } : { failed: Object.values(answers)[0]?.failed }), recommended, all: answers };
}

const report = {};
for (const [side, made] of [['ezkl', ezkl], ['halocast-all', ours]]) {
  const dir = path.join(work, side);
  if (!fs.existsSync(path.join(dir, 'proof.json'))) continue;
  try {
    report[side] = best(await made(dir));
  } catch (error) {
    report[side] = { failed: error.message };
  }
}
console.log(JSON.stringify(report));
anvil.stop();
