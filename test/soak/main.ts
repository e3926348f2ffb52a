/**
 * Downloads through the library for minutes, from a server that fails in many ways, and looks between the rounds at
 * what the process holds: memory, descriptors, sockets, timers. None of it may grow.
 *   npm run soak -- --minutes 30 --seed 7
 */
import { fork } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createPool, download } from '../../src/index.js';
import type {
  DownloadPool,
  LibraryOptions,
  RunningDownload,
  SluiceError,
} from '../../src/index.js';
import { contentDigest } from '../helpers/content.js';
import { Dice } from '../helpers/dice.js';
import { makeTempDir } from '../helpers/files.js';
import { FILES, SEED } from './files.js';

/** Files of a round, and how many of them at once. */
const ROUND = 16;
const AT_ONCE = 6;

/** What is looked at is compared from the second quarter of the rounds on: the first one warms up. */
const WARM = 1 / 4;

/** What the process holds when nothing is under way. */
interface Held {
  heapMiB: number;
  rssMiB: number;
  descriptors: number;
  sockets: number;
  timers: number;
}

/** Connections that a pool may keep; how many it keeps between two rounds is a matter of chance. */
const PER_HOST = 8;

/** How much more the last rounds may hold than those after the warming up. */
const GROWTH: Readonly<Record<keyof Held, { times: number; plus: number }>> = {
  heapMiB: { times: 1.05, plus: 3 },
  rssMiB: { times: 1.1, plus: 24 },
  descriptors: { times: 1, plus: PER_HOST },
  sockets: { times: 1, plus: PER_HOST },
  timers: { times: 1, plus: 2 },
};

/** In fewer rounds than these the heap has not settled, and so much more is let pass (MiB). */
const FEW_ROUNDS = 40;
const UNSETTLED_MIB = 40;

const MIB = 1024 * 1024;
const collect = (globalThis as { gc?: () => void }).gc;

function look(): Held {
  collect?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  const resources = process.getActiveResourcesInfo();
  const count = (name: string): number => resources.filter((each) => each === name).length;
  return {
    heapMiB: (heapUsed + external) / MIB,
    rssMiB: rss / MIB,
    descriptors: readdirSync('/proc/self/fd').length,
    sockets: count('TCPSocketWrap'),
    timers: count('Timeout'),
  };
}

/** What came of the downloads so far. */
interface Tally {
  files: number;
  bytes: number;
  retries: number;
  refused: number;
  aborted: number;
}

class Soak {
  readonly tally: Tally = { files: 0, bytes: 0, retries: 0, refused: 0, aborted: 0 };
  private readonly digests = new Map(
    FILES.map(([target, size]) => [target, contentDigest(SEED, size)]),
  );
  private readonly dir = makeTempDir('sluice-soak-');

  constructor(
    private readonly url: string,
    private readonly dice: Dice,
  ) {}

