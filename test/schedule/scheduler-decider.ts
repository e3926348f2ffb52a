/** The scheduler as a decider, set up as a download sets it up. */
import { Concurrency } from '../../src/schedule/concurrency.js';
import { ExtentSet } from '../../src/schedule/extents.js';
import { Ledger } from '../../src/schedule/ledger.js';
import { Scheduler } from '../../src/schedule/scheduler.js';
import { TUNING } from '../../src/schedule/tuning.js';
import type { Tuning } from '../../src/schedule/tuning.js';
import type { Action, Observation, Span } from '../../src/schedule/types.js';
import type { Decide, Decider, FirstAnswer } from './decider.js';

/** Files up to this get one connection, as in `src/transfer/useful.ts` (bytes). */
const SMALL_FILE = 1024 * 1024;

class Scheduled implements Decider {
  private readonly ledger: Ledger;
  private readonly scheduler: Scheduler;

  constructor(first: FirstAnswer, tuning: Tuning) {
    const { total, roundTripMs, dialMs, firstByteMs } = first;
    const connections = total <= SMALL_FILE ? 1 : first.connections;
    this.ledger = new Ledger(total, new ExtentSet());
    this.scheduler = new Scheduler({
      ledger: this.ledger,
      concurrency: new Concurrency(connections, roundTripMs, tuning),
      connections: connections === 'auto' ? tuning.most : connections,
      order: 'any',
      mayHedge: true,
      roundTripMs,
      dialMs,
      firstByteMs,
      firstLease: 1,
      tuning,
    });
  }

  get isComplete(): boolean {
    return this.ledger.isComplete;
  }

  get target(): number {
    return this.scheduler.target;
  }

  get limitedBy(): string {
    return this.scheduler.limitedBy;
  }

  get mostlyLimitedBy(): string {
    return this.scheduler.mostlyLimitedBy;
  }

  get overheadBytes(): number {
    return this.scheduler.overheadBytes;
  }

  adopt(span: Span, nowMs: number): number {
    return this.scheduler.adopt(span, true, nowMs).lease;
  }

  observe(observation: Observation, nowMs: number): void {
    this.scheduler.observe(observation, nowMs);
  }

  act(nowMs: number): readonly Action[] {
    return this.scheduler.act(nowMs);
  }
}

/** Decides as `src/schedule` does with these numbers. */
export const decideWith =
  (tuning: Tuning): Decide =>
  (first) =>
    new Scheduled(first, tuning);

export const decideAsScheduled = decideWith(TUNING);
