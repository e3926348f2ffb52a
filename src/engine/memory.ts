/** What `auto` takes over from earlier runs with the same origin, and leaves to later ones. */
import { readOrigin, writeOrigin } from '../disk/origins.js';
import type { OriginFacts } from '../disk/origins.js';
import { routeKey } from '../net/endpoint.js';
import type { Endpoint } from '../net/endpoint.js';
import type { KnownOrigin, Lesson } from '../schedule/concurrency.js';

/** After this long, in milliseconds, one connection more than a server allowed is tried. */
export const LIMIT_HOLDS_MS = 3600 * 1000;

/** A transfer tells something of an origin when it took this long, or was this long. */
const TELLING_MS = 2000;
const TELLING_BYTES = 16 * 1024 * 1024;

/** A round trip that differs by more is that of another network. */
const SAME_FACTOR = 4;
const SAME_SLACK_MS = 5;

/** How a transfer went. */
export interface Transfer {
  ms: number;
  bytes: number;
  /** Of its first connection. */
  roundTripMs: number;
}

/** What holds still of what is remembered. Pure. */
export function holding(facts: OriginFacts, roundTripMs: number, nowMs: number): KnownOrigin {
  const { useful, limit } = facts;
  const isSame = useful !== null && isSameNetwork(useful.roundTripMs, roundTripMs);
  const isOld = limit !== null && nowMs - limit.atMs > LIMIT_HOLDS_MS;
  return {
    connections: isSame ? useful.connections : null,
    limit: limit === null ? null : limit.connections + (isOld ? 1 : 0),
  };
}

function isSameNetwork(a: number, b: number): boolean {
  return Math.max(a, b) <= SAME_FACTOR * Math.min(a, b) + SAME_SLACK_MS;
}

/** Whether a transfer was long enough to tell something. */
function isTelling({ ms, bytes }: Pick<Transfer, 'ms' | 'bytes'>): boolean {
  return ms >= TELLING_MS || bytes >= TELLING_BYTES;
}

/** What is to be remembered after a transfer; null when it taught nothing. Pure. */
export function learnt(
  before: OriginFacts | null,
  { connections, limit, objectedMs }: Lesson,
  { ms, bytes, roundTripMs }: Transfer,
  clock: { nowMs: number; steadyMs: number },
): OriginFacts | null {
  if (!isTelling({ ms, bytes })) return null;
  const { nowMs, steadyMs } = clock;
  const atMs =
    objectedMs === null ? (before?.limit?.atMs ?? nowMs) : nowMs - (steadyMs - objectedMs);
  const facts = {
    savedMs: nowMs,
    useful:
      connections === null
        ? (before?.useful ?? null)
        : { connections, roundTripMs: Math.round(roundTripMs * 10) / 10 },
    limit: limit === null ? null : { connections: limit, atMs: Math.round(atMs) },
  };
  return facts.useful === null && facts.limit === null && before === null ? null : facts;
}

/** What an earlier run learnt of the origin; null when nothing is known. */
export function recall(endpoint: Endpoint, roundTripMs: number): KnownOrigin | null {
  const facts = readOrigin(routeKey(endpoint));
  return facts === null ? null : holding(facts, roundTripMs, Date.now());
}

/** Leaves to later runs what this one learnt. Neither fails nor takes long. */
export function remember(endpoint: Endpoint, lesson: Lesson | null, transfer: Transfer): void {
  if (lesson === null || !isTelling(transfer)) return;
  const key = routeKey(endpoint);
  const clock = { nowMs: Date.now(), steadyMs: performance.now() };
  const facts = learnt(readOrigin(key), lesson, transfer, clock);
  if (facts !== null) writeOrigin(key, facts);
}
