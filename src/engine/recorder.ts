/** Turns what the connections of a file do into the records of a trace. Nothing is recorded for each read. */
import type { Action, LimitedBy } from '../schedule/types.js';
import type { FileTrace, LaneLetter } from '../trace.js';
import type { LeaseOutcome } from '../lease/task.js';
import type { Lane, Out } from './connections.js';

/** A sample is taken so often at first (ms), and the more rarely the longer the transfer lasts. */
const SAMPLE_MS = 100;
const SAMPLE_PART = 1 / 500;

/** What a sample says of a connection; those that do nothing are left out. */
const LETTERS: Partial<Record<Lane['state'], LaneLetter>> = {
  connecting: 'c',
  waiting: 'w',
  receiving: 'r',
};

/** What is decided beside the single leases. */
export interface Level {
  target: number;
  limitedBy: LimitedBy;
}

export class Recorder {
  private dueMs: number;
  private received = 0;
  private level: Level | null = null;

  /** @param beganMs when the transfer began */
  constructor(
    private readonly trace: FileTrace,
    private readonly beganMs: number,
  ) {
    this.dueMs = beganMs;
  }

  /** @param first times (ms) of the first answer, which was asked for before */
  asked(
    { lease, connection, span, isBehind, isFirst }: Out,
    hedges: number | null,
    first: { dialMs: number; firstByteMs: number },
  ): void {
    this.trace({
      type: 'lease',
      lease,
      connection,
      ...span,
      ...(isBehind && { behind: true }),
      ...(isFirst && {
        first: { dialMs: tenth(first.dialMs), firstByteMs: tenth(first.firstByteMs) },
      }),
      ...(hedges !== null && { hedges }),
    });
  }

  /** What the scheduler wants of leases that are out. New ones are recorded when they are asked for. */
  decided(action: Action): void {
    switch (action.kind) {
      case 'cut':
      case 'extend':
        return this.trace({ type: action.kind, lease: action.lease, end: action.end });
      case 'abandon':
        return this.trace({ type: 'abandon', lease: action.lease, why: action.why });
      case 'fetch':
      case 'measure':
        return;
    }
  }

  ended({ lease, result, written, received, address, dialMs, firstByteMs }: LeaseOutcome): void {
    const times = { dialMs: tenthOf(dialMs), firstByteMs: tenthOf(firstByteMs) };
    this.trace({ type: 'ended', lease, result: result.kind, written, received, address, ...times });
  }

  roundTrip(ms: number | null): void {
    this.trace({ type: 'roundTrip', ms: tenthOf(ms) });
  }

  /**
   * Takes note of the present, when that is due.
   * @param received body bytes since the transfer began
   * @param view the connections; asked for only when a sample is due
   */
  look(nowMs: number, received: number, { target, limitedBy }: Level, view: () => Lane[]): void {
    if (this.level?.target !== target || this.level.limitedBy !== limitedBy) {
      this.level = { target, limitedBy };
      this.trace({ type: 'level', target, limitedBy });
    }
    if (nowMs >= this.dueMs) this.sample(nowMs, received, view());
  }

  /** The last sample, at the end of the transfer. */
  end(nowMs: number, received: number): void {
    this.sample(nowMs, received, []);
  }

  private sample(nowMs: number, received: number, view: Lane[]): void {
    const lanes = view.flatMap(
      ({ connection, state, rate }): Array<[number, LaneLetter, number]> => {
        const letter = LETTERS[state];
        return letter === undefined ? [] : [[connection, letter, Math.round(rate)]];
      },
    );
    this.trace({ type: 'sample', bytes: received - this.received, lanes });
    this.received = received;
    this.dueMs = nowMs + Math.max(SAMPLE_MS, (nowMs - this.beganMs) * SAMPLE_PART);
  }
}

const tenth = (ms: number): number => Math.round(ms * 10) / 10;
const tenthOf = (ms: number | null): number | null => (ms === null ? null : tenth(ms));
