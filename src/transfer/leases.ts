/**
 * What a download to a file and one to a reader have in common: who runs the leases of a job, and how they are
 * dispatched.
 */
import { SluiceError } from '../errors.js';
import { Dispatcher } from '../engine/dispatcher.js';
import { PoolExecutor } from '../engine/executors.js';
import type { Executor } from '../engine/executors.js';
import { SYSTEM_CLOCK } from '../engine/parts.js';
import type { DispatcherParts } from '../engine/parts.js';
import { creditOf } from '../engine/rate-limit.js';
import type { Share } from '../schedule/shares.js';
import type { Asked } from '../open/ask.js';
import type { Job, Work } from './job.js';
import { renewedSource } from './questions.js';
import { tellRetry } from './telling.js';

/** Where the bytes go, and what of the dispatching follows from that. */
export interface Place extends Pick<
  DispatcherParts,
  'fd' | 'window' | 'path' | 'seams' | 'inOrder' | 'longest' | 'source'
> {
  /** What is told beside retries. */
  hooks?: Omit<DispatcherParts['hooks'], 'retry'>;
}

export class Leases {
  private pool: PoolExecutor | null = null;
  private first = 1;

  constructor(
    private readonly job: Job,
    private readonly trace: DispatcherParts['trace'],
  ) {}

  /** Makes a dispatcher for what is missing, with the answer that is in. */
  dispatcher(work: Work, asked: Asked, share: Share, place: Place): Dispatcher {
    const { job, trace } = this;
    const { options, session } = job;
    const { roundTripMs, connection, hops, firstByteMs } = asked;
    const most = share.useful;
    const parts: DispatcherParts = {
      ...place,
      ledger: work.ledger,
      slots: work.slots,
      executor: this.executor(most, asked),
      concurrency: share,
      firstConnection: job.firstConnection,
      mayMeasure: () => session.engine.mayMeasure(asked.source.endpoint),
      forLease: (each) => job.asker.forLease(each),
      redirected: hops.length > 0 || options.freshUrl !== null,
      refresh: () => renewedSource(job),
      deadlines: options.deadlines,
      retries: options.retries,
      patience: job.patience,
      defects: job.defects,
      log: job.log,
      trace,
      hooks: {
        ...place.hooks,
        retry: (error, attempt, delayMs, number) => tellRetry(job, error, attempt, delayMs, number),
      },
      roundTripMs,
      dialMs: Math.max(roundTripMs, connection.dialMs),
      firstByteMs,
      alone: job.alone,
      credit: creditOf(options.rateLimit),
      proven: work.offer.kind === 'range',
      clock: SYSTEM_CLOCK,
    };
    return new Dispatcher(parts, most, this.first);
  }

  /** Takes note of what a dispatcher did, when it is over: the next one goes on counting. */
  ended({ leaseNumber, limitedBy, peak, received }: Dispatcher): void {
    const { job } = this;
    this.first = leaseNumber;
    job.limitedBy = limitedBy;
    // A short transfer ends before its connections are looked at for the first time.
    job.peak = Math.max(job.peak, peak, received > 0 ? 1 : 0);
  }

  /** Who runs the leases; one connection needs no thread. */
  private executor(most: number, { source }: Asked): Executor {
    const { options, session, local } = this.job;
    if (most === 1 || options.threads === 0) return local;
    const { engine } = session;
    const threads = session.threads(options, source.endpoint.scheme);
    return (this.pool ??= new PoolExecutor(threads, (task) => engine.host(task.source.endpoint)));
  }

  /** Waits for the leases that threads have, and needs the threads no more. */
  async finish(): Promise<void> {
    const { pool } = this;
    this.pool = null;
    await pool?.finish();
  }
}

/**
 * Ends a download that takes longer than the user gives it.
 * @param next what is advised then
 * @returns the timer, if there is such a time
 */
export function endInTime(
  { options: { maxTimeMs } }: Job,
  stop: (error: SluiceError) => void,
  next: string,
): NodeJS.Timeout | undefined {
  if (maxTimeMs === null) return undefined;
  const message = `the download took longer than ${maxTimeMs / 1000} s`;
  return setTimeout(() => stop(new SluiceError('MAX_TIME', message, { next })), maxTimeMs);
}
