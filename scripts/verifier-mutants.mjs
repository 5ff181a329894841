// Writes the generated contracts of the fixture `small`, each with one check taken out (all lines `CHECK: name`), for forge/Mutants.t.sol.
import fs from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const fixtures = path.join(root, 'verifier-gen/tests/fixtures/small');
const out = path.join(root, 'verifier-gen/mutants');

// Lines that no test can miss on a working chain; the reasons are in docs/verifier-map.md.
const unreachable = new Set(['poles', 'modexp', 'pairing-call']);

fs.rmSync(out, { recursive: true, force: true });
fs.mkdirSync(out, { recursive: true });
fs.copyFileSync(path.join(fixtures, 'Key.sol'), path.join(out, 'Key.sol'));
const made = [];
for (const backend of ['Monolithic', 'Split']) {
  const lines = fs.readFileSync(path.join(fixtures, `${backend}.sol`), 'utf8').split('\n');
  const checkOf = (line) => line.match(/CHECK: ([a-z-]+)$/)?.[1];
  for (const check of new Set(lines.map(checkOf))) {
    if (!check || unreachable.has(check)) continue;
    const name = `${backend}_${check.replaceAll('-', '_')}`;
    const source = lines.filter((line) => checkOf(line) !== check).join('\n');
    fs.writeFileSync(path.join(out, `${name}.sol`), source);
    made.push(name);
  }
}
fs.writeFileSync(path.join(out, 'list.json'), JSON.stringify({ mutants: made }) + '\n');
console.log(`${made.length} mutants: ${made.join(' ')}`);
