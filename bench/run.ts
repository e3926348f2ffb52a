/** `npm run bench`: measures sluice beside its peers; README.md says how to read it. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Dice } from '../test/helpers/dice.js';
import { sha256OfFile } from '../test/helpers/files.js';
import { measure, medianSample, requireTime, type Sample } from './measure.js';
import { environment, markdown, save, type Row, type ScenarioResult } from './report.js';
import { MANY } from './many.js';
import { MORE } from './more.js';
import { TOGETHER } from './together.js';
import { BASIC, type Entry, type Far, type Scenario } from './scenarios.js';

const SCENARIOS: Readonly<Record<string, Scenario>> = Object.fromEntries(
  Object.entries({ ...BASIC, ...MORE, ...MANY, ...TOGETHER }).sort(([one], [other]) =>
    one < other ? -1 : 1,
  ),
);

const USAGE = `npm run bench -- [options]
  --scenario B1      one of ${Object.keys(SCENARIOS).join(', ')}; repeatable; default all
                     that can be run (B4 needs a far link)
  --rounds 5         how often each command runs
  --size 1G          bytes of the big file (K, M, G are powers of 1024)
  --dir DIR          where files are served from and written to; default the temporary directory
  --only sluice      only rows whose name starts so; repeatable
  --limit 60         seconds after which a run is given up
  --memory /dev/shm  directory in memory, for the scenario sync
  --server-address A, --exec-client 'WORDS', --link-mbit N
                     a far link: address of this side, what takes a command to the other side,
                     and the rate; README.md
  --save             write bench/results/DATE-COMMIT.json
`;

interface Options {
  scenarios: string[];
  rounds: number;
  size: number;
  directory: string;
  only: string[];
  limit: number;
  memory: string;
  far: Far | null;
  save: boolean;
}

function parseSize(text: string): number {
  const [, digits = '', unit = ''] = /^(\d+)([KMG]?)$/i.exec(text) ?? [];
  if (digits === '') throw new Error(`not a size: ${text}`);
  return Number(digits) * 1024 ** ['', 'K', 'M', 'G'].indexOf(unit.toUpperCase());
}

function parseNumber(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`not a number for --${name}: ${text}`);
  return value;
}

function parseOptions(): Options | null {
  const { values } = parseArgs({
    options: {
      scenario: { type: 'string', multiple: true },
      rounds: { type: 'string', default: '5' },
      size: { type: 'string', default: '1G' },
      dir: { type: 'string', default: os.tmpdir() },
      only: { type: 'string', multiple: true, default: [] },
      limit: { type: 'string', default: '60' },
      memory: { type: 'string', default: '/dev/shm' },
      'server-address': { type: 'string' },
      'exec-client': { type: 'string' },
      'link-mbit': { type: 'string', default: '200' },
      save: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const address = values['server-address'];
  const exec = values['exec-client'];
  if ((address === undefined) !== (exec === undefined))
    throw new Error('--server-address and --exec-client belong together');
  const far: Far | null =
    address === undefined || exec === undefined
      ? null
      : { address, exec: exec.split(/\s+/), mbit: parseNumber('link-mbit', values['link-mbit']) };
  const scenarios = values.scenario ?? Object.keys(SCENARIOS).filter((id) => fits(id, far));
  for (const id of scenarios) if (!(id in SCENARIOS)) throw new Error(`no such scenario: ${id}`);
  return {
    scenarios,
    rounds: parseNumber('rounds', values.rounds),
    size: parseSize(values.size),
    directory: values.dir,
    only: values.only,
    limit: parseNumber('limit', values.limit),
    memory: values.memory,
    far,
    save: values.save,
  };
}

const fits = (id: string, far: Far | null): boolean =>
  (SCENARIOS[id]?.unfit?.({ far }) ?? null) === null;

/** Removes what a run has left: its output and whatever control files lie beside it. */
function removeOutputs(output: string | null): void {
  if (output === null) return;
  const directory = path.dirname(output);
  const stem = path.basename(output).replace(/\.out$/, '');
  for (const name of readdirSync(directory)) {
    if (name.replace(/^\./, '').startsWith(`${stem}.out`)) {
      rmSync(path.join(directory, name), { recursive: true });
    }
  }
}

