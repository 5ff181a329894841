// Writes the generated contracts of the fixture `small`, each with one check taken out (all lines `CHECK: name`, or a part of one), for forge/Mutants.t.sol.
import fs from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const fixtures = path.join(root, 'verifier-gen/tests/fixtures/small');
const out = path.join(root, 'verifier-gen/mutants');

// Parts of lines: what is looked at of a precompile's answer.
const parts = {
  'point-size': [/eq\(returndatasize\(\), 0x40\)/g, '1'],
  'inverse-size': [/eq\(returndatasize\(\), 0x20\)(?=, staticcall\(gas\(\), 5,)/g, '1'],
  'pairing-size': [/eq\(returndatasize\(\), 0x20\)(?=, staticcall\(gas\(\), 8,)/g, '1'],
  'pairing-one': [/iszero\(eq\(mload\(0x00\), 1\)\)/g, 'iszero(mload(0x00))'],
  'point-success': [/and\(eq\(returndatasize\(\), 0x40\), (staticcall\([^()]*\))\)/g, 'and(eq(returndatasize(), 0x40), or(1, $1))'],
};

fs.rmSync(out, { recursive: true, force: true });
fs.mkdirSync(out, { recursive: true });
fs.copyFileSync(path.join(fixtures, 'Key.sol'), path.join(out, 'Key.sol'));
const made = [];
for (const backend of ['Monolithic', 'Split']) {
  const whole = fs.readFileSync(path.join(fixtures, `${backend}.sol`), 'utf8');
  const lines = whole.split('\n');
  const write = (check, source) => {
    if (source === whole) throw new Error(`${backend}.sol: nothing to change for ${check}`);
    const name = `${backend}_${check.replaceAll('-', '_')}`;
    fs.writeFileSync(path.join(out, `${name}.sol`), source);
    made.push(name);
  };
  const checkOf = (line) => line.match(/CHECK: ([a-z-]+)$/)?.[1];
  for (const check of new Set(lines.map(checkOf))) {
    if (check) write(check, lines.filter((line) => checkOf(line) !== check).join('\n'));
  }
  for (const [check, [pattern, replacement]] of Object.entries(parts)) write(check, whole.replace(pattern, replacement));
}
fs.writeFileSync(path.join(out, 'list.json'), JSON.stringify({ mutants: made }) + '\n');
console.log(`${made.length} mutants: ${made.join(' ')}`);
