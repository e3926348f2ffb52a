/**
 * The fuzzer's command: `npm run fuzz -- --runs N --seed S --target NAME --seconds S --save`, or
 * `--target NAME --input JSON` to try one input again.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Finding, Fuzzer, type Report, type Target } from './engine/fuzzer.js';
import { chunked } from './targets/chunked.js';
import { contentRange, dates, digest, disposition, redirect } from './targets/fields.js';
import { head } from './targets/head.js';
import { node } from './targets/node.js';
import { checksum, journal, receipt } from './targets/records.js';

const TARGETS: Target[] = [
  ...[head, chunked, contentRange, disposition, redirect, digest, dates],
  ...[checksum, journal, receipt, node],
];
/** Longest input that is worth keeping, in bytes, and how many of them at most. */
const MAX_KEPT_BYTES = 300;
const MAX_KEPT = 60;

const corpusFile = (name: string): string =>
  fileURLToPath(new URL(`../../../test/fuzz/corpus/${name}.json`, import.meta.url));

/** Inputs of earlier campaigns; in the file each is a string of latin1. */
function readCorpus(name: string): string[] {
  const file = corpusFile(name);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as string[]) : [];
}

function saveCorpus(name: string, before: string[], kept: Buffer[]): void {
  const found = kept
    .map((input) => input.toString('latin1'))
    .filter((text) => text.length <= MAX_KEPT_BYTES);
  const all = [...new Set([...before, ...found])].slice(0, MAX_KEPT);
  // Only ASCII in the file: a control character or a bidi mark would be a trap for its reader.
  const json = JSON.stringify(all, null, 2).replace(
    /[\x7f-\xff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  writeFileSync(corpusFile(name), `${json}\n`);
}

function print(name: string, report: Report, verbose: boolean): void {
  const { runs, seconds, kept, outcomes, reached, slowestMs } = report;
  const parts = [
    `${name}: ${runs} inputs in ${seconds.toFixed(1)} s`,
    `${reached} characters of code reached`,
    `${outcomes.size} outcomes, ${kept.length} inputs kept`,
    `slowest ${slowestMs.toFixed(1)} ms`,
  ];
  console.log(parts.join(', '));
  if (!verbose) return;
  for (const [outcome, count] of [...outcomes].sort((a, b) => b[1] - a[1])) {
    console.log(`  ${String(count).padStart(8)}  ${JSON.stringify(outcome)}`);
  }
}

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 100_000) },
    seconds: { type: 'string', default: '600' },
    target: { type: 'string', multiple: true, default: TARGETS.map(({ name }) => name) },
    input: { type: 'string' },
    save: { type: 'boolean', default: false },
    outcomes: { type: 'boolean', default: false },
  },
});

const limitMs = (Number(values.seconds) * 1000) / values.target.length;
try {
  for (const name of values.target) {
    const target = TARGETS.find((each) => each.name === name);
    if (target === undefined) throw new Error(`no target ${name}`);
    if (values.input !== undefined) {
      console.log(await target.run(Buffer.from(JSON.parse(values.input) as string, 'latin1')));
      continue;
    }
    const seed = Number(values.seed);
    const before = readCorpus(name);
    const corpus = before.map((text) => Buffer.from(text, 'latin1'));
    const fuzzer = new Fuzzer(target, seed);
    const report = await fuzzer.campaign({ runs: Number(values.runs), corpus, limitMs });
    print(name, report, values.outcomes);
    if (values.save) saveCorpus(name, before, report.kept);
  }
} catch (thrown) {
  process.exitCode = 1;
  if (thrown instanceof Finding) {
    console.error(`${thrown.target}, seed ${values.seed}: ${thrown.message}`);
    console.error(`again: --target ${thrown.target} --input`);
    console.error(JSON.stringify(thrown.input.toString('latin1')));
  } else console.error(thrown);
}
