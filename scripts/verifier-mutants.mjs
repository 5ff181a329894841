// Writes the generated contracts of the fixture `small`, each with one line `CHECK: name` taken out, for forge/Mutants.t.sol.
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
  lines.forEach((line, at) => {
    const check = line.match(/CHECK: ([a-z-]+)$/)?.[1];
    if (!check || unreachable.has(check)) return;
    const name = `${backend}_${check.replaceAll('-', '_')}`;
    const source = lines.filter((_, i) => i !== at).join('\n');
    fs.writeFileSync(path.join(out, `${name}.sol`), source);
    made.push(name);
  });
}
fs.writeFileSync(path.join(out, 'list.json'), JSON.stringify({ mutants: made }) + '\n');
console.log(`${made.length} mutants: ${made.join(' ')}`);
