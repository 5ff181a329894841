// bench-aggregation.mjs WORK: one table of the logs and the gas of every way, see bench-aggregation.sh.
import fs from 'node:fs';
import path from 'node:path';

const [work] = process.argv.slice(2);
const gas = JSON.parse(fs.readFileSync(path.join(work, '..', 'verifier.json'), 'utf8'));
const OURS = /^ours, .*via-IR$/;
const THEIRS = /^snark-verifier/;

/** The cheapest contract of a kind, as `halocast deploy` would choose among those that fit a chain. */
function cheapest(rows, kind) {
  return rows
    .filter((row) => kind.test(row.name) && row.execution)
    .reduce((best, row) => (best && best.execution <= row.execution ? best : row), undefined);
}

/** Stages of one way: name, CPU seconds, wall seconds, GiB at the peak. */
function stages(log) {
  const line = /^(.+): ([\d.]+) CPU s, ([\d.]+) s wall, ([\d.]+) GiB$/gm;
  return [...log.matchAll(line)].map(([, name, cpu, wall, peak]) => ({ name, cpu: +cpu, wall: +wall, peak: +peak }));
}

function summary(dir) {
  const way = path.basename(dir);
  const all = stages(fs.readFileSync(path.join(work, way, 'log'), 'utf8'));
  const of = (pattern) => all.filter((s) => pattern.test(s.name));
  const sum = (list, key) => +list.reduce((total, s) => total + s[key], 0).toFixed(1);
  const [keys, proofs] = [of(/keygen$/), of(/prove$/)];
  const [ours, theirs] = [cheapest(gas[dir], OURS), cheapest(gas[dir], THEIRS)];
  return {
    way,
    proveCpu: sum(proofs, 'cpu'),
    proveWall: sum(proofs, 'wall'),
    keyCpu: sum(keys, 'cpu'),
    peakGiB: Math.max(...proofs.map((s) => s.peak)),
    gas: ours?.execution,
    transaction: ours?.transaction,
    code: ours?.code,
    theirGas: theirs?.execution,
    theirCode: theirs?.code,
  };
}

const rows = Object.keys(gas).map(summary);
const base = rows.find((row) => row.way.startsWith('stock'));
const ratio = (row, key) => (base?.[key] && row[key] && base !== row ? ` (${(row[key] / base[key]).toFixed(3)})` : '');
const n = (x) => x?.toLocaleString('en') ?? 'none';
const table = [
  '| way | prove, CPU s | wall s | keys, CPU s | peak GiB | gas, execution | whole transaction | code bytes | snark-verifier: gas | code bytes |',
  '|---|---|---|---|---|---|---|---|---|---|',
  ...rows.map((r) => {
    const prover = [`${r.proveCpu}${ratio(r, 'proveCpu')}`, r.proveWall, r.keyCpu, `${r.peakGiB}${ratio(r, 'peakGiB')}`];
    const contract = [`${n(r.gas)}${ratio(r, 'gas')}`, n(r.transaction), n(r.code), n(r.theirGas), n(r.theirCode)];
    return `| ${[r.way, ...prover, ...contract].join(' | ')} |`;
  }),
].join('\n');
fs.writeFileSync(path.join(work, '..', 'aggregation.json'), `${JSON.stringify(rows, null, 1)}\n`);
fs.writeFileSync(path.join(work, '..', 'aggregation.md'), `${table}\n`);
console.log(`\n${table}`);