  /** @param pool where the downloads run; null: each on its own */
  async round(pool: DownloadPool | null): Promise<void> {
    let left = ROUND;
    const work = async (): Promise<void> => {
      while (left-- > 0) await this.one(pool, left);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    for (const name of readdirSync(this.dir))
      rmSync(path.join(this.dir, name), { recursive: true });
  }

  end(): void {
    rmSync(this.dir, { recursive: true });
  }

  private async one(pool: DownloadPool | null, number: number): Promise<void> {
    const { dice } = this;
    const [target] = dice.chance(0.05) ? ['/gone'] : dice.pick(FILES);
    const options: LibraryOptions = {
      output: path.join(this.dir, `file-${number}`),
      connections: dice.pick([1, 2, 4, 'auto'] as const),
      retries: 20,
      // What hangs is an error.
      maxTimeMs: 120_000,
      deadlines: { connectMs: 5000, firstByteMs: 1000, stallMs: 1000 },
      checksums:
        target === '/gone' ? [] : [{ algorithm: 'sha256', hex: this.digests.get(target) ?? '' }],
      ...(dice.chance(0.2) && { limitRate: 6_000_000 }),
    };
    const begin = (signal?: AbortSignal): RunningDownload =>
      (pool ?? { download }).download(`${this.url}${target}`, { ...options, signal });
    if (dice.chance(0.1) && (await this.abort(begin))) return;
    await this.finish(begin(), target);
  }

  /** Stops a download as soon as it tells something; whether it was over before. */
  private async abort(begin: (signal: AbortSignal) => RunningDownload): Promise<boolean> {
    const stopping = new AbortController();
    const running = begin(stopping.signal);
    const ended = running.result.then(
      () => true,
      () => false,
    );
    for await (const event of running) {
      if (event.type === 'start' || event.type === 'progress') stopping.abort();
    }
    this.tally.aborted++;
    return ended;
  }

  private async finish(running: RunningDownload, target: string): Promise<void> {
    for await (const event of running) if (event.type === 'retry') this.tally.retries++;
    try {
      const { bytes } = await running.result;
      this.tally.files++;
      this.tally.bytes += bytes;
      if (target === '/gone') throw new Error('what is not there was downloaded');
    } catch (thrown) {
      const { code } = thrown as SluiceError;
      if (target !== '/gone' || code !== 'HTTP_REFUSED') throw thrown;
      this.tally.refused++;
    }
  }
}

/** The one in the middle. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Compares what was held after the warming up with what was held at the end; sentences for what grew. */
function growth(seen: readonly Held[]): { told: string; grew: string[] } {
  const warm = seen.slice(Math.floor(seen.length * WARM));
  const third = Math.max(1, Math.floor(warm.length / 3));
  const grew: string[] = [];
  const told = (Object.keys(GROWTH) as Array<keyof Held>).map((name) => {
    const [first, last] = [warm.slice(0, third), warm.slice(-third)].map((some) =>
      median(some.map((held) => held[name])),
    ) as [number, number];
    const { times, plus } = GROWTH[name];
    const text = `${name} ${first.toFixed(1)} to ${last.toFixed(1)}`;
    const isUnsettled = seen.length < FEW_ROUNDS && name.endsWith('MiB');
    const most = first * times + plus + (isUnsettled ? UNSETTLED_MIB : 0);
    if (last > most) grew.push(text);
    return text;
  });
  return { told: told.join(', '), grew };
}

async function soak(minutes: number, seed: number): Promise<string[]> {
  const state = makeTempDir('sluice-soak-state-');
  process.env['SLUICE_STATE_DIR'] = process.env['SLUICE_CACHE_DIR'] = state;
  const server = fork(new URL('./server.js', import.meta.url), [String(seed)], { execArgv: [] });
  const url = await new Promise<string>((resolve) => server.once('message', resolve));
  const began = performance.now();
  const isOver = (): boolean => performance.now() - began > minutes * 60_000;
  const run = new Soak(url, new Dice(seed));
  const seen: Held[] = [];
  const before = look();
  const pool = createPool({ perHost: PER_HOST });
  // However slow the machine is, there are rounds to compare.
  for (let round = 0; round < LEAST_ROUNDS || !isOver(); round++) {
    await run.round(round % 4 === 3 ? null : pool);
    seen.push(look());
  }
  await pool.close();
  run.end();
  // What was closed is gone some turns later.
  for (let turns = 0; turns < CLOSING_TURNS && look().sockets > before.sockets; turns++)
    await turn();
  const after = look();
  server.disconnect();
  rmSync(state, { recursive: true });
  const { told, grew } = growth(seen);
  const { files, bytes, retries, refused, aborted } = run.tally;
  const seconds = (performance.now() - began) / 1000;
  console.log(
    `soak: ${seconds.toFixed(0)} s, ${seen.length} rounds, ${files} files, ${(bytes / MIB).toFixed(0)} MiB, ` +
      `${retries} retries, ${refused} refused, ${aborted} stopped; ${told}; ` +
      `after the end: descriptors ${before.descriptors} to ${after.descriptors}, ` +
      `sockets ${before.sockets} to ${after.sockets}, timers ${before.timers} to ${after.timers}`,
  );
  for (const name of ['descriptors', 'sockets', 'timers'] as const)
    if (after[name] > before[name] + SPARE)
      grew.push(`after the end there are ${after[name]} ${name}, and were ${before[name]}`);
  return grew;
}

/** Rounds without which nothing can be compared. */
const LEAST_ROUNDS = 6;

/** What was closed is gone within so many turns. */
const CLOSING_TURNS = 100;

/** Node itself opens some things once, for good. */
const SPARE = 2;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
  },
});
const grew = await soak(Number(values.minutes), Number(values.seed));
for (const what of grew) console.error(`grew: ${what}`);
// What has grown may keep the process alive.
process.exit(grew.length === 0 ? 0 : 1);
