/** Who runs a lease: the main thread the first answer's, the piscina pool every other. */
import type { EventLoopUtilization } from 'node:perf_hooks';
import type { Piscina } from 'piscina';
import { SluiceError } from '../errors.js';
import type { Log } from '../log.js';
import type { Answer } from '../net/exchange.js';
import type { Connection } from '../net/connection.js';
import type { Connections } from '../lease/slots.js';
import { Slots } from '../lease/task.js';
import type { LeaseOutcome, LeaseTask } from '../lease/task.js';
import { emptyOutcome, receiveLease, runLease } from '../lease/run.js';
import type { Host } from './host.js';

/** Runs the leases of one file. `run` never rejects: a thread that dies is an outcome too (P19). */
export interface Executor {
  run(task: LeaseTask): Promise<LeaseOutcome>;
  /** Part of the time since the last call in which the busiest receiving thread was at work, 0 to 1. */
  processor(): number;
  /** The first answer's connection can serve further leases: it is in the thread that runs them. */
  readonly sharesFirst: boolean;
  /** Resolves when no lease of the file runs any more, and nothing is written to it. */
  finish(): Promise<void>;
}

/** An answer whose head is checked and whose body begins at `bodyStart`. */
export interface OpenAnswer {
  connection: Connection;
  answer: Answer;
  bodyStart: number;
  /** Where the answer promised that its body ends. */
  bodyEnd: number;
}

/** Leases of a file that are under way. */
class Out {
  private readonly leases = new Set<Promise<unknown>>();

  async add<T>(lease: Promise<T>): Promise<T> {
    this.leases.add(lease);
    try {
      return await lease;
    } finally {
      this.leases.delete(lease);
    }
  }

  /** Resolves when all are over, or after so many milliseconds; whether all are. */
  async over(ms = Infinity): Promise<boolean> {
    if (this.leases.size === 0) return true;
    const all = Promise.allSettled([...this.leases]).then(() => true);
    if (ms === Infinity) return all;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), ms)));
    const isOver = await Promise.race([all, late]);
    clearTimeout(timer);
    return isOver;
  }
}

/** Runs the leases of one file in the calling thread. */
export class LocalExecutor implements Executor {
  readonly sharesFirst = true;
  private seen = performance.eventLoopUtilization();
  private readonly out = new Out();

  constructor(private readonly connections: Connections) {}

  run(task: LeaseTask): Promise<LeaseOutcome> {
    return this.out.add(runLease(task, new Slots(task.memory), this.connections));
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
    return this.out.add(receiveLease(task, slots, this.connections, connection, { start, end }));
  }

