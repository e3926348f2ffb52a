/**
 * The one question that every rule asks: when would this connection have these bytes? Pure
 * arithmetic. A connection doubles its window each round trip until it reaches its plateau (slow
 * start, RFC 5681 section 3.1), and stays there.
 */

/** What a connection begins with: ten segments (RFC 6928), in bytes. */
export const INITIAL_WINDOW = 14_600;

/** One connection. */
export interface Flow {
  /** Milliseconds until its first byte: dial, TLS, request. 0 when bytes come in. */
  startMs: number;
  /** Bytes that come in a round trip now. */
  window: number;
  /** Bytes per millisecond that it reaches in the end; Infinity when only the path's window bounds it. */
  plateau: number;
  /** The way to its server: all connections to one source have the same one. */
  path: Path;
}

/** What is known of the way to a server. */
export interface Path {
  /** The shortest round trip seen (ms). */
  roundTripMs: number;
  /** The most that one connection may have under way, in bytes. */
  window: number;
  /** Bytes per millisecond of all connections together, when something shared is full; else null. */
  capacity: number | null;
}

const plateauOf = ({ plateau, path: { window, roundTripMs } }: Flow): number =>
  Math.min(plateau, window / Math.max(roundTripMs, 0.01));

/** Milliseconds until `bytes` more have come on a connection. Infinity when it brings nothing. */
export function finishMs(flow: Flow, bytes: number): number {
  const plateau = plateauOf(flow);
  if (plateau <= 0) return bytes > 0 ? Infinity : flow.startMs;
  const { roundTripMs } = flow.path;
  let ms = flow.startMs;
  let left = bytes;
  for (let window = flow.window; window < plateau * roundTripMs; window *= 2) {
    if (left <= window) return ms + (roundTripMs * left) / window;
    left -= window;
    ms += roundTripMs;
  }
  return ms + left / plateau;
}

/** Bytes that come on a connection within `ms`; the inverse of {@link finishMs}. */
export function bytesWithin(flow: Flow, ms: number): number {
  const plateau = plateauOf(flow);
  const { roundTripMs } = flow.path;
  let left = ms - flow.startMs;
  if (left <= 0 || plateau <= 0) return 0;
  let bytes = 0;
  for (let window = flow.window; window < plateau * roundTripMs; window *= 2) {
    if (left <= roundTripMs) return bytes + (window * left) / roundTripMs;
    bytes += window;
    left -= roundTripMs;
  }
  return bytes + left * plateau;
}

/** Steps of the bisection: the horizon is right to a part in a thousand. */
const HORIZON_STEPS = 14;

/** What no download lasts, in milliseconds: a century. */
const NEVER_MS = 3.2e12;

/** When `missing` bytes have come if each connection takes what it can (ms); {@link NEVER_MS} at most. */
export function horizonMs(missing: number, flows: readonly Flow[]): number {
  const ways = new Map<Path, Flow[]>();
  for (const flow of flows) ways.set(flow.path, [...(ways.get(flow.path) ?? []), flow]);
  const within = (ms: number): number => {
    let sum = 0;
    for (const [{ capacity }, own] of ways) {
      let brought = 0;
      for (const flow of own) brought += bytesWithin(flow, ms);
      sum += capacity === null ? brought : Math.min(brought, capacity * ms);
    }
    return sum;
  };
  let high = 1;
  while (high < NEVER_MS && within(high) < missing) high *= 2;
  if (high >= NEVER_MS) return NEVER_MS;
  let low = high / 2;
  for (let step = 0; step < HORIZON_STEPS; step++) {
    const middle = (low + high) / 2;
    if (within(middle) < missing) low = middle;
    else high = middle;
  }
  return high;
}
