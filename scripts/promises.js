// Lists the tests of each promise in docs/promises.md, from the names of the tests (`P5: ...`).
//   npm run promises             writes the lists; fails when a promise has no test
//   npm run promises -- --check  writes nothing; fails also when a list is not up to date
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = path.join(root, 'docs', 'promises.md');

/** The title of a test or suite; one title may show several promises: `P2, P9: ...`. */
const TITLE =
  /\b(?:it|describe)(?:\.only)?\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g;
const NUMBERS = /(?:^|: )(P\d+(?:(?:, | and )P\d+)*): /;

/** Title as it is shown: what a template fills in is left open, and no backtick breaks the code. */
function shown(title) {
  return title
    .replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, '...')
    .replace(/\\(.)/g, '$1')
    .replaceAll('`', "'");
}

/** `{ promise, title, file }` of every test that names a promise. */
function namedTests(file) {
  const text = readFileSync(path.join(root, file), 'utf8');
  return [...text.matchAll(TITLE)].flatMap(([, single, double, template]) => {
    const title = shown(single ?? double ?? template);
    const numbers = NUMBERS.exec(title)?.[1].match(/P\d+/g) ?? [];
    return numbers.map((promise) => ({ promise, title, file }));
  });
}

function testFiles() {
  return readdirSync(path.join(root, 'test'), { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => path.posix.join('test', name.split(path.sep).join('/')))
    .sort();
}

function listOf(tests) {
  if (tests.length === 0) return '_No test carries this number yet._';
  const files = [...new Set(tests.map(({ file }) => file))];
  return files
    .map((file) => {
      const titles = tests.filter((test) => test.file === file).map(({ title }) => title);
      return [`- ${file}`, ...titles.map((title) => `  - \`${title}\``)].join('\n');
    })
    .join('\n');
}

const tests = testFiles().flatMap(namedTests);
const old = readFileSync(page, 'utf8');
const known = new Set();
const fresh = old.replace(
  /(<!-- tests (P\d+) -->)[\s\S]*?(<!-- end -->)/g,
  (_, begin, promise, end) => {
    known.add(promise);
    return `${begin}\n\n${listOf(tests.filter((test) => test.promise === promise))}\n\n${end}`;
  },
);

const complaints = [];
for (const promise of known) {
  const count = tests.filter((test) => test.promise === promise).length;
  console.log(
    `${promise.padEnd(4)} ${String(count).padStart(3)} ${count === 1 ? 'test' : 'tests'}`,
  );
  if (count === 0) complaints.push(`${promise} has no test`);
}
for (const { promise, file } of tests) {
  if (!known.has(promise)) complaints.push(`${file} names ${promise}, which is no promise`);
}
if (process.argv.includes('--check')) {
  if (fresh !== old) complaints.push('docs/promises.md is not up to date: npm run promises');
} else if (fresh !== old) {
  writeFileSync(page, fresh);
}
for (const complaint of complaints) console.error(complaint);
process.exitCode = complaints.length === 0 ? 0 : 1;