  async finish(): Promise<void> {
    await this.out.over();
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

/** Where a task is to run: in the thread of a connection, or in a certain one. */
type Place = { connection: number } | { thread: number };

/**
 * The threads of the process that receive, several leases at once in each, of all files. A connection
 * belongs to a thread for life, so that its socket can be used again, and asked behind a lease that it receives.
 */
export class Pool {
  private pool: Promise<Piscina> | null = null;
  private started: Piscina | null = null;
  /** The thread of each connection, by piscina's number. */
  private readonly threadOf = new Map<number, number>();
  private readonly closers = new Set<() => void>();

  /**
   * @param threads how many
   * @param leases the most that may run at once in one of them
   */
  constructor(
    private readonly threads: number,
    private readonly leases: number,
    private readonly log: Log,
  ) {}

  private async start(): Promise<Piscina> {
    const { Piscina } = await import('piscina');
    const pool = new Piscina({
      filename: new URL('../../workers/lease.cjs', import.meta.url).href,
      minThreads: this.threads,
      maxThreads: this.threads,
      concurrentTasksPerWorker: this.leases,
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
    const place = (task as unknown as Record<symbol, Place>)[FOR_BALANCER] as Place;
    const living = workers.filter(({ destroyed, terminating }) => !destroyed && !terminating);
    if ('thread' in place) return living.find(({ id }) => id === place.thread) ?? living[0] ?? null;
    const { connection } = place;
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

  /** What each thread was at work so far, by its number. */
  utilizations(): Array<[thread: number, PiscinaThread]> {
    return (this.started?.threads ?? []).map((thread) => [thread.threadId, thread.performance]);
  }

  /** Runs a lease; rejects when its thread dies. */
  async run(task: LeaseTask): Promise<LeaseOutcome> {
    this.pool ??= this.start();
    const placed = { ...task, [FOR_BALANCER]: { connection: task.connection } };
    return (await (await this.pool).run(placed)) as LeaseOutcome;
  }

  /** Closes the idle connections to an origin, in all threads. */
  async dropIdle(origin: string): Promise<void> {
    const pool = await this.pool?.catch(() => null);
    if (pool === null || pool === undefined) return;
    const ids = new Set(this.threadOf.values());
    const drop = (thread: number): Promise<unknown> =>
      pool.run({ drop: origin, [FOR_BALANCER]: { thread } });
    // A thread that dies closes them as well.
    await Promise.allSettled([...ids].map(drop));
  }

  /** A connection is used no more under its number. */
  forget(connection: number): void {
    this.threadOf.delete(connection);
  }

  /** Has `closed` called whenever all threads have been ended; returns what calls that off. */
  onClose(closed: () => void): () => void {
    this.closers.add(closed);
    return () => this.closers.delete(closed);
  }

  /** Ends all threads at once. The next lease starts others. */
  async close(): Promise<void> {
    const pool = await this.pool?.catch(() => null);
    this.pool = this.started = null;
    this.threadOf.clear();
    await pool?.destroy();
    for (const closed of this.closers) closed();
  }
}

type PiscinaThread = Piscina['threads'][number]['performance'];

/** Leases that were given up may take so long to end; then their thread is ended, in milliseconds. */
const GIVEN_UP_MS = 1000;

/** Runs the leases of one file on the threads of the process. */
export class PoolExecutor implements Executor {
  readonly sharesFirst = false;
  private readonly seen = new Map<number, EventLoopUtilization>();
  private readonly out = new Out();
  /** The connections that it has used, and whose each is. */
  private readonly used = new Map<number, Host>();

  /** @param hostOf whose connections lead to the origin of a lease */
  constructor(
    private readonly pool: Pool,
    private readonly hostOf: (task: LeaseTask) => Host,
  ) {}

  processor(): number {
    let most = 0;
    for (const [threadId, performance] of this.pool.utilizations()) {
      const before = this.seen.get(threadId);
      const now = performance.eventLoopUtilization();
      this.seen.set(threadId, now);
      const { utilization } = performance.eventLoopUtilization(now, before);
      if (before !== undefined) most = Math.max(most, utilization);
    }
    return most;
  }

  run(task: LeaseTask): Promise<LeaseOutcome> {
    return this.out.add(this.runAdmitted(task));
  }

  private async runAdmitted(task: LeaseTask): Promise<LeaseOutcome> {
    const host = this.hostOf(task);
    const { connection } = task;
    // What was asked for behind another lease goes to a connection that is there.
    if (this.used.get(connection) !== host) this.leave(connection);
    this.used.set(connection, host);
    const slots = new Slots(task.memory);
    await host.admitPooled(connection, () => !slots.isCancelled(task.slot, task.lease));
    let keeps = false;
    try {
      const outcome = await this.pool.run(task);
      ({ keeps } = outcome);
      return outcome;
    } catch (thrown) {
      return lostOutcome(task, thrown);
    } finally {
      host.endedPooled(connection, keeps);
    }
  }

  private leave(connection: number): void {
    this.used.get(connection)?.leftPooled(connection);
    this.pool.forget(connection);
  }

  async finish(): Promise<void> {
    // Its thread may be stuck: nothing else keeps it from writing to what may be another file by then.
    if (!(await this.out.over(GIVEN_UP_MS))) await this.pool.close();
    await this.out.over();
    for (const connection of this.used.keys()) this.leave(connection);
    this.used.clear();
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
    ...emptyOutcome(task),
    written: new Slots(task.memory).position(task.slot),
    result: { kind: 'failed', error: error.toRecord() },
  };
}
