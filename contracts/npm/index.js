// Typed contract instances over a viem client. Types are in index.d.ts.
import { getContract } from 'viem';
import * as abi from './generated/abi.js';
import { addresses } from './generated/addresses.js';

export * from './generated/abi.js';
export { addresses };

const contracts = {
  oracle: ['InferenceOracle', abi.inferenceOracleAbi],
  registry: ['ModelRegistry', abi.modelRegistryAbi],
  router: ['VerifierRouter', abi.verifierRouterAbi],
  optimistic: ['OptimisticOracle', abi.optimisticOracleAbi],
};

/** What is deployed where (`address` goes before `addresses`), as viem contracts. A contract without an address is absent. */
export function halocast({ chainId, client, address = {} }) {
  const known = { ...addresses[chainId], ...address };
  const out = {};
  for (const [key, [name, contractAbi]] of Object.entries(contracts)) {
    if (known[name]) out[key] = getContract({ abi: contractAbi, address: known[name], client });
  }
  if (Object.keys(out).length === 0) throw new Error(`no Halocast deployment is known on chain ${chainId}: give \`address\``);
  return out;
}

const VALUE_BITS = 16n;
const PER_WORD = 15;

/** Packs signed 16-bit values as WordPacking.pack does. */
export function packValues(values) {
  const words = Array(Math.ceil(values.length / PER_WORD)).fill(0n);
  values.forEach((value, i) => {
    if (!Number.isInteger(value) || value < -32768 || value > 32767) throw new RangeError(`value ${i}: ${value}, wanted a signed 16-bit integer`);
    words[Math.floor(i / PER_WORD)] |= BigInt(value + 32768) << (VALUE_BITS * BigInt(i % PER_WORD));
  });
  return words;
}

/** Unpacks `count` values as WordPacking.unpack does. */
export function unpackValues(words, count) {
  if (words.length !== Math.ceil(count / PER_WORD)) throw new RangeError(`${words.length} words for ${count} values`);
  return Array.from({ length: count }, (_, i) => {
    const word = BigInt(words[Math.floor(i / PER_WORD)]);
    return Number((word >> (VALUE_BITS * BigInt(i % PER_WORD))) & 0xffffn) - 32768;
  });
}

/** Input words of a byte-level generating model, as WordPacking.packPrompt makes them. */
export function packPrompt(prompt, answerLength, sequenceLength) {
  const bytes = typeof prompt === 'string' ? new TextEncoder().encode(prompt) : prompt;
  if (bytes.length === 0 || bytes.length >= sequenceLength) throw new RangeError(`prompt of ${bytes.length} bytes, wanted 1 to ${sequenceLength - 1}`);
  if (answerLength < 1 || answerLength > sequenceLength - bytes.length) throw new RangeError(`answer of ${answerLength}, wanted 1 to ${sequenceLength - bytes.length}`);
  const tokens = Array.from({ length: sequenceLength }, (_, i) => bytes[i] ?? 0);
  return packValues([bytes.length, answerLength, ...tokens]);
}
