// Predicted and measured costs of the cases of bench-costs.sh: a table on standard output, target/bench/costs.json beside the
// directory given. Exit code 1 if the CPU seconds of a proof, or of a whole request, are more than 25 % off.
import fs from 'node:fs';
import path from 'node:path';

const [dir, ...cases] = process.argv.slice(2);
const read = (name) => JSON.parse(fs.readFileSync(path.join(dir, name)));
const gib = (bytes) => (bytes / 2 ** 30).toFixed(2);
const row = (...cells) => console.log(`| ${cells.join(' | ')} |`);
const ratio = (a, b) => Math.round((1000 * a) / b) / 1000;

function entry(what, k, [predictedCpu, cpu], [predictedBytes, bytes]) {
  const entry = { what, k, predicted_cpu_s: predictedCpu, cpu_s: cpu, cpu_ratio: ratio(predictedCpu, cpu) };
  if (bytes) Object.assign(entry, { predicted_bytes: predictedBytes, peak_bytes: bytes, bytes_ratio: ratio(predictedBytes, bytes) });
  return entry;
}

function measured(name) {
  const [{ plan, segments }, prove, setup] = ['inspect', 'prove', 'setup'].map((part) => read(`${name}.${part}.json`));
  const stage = (stages, wanted) => stages.find((s) => s.stage === wanted);
  const entries = segments.map((segment) => {
    const cost = stage(prove.stages, `layer ${segment.name}`);
    return entry(segment.name, segment.k, [segment.predicted_cpu_s, cost.cpu_s], [segment.predicted_peak_bytes, cost.peak_rss_bytes]);
  });
  const { aggregation } = plan;
  const cost = stage(prove.stages, 'aggregate');
  entries.push(entry('aggregation', aggregation.k, [aggregation.cpu_s, cost.cpu_s], [aggregation.peak_bytes, cost.peak_rss_bytes]));
  const sum = (of) => entries.reduce((total, e) => total + of(e), 0);
  const peak = (of) => entries.reduce((most, e) => Math.max(most, of(e)), 0);
  entries.push(entry('request', '', [sum((e) => e.predicted_cpu_s), sum((e) => e.cpu_s)], [peak((e) => e.predicted_bytes), peak((e) => e.peak_bytes)]));
  entries.push(entry('aggregation key', aggregation.k, [aggregation.key_cpu_s, stage(setup.stages, 'aggregate key').cpu_s], []));
  return { name, objective: plan.objective, costs: plan.costs, options: plan.considered, chosen: plan.chosen, entries };
}

const results = cases.map(measured);
fs.writeFileSync(path.join(dir, '..', 'costs.json'), `${JSON.stringify(results, null, 2)}\n`);
console.log(`by ${results[0]?.costs}\n`);
row('case', 'what', 'k', 'CPU s predicted', 'measured', 'ratio', 'GiB predicted', 'measured', 'ratio');
row(...Array(9).fill('---'));
for (const { name, entries } of results) {
  for (const e of entries) {
    const bytes = e.peak_bytes ? [gib(e.predicted_bytes), gib(e.peak_bytes), e.bytes_ratio.toFixed(2)] : ['', '', ''];
    row(name, e.what, e.k, e.predicted_cpu_s.toFixed(1), e.cpu_s.toFixed(1), e.cpu_ratio.toFixed(2), ...bytes);
  }
}
const off = results.flatMap(({ name, entries }) =>
  entries.filter((e) => e.what !== 'aggregation key' && Math.abs(e.predicted_cpu_s / e.cpu_s - 1) > 0.25).map((e) => `${name}: ${e.what}`));
if (off.length) {
  console.error(`more than 25 % off: ${off.join(', ')}`);
  process.exit(1);
}
