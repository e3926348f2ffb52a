/** What the connections of a download work with, and how their work ends. */
import type { SluiceError } from '../errors.js';
import type { Log } from '../log.js';
import type { Ledger } from '../plan/ledger.js';
import type { Span } from '../plan/moves.js';
import type { Ramp } from '../plan/ramp.js';
import type { Deadlines, Slots, Source } from '../../workers/protocol.js';
import type { Executor } from './executors.js';
import type { Working } from './lane-book.js';
import type { Seams } from './seams.js';

/**
 * How the work ended. `broken` can go on after asking the server anew; with `alone`, only as one
 * answer on one connection.
 */
export type CrewEnd =
  | { kind: 'complete' }
  | { kind: 'broken'; error: SluiceError; alone: boolean }
  | { kind: 'failed'; error: SluiceError };

export interface CrewHooks {
  /** A lease failed and will be tried again. */
  retry(error: SluiceError, attempt: number, delayMs: number, connection: number): void;
  /** Asks the original URL again, because the redirected one does not answer any more (P20). */
  refresh(): Promise<Source>;
}

export interface CrewParts {
  ledger: Ledger;
  slots: Slots;
  executor: Executor;
  ramp: Ramp;
  source: Source;
  /** Whether the source is what a redirect led to. */
  redirected: boolean;
  seams: Seams;
  deadlines: Deadlines;
  retries: number;
  fd: number;
  path: string;
  log: Log;
  hooks: CrewHooks;
  /** Of the first connection, in milliseconds. */
  roundTripMs: number;
  /** Somebody follows the contiguous front. */
  inOrder: boolean;
  /** Threads that receive. */
  receivers: number;
  /** No two answers can be combined: the first one, if it is the whole, has to do. */
  alone: boolean;
  /** Ranges are proven to work; while they are not, one lease tries them. */
  proven: boolean;
}

/** What an idle connection gets; `doubles` is the lease whose end it fetches as well. */
export interface Grant {
  span: Span;
  doubles: Working | null;
}
