/** Use case: tell what a trace has recorded. */
import { readSmallFile } from '../disk/open.js';
import { MAX_TRACE_BYTES, parseTrace } from '../formats/trace.js';
import type { Traced, TracedFile, TracedLease } from '../formats/trace.js';

export type { Traced, TracedFile, TracedLease };

/** Milliseconds for which the highest rate is told; longer ones where a trace has more than so many of them. */
const PEAK_MS = 1000;
const MOST_SLICES = 10_000;

/** What a trace comes to. Rates are bytes per second, parts 0 to 1. */
export interface TraceReport {
  kind: 'trace';
  path: string;
  startedAt: string;
  seconds: number;
  /** Whether the run came to its end. */
  whole: boolean;
  files: Array<{ url: string; path: string; size: number | null; outcome: string | null }>;
  /** Body bytes received. */
  received: number;
  meanRate: number;
  /** The most in a second. */
  peakRate: number;
  /** Connections with a lease: at the same time at most, and dialled in all. */
  connections: number;
  dialled: number;
  requests: number;
  /** By bytes, most first. */
  addresses: Array<{ address: string; requests: number; bytes: number }>;
  /** What the connections did, as parts of the time from their first to their last request. */
  time: { receiving: number; waiting: number; connecting: number; idle: number };
  ranges: { asked: number; cut: number; hedged: number; replaced: number; superseded: number };
  /** What held the download back, as parts of the time; most first. */
  limitedBy: Array<{ by: string; part: number }>;
  /** How often each error was met. */
  failures: Array<{ code: string; times: number }>;
}

/**
 * Reads a trace.
 * @throws SluiceError TRACE_INVALID; a disk error
 */
export async function readTrace(path: string): Promise<Traced> {
  const { signal } = new AbortController();
  return parseTrace(readSmallFile(path, MAX_TRACE_BYTES), path, signal);
}

/** What it comes to. */
export function reportTrace(path: string, traced: Traced): TraceReport {
  const { files, ms } = traced;
  const leases = files.flatMap((file) => file.leases);
  const received = files.reduce((sum, file) => sum + receivedOf(file), 0);
  const transferMs = transferTime(files, ms);
  return {
    kind: 'trace',
    path,
    startedAt: traced.startedAt,
    seconds: ms / 1000,
    whole: traced.isWhole,
    files: files.map(({ url, path: each, size, outcome }) => ({ url, path: each, size, outcome })),
    received,
    meanRate: transferMs > 0 ? (received * 1000) / transferMs : 0,
    peakRate: peakRate(files, ms),
    connections: mostAtOnce(files, ms),
    dialled: leases.filter(({ dialMs }) => dialMs !== null).length,
    requests: leases.length,
    addresses: addressesOf(leases),
    time: timeOf(files, ms),
    ranges: {
      asked: leases.length,
      cut: leases.filter(({ cuts }) => cuts > 0).length,
      hedged: leases.filter(({ hedges }) => hedges !== null).length,
      replaced: leases.filter(({ abandoned }) => abandoned === 'slow').length,
      superseded: leases.filter(({ abandoned }) => abandoned === 'superseded').length,
    },
    limitedBy: limitsOf(files, ms),
    failures: failuresOf(files),
  };
}

const receivedOf = ({ samples }: TracedFile): number =>
  samples.reduce((sum, { bytes }) => sum + bytes, 0);

/** Milliseconds from the first request to the last byte. */
function transferTime(files: readonly TracedFile[], ms: number): number {
  let first = Infinity;
  let last = 0;
  for (const { leases } of files)
    for (const { askedMs, endedMs } of leases) {
      first = Math.min(first, askedMs);
      last = Math.max(last, endedMs ?? ms);
    }
  return Math.max(0, last - first);
}

/** Bytes that came from one time to another, of all files; ascending by time. */
export function flowOf(
  files: readonly TracedFile[],
): Array<{ fromMs: number; toMs: number; bytes: number }> {
  return files
    .flatMap(({ samples, leases }) => {
      let fromMs = leases[0]?.askedMs ?? samples[0]?.ms ?? 0;
      return samples.map(({ ms: toMs, bytes }) => {
        const part = { fromMs, toMs, bytes };
        fromMs = toMs;
        return part;
      });
    })
    .sort((a, b) => a.toMs - b.toMs);
}

/**
 * The rate in slices of time.
 * @param count slices of `[0, ms)`
 * @returns bytes per second
 */
export function ratesOf(files: readonly TracedFile[], ms: number, count: number): number[] {
  const slices = new Array<number>(count).fill(0);
  const width = Math.max(1, ms) / count;
  for (const { fromMs, toMs, bytes } of flowOf(files)) {
    const first = sliceAt(fromMs, width, count);
    const last = sliceAt(toMs, width, count);
    const length = Math.max(toMs - fromMs, 1e-6);
    for (let at = first; at <= last; at++) {
      const within = Math.min(toMs, (at + 1) * width) - Math.max(fromMs, at * width);
      const part = first === last ? 1 : Math.max(0, within) / length;
      slices[at] = (slices[at] as number) + bytes * part;
    }
  }
  return slices.map((bytes) => (bytes * 1000) / width);
}

