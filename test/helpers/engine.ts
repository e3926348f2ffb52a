/**
 * Drives the engine in this process, with short deadlines and a directory and a state of its own,
 * and checks the oracle of every promise: exit 0 and the file equals the reference; or not 0 and
 * nothing under the final name.
 */
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { defaultOptions } from '../../src/app/defaults.js';
import { heldAt } from '../../src/app/inspect.js';
import { resumeOptions } from '../../src/app/resume.js';
import { ERROR_CODES, SluiceError } from '../../src/errors.js';
import type { ErrorCode, ExitStatus } from '../../src/errors.js';
import { silentLog } from '../../src/log.js';
import type { LogFields } from '../../src/log.js';
import { Download } from '../../src/transfer/download.js';
import type { DoneEvent, DownloadEvent, ErrorEvent } from '../../src/transfer/events.js';
import type { DownloadOptions } from '../../src/transfer/options.js';
import { expectSameContent, makeTempDir } from './files.js';
import { Lateness } from './lateness.js';
import { Origin } from './origin.js';
import type { OriginOptions } from './origin.js';

/** Deadlines short enough for tests, and long enough for a busy machine. */
export const SHORT_DEADLINES = { connectMs: 2500, firstByteMs: 2500, stallMs: 2000 };

/** What an origin that has run dry is allowed beyond what is waited for. */
const SPARE = 1024 * 1024;

/** What an engine run may be told beside the URL. */
export type RunOverrides = Partial<Omit<DownloadOptions, 'url' | 'deadlines'>> & {
  deadlines?: Partial<DownloadOptions['deadlines']>;
};

/** A download that has ended. */
export interface EngineRun {
  last: DoneEvent | ErrorEvent;
  status: ExitStatus;
  events: DownloadEvent[];
  /** What the log says of each lease, in the order in which they ended. */
  leases: LogFields[];
  /** Milliseconds that it took. */
  ms: number;
  /** Milliseconds of these in which this thread could not run: see {@link Lateness}. */
  lateMs: number;
  /** The final path. */
  file: string;
}

/** A download that runs. */
export interface Running {
  stop(error: SluiceError): void;
  /** What happened so far. */
  events: readonly DownloadEvent[];
  /**
   * Resolves when over so many bytes are in place; rejects when it ends before.
   * @param held an origin that sends no more than it is allowed: some more when it has run dry, for
   *   what it sends to a connection that is then given up never gets into the file
   */
  has(bytes: number, held?: Origin): Promise<void>;
  ended: Promise<EngineRun>;
}

/**
 * Starts a download; it never rejects.
 * @param backlogBytes what may be written and not synced before connections are held back
 */
export function startRun(options: DownloadOptions, backlogBytes?: number): Running {
  const events: DownloadEvent[] = [];
  const leases: LogFields[] = [];
  const watchers = new Set<(event: DownloadEvent) => void>();
  const download = new Download(options, {
    ...(backlogBytes === undefined ? {} : { backlogBytes }),
    log: {
      ...silentLog,
      debug: (fields, message) => {
        if (message.startsWith('lease ')) leases.push(fields);
      },
    },
    emit: (event) => {
      events.push(event);
      for (const watch of watchers) watch(event);
    },
  });
  const began = performance.now();
  const lateness = new Lateness();
  const ended = download.run().then((last): EngineRun => {
    const status = last.type === 'done' ? 0 : ERROR_CODES[last.code];
    const ms = performance.now() - began;
    const lateMs = lateness.stop();
    return { last, status, events, leases, ms, lateMs, file: options.output ?? '' };
  });
  const has = (bytes: number, held?: Origin): Promise<void> =>
    new Promise((resolve, reject) => {
      let last = 0;
      const watch = (event: DownloadEvent): void => {
        if (event.type !== 'progress') return;
        if (event.bytes > bytes) resolve();
        else if (event.bytes > 0 && event.bytes === last) held?.allow(bytes - last + SPARE);
        last = event.bytes;
      };
      watchers.add(watch);
      void ended.then((run) =>
        reject(new Error(`over before it had ${bytes} bytes: ${told(run)}`)),
      );
    });
  return { stop: (error) => download.stop(error), events, has, ended };
}

/** Receipts and notes of all engines of this process: none may come from, or go to, the user's own. */
const STATE = makeTempDir('sluice-state-');
process.env['SLUICE_STATE_DIR'] = STATE;
process.env['SLUICE_CACHE_DIR'] = STATE;
process.once('exit', () => rmSync(STATE, { recursive: true, force: true }));

