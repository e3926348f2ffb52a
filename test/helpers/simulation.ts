/**
 * A seeded simulation: a server with faults drawn at random, a download with 1 to 16 connections,
 * stopped at random and gone on with `get` or `resume`, and the oracle after each run. In the end
 * the server is well again, and the download has to succeed.
 */
import { SluiceError } from '../../src/errors.js';
import { certificates } from './certificates.js';
import { Dice } from './dice.js';
import { Engine, checkOracle, told } from './engine.js';
import type { EngineRun, Reference, RunOverrides, Running } from './engine.js';
import { Origin } from './origin.js';
import {
  addFaults,
  drawAdmissions,
  drawCertificates,
  drawServer,
  drawSize,
  rotates,
} from './simulation-faults.js';
import { addHabits, drawForm } from './simulation-wild.js';

/** What came of one seed. */
export interface Outcome {
  seed: number;
  /** The runs in order, in words. */
  runs: string[];
  /** Why the oracle failed; null when it held. */
  failure: string | null;
}

/** A run that takes longer than this hangs (P16). */
const HANG_MS = 120_000;

/** Deadlines of a server that is well: only a hang may meet them, however busy the machine is. */
const PATIENT = { connectMs: 6000, firstByteMs: 6000, stallMs: 4000 };

/** Runs while things go wrong; then comes one more, or two. */
const RUNS = 3;

/** The servers of one seed. */
interface World {
  origin: Origin;
  /** What is asked for: the file, or what redirects to it. */
  url: string;
  /** What the file may be: it changes at most once. */
  references: Reference[];
  overrides: RunOverrides;
  /** Whether a server that is well again can be got the file from. */
  recovers: boolean;
  heal(): void;
  close(): Promise<void>;
}

async function makeWorld(dice: Dice, seed: number): Promise<World> {
  const all = await certificates();
  const reference: Reference = { seed: seed + 1, size: drawSize(dice) };
  const plain = drawServer(dice, reference.size, reference.seed);
  const server = { ...plain, ...drawForm(dice, plain.framing) };
  const secure = dice.chance(0.25);
  const refused = drawAdmissions(dice);
  const bad = drawCertificates(dice, all);
  let healed = false;
  const origin: Origin = await Origin.start({
    ...server,
    ...(secure ? { tls: all.server } : {}),
    pipelining: dice.pick(['serve', 'serve', 'ignore', 'reset'] as const),
    admit: (connection) => {
      if (secure) {
        const certificate = healed ? undefined : bad.get(connection);
        origin.server.setCertificate(certificate ?? all.server);
      }
      return healed ? null : (refused.get(connection) ?? null);
    },
  });
  const wire = { size: reference.size, framed: server.framing === 'length', secure };
  addFaults(dice, origin, wire);
  addHabits(dice, origin, wire);
  // Where answers take their time, requests are sent behind each other.
  if (dice.chance(0.4))
    origin.fault({ times: Infinity, fault: { kind: 'latency', ms: dice.int(8, 60) } });
  const references = [reference, ...drawChange(dice, origin, reference)];
  const gate = dice.chance(0.25) ? await openGate(dice, origin) : null;
  return {
    origin,
    url: gate?.url ?? origin.url,
    references,
    // Short ranges that have nothing to tie them together, and no answer that is the whole.
    recovers: server.maxRange === Infinity || !rotates(server),
    overrides: {
      tls: { ca: all.ca, cert: null, key: null, verify: true },
      deadlines: { connectMs: 2000, firstByteMs: 700, stallMs: 500 },
    },
    heal: () => {
      healed = true;
      origin.heal();
      gate?.heal();
    },
    close: async () => {
      await Promise.all([origin.close(), gate?.close()]);
      const failures = [...origin.server.failures, ...(gate?.failures() ?? [])];
      if (failures.length > 0) throw new Error(String(failures[0]));
    },
  };
}