const sliceAt = (ms: number, width: number, count: number): number =>
  Math.min(count - 1, Math.max(0, Math.floor(ms / width)));

function peakRate(files: readonly TracedFile[], ms: number): number {
  const seconds = Math.min(MOST_SLICES, Math.max(1, Math.floor(ms / PEAK_MS)));
  return ratesOf(files, ms, seconds).reduce((most, rate) => Math.max(most, rate), 0);
}

/** What a connection does from one time to another. */
export interface Stretch {
  state: 'connecting' | 'waiting' | 'receiving';
  fromMs: number;
  toMs: number;
}

/** What a lease's connection did for it. What was asked behind another lease waits only from that one's end on. */
export function stretchesOf(lease: TracedLease, freeMs: number, ms: number): Stretch[] {
  const endMs = lease.endedMs ?? ms;
  const fromMs = Math.min(endMs, Math.max(lease.askedMs, freeMs));
  const openMs = Math.min(endMs, Math.max(fromMs, lease.askedMs + (lease.dialMs ?? 0)));
  const bodyMs = Math.min(endMs, Math.max(openMs, lease.receivingMs));
  const all: Stretch[] = [
    { state: 'connecting', fromMs, toMs: openMs },
    { state: 'waiting', fromMs: openMs, toMs: bodyMs },
    { state: 'receiving', fromMs: bodyMs, toMs: endMs },
  ];
  return all.filter((each) => each.toMs > each.fromMs);
}

/** The leases of each connection, in the order in which they ended. */
export function byConnection({ leases }: TracedFile): Map<number, TracedLease[]> {
  const found = new Map<number, TracedLease[]>();
  for (const lease of leases) {
    const list = found.get(lease.connection);
    if (list === undefined) found.set(lease.connection, [lease]);
    else list.push(lease);
  }
  return found;
}

function timeOf(files: readonly TracedFile[], ms: number): TraceReport['time'] {
  const spent = { connecting: 0, waiting: 0, receiving: 0 };
  let open = 0;
  for (const file of files)
    for (const leases of byConnection(file).values()) {
      let freeMs = 0;
      for (const lease of leases) {
        for (const { state, fromMs, toMs } of stretchesOf(lease, freeMs, ms))
          spent[state] += toMs - fromMs;
        freeMs = lease.endedMs ?? ms;
      }
      open += freeMs - (leases[0]?.askedMs ?? freeMs);
    }
  const part = (spentMs: number): number => (open > 0 ? spentMs / open : 0);
  const { connecting, waiting, receiving } = spent;
  const idle = Math.max(0, open - connecting - waiting - receiving);
  return {
    receiving: part(receiving),
    waiting: part(waiting),
    connecting: part(connecting),
    idle: part(idle),
  };
}

/** Connections that had a lease at the same time. */
function mostAtOnce(files: readonly TracedFile[], ms: number): number {
  const changes: Array<[ms: number, by: number]> = [];
  for (const file of files)
    for (const leases of byConnection(file).values()) {
      let freeMs = 0;
      for (const { askedMs, endedMs } of leases) {
        changes.push([Math.max(askedMs, freeMs), 1], [endedMs ?? ms, -1]);
        freeMs = endedMs ?? ms;
      }
    }
  // What ends at a time makes room for what begins then.
  changes.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let now = 0;
  let most = 0;
  for (const [, by] of changes) most = Math.max(most, (now += by));
  return most;
}

function addressesOf(leases: readonly TracedLease[]): TraceReport['addresses'] {
  const found = new Map<string, { requests: number; bytes: number }>();
  for (const { address, received } of leases) {
    if (address === null) continue;
    const each = found.get(address) ?? { requests: 0, bytes: 0 };
    each.requests++;
    each.bytes += received;
    found.set(address, each);
  }
  const all = [...found].map(([address, each]) => ({ address, ...each }));
  return all.sort((a, b) => b.bytes - a.bytes);
}

/** When a file's connections were at work the last time. */
function endOf({ leases }: TracedFile, ms: number): number {
  return leases.reduce((last, { endedMs }) => Math.max(last, endedMs ?? ms), 0);
}

function limitsOf(files: readonly TracedFile[], ms: number): TraceReport['limitedBy'] {
  const spent = new Map<string, number>();
  let all = 0;
  for (const file of files) {
    const endMs = endOf(file, ms);
    file.levels.forEach(({ ms: fromMs, limitedBy }, at) => {
      const toMs = Math.min(endMs, file.levels[at + 1]?.ms ?? endMs);
      const each = Math.max(0, toMs - fromMs);
      spent.set(limitedBy, (spent.get(limitedBy) ?? 0) + each);
      all += each;
    });
  }
  const parts = [...spent].map(([by, each]) => ({ by, part: all > 0 ? each / all : 0 }));
  return parts.filter(({ part }) => part > 0).sort((a, b) => b.part - a.part);
}

function failuresOf(files: readonly TracedFile[]): TraceReport['failures'] {
  const found = new Map<string, number>();
  for (const { events } of files)
    for (const { type, code } of events)
      if ((type === 'retry' || type === 'error') && code !== null)
        found.set(code, (found.get(code) ?? 0) + 1);
  const all = [...found].map(([code, times]) => ({ code, times }));
  return all.sort((a, b) => b.times - a.times);
}
