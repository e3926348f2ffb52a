/**
 * A seeded simulation: a server with faults drawn at random, a download with 1 to 16 connections,
 * stopped at random and gone on with `get` or `resume`, and the oracle after each run.
 */
import { SluiceError } from '../../src/errors.js';
import { Engine, checkOracle, told } from './engine.js';
import type { EngineRun, Reference, RunOverrides, Running } from './engine.js';
import { Origin } from './origin.js';
import type { Fault, OriginOptions } from './origin.js';

/** Random numbers that a seed repeats (xorshift). */
export class Dice {
  private state: number;

  constructor(seed: number) {
    this.state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1;
    for (let i = 0; i < 8; i++) this.next();
  }

  /** In [0, 1). */
  next(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x >>> 0;
    return this.state / 2 ** 32;
  }

  /** A whole number in [low, high]. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(part: number): boolean {
    return this.next() < part;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)] as T;
  }
}

/** What came of one seed. */
export interface Outcome {
  seed: number;
  /** The runs in order, in words. */
  runs: string[];
  /** Why the oracle failed; null when it held. */
  failure: string | null;
}

const KIB = 1024;
const MIB = 1024 * KIB;

/** A run that takes longer than this hangs (P16). */
const HANG_MS = 60_000;

const SIZES = [0, 1, 4095, 4096, 4097, 64 * KIB, MIB - 1, MIB + 1, 2 * MIB, 4 * MIB, 4 * MIB + 1];

function drawSize(dice: Dice): number {
  return dice.chance(0.4) ? dice.pick(SIZES) : dice.int(MIB, 9 * MIB);
}

function drawServer(dice: Dice, size: number, seed: number): OriginOptions {
  const rate = dice.chance(0.6) ? dice.int(2, 40) * MIB : Infinity;
  return {
    size,
    seed,
    etag: dice.pick([
      'strong',
      'strong',
      'strong',
      'weak',
      'none',
      'per-request',
      'per-connection',
    ]),
    lastModified: dice.chance(0.6) ? new Date('2024-01-02T03:04:05Z') : null,
    ranges: dice.chance(0.85),
    acceptRanges: dice.chance(0.8) ? null : dice.chance(0.5),
    ifRange: dice.pick(['honour', 'honour', 'honour', 'refuse', 'ignore']),
    framing: dice.pick(['length', 'length', 'length', 'length', 'chunked', 'close']),
    maxRange: dice.chance(0.1) ? dice.int(64 * KIB, 2 * MIB) : Infinity,
    keepAlive: dice.chance(0.85),
    latencyMs: dice.chance(0.3) ? dice.int(1, 40) : 0,
    rate: () => (dice.chance(0.1) ? rate / 8 : rate),
    ...(dice.chance(0.15)
      ? {
          maxConnections: {
            limit: dice.int(1, 4),
            refuse: dice.pick([
              'close' as const,
              'reset' as const,
              { status: 503 },
              { status: 429, retryAfter: 0 },
            ]),
          },
        }
      : {}),
  };
}

function drawFault(dice: Dice, size: number, framed: boolean): Fault {
  const at = dice.int(0, Math.max(1, size));
  const near = dice.int(0, 64 * KIB);
  const place = dice.chance(0.5) ? at : near;
  return dice.pick<() => Fault>([
    () => ({ kind: 'reset', at: place }),
    // A body without any length that ends early in good order is a shorter body.
    () => (framed ? { kind: 'early-end', at: place } : { kind: 'reset', at: place }),
    () => ({ kind: 'stall', at: place }),
    () => ({ kind: 'reset-head', at: dice.int(0, 100) }),
    () => ({ kind: 'end-head', at: dice.int(0, 100) }),
    () => ({ kind: 'stall-head', at: dice.int(0, 100) }),
    // What comes after a body without any length belongs to it.
    () => ({ kind: 'overlong', extra: framed ? dice.int(1, 20_000) : 0 }),
    () => ({ kind: 'status', status: dice.pick([401, 403, 404, 408, 410, 416, 425, 429]) }),
    () => ({ kind: 'status', status: dice.pick([500, 502, 503, 504]), retryAfter: dice.int(0, 1) }),
    () => ({ kind: 'content-range', value: dice.pick([null, 'bytes 0-9/10', 'bytes */10', 'x']) }),
    () => ({ kind: 'total', total: dice.pick([1, size + 1, '*' as const]) }),
    () => ({ kind: 'content-length', value: dice.pick(['7', null, '1x', String(size)]) }),
    () => ({ kind: 'etag', value: dice.pick(['"other"', null, 'W/"weak"']) }),
    () => ({ kind: 'full-200' }),
    () => ({ kind: 'multipart' }),
    () => ({ kind: 'encoding', encoding: 'gzip' }),
    () => ({ kind: 'interim', status: 103, count: dice.int(1, 40) }),
    () => ({ kind: 'latency', ms: dice.int(1, 300) }),
    () => ({ kind: 'rate', bytesPerSecond: dice.int(1, 8) * 512 * KIB }),
    // Where no answer has a length or a validator, nothing tells this one from the file.
    () =>
      framed
        ? { kind: 'raw', bytes: 'HTTP/1.1 200 OK\r\n\r\n<html>log in</html>', then: 'end' }
        : { kind: 'full-200' },
  ])();
}

/** Answers that no client can tell from the file when they come first: they only come later. */
const IMPOSTORS: ReadonlySet<Fault['kind']> = new Set(['raw', 'content-length', 'encoding']);

function addFaults(dice: Dice, origin: Origin, size: number, framed: boolean): void {
  const count = dice.chance(0.2) ? 0 : dice.int(1, 6);
  for (let i = 0; i < count; i++) {
    const fault = drawFault(dice, size, framed);
    const request = dice.int(0, 12);
    const later = IMPOSTORS.has(fault.kind);
    const times = dice.chance(0.8) ? 1 : dice.int(2, 8);
    origin.fault({
      fault,
      times,
      when: ({ number, range }) => number >= request && (!later || (range?.start ?? 0) > 0),
    });
  }
}

async function stopSometimes(dice: Dice, running: Running): Promise<EngineRun> {
  if (!dice.chance(0.5)) return running.ended;
  const timer = setTimeout(
    () => running.stop(new SluiceError('INTERRUPTED', 'stopped')),
    dice.int(0, 400),
  );
  return running.ended.finally(() => clearTimeout(timer));
}

function orHang(ended: Promise<EngineRun>): Promise<EngineRun> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the run hangs')), HANG_MS);
    void ended.then(resolve).finally(() => clearTimeout(timer));
  });
}

