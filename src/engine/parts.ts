/** What the connections of one file work with, and how their work ends. */
import type { SluiceError } from '../errors.js';
import type { Log } from '../log.js';
import type { FileTrace } from '../trace.js';
import type { Allotment } from '../schedule/shares.js';
import type { Ledger } from '../schedule/ledger.js';
import type { Span } from '../schedule/types.js';
import type { Window } from '../lease/window.js';
import type { Credit } from '../lease/credit.js';
import type { Deadlines, Slots, Source } from '../lease/task.js';
import type { Executor } from './executors.js';
import type { Defects } from './defects.js';
import type { Patience } from './patience.js';
import type { Seams } from './seams.js';

/**
 * How the work ended. `broken` can go on after asking the server anew; with `alone`, only as one
 * answer on one connection.
 */
export type WorkEnd =
  | { kind: 'complete' }
  | { kind: 'broken'; error: SluiceError; alone: boolean }
  | { kind: 'failed'; error: SluiceError };

export interface DispatcherHooks {
  /** A lease failed and will be tried again. */
  retry(error: SluiceError, attempt: number, delayMs: number, connection: number): void;
  /** A source brought `[span.start, span.end)`. */
  brought?(source: number, span: Span): void;
  /** A source is asked no more; the others go on. */
  left?(source: number, error: SluiceError): void;
}

/** Time and chance, so that a test can bring its own. */
export interface Clock {
  /** Milliseconds of a steady clock. */
  now(): number;
  /** At least 0 and below 1. */
  random(): number;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  random: () => Math.random(),
};

/** One source of the file's bytes. */
export interface SourceParts {
  source: Source;
  /** The source for one more lease, where each request has a field of its own. */
  forLease?: (source: Source) => Source;
  /** Whether the source is what a redirect led to. */
  redirected: boolean;
  /** What the file has of its origin's connections. */
  concurrency: Allotment;
  /** Lets a connection be opened to measure a round trip; returns what says that it is closed, or null. */
  mayMeasure: () => (() => void) | null;
  /** Asks the original URL again, because the redirected one does not answer any more (P20). */
  refresh: () => Promise<Source>;
  /** Of the first connection, in milliseconds. */
  roundTripMs: number;
  /** What its dial took, TLS included, in milliseconds. */
  dialMs: number;
  /** From its request to the head of the answer, in milliseconds. */
  firstByteMs: number;
  /** No two answers can be combined: the first one, if it is the whole, has to do. */
  alone: boolean;
  /** The most bytes that one request may ask for; Infinity where that does not matter. */
  longest: number;
  /** Ranges are proven to work; while they are not, one lease tries them. */
  proven: boolean;
}

/** What the work of one file needs, its first source included. */
export interface DispatcherParts extends SourceParts {
  ledger: Ledger;
  slots: Slots;
  executor: Executor;
  /** Number of the first of its connections in the process. */
  firstConnection: number;
  seams: Seams;
  deadlines: Deadlines;
  /** Where bodies fell silent before. */
  patience: Patience;
  /** What bodies had wrong, over all tries of the download. */
  defects: Defects;
  retries: number;
  /** Descriptor of the part; -1 with a window. */
  fd: number;
  /** What bytes go through, in order, instead of a file; null for a file. */
  window: Window | null;
  path: string;
  log: Log;
  /** What takes down what the connections do; null for nothing. */
  trace: FileTrace | null;
  hooks: DispatcherHooks;
  /** Somebody follows the contiguous front. */
  inOrder: boolean;
  /** What all connections may still receive; null where no rate was asked for. */
  credit: Credit | null;
  clock: Clock;
}