/** Sometimes another file takes the place of the first, at the answer to some request. */
function drawChange(dice: Dice, origin: Origin, { seed, size }: Reference): Reference[] {
  if (!dice.chance(0.12)) return [];
  const next = { seed: seed + 0x1000000, size: dice.chance(0.5) ? size : drawSize(dice) };
  const request = dice.int(1, 14);
  origin.fault({
    times: Infinity,
    fault: { kind: 'latency', ms: 0 },
    when: ({ number }) => {
      const { lastModified } = origin.representation;
      const date = lastModified === null ? null : new Date('2024-05-06T07:08:09Z');
      if (number >= request) origin.set({ ...next, lastModified: date });
      return false;
    },
  });
  return [next];
}

/** What leads to the origin: a few hops to an address that serves so many requests. */
async function openGate(
  dice: Dice,
  origin: Origin,
): Promise<{ url: string; heal(): void; close(): Promise<void>; failures(): unknown[] }> {
  const gate = await Origin.start();
  const hops = dice.int(0, 4);
  const uses = dice.int(3, 30);
  const status = dice.pick([401, 403, 404, 410]);
  let generation = 0;
  let used = 0;
  let healed = false;
  gate.server.handle(({ target }, reply) => {
    const hop = Number(/^\/(\d+)$/.exec(target)?.[1] ?? 0);
    const location = hop > 0 ? `/${hop - 1}` : `${origin.url}?signed=${generation}`;
    void reply.head(302, { Location: location, 'Content-Length': 0 });
  });
  origin.fault({
    times: Infinity,
    fault: { kind: 'status', status },
    when: ({ target }) => {
      if (healed) return false;
      if (++used % uses === 0) generation++;
      return target.includes('signed=') && !target.endsWith(`=${generation}`);
    },
  });
  return {
    url: gate.server.url(`/${hops}`),
    heal: () => (healed = true),
    close: () => gate.close(),
    failures: () => gate.server.failures,
  };
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

/** Fails unless the oracle holds for one of the files that the server had. */
function checkAny(run: EngineRun, references: Reference[]): void {
  if (run.last.type === 'error' && run.last.code === 'DEFECT') throw new Error(told(run));
  const wrong = references.flatMap((reference) => {
    try {
      checkOracle(run, reference);
      return [];
    } catch (error) {
      return [error];
    }
  });
  if (wrong.length === references.length) throw wrong[0];
}

/** Plays one seed. */
export async function simulate(seed: number): Promise<Outcome> {
  const dice = new Dice(seed);
  const world = await makeWorld(dice, seed);
  const engine = new Engine();
  const runs: string[] = [];
  const note = (how: string, run: EngineRun): EngineRun => {
    runs.push(`${how}: ${told(run)}`);
    checkAny(run, world.references);
    return run;
  };
  try {
    let done = false;
    for (let i = 0; i < RUNS && !done; i++) {
      const overrides: RunOverrides = {
        ...world.overrides,
        connections: dice.pick([1, 2, 4, 8, 16, 'auto' as const]),
        threads: dice.chance(0.02) ? 2 : 0,
        retries: dice.int(0, 3),
      };
      const resumes = engine.hasPart && dice.chance(0.5);
      const running = resumes ? engine.startResume(overrides) : engine.start(world.url, overrides);
      if (dice.chance(0.05)) setTimeout(() => world.origin.server.vanishAll(), dice.int(0, 300));
      const run = await orHang(stopSometimes(dice, running));
      note(`${resumes ? 'resume' : 'get'} ${overrides.connections}`, run);
      done = run.status === 0;
    }
    world.heal();
    if (!done && world.recovers) await recover(engine, world, note);
    return { seed, runs, failure: null };
  } catch (error) {
    return { seed, runs, failure: error instanceof Error ? error.message : String(error) };
  } finally {
    engine.remove();
    await world.close();
  }
}

/** With a server that is well again a `get` succeeds; what was kept may have to be given up first. */
async function recover(
  engine: Engine,
  world: World,
  note: (how: string, run: EngineRun) => EngineRun,
): Promise<void> {
  const overrides: RunOverrides = {
    ...world.overrides,
    deadlines: PATIENT,
    retries: 4,
    onExists: 'overwrite',
  };
  for (const last of [false, true]) {
    const run = note('healed', await orHang(engine.get(world.url, overrides)));
    if (run.status === 0) return;
    if (last) throw new Error(`does not recover: ${told(run)}`);
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