/** Why the output is not the file, or null; the digest is compared only when asked for. */
function checkOutput(output: string, expected: Entry['expected'], digest: boolean): string | null {
  if (expected === null) return null;
  const size = statSync(output, { throwIfNoEntry: false })?.size ?? -1;
  if (size !== expected.size) return `wrote ${size} bytes instead of ${expected.size}`;
  return digest && sha256OfFile(output) !== expected.sha256 ? 'wrote other bytes' : null;
}

/** The numbers below `count`, in an order that the seed repeats. */
function shuffled(count: number, seed: number): number[] {
  const dice = new Dice(seed);
  const numbers = Array.from({ length: count }, (_, i) => i);
  return numbers
    .map((number) => ({ number, at: dice.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ number }) => number);
}

class Table {
  readonly rows: Row[];

  constructor(
    private readonly entries: readonly Entry[],
    private readonly directory: string,
    private readonly limit: number,
  ) {
    this.rows = entries.map(({ name, missing }) => ({
      name,
      median: null,
      samples: [],
      problem: missing,
    }));
  }

  /** Runs every entry once, in an order of this round: what ran before has its effect, and is another each time. */
  async round(number: number): Promise<void> {
    for (const index of shuffled(this.entries.length, number)) {
      const entry = this.entries[index];
      const row = this.rows[index];
      if (entry !== undefined && row !== undefined && row.problem === null) {
        await this.#runOnce(entry, row, number === 0);
      }
    }
  }

  async #runOnce(entry: Entry, row: Row, digest: boolean): Promise<void> {
    const { command, output, cleanUp } = await entry.prepare();
    removeOutputs(output);
    const { sample, failure } = await measure(command, {
      scratch: this.directory,
      limit: this.limit,
    });
    const left = await cleanUp?.().then(
      () => null,
      (error: unknown) => String(error),
    );
    const wrong = output === null ? null : checkOutput(output, entry.expected, digest);
    row.problem = failure ?? left ?? wrong;
    if (row.problem === null) row.samples.push(sample);
    removeOutputs(output);
  }

  finish(): Map<string, Sample> {
    const medians = new Map<string, Sample>();
    for (const row of this.rows) {
      if (row.problem !== null || row.samples.length === 0) continue;
      row.median = medianSample(row.samples);
      medians.set(row.name, row.median);
    }
    return medians;
  }
}

async function runScenario(
  id: string,
  scenario: Scenario,
  { directory, size, rounds, only, limit, memory, far }: Options,
): Promise<ScenarioResult> {
  const scratch = mkdtempSync(path.join(directory, 'sluice-bench-'));
  try {
    const most = scenario.sizeMost ?? Infinity;
    const bytes = Math.min(most, Math.floor(size * (scenario.sizeFactor ?? 1)));
    const stage = await scenario.setUp({ directory: scratch, size: bytes, memory, far });
    try {
      const wanted = ({ name }: Entry): boolean =>
        only.length === 0 || only.some((start) => name.startsWith(start));
      const table = new Table(stage.entries.filter(wanted), scratch, limit);
      const count = rounds * (scenario.roundsFactor ?? 1);
      for (let round = 0; round < count; round++) await table.round(round);
      const bars = stage.judge(table.finish());
      return { id, title: scenario.title, size: bytes, rounds: count, rows: table.rows, bars };
    } finally {
      await stage.close();
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const options = parseOptions();
  if (options === null) return console.log(USAGE);
  requireTime();
  const { cpu, cores, kernel, node, commit } = environment();
  console.log(`${String(cpu)}, ${String(cores)} cores, ${String(kernel)}, Node ${String(node)}`);
  console.log(`commit ${String(commit)}\n`);
  const results: ScenarioResult[] = [];
  for (const id of options.scenarios) {
    const scenario = SCENARIOS[id];
    if (scenario === undefined) continue;
    const result = await runScenario(id, scenario, options);
    results.push(result);
    console.log(markdown(result));
  }
  if (options.save) console.log(`saved ${path.relative(process.cwd(), save(results))}`);
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
