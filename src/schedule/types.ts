/**
 * What the scheduler is told and what it answers. The scheduler knows no clock, no dice and no I/O:
 * each call brings the time, in milliseconds of any steady clock. Rates are bytes per millisecond.
 */

/** A half-open range of bytes, `[start, end)`. */
export interface Span {
  start: number;
  end: number;
}

/** What a connection does with a lease. */
export type LeaseState = 'connecting' | 'waiting' | 'receiving';

/** How far a lease is now. */
export interface LeaseProgress {
  lease: number;
  state: LeaseState;
  /** Bytes of its range that were received so far. */
  received: number;
  /** Bytes of its range that are in the file: at most what was received. */
  written: number;
}

/** How a lease ended: `done` reached its end, `short` did not although its answer ended. */
export type LeaseEnding = 'done' | 'short' | 'cancelled' | 'failed';

/** What happened, in the order in which it did. `source` is the source that it is of, 0 by default. */
export type Observation =
  /** The present, to be told at least every {@link Tuning.tickMs}: every lease that is out. */
  | {
      kind: 'progress';
      leases: readonly LeaseProgress[];
      /** The disk has to catch up, so connections do not read: nothing can be learnt of the network. */
      held: boolean;
      /** A rate that the user asked for holds connections back; default false. */
      limited?: boolean;
      /** Part of the time since the last progress in which the receiving threads were at work, 0 to 1. */
      processor: number;
    }
  /** A lease is over. `[start, written)` of it is in the file. */
  | {
      kind: 'ended';
      lease: number;
      written: number;
      ending: LeaseEnding;
      /** The connection can serve another request. */
      reusable: boolean;
      dialMs: number | null;
      firstByteMs: number | null;
    }
  /**
   * A round trip was measured beside the transfer; null when nothing came back in time. One of a part of
   * the way says whether that is full, not how far the server is.
   */
  | { kind: 'roundTrip'; ms: number | null; isPart?: boolean; source?: number }
  /** The server refused a connection while it served others; it may ask for a pause (ms). */
  | { kind: 'objected'; connection: number; pauseMs: number }
  /** A connection failed and gets nothing before this time; others go on. */
  | { kind: 'rested'; connection: number; untilMs: number }
  /** Nothing is asked for before this time. */
  | { kind: 'paused'; untilMs: number; source?: number }
  /** At most so many connections until told otherwise, whatever is wanted: 1 while ranges are unproven. */
  | { kind: 'allowed'; most: number; source?: number }
  /** A reader takes the bytes in order: nothing at or behind this offset has a place yet. */
  | { kind: 'window'; front: number; end: number }
  /** So many requests at once may be sent behind one that is being answered (RFC 9112 section 9.3.2). */
  | { kind: 'pipelining'; most: number; source?: number };

/** What is to be done. */
export type Action =
  /** Ask for a range on a connection; `behind` the lease that it receives. `hedges` names the lease whose end it fetches as well. */
  | {
      kind: 'fetch';
      connection: number;
      lease: number;
      slot: number;
      span: Span;
      behind: boolean;
      hedges: number | null;
    }
  /** Lower the end of a lease. */
  | { kind: 'cut'; lease: number; end: number }
  /** Raise the end of the first answer's lease, over what nobody works on. */
  | { kind: 'extend'; lease: number; end: number }
  /** End a lease where it is. `slow`: its connection is to be replaced. */
  | { kind: 'abandon'; lease: number; why: 'slow' | 'superseded' }
  /** Measure a round trip to a source beside the transfer. */
  | { kind: 'measure'; source: number };

/** What holds a download back. */
export type LimitedBy =
  /** The link is full. */
  | 'link'
  /** The server gives each connection so much, or serves no more connections. */
  | 'server'
  | 'processor'
  | 'disk'
  /** The user's number of connections. */
  | 'connections'
  /** A rate that the user asked for. */
  | 'rate'
  /** Nothing was measured long enough. */
  | 'unknown';
