// What the gas benches share: the pinned compiler, a local chain, calls by signature. cast and the compiler are named by the environment (tools/env.sh).
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';

export const root = path.resolve(import.meta.dirname, '..');
export const LEGACY = { optimizer: { enabled: true, runs: 1_000_000 }, viaIR: false };
export const IR = { ...LEGACY, viaIR: true };

/** Creation code of a contract. */
export function compile(file, contract, settings) {
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

/** What a transaction costs before its first instruction. */
export function intrinsic(data) {
  let gas = 21_000;
  for (const byte of Buffer.from(data.slice(2), 'hex')) gas += byte ? 16 : 4;
  return gas;
}

function cast(...args) {
  const run = spawnSync(process.env.CAST, args, { maxBuffer: 1 << 26 });
  if (run.status !== 0) throw new Error(`cast ${args[0]} ${args[1]}: ${run.stderr}`);
  return run.stdout.toString().trim();
}

export const keccak = (bytes) => cast('keccak', bytes);

/** Call data, or with a constructor's `(types)` only its arguments. */
export function encode(signature, ...args) {
  const verb = signature.startsWith('(') ? ['abi-encode', `f${signature}`] : ['calldata', signature];
  return cast(...verb, ...args.map(String));
}

/** A chain, its first account the sender. */
export class Chain {
  #id = 0;

  static async connect(rpc) {
    const chain = new Chain();
    chain.rpc = rpc;
    for (let tries = 0; tries < 100; ++tries) {
      try {
        [chain.from] = await chain.call('eth_accounts');
        return chain;
      } catch {
        await new Promise((done) => setTimeout(done, 100));
      }
    }
    throw new Error('anvil does not answer');
  }

  async call(method, ...params) {
    const body = JSON.stringify({ jsonrpc: '2.0', id: ++this.#id, method, params });
    const response = await fetch(this.rpc, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const { result, error } = await response.json();
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  /** The receipt, also of a transaction that failed. */
  async send(to, data) {
    const gas = '0x3000000';
    const hash = await this.call('eth_sendTransaction', { from: this.from, ...(to && { to }), data, gas });
    for (;;) {
      const receipt = await this.call('eth_getTransactionReceipt', hash);
      if (receipt) return receipt;
      await new Promise((done) => setTimeout(done, 20));
    }
  }

  /** Gas of a transaction that must succeed. */
  async spend(to, data) {
    const receipt = await this.send(to, data);
    if (receipt.status !== '0x1') throw new Error(`a transaction to ${to} failed`);
    return Number(receipt.gasUsed);
  }

  async deploy(code) {
    const receipt = await this.send(null, code);
    if (receipt.status !== '0x1') throw new Error('deployment failed');
    const size = (await this.call('eth_getCode', receipt.contractAddress, 'latest')).length / 2 - 1;
    return { address: receipt.contractAddress, size, deployGas: Number(receipt.gasUsed) };
  }

  /** One word that a view returns. */
  async word(to, data) {
    return (await this.call('eth_call', { to, data }, 'latest')).slice(0, 66);
  }
}
