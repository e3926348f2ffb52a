/** Who runs a lease: the main thread (the first answer, single streams) or the piscina pool. */
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
  /** Whether the next lease of a connection, by its number, is sure to run where the present one does. */
  mayPipeline(connection: number): boolean;
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

  run(task: LeaseTask): Promise<LeaseOutcome> {
    return runLease(task, new Slots(task.memory), this.connections);
  }

  mayPipeline(): boolean {
    return true;
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

interface Pool {
  run(task: unknown): Promise<unknown>;
  destroy(): Promise<void>;
  on(event: 'error', listener: (error: unknown) => void): unknown;
}

/** Runs leases on worker threads, several at once in each. */
export class PoolExecutor implements Executor {
  private pool: Promise<Pool> | null = null;

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

  private async start(): Promise<Pool> {
    const { Piscina } = await import('piscina');
    const pool = new Piscina({
      filename: new URL('../../workers/lease.cjs', import.meta.url).href,
      minThreads: this.threads,
      maxThreads: this.threads,
      concurrentTasksPerWorker: Math.ceil(this.connections / this.threads),
      idleTimeout: Infinity,
      atomics: 'disabled',
      recordTiming: false,
      resourceLimits: WORKER_LIMITS,
    });
    // A dying thread also rejects its tasks, which become outcomes; without a listener it would end the process.
    pool.on('error', (error) => this.log.warn({ error: deathOf(error) }, 'a worker thread failed'));
    return pool;
  }

  async run(task: LeaseTask): Promise<LeaseOutcome> {
    this.pool ??= this.start();
    try {
      return (await (await this.pool).run(task)) as LeaseOutcome;
    } catch (thrown) {
      return lostOutcome(task, thrown);
    }
  }

  /** piscina chooses the thread. */
  mayPipeline(): boolean {
    return this.threads === 1;
  }

  async close(): Promise<void> {
    const pool = await this.pool?.catch(() => null);
    await pool?.destroy();
  }
}

/** Runs leases in the calling thread or in the pool, as is best for each. */
export class SharedExecutor implements Executor {
  /** What runs the lease of each connection. */
  private readonly last = new Map<number, Executor>();

  /** @param isLocal by the number of the connection */
  constructor(
    private readonly local: Executor,
    private readonly pool: Executor,
    private readonly isLocal: (connection: number) => boolean,
  ) {}

  run(task: LeaseTask): Promise<LeaseOutcome> {
    const connection = connectionOf(task.slot);
    const chosen = this.choose(connection);
    this.last.set(connection, chosen);
    return chosen.run(task);
  }

  mayPipeline(connection: number): boolean {
    const chosen = this.choose(connection);
    // The first answer of all is received here.
    const last = this.last.get(connection) ?? this.local;
    return chosen === last && chosen.mayPipeline(connection);
  }

  private choose(connection: number): Executor {
    return this.isLocal(connection) ? this.local : this.pool;
  }

  close(): Promise<void> {
    return this.pool.close();
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