/** Plays one seed. */
export async function simulate(seed: number): Promise<Outcome> {
  const dice = new Dice(seed);
  const reference: Reference = { seed: seed + 1, size: drawSize(dice) };
  const engine = new Engine();
  const server = drawServer(dice, reference.size, reference.seed);
  const origin = await Origin.start(server);
  addFaults(dice, origin, reference.size, server.framing === 'length');
  const runs: string[] = [];
  try {
    for (let i = 0; i < 4; i++) {
      const overrides: RunOverrides = {
        connections: dice.pick([1, 2, 4, 8, 16, 'auto' as const]),
        retries: dice.int(0, 3),
        deadlines: { connectMs: 2000, firstByteMs: 700, stallMs: 500 },
      };
      const resumes = engine.hasPart && dice.chance(0.5);
      const running = resumes ? engine.startResume(overrides) : engine.start(origin.url, overrides);
      const run = await orHang(stopSometimes(dice, running));
      runs.push(`${resumes ? 'resume' : 'get'} ${overrides.connections}: ${told(run)}`);
      if (run.last.type === 'error' && run.last.code === 'DEFECT') throw new Error(told(run));
      checkOracle(run, reference);
      if (run.status === 0) break;
      if (i === 2) origin.heal();
    }
    if (origin.server.failures.length > 0) throw new Error(String(origin.server.failures[0]));
    return { seed, runs, failure: null };
  } catch (error) {
    return { seed, runs, failure: error instanceof Error ? error.message : String(error) };
  } finally {
    await origin.close();
    engine.remove();
  }
}

/**
 * Plays seeds `[from, from + count)`, several at a time, for most of a run is waiting.
 * @param untilMs no further seed is begun after this many milliseconds
 */
export async function simulateMany(
  from: number,
  count: number,
  { together = 12, untilMs = Infinity, tell = (_: Outcome): void => undefined } = {},
): Promise<{ played: number; failed: Outcome[]; outcomes: Map<string, number> }> {
  const began = performance.now();
  const failed: Outcome[] = [];
  const outcomes = new Map<string, number>();
  let next = from;
  let played = 0;
  const work = async (): Promise<void> => {
    while (next < from + count && performance.now() - began < untilMs) {
      const outcome = await simulate(next++);
      played++;
      tell(outcome);
      for (const run of outcome.runs) {
        const what = run.split(': ')[1] ?? '';
        outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
      }
      if (outcome.failure !== null) failed.push(outcome);
    }
  };
  await Promise.all(Array.from({ length: together }, work));
  return { played, failed, outcomes };
}
