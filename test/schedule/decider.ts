/**
 * What decides in a played download. The player tells it what a scheduler is told, and does what it
 * answers; the world knows nothing else of it. Two deciders can thus be played side by side.
 */

/** A half-open range of bytes, `[start, end)`. */
export interface Span {
  start: number;
  end: number;
}

export type LeaseState = 'connecting' | 'waiting' | 'receiving';

/** How far a lease is now. */
export interface LeaseProgress {
  lease: number;
  state: LeaseState;
  /** Body bytes received for it so far. */
  received: number;
  /** What its dial took, TLS included (ms); null while it is under way, or when a kept connection served. */
  dialMs: number | null;
  /** From the request to the answer's head (ms); null until it came. */
  firstByteMs: number | null;
}

export type LeaseEnding = 'done' | 'short' | 'cancelled' | 'failed';

/** What happened, in the order in which it did. */
export type Observation =
  | { kind: 'progress'; leases: readonly LeaseProgress[]; held: boolean; processor: number }
  | {
      kind: 'ended';
      lease: number;
      written: number;
      received: number;
      ending: LeaseEnding;
      reusable: boolean;
      dialMs: number | null;
      firstByteMs: number | null;
    }
  | { kind: 'roundTrip'; ms: number | null }
  | { kind: 'objected'; connection: number; pauseMs: number }
  | { kind: 'rested'; connection: number; untilMs: number }
  | { kind: 'paused'; untilMs: number };

/** What is to be done. */
export type Action =
  | {
      kind: 'fetch';
      connection: number;
      lease: number;
      span: Span;
      behind: boolean;
      hedges: number | null;
    }
  | { kind: 'cut'; lease: number; end: number }
  | { kind: 'abandon'; lease: number; why: 'slow' | 'superseded' }
  | { kind: 'measure' };

/** What is known when the first answer's head is there. */
export interface FirstAnswer {
  nowMs: number;
  total: number;
  /** As the first connection saw it. */
  roundTripMs: number;
  scheme: 'http' | 'https';
  connections: number | 'auto';
}

export interface Decider {
  /** Takes the first answer, which is being received on connection 0; returns its lease. */
  adopt(span: Span, nowMs: number): number;
  observe(observation: Observation, nowMs: number): void;
  /** To be called after observations, and at least each 25 ms. */
  act(nowMs: number): readonly Action[];
  readonly isComplete: boolean;
  /** How many connections it wants now. */
  readonly target: number;
  /** What it says holds the download back. */
  readonly limitedBy: string;
  /** Bytes that were asked for beside leases. */
  readonly seamBytes: number;
}

export type Decide = (first: FirstAnswer) => Decider;
