/**
 * What a download tells while it runs: events for programs, a snapshot for displays.
 * `docs/events.md` is the versioned schema of the JSON form.
 */
import type { ErrorCode, ExitStatus } from '../errors.js';
import type { Lane } from '../engine/connections.js';
import type { LimitedBy } from '../schedule/types.js';

/** Fields that every event has. */
interface EventBase {
  /** The URL as the user gave it, redacted. */
  url: string;
  /** The file that the download is for (its final path). */
  path: string;
  /** Number of the file in the run, from 0; absent where a run has one file only by its nature. */
  index?: number;
}

/** The first answer is in and the file is open. */
export interface StartEvent extends EventBase {
  type: 'start';
  /** Length of the representation in bytes; null when the server does not tell. */
  size: number | null;
  /** Bytes that an earlier run left and this run need not fetch. */
  resumed: number;
  /** Connections that may be used; 1 when ranges do not work. */
  connections: number;
  /** Whether the server serves byte ranges of this representation. */
  ranges: boolean;
  /** Why only one stream is used, when that is so. */
  reason?: string;
}

export interface ProgressEvent extends EventBase {
  type: 'progress';
  /** Bytes in place, those of earlier runs included. */
  bytes: number;
  size: number | null;
  /** Bytes per second over the last few seconds. */
  rate: number;
  /** Seconds left at that rate; null when unknown. */
  eta: number | null;
  /** Connections that carry a body now. */
  connections: number;
}

export interface RetryEvent extends EventBase {
  type: 'retry';
  code: ErrorCode;
  /** Why, in words. */
  reason: string;
  /** How many times in a row this has been tried, from 1. */
  attempt: number;
  /** Milliseconds until the next try. */
  delayMs: number;
  /** The connection concerned, from 0; null for the first request. */
  connection: number | null;
}

export interface WarningEvent extends EventBase {
  type: 'warning';
  message: string;
}

export interface DoneEvent extends EventBase {
  type: 'done';
  /** `complete`: an earlier run had finished this very representation; `skipped`: a file was there (`--on-exists skip`). */
  outcome: 'downloaded' | 'complete' | 'skipped';
  /** Length of the file in bytes. */
  bytes: number;
  /** Body bytes received in this run, those fetched twice included. */
  fetched: number;
  /** From the start of this file. */
  seconds: number;
  /** The most connections that carried bytes at the same time. */
  connections: number;
  /** What held the download back. */
  limitedBy: LimitedBy;
  /** Digests that were verified, by algorithm, as lower-case hex. */
  digests: Record<string, string>;
  /** Fields of HTTP in which the server gave them, by algorithm; absent when it gave none. */
  digestFields?: Record<string, string>;
  /** Which source brought how many bytes, when there was more than one. */
  sources?: Array<{ url: string; bytes: number }>;
  /** How many pieces were verified by digests of their own; absent without such. */
  pieces?: number;
  /** The server has nothing newer (`--timestamping`). */
  upToDate?: true;
}

export interface ErrorEvent extends EventBase {
  type: 'error';
  code: ErrorCode;
  exitStatus: ExitStatus;
  message: string;
  kept?: string;
  next?: string;
  httpStatus?: number;
}

/** How the files of a run ended; the command tells it last, when there are several. */
export interface SummaryEvent {
  type: 'summary';
  /** Files that were downloaded in this run. */
  done: number;
  /** Files that were there already, whole. */
  complete: number;
  /** Files that were left alone because something had their name (`--on-exists skip`). */
  skipped: number;
  failed: number;
  /** Files that were stopped, by a signal, before their end; what had come is kept. */
  stopped: number;
  /** Files that were never begun. */
  notBegun: number;
}

export type DownloadEvent =
  StartEvent | ProgressEvent | RetryEvent | WarningEvent | DoneEvent | ErrorEvent;

/** A download as it is at one moment. Reading it costs nothing to the download. */
export interface DownloadSnapshot {
  phase: 'asking' | 'transferring' | 'verifying' | 'publishing' | 'ended';
  url: string;
  path: string;
  size: number | null;
  /** Bytes in place. */
  bytes: number;
  /** Bytes per second over the last few seconds. */
  rate: number;
  /** Seconds left; null when unknown. */
  eta: number | null;
  /** Milliseconds since the start. */
  elapsedMs: number;
  lanes: Lane[];
  /** Ranges in place, ascending, disjoint, half-open. */
  extents: ReadonlyArray<readonly [start: number, end: number]>;
  /** What is being waited for or tried again, and why: newest first, at most 3. */
  notices: string[];
  /** Part of the verification that is done, 0 to 1, in phase `verifying`. */
  verified: number;
}
