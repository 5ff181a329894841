// Compiled, not run: what the types must and must not allow.
import { createPublicClient, http } from 'viem';
import { halocast } from '../index.js';

const client = createPublicClient({ transport: http() });
const { oracle, optimistic } = halocast({ chainId: 31337, client });

const outputs: Promise<readonly bigint[]> = oracle.read.provenOutputs([1n]);
const terms: Promise<{ proposerBond: bigint; burnBps: number }> = optimistic.read.terms();
// @ts-expect-error an id is a bigint
oracle.read.provenOutputs(['1']);
// @ts-expect-error there is no such function
oracle.read.provedOutputs([1n]);
export { outputs, terms };
