// Turns target/bench/*.json into the tables of docs/benchmarks.md, on standard output.
import fs from 'node:fs';
import path from 'node:path';

const dir = process.argv[2];
const read = (name) => JSON.parse(fs.readFileSync(path.join(dir, name)));
const gib = (bytes) => (bytes / 2 ** 30).toFixed(2);
const row = (...cells) => console.log(`| ${cells.join(' | ')} |`);

function stages(title, costs) {
  console.log(`\n${title}\n`);
  row('stage', 'CPU s', 'wall s', 'peak GiB');
  row('---', '---', '---', '---');
  for (const c of costs) row(c.stage, c.cpu_s.toFixed(1), c.wall_s.toFixed(1), gib(c.peak_rss_bytes));
}

function segments(title, list) {
  console.log(`\n${title}\n`);
  row('segment', 'k', 'points', 'proof bytes', 'CPU s', 'wall s', 'verify ms');
  row('---', '---', '---', '---', '---', '---', '---');
  for (const s of list) {
    row(s.name, s.k, s.points, s.proof_bytes, s.cpu_s.toFixed(1), s.wall_s.toFixed(1), s.verify_ms?.toFixed(1) ?? '');
  }
}

for (const name of ['block64', 'block128'].filter((n) => fs.existsSync(path.join(dir, `${n}.prove.json`)))) {
  const prove = read(`${name}.prove.json`);
  stages(`${name}: stages`, [...read(`${name}.compile.json`).stages, ...read(`${name}.setup.json`).stages, ...prove.stages]);
  segments(`${name}: layer proofs`, prove.segments);
}
const report = path.join(dir, 'demo', 'report.json');
if (!fs.existsSync(report)) process.exit(0);
const demo = JSON.parse(fs.readFileSync(report));
segments('TinyGemma: layer proofs', demo.segments);
console.log('\nTinyGemma: aggregation and chain\n');
row('what', 'figure');
row('---', '---');
row('aggregation', `k = ${demo.aggregate.k}, ${demo.aggregate.cells} cells, ${demo.aggregate.cpu_s} CPU s, ${demo.aggregate.wall_s} s wall`);
row('gas of fulfill', demo.onchain.gas_used);
row('calldata bytes', demo.onchain.calldata_bytes);
row('verifier code bytes', demo.onchain.verifier_code_bytes);
row('peak memory', `${gib(demo.peak_rss_bytes)} GiB`);
row('demo, wall', `${demo.wall_s} s`);
