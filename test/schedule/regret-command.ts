/**
 * `npm run regret -- --worlds 500 --seed N [--by NAME] [--trace WORLD]`: how much longer `auto` takes
 * than the best fixed number of connections, over random worlds.
 */
import os from 'node:os';
import { parseArgs } from 'node:util';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import type { Decide } from './decider.js';
import { drawWorld } from './draw.js';
import { NAMED } from './named.js';
import { play } from './player.js';
import type { Played } from './player.js';
import { DECIDERS, PRESENT } from './deciders.js';
import { regretOf, summarise } from './regret.js';
import type { Regret } from './regret.js';
import { COLUMNS } from './table.js';
import type { World } from './world.js';

interface Share {
  seed: number;
  by: string;
  indices: number[];
}

const decideBy = (name: string): Decide => {
  const decide = DECIDERS[name];
  if (decide === undefined) throw new Error(`who decides: ${Object.keys(DECIDERS).join(', ')}`);
  return decide;
};

function playShare({ seed, by, indices }: Share): void {
  for (const index of indices) {
    const regret = regretOf(drawWorld(seed, index), decideBy(by), index);
    parentPort?.postMessage(regret ?? { index, row: [], ratio: 0 });
  }
}

/** Plays the worlds in as many threads as there are processors. */
function playAll(seed: number, by: string, worlds: number): Promise<Regret[]> {
  const threads = Math.max(1, os.availableParallelism());
  const shares = Array.from({ length: threads }, (_, thread) => ({
    seed,
    by,
    indices: Array.from({ length: worlds }, (_, index) => index).filter(
      (index) => index % threads === thread,
    ),
  }));
  const one = (workerData: Share): Promise<Regret[]> =>
    new Promise((resolve, reject) => {
      const found: Regret[] = [];
      const worker = new Worker(new URL(import.meta.url), { workerData });
      worker.on('message', (regret: Regret) => found.push(regret));
      worker.once('error', reject);
      worker.once('exit', () => resolve(found));
    });
  return Promise.all(shares.map(one)).then((all) => all.flat());
}

/** A named world, number INDEX of a seed (`SEED/INDEX`), or a world as JSON. */
function findWorld(text: string): World {
  const named = NAMED.find(({ name }) => name === text);
  if (named !== undefined) return named;
  const [, seed, index] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  if (seed !== undefined) return drawWorld(Number(seed), Number(index));
  return JSON.parse(text) as World;
}

function trace(world: World, by: string, connections: number | 'auto'): void {
  console.log(JSON.stringify(world));
  const line = (nowMs: number, text: string): void =>
    console.log(`${(nowMs / 1000).toFixed(3).padStart(10)} s  ${text}`);
  const played = play(world, decideBy(by), { connections, trace: line });
  console.log(`${connections}: ${describe(played, world)}`);
  for (const each of COLUMNS)
    console.log(`${each}: ${describe(play(world, decideBy(by), { connections: each }), world)}`);
}

function describe(played: Played, { files }: World): string {
  const { ms, failed, overhead, peak, requests, dials, limitedBy, steps } = played;
  const part = ((100 * overhead) / (files[0] ?? 1)).toFixed(2);
  return `${failed ?? seconds(ms)}, ${part} % more on the wire, ${peak} at most, ${requests} requests, ${dials} dials, limited by ${limitedBy}, ${steps} steps`;
}

const seconds = (ms: number | null): string =>
  ms === null ? 'failed' : `${(ms / 1000).toFixed(2)} s`;

const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;

function report(seed: number, regrets: Regret[], listed: number): void {
  const { worlds, within5, within10, worst, median } = summarise(regrets);
  console.log(
    `${worlds} worlds: ${percent(within5)} within 1.05 of the best fixed number, ${percent(within10)} within 1.10, worst ${worst.toFixed(2)}, median ${median.toFixed(3)}`,
  );
  console.log(`the worst (seconds with ${COLUMNS.join(', ')}):`);
  const order = [...regrets].sort((a, b) => b.ratio - a.ratio).slice(0, listed);
  for (const { index, row, ratio } of order) {
    console.log(`\n${ratio.toFixed(2)}  --trace ${seed}/${index}  ${row.map(seconds).join(', ')}`);
    console.log(JSON.stringify(drawWorld(seed, index)));
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      worlds: { type: 'string', default: '500' },
      seed: { type: 'string', default: '1' },
      by: { type: 'string', default: PRESENT },
      trace: { type: 'string' },
      connections: { type: 'string', default: 'auto' },
      worst: { type: 'string', default: '10' },
    },
  });
  const seed = Number(values.seed);
  if (values.trace !== undefined) {
    const connections = values.connections === 'auto' ? 'auto' : Number(values.connections);
    return trace(findWorld(values.trace), values.by, connections);
  }
  const began = performance.now();
  const regrets = await playAll(seed, values.by, Number(values.worlds));
  report(
    seed,
    regrets.filter(({ row }) => row.length > 0),
    Number(values.worst),
  );
  const failed = regrets.filter(({ row }) => row.length === 0).map(({ index }) => index);
  if (failed.length > 0) console.log(`\nnothing downloads ${failed.join(', ')}`);
  console.log(`\n${((performance.now() - began) / 1000).toFixed(0)} s`);
}

if (!isMainThread) playShare(workerData as Share);
else await main();
