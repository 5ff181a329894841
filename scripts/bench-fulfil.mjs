// What a stored answer costs as a whole: `fulfill` of a stored proof through oracle, registry, leaf and generated verifier, with and without
// the router. The stored proof is about a context of its own, so a forwarder that writes this context into the public words stands before
// the generated verifier; what it costs is measured and taken off.
import fs from 'node:fs';
import path from 'node:path';
import { IR, compile, encode, intrinsic, keccak, root } from './bench-chain.mjs';

const ACCUMULATOR_LIMBS = 12;
const WORDS = 3;
const CONTEXT = ACCUMULATOR_LIMBS + 1 + 2 * WORDS;
const PINS = '((address,bytes32,address,bytes32,bytes32,uint256,uint256,uint256,bytes32,bytes32,bytes32,bool))';
const TENSOR = '(string,uint32[],uint256)[]';
const REGISTER = `register(bytes32,address,address,(uint8,uint8,uint8,uint32,${TENSOR},${TENSOR}),string)`;
const NOBODY = `0x${'0'.repeat(40)}`;
const HASH = (n) => `0x${n.toString(16).padStart(64, '0')}`;

const creation = (name) => JSON.parse(fs.readFileSync(path.join(root, `contracts/abi/${name}.json`), 'utf8')).bytecode;
const create = (chain, name, types, ...args) => chain.deploy(creation(name) + encode(types, ...args).slice(2));

/** Copies calldata, writes the word, asks the verifier; reverts if that does. */
function forwarder(context, verifier) {
  const code =
    '365f5f37' + // calldatacopy(0, 0, calldatasize())
    `7f${context}61${(32 * CONTEXT).toString(16).padStart(4, '0')}52` + // mstore(32·CONTEXT, context)
    `5f5f365f73${verifier.slice(2)}5afa` + // staticcall(gas(), verifier, 0, calldatasize(), 0, 0)
    '604a575f5ffd5b00'; // if (!success) revert(0, 0)
  return `0x604c8060093d393df3${code}`; // returns the 76 bytes behind it
}

/** Gas of whole transactions, by way. */
export async function fulfilment(chain, fixture) {
  const dir = path.join(root, 'verifier-gen/tests/fixtures', fixture);
  const data = fs.readFileSync(path.join(dir, 'calldata.bin'));
  const word = (i) => data.subarray(32 * i, 32 * i + 32).toString('hex');
  const list = (from) => `[${Array.from({ length: WORDS }, (_, i) => `0x${word(from + i)}`).join(',')}]`;
  const [model, inputs, outputs] = [`0x${word(ACCUMULATOR_LIMBS)}`, list(ACCUMULATOR_LIMBS + 1), list(ACCUMULATOR_LIMBS + 1 + WORDS)];
  const proof = `0x${Buffer.concat([data.subarray(0, 32 * ACCUMULATOR_LIMBS), data.subarray(32 * (CONTEXT + 1))]).toString('hex')}`;

  const raw = await chain.deploy(compile(path.join(dir, 'Monolithic.sol'), 'Halo2Verifier', IR));
  const before = await chain.deploy(forwarder(word(CONTEXT), raw.address));
  const calldata = `0x${data.toString('hex')}`;
  const forwarding = (await chain.spend(before.address, calldata)) - (await chain.spend(raw.address, calldata));

  const codeHash = keccak(await chain.call('eth_getCode', before.address, 'latest'));
  const bytes = (proof.length - 2) / 2;
  const pins = [before.address, codeHash, NOBODY, HASH(0), model, WORDS, WORDS, bytes, HASH(1), HASH(2), HASH(3), true];
  const leaf = await create(chain, 'ModelVerifier', PINS, `(${pins.join(',')})`);
  const router = await create(chain, 'VerifierRouter', '(address,address,address)', chain.from, chain.from, chain.from);
  await chain.spend(router.address, encode('addVerifier(address)', leaf.address));
  const selector = (await chain.word(router.address, encode('selectorOf(address)', leaf.address))).slice(0, 10);
  const routed = await create(chain, 'RoutedVerifier', '(address,bytes4)', router.address, selector);

  const result = {};
  for (const [way, verifier] of [['to the leaf', leaf], ['through the router', routed]]) {
    const registry = await create(chain, 'ModelRegistry', '(address,address,address)', chain.from, chain.from, chain.from);
    const tensor = '[("x",[45],1)]';
    await chain.spend(registry.address, encode(REGISTER, model, verifier.address, chain.from, `(0,16,15,0,${tensor},${tensor})`, ''));
    const oracle = await create(chain, 'InferenceOracle', '(address,address,address)', registry.address, chain.from, chain.from);
    await chain.spend(oracle.address, encode('request(bytes32,uint256[],uint64,uint32,address)', model, inputs, 4_000_000_000, 0, NOBODY));
    const call = encode('fulfill(uint256,address,uint256[],bytes)', 1, chain.from, outputs, proof);
    result[way] = (await chain.spend(oracle.address, call)) - forwarding;
    result['of it before the first instruction'] = intrinsic(call);
  }
  return result;
}
