/** Who runs a lease: the main thread the first answer's, the piscina pool every other. */
import type { EventLoopUtilization } from 'node:perf_hooks';
import type { Piscina } from 'piscina';
import { SluiceError } from '../errors.js';
import type { Log } from '../log.js';
import type { Answer, Connection } from '../net/connection.js';
import { Connections } from '../../workers/connections.js';
import { Slots, connectionOf } from '../../workers/protocol.js';
import type { LeaseOutcome, LeaseTask } from '../../workers/protocol.js';
import { receiveLease, runLease } from '../../workers/run-lease.js';

/** Runs leases. `run` never rejects: a thread that dies is an outcome too (P19). */
export interface Executor {
  run(task: LeaseTask): Promise<LeaseOutcome>;
  /** Part of the time since the last call in which the busiest receiving thread was at work, 0 to 1. */
  processor(): number;
  /** The first answer's connection can serve further leases: it is in the thread that runs them. */
  readonly sharesFirst: boolean;
  close(): Promise<void>;
}

/** An answer whose head is checked and whose body begins at `bodyStart`. */
export interface OpenAnswer {
  connection: Connection;
  answer: Answer;
  bodyStart: number;
  /** Where the answer promised that its body ends. */
  bodyEnd: number;
}

/** Runs leases in the calling thread. */
export class LocalExecutor implements Executor {
  readonly connections = new Connections();
  readonly sharesFirst = true;
  private seen = performance.eventLoopUtilization();

  run(task: LeaseTask): Promise<LeaseOutcome> {
    return runLease(task, new Slots(task.memory), this.connections);
  }

  processor(): number {
    const before = this.seen;
    this.seen = performance.eventLoopUtilization();
    return performance.eventLoopUtilization(this.seen, before).utilization;
  }

  /** Receives the body of the first answer as a lease. */
  receive(
    task: LeaseTask,
    { connection, bodyStart: start, bodyEnd: end }: OpenAnswer,
  ): Promise<LeaseOutcome> {
    const slots = new Slots(task.memory);
    return receiveLease(task, slots, this.connections, connection, { start, end });
  }

  close(): Promise<void> {
    this.connections.close();
    return Promise.resolve();
  }
}

/**
 * A lease allocates next to nothing, its slab apart, which no limit here counts. A small young
 * generation keeps V8 from growing it to 16 MiB a thread before it collects.
 */
const WORKER_LIMITS = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 128 };

type Balancer = NonNullable<NonNullable<ConstructorParameters<typeof Piscina>[0]>['loadBalancer']>;
type PiscinaTask = Parameters<Balancer>[0];
type PiscinaWorker = Parameters<Balancer>[1][number];

/** piscina's own name for what its load balancer may see of a task; no message carries it. */
const FOR_BALANCER = Symbol.for('Piscina.queueOptions');

/**
 * Runs leases on worker threads, several at once in each. A connection belongs to a thread for life,
 * so that its socket can be used again, and asked behind a lease that it receives.
 */
export class PoolExecutor implements Executor {
  readonly sharesFirst = false;
  private pool: Promise<Piscina> | null = null;
  private started: Piscina | null = null;
  /** The thread of each connection, by piscina's number. */
  private readonly threadOf = new Map<number, number>();
  private readonly seen = new Map<number, EventLoopUtilization>();

  constructor(
    private readonly threads: number,
    private readonly connections: number,
    private readonly log: Log,
  ) {}

  /** Starts the threads, so that they are there when the first lease is. */
  warm(): void {
    this.pool ??= this.start();
    this.pool.catch(() => undefined);
  }

  private async start(): Promise<Piscina> {
    const { Piscina } = await import('piscina');
    const pool = new Piscina({
      filename: new URL('../../workers/lease.cjs', import.meta.url).href,
      minThreads: this.threads,
      maxThreads: this.threads,
      // A connection has a lease that it receives, and one that is asked for behind it.
      concurrentTasksPerWorker: 2 * this.connections,
      idleTimeout: Infinity,
      atomics: 'disabled',
      loadBalancer: (task, workers) => this.place(task, workers),
      recordTiming: false,
      resourceLimits: WORKER_LIMITS,
    });
    // A dying thread also rejects its tasks, which become outcomes; without a listener it would end the process.
    pool.on('error', (error) => this.log.warn({ error: deathOf(error) }, 'a worker thread failed'));
    this.started = pool;
    return pool;
  }

  /** The thread of a task's connection; a new one, the one with the fewest, when it has none that lives. */
  private place(task: PiscinaTask, workers: PiscinaWorker[]): PiscinaWorker | null {
    const { connection } = (task as unknown as Record<symbol, { connection: number }>)[
      FOR_BALANCER
    ] as { connection: number };
    const living = workers.filter(({ destroyed, terminating }) => !destroyed && !terminating);
    const own = living.find(({ id }) => id === this.threadOf.get(connection));
    if (own !== undefined) return own;
    const load = ({ id }: PiscinaWorker): number =>
      [...this.threadOf.values()].filter((each) => each === id).length;
    const [chosen] = living.sort((a, b) => load(a) - load(b));
    // All threads start together: one that is not there yet would get no connection at all.
    if (chosen === undefined || living.length < this.threads) return null;
    this.threadOf.set(connection, chosen.id);
    return chosen;
  }

  processor(): number {
    let most = 0;
    for (const { performance, threadId } of this.started?.threads ?? []) {
      const before = this.seen.get(threadId);
      const now = performance.eventLoopUtilization();
      this.seen.set(threadId, now);
      const { utilization } = performance.eventLoopUtilization(now, before);
      if (before !== undefined) most = Math.max(most, utilization);
    }
    return most;
  }

  async run(task: LeaseTask): Promise<LeaseOutcome> {
    this.pool ??= this.start();
    try {
      const placed = { ...task, [FOR_BALANCER]: { connection: connectionOf(task.slot) } };
      return (await (await this.pool).run(placed)) as LeaseOutcome;
    } catch (thrown) {
      return lostOutcome(task, thrown);
    }
  }

  async close(): Promise<void> {
    const pool = await this.pool?.catch(() => null);
    await pool?.destroy();
  }
}

/**
 * What ended a thread. What was thrown may quote what the thread worked with, headers and all (P12):
 * only the texts of Node and piscina about its end are repeated, of anything else its kind.
 */
function deathOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return typeof thrown;
  const { code } = thrown as NodeJS.ErrnoException;
  const isOwn = /^worker exited with code: -?\d+$/.test(thrown.message);
  if (isOwn || code?.startsWith('ERR_WORKER_')) return thrown.message;
  return /^\w{1,40}$/.test(thrown.name) ? thrown.name : 'Error';
}

/** What a lease came to whose thread died: what its slot says is written, the rest is missing. */
function lostOutcome(task: LeaseTask, thrown: unknown): LeaseOutcome {
  const error = new SluiceError('WORKER_LOST', `a worker thread died: ${deathOf(thrown)}`, {
    next: 'Run the same command again: it continues where it stopped.',
  });
  return {
    lease: task.lease,
    slot: task.slot,
    written: new Slots(task.memory).position(task.slot),
    received: 0,
    seam: null,
    dialMs: null,
    firstByteMs: null,
    address: null,
    pipelined: null,
    result: { kind: 'failed', error: error.toRecord() },
  };
}
