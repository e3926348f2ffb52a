import type { Lane } from '../../../src/engine/connections.js';
import type {
  DoneEvent,
  DownloadEvent,
  DownloadSnapshot,
  ErrorEvent,
  ProgressEvent,
  RetryEvent,
  StartEvent,
  WarningEvent,
} from '../../../src/transfer/events.js';

/** Samples of what the engine tells, for the tests of this room. */

export const MiB = 2 ** 20;
export const GiB = 2 ** 30;

export const url = 'https://example.org/pub/big.iso';
export const path = '/data/big.iso';

export const start: StartEvent = {
  type: 'start',
  url,
  path,
  size: 4 * GiB,
  resumed: 0,
  connections: 8,
  ranges: true,
};
export const oneStream: StartEvent = {
  ...start,
  size: null,
  resumed: MiB,
  connections: 1,
  ranges: false,
  reason: 'the server does not serve ranges',
};
export const progress: ProgressEvent = {
  type: 'progress',
  url,
  path,
  bytes: GiB,
  size: 4 * GiB,
  rate: 100 * MiB,
  eta: 31,
  connections: 8,
};
export const retry: RetryEvent = {
  type: 'retry',
  url,
  path,
  code: 'HTTP_SERVER_ERROR',
  reason: '503 Service Unavailable',
  attempt: 1,
  delayMs: 2000,
  connection: 2,
};
export const warning: WarningEvent = { type: 'warning', url, path, message: 'no validator' };
export const done: DoneEvent = {
  type: 'done',
  url,
  path,
  outcome: 'downloaded',
  bytes: 4 * GiB,
  fetched: 4 * GiB + 4096,
  seconds: 40,
  connections: 8,
  limitedBy: 'link',
  digests: { sha256: 'ab'.repeat(32) },
};
export const failure: ErrorEvent = {
  type: 'error',
  url,
  path,
  code: 'HTTP_SERVER_ERROR',
  exitStatus: 6,
  message: 'the server answered 503 Service Unavailable',
  kept: '1 GiB of 4 GiB are kept in big.iso.part',
  next: 'run the same command again',
  httpStatus: 503,
};

/** Every type of event, with every optional field at least once. */
export const everyEvent: DownloadEvent[] = [
  start,
  oneStream,
  progress,
  { ...progress, size: null, eta: null },
  retry,
  { ...retry, connection: null },
  warning,
  { ...done, outcome: 'complete', digests: {} },
  done,
  failure,
];

export function lane(connection: number, fields: Partial<Lane> = {}): Lane {
  return { connection, state: 'receiving', start: 0, end: 0, position: 0, rate: 0, ...fields };
}

export function snapshot(fields: Partial<DownloadSnapshot> = {}): DownloadSnapshot {
  return {
    phase: 'transferring',
    url,
    path,
    size: 4 * GiB,
    bytes: GiB,
    rate: 100 * MiB,
    eta: 31,
    elapsedMs: 10_000,
    lanes: [],
    extents: [[0, GiB]],
    notices: [],
    verified: 0,
    ...fields,
  };
}

/** Text that would act on a terminal: colours, title, cursor, C1, DEL, separators, bidi. */
export const HOSTILE =
  'a\x1b[31mred\x1b]0;title\x07\r\n\tb\x7f\x9b2J\x85\u2028\u2029\u202egnp.exe\u200b\ud800z';
