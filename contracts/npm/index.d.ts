import type { Address, Client, GetContractReturnType } from 'viem';
import type { inferenceOracleAbi, modelRegistryAbi, optimisticOracleAbi, verifierRouterAbi } from './generated/abi.js';

export * from './generated/abi.js';
export { addresses } from './generated/addresses.js';

export interface Options<C extends Client> {
  chainId: number;
  client: C;
  /** Addresses by contract name; they go before the package's own. */
  address?: Partial<Record<'InferenceOracle' | 'ModelRegistry' | 'VerifierRouter' | 'OptimisticOracle', Address>>;
}

export interface Halocast<C extends Client> {
  oracle: GetContractReturnType<typeof inferenceOracleAbi, C>;
  registry: GetContractReturnType<typeof modelRegistryAbi, C>;
  router: GetContractReturnType<typeof verifierRouterAbi, C>;
  optimistic: GetContractReturnType<typeof optimisticOracleAbi, C>;
}

/** Viem contracts of a deployment; those without an address are absent. Throws if there is none at all. */
export declare function halocast<C extends Client>(options: Options<C>): Halocast<C>;
/** Packs signed 16-bit values into 248-bit words. Throws RangeError for other values. */
export declare function packValues(values: readonly number[]): bigint[];
/** Unpacks `count` values. Throws RangeError for a wrong number of words. */
export declare function unpackValues(words: readonly bigint[], count: number): number[];
/** Input words of a byte-level generating model. Throws RangeError for lengths it cannot take. */
export declare function packPrompt(prompt: string | Uint8Array, answerLength: number, sequenceLength: number): bigint[];
