/** Tables for people and JSON for later comparisons. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Sample } from './measure.js';
import { ALL_PEERS, CHECKOUT, versionOf } from './peers.js';
import type { Bar } from './scenarios.js';

/** What came of one entry. */
export interface Row {
  name: string;
  /** Null when it did not run or did not do the work. */
  median: Sample | null;
  samples: Sample[];
  /** Why there is no median. */
  problem: string | null;
}

export interface ScenarioResult {
  id: string;
  title: string;
  size: number;
  rounds: number;
  rows: Row[];
  bars: Bar[];
}

/** Whether the bar holds; NaN (something was not measured) never does. */
export function holds({ value, atMost, atLeast }: Bar): boolean {
  if (Number.isNaN(value)) return false;
  return value <= (atMost ?? Infinity) && value >= (atLeast ?? -Infinity);
}

const number = (value: number, digits = 2): string =>
  Number.isFinite(value) ? value.toFixed(digits) : '-';

function rowText({ name, median, problem }: Row, aria2: number, fastest: number): string {
  if (median === null) return `| ${name} | ${problem ?? 'missing'} | | | | | | |`;
  const { wall, user, sys, mb } = median;
  const cells = [wall, user, sys, user + sys].map((value) => number(value, wall < 1 ? 3 : 2));
  const ratios = [wall / aria2, wall / fastest].map((value) => number(value));
  return `| ${name} | ${[...cells, number(mb, 0), ...ratios].join(' | ')} |`;
}

function barText(bar: Bar): string {
  // What is only told.
  if (bar.atMost === undefined && bar.atLeast === undefined)
    return `- ${bar.name}: ${number(bar.value)}`;
  const limit = bar.atMost === undefined ? `>= ${bar.atLeast}` : `<= ${bar.atMost}`;
  const verdict = Number.isNaN(bar.value) ? 'not measured' : holds(bar) ? 'holds' : 'MISSED';
  return `- ${bar.name}: ${number(bar.value)} (bar: ${limit}) ${verdict}`;
}

/** One scenario as a markdown table with its bars below. */
export function markdown({ id, title, size, rounds, rows, bars }: ScenarioResult): string {
  const walls = new Map(rows.map(({ name, median }) => [name, median?.wall ?? NaN]));
  const peers = [...walls]
    .filter(([name]) => !/^(sluice|node)\b/.test(name))
    .map(([, wall]) => wall);
  const measured = peers.filter((wall) => !Number.isNaN(wall));
  const fastest = measured.length === 0 ? NaN : Math.min(...measured);
  const lines = [
    `## ${id}: ${title}`,
    '',
    `${size} bytes, median of ${rounds}`,
    '',
    '| | wall s | user s | sys s | CPU s | peak MB | x aria2 | x fastest peer |',
    '|---|---|---|---|---|---|---|---|',
    ...rows.map((row) => rowText(row, walls.get('aria2') ?? NaN, fastest)),
    '',
    ...bars.map(barText),
  ];
  return `${lines.join('\n')}\n`;
}

const git = (...args: string[]): string =>
  execFileSync('git', args, { cwd: CHECKOUT, encoding: 'utf8' }).trim();

/** What the numbers were measured on. */
export function environment(): Record<string, unknown> {
  const [cpu] = os.cpus();
  const versions = ALL_PEERS.map((peer) => [peer.name, versionOf(peer)] as const);
  return {
    date: new Date().toISOString(),
    commit: git('rev-parse', '--short', 'HEAD'),
    uncommittedChanges: git('status', '--porcelain', '--untracked-files=no') !== '',
    cpu: cpu?.model ?? 'unknown',
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    kernel: `${os.type()} ${os.release()}`,
    node: process.version,
    peers: Object.fromEntries(versions.filter(([, version]) => version !== null)),
  };
}

/** Writes `bench/results/DATE-COMMIT.json` and returns its path. */
export function save(results: readonly ScenarioResult[]): string {
  const machine = environment();
  const directory = path.join(CHECKOUT, 'bench', 'results');
  mkdirSync(directory, { recursive: true });
  const name = `${String(machine['date']).slice(0, 10)}-${String(machine['commit'])}.json`;
  const file = path.join(directory, name);
  const scenarios = results.map((result) => ({
    ...result,
    bars: result.bars.map((bar) => ({ ...bar, holds: holds(bar) })),
  }));
  writeFileSync(file, `${JSON.stringify({ version: 1, machine, scenarios }, null, 2)}\n`);
  return file;
}
