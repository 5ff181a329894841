#!/usr/bin/env node
// Every row of the chain side's requirements has a test named after it: V1–V14 (verifier), O1–O13 (contracts), P1–P9 (optimistic mode), in names such as
// test_V1_…, testFuzz_O10_…, invariant_P1_P2_…, fn v9_…. O13 is the written trust model: each line of its table names a test, and every test that it
// or a document beside it names must exist. --list shows the tests of each row.
import fs from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const folders = ['contracts/test', 'contracts/template/test', 'contracts/symbolic', 'verifier-gen/forge', 'verifier-gen/src', 'oracle/src', 'oracle/tests', 'tests/tests'];
const documents = ['docs/security.md', 'contracts/README.md', 'docs/design/contracts.md', 'docs/verifier-map.md'];

const files = (dir) =>
  fs.readdirSync(path.join(root, dir), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(sol|rs)$/.test(entry.name))
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));

const names = new Set();
for (const file of folders.flatMap(files)) {
  const text = fs.readFileSync(file, 'utf8');
  for (const [, name] of text.matchAll(/\bfunction (\w+)/g)) if (/^(test|invariant|check)/.test(name)) names.add(name);
  for (const [, name] of text.matchAll(/#\[(?:tokio::)?test[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*(?:async )?fn (\w+)/g)) names.add(name);
}

const rows = [['V', 14], ['O', 12], ['P', 9]].flatMap(([part, count]) => Array.from({ length: count }, (_, i) => `${part}${i + 1}`));
const shown = (row) => [...names].filter((name) => new RegExp(`(^|_)${row}(_|$)`, 'i').test(name));
const missing = rows.filter((row) => shown(row).length === 0);

/** Test names in a document; `test_O9_…` stands for all that begin so. */
function unknownTests(document) {
  const text = fs.readFileSync(path.join(root, document), 'utf8');
  const named = [...text.matchAll(/`((?:test|testFuzz|invariant|check_[VOP]\d+)_\w*…?)`/g)].map(([, name]) => name);
  const exists = (name) => (/[…_]$/.test(name) ? [...names].some((n) => n.startsWith(name.replace('…', ''))) : names.has(name));
  return named.filter((name) => !exists(name)).map((name) => `${document}: no test ${name}`);
}
const unknown = documents.flatMap(unknownTests);

/** Lines of the trust model's table (docs/security.md) without a test. */
function untested() {
  const section = fs.readFileSync(path.join(root, 'docs/security.md'), 'utf8').split(/^## /m).find((part) => part.startsWith('The contracts: whom to trust'));
  const table = section?.split('\n\n').find((block) => block.startsWith('| contract | you trust |'));
  if (!table) return ['docs/security.md: the table of "The contracts: whom to trust for what" is gone'];
  const lines = table.split('\n').slice(2);
  return lines.filter((line) => !/`(test|testFuzz|invariant|check)_\w+…?`/.test(line)).map((line) => `docs/security.md: no test in the line "${line}"`);
}
unknown.push(...untested());

for (const row of missing) console.error(`no test is named after row ${row}`);
for (const line of unknown) console.error(line);
if (process.argv.includes('--list')) for (const row of rows) console.log(`${row}: ${shown(row).join(', ')}`);
if (missing.length || unknown.length) process.exit(1);
console.log(`${rows.length} rows, each with a test of its name`);
