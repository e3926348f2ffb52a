/** What the planner is told of the leases that are out, and what it answers. */
import type { SeamsLeft } from './seam-budget.js';

/** A half-open range of bytes. */
export interface Span {
  start: number;
  end: number;
}

/** A lease that is out, as the scheduler sees it now. */
export interface ActiveLease {
  lease: number;
  /** First byte that is not yet received. */
  position: number;
  end: number;
  /** Bytes per second; null when it is too young to tell. */
  rate: number | null;
  /** Bytes per second since it was handed out, however young it is. */
  meanRate: number;
  /** Milliseconds since it was handed out, or since the one before it on its connection ended. */
  ageMs: number;
  /** Milliseconds since its last byte, or since it was handed out. */
  silentMs: number;
  /** Whether it is to end where it is. */
  givenUp: boolean;
  /** Whether its end has to stay: another lease fetches the rest as well, or is asked for behind it. */
  fixed: boolean;
  /** Whether another lease is asked for behind it, on the same connection. */
  followed: boolean;
}

/** What a request costs and what a connection yields, as far as is known. */
export interface Costs {
  /** Milliseconds from the wish to the first body byte. */
  requestMs: number;
  /** Round trip in milliseconds: what slow start doubles its window in. */
  roundTripMs: number;
  /** Bytes per second of a usual connection; null when unknown. */
  usualRate: number | null;
  /** Bytes per second of the fastest connection; null when unknown. */
  bestRate: number | null;
  /** Bytes per second that the connection which asks yielded last; null when it is new. */
  ownRate: number | null;
  /** The connection which asks has been idle for so short a time that it needs no slow start. */
  isWarm: boolean;
  /** What is left of the 0.1 % that seams may cost (P5). */
  seams: SeamsLeft;
  /** Somebody follows the contiguous front (a hash): leases are kept short, so that it moves. */
  inOrder: boolean;
  /** Two answers bring the same bytes for certain: they have one strong validator. */
  mayDouble: boolean;
}

/** A range for an idle connection, and the lease whose end is lowered first to get it. */
export interface Cut {
  span: Span;
  lease: number;
}

/**
 * What is done for an idle connection: it takes a range; or it fetches the rest of another lease as
 * well, and the first copy wins; or that rest is given up, so that it is missing when that lease has
 * ended.
 */
export type Move =
  | { kind: 'take'; span: Span }
  | ({ kind: 'cut' | 'double' } & Cut)
  | { kind: 'give-up'; lease: number };

/** What there is to choose from. */
export interface Books {
  /** Ranges that nobody was asked for, ascending and disjoint. */
  gaps: readonly Span[];
  /** Bytes in all gaps together. */
  missing: number;
  active: ActiveLease[];
}