/** One directory, and the runs of the engine in it. Leases run in this thread unless told. */
export class Engine {
  readonly dir: string;
  readonly file: string;

  constructor(readonly defaults: RunOverrides = {}) {
    this.dir = makeTempDir('sluice-engine-');
    this.file = path.join(this.dir, 'file.bin');
  }

  /** The options of a run. */
  options(url: string, overrides: RunOverrides = {}): DownloadOptions {
    const { deadlines, ...rest } = { ...this.defaults, ...overrides };
    return {
      ...defaultOptions(url),
      output: this.file,
      connections: 4,
      threads: 0,
      retries: 2,
      deadlines: { ...SHORT_DEADLINES, ...deadlines },
      ...rest,
    };
  }

  start(url: string, overrides: RunOverrides = {}, backlogBytes?: number): Running {
    return startRun(this.options(url, overrides), backlogBytes);
  }

  /** `sluice get`. */
  get(url: string, overrides: RunOverrides = {}): Promise<EngineRun> {
    return this.start(url, overrides).ended;
  }

  /** Begins `sluice resume`, which takes the URL from the journal. */
  startResume(overrides: RunOverrides = {}): Running {
    const base = this.options('http://unused.invalid/', overrides);
    return startRun(resumeOptions(this.file, base));
  }

  /** `sluice resume`. */
  resume(overrides: RunOverrides = {}): Promise<EngineRun> {
    return this.startResume(overrides).ended;
  }

  /** Whether an unfinished download lies there. */
  get hasPart(): boolean {
    return existsSync(`${this.file}.part`);
  }

  /** Bytes that the unfinished download claims to have. */
  get keptBytes(): number {
    return heldAt(this.file).bytes;
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** What the oracle compares with. */
export interface Reference {
  seed: number;
  size: number;
}

/** The oracle: exit 0 and the reference, or not 0 and nothing under the final name. */
export function checkOracle(run: EngineRun, reference: Reference): void {
  if (run.status === 0) expectSameContent(run.file, reference.seed, reference.size);
  else expect(existsSync(run.file), `nothing at the final name after ${told(run)}`).equal(false);
}

/** Fails unless the run ended well and the file is the reference. */
export function expectDone(run: EngineRun, reference: Reference): void {
  expect(run.status, told(run)).equal(0);
  checkOracle(run, reference);
}

/** Fails unless the run ended with this code, and with nothing under the final name. */
export function expectFailed(run: EngineRun, ...codes: ErrorCode[]): ErrorEvent {
  expect(run.last.type, told(run)).equal('error');
  const last = run.last as ErrorEvent;
  if (codes.length > 0) expect(codes, told(run)).include(last.code);
  expect(existsSync(run.file), 'the final name').equal(false);
  return last;
}

/** Fails unless the run took so long: no less, and no more than a second and what the machine took. */
export function expectOnTime(run: EngineRun, deadlineMs: number): void {
  expect(run.ms, told(run)).within(deadlineMs - 50, deadlineMs + 1000 + run.lateMs);
}

/** Interrupts a download once over so many bytes are in place. */
export async function interrupt(
  running: Running,
  bytes: number,
  held?: Origin,
): Promise<EngineRun> {
  await running.has(bytes, held);
  running.stop(interrupted());
  const run = await running.ended;
  expect(run.status, told(run)).equal(130);
  return run;
}

/** What ends a run as Ctrl-C does. */
export const interrupted = (): SluiceError => new SluiceError('INTERRUPTED', 'stopped');

/** A run in one line, for messages. */
export function told({ last }: EngineRun): string {
  return last.type === 'done' ? `done (${last.outcome})` : `${last.code}: ${last.message}`;
}

/** Engines and origins of the tests in a `describe`; all are closed after each test. */
export interface Bench {
  engine(defaults?: RunOverrides): Engine;
  origin(options?: OriginOptions): Promise<Origin>;
}

/** Call it in the body of `describe`. */
export function benchPerTest(): Bench {
  const engines: Engine[] = [];
  const origins: Origin[] = [];
  afterEach(async () => {
    for (const engine of engines.splice(0)) engine.remove();
    const closing = origins.splice(0);
    await Promise.all(closing.map((origin) => origin.close()));
    for (const origin of closing) expect(origin.server.failures).deep.equal([]);
  });
  return {
    engine: (defaults) => {
      const engine = new Engine(defaults);
      engines.push(engine);
      return engine;
    },
    origin: async (options) => {
      const origin = await Origin.start(options);
      origins.push(origin);
      return origin;
    },
  };
}
