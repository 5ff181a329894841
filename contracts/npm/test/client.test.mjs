import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { createPublicClient, custom, encodeFunctionResult, toFunctionSelector } from 'viem';
import { halocast, inferenceOracleAbi, packPrompt, packValues, unpackValues } from '../index.js';

const fixture = JSON.parse(readFileSync(new URL('../../test/fixtures/tinygemma.json', import.meta.url), 'utf8'));

test('packs a prompt as the prover and WordPacking do', () => {
  assert.deepEqual(packPrompt('Q:capital of France?A:', 6, 32), fixture.inputs.map(BigInt));
  const values = unpackValues(fixture.outputs.map(BigInt), 32);
  assert.equal(String.fromCharCode(...values.slice(22, 28)), 'Paris\n');
  assert.deepEqual(packValues(values), fixture.outputs.map(BigInt));
  assert.throws(() => packPrompt('', 1, 32), RangeError);
  assert.throws(() => packPrompt('abc', 30, 32), RangeError);
  assert.throws(() => packValues([32768]), RangeError);
});

test('reads through the ABI', async () => {
  const asked = [];
  const outputs = fixture.outputs.map(BigInt);
  const transport = custom({
    async request({ method, params }) {
      if (method === 'eth_chainId') return '0x7a69';
      asked.push(params[0].data.slice(0, 10));
      return encodeFunctionResult({ abi: inferenceOracleAbi, functionName: 'provenOutputs', result: outputs });
    },
  });
  const address = { InferenceOracle: '0x48874a3ea36938407e55efb79066522fc86ee4c7' };
  const { oracle, router } = halocast({ chainId: 31337, client: createPublicClient({ transport }), address });
  assert.equal(router, undefined);
  assert.deepEqual(await oracle.read.provenOutputs([1n]), outputs);
  assert.deepEqual(asked, [toFunctionSelector('provenOutputs(uint256)')]);
});

test('says what is missing', () => {
  assert.throws(() => halocast({ chainId: 5, client: {} }), /no Halocast deployment is known on chain 5/);
});
