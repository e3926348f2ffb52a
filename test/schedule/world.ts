/**
 * What a download is played in: links, servers, and the machine that receives. A plain record, so that
 * it can be printed, kept in a table and played again. Bytes, milliseconds, bytes per millisecond.
 */

/** How the server's kernel finds its rate. */
export type CongestionControl = 'cubic' | 'bbr';

/** The way from a server to the receiver. */
export interface LinkSpec {
  /** What the wire carries, headers included, in Mbit/s. */
  mbit: number;
  /** Without load. */
  roundTripMs: number;
  /** Part of the packets that get lost, 0 to 1. */
  loss: number;
  /** Bytes that wait before the link at most. */
  queue: number;
  /** Bytes that one connection may have under way at most. */
  window: number;
  control: CongestionControl;
}

/** How a server turns a connection away. */
export type Refusal = 'refuse' | 'reset' | 'hang' | '429' | '503' | 'redirect';

/** One of the machines behind a name. */
export interface AddressSpec {
  /** What it sends over all of its connections; null when the link is all that limits it. */
  rate: number | null;
  /** Added to the link's round trip. */
  extraMs: number;
}

/** What goes wrong at a certain time. */
export type Incident =
  /** Nothing flows, and nothing can be opened. */
  | { kind: 'pause'; atMs: number; forMs: number }
  /** The next requests of those that come while others are served are answered with 503. */
  | { kind: 'refusals'; atMs: number; count: number; retryAfterMs: number | null };

export interface ServerSpec {
  /** From the request to the first byte, besides the way. */
  thinkMs: number;
  /**
   * What each request gets at most; null for no bound. With `everyMs` it comes as nginx sends it: up
   * to so many milliseconds' worth at once.
   */
  limit: { rate: number; everyMs: number } | null;
  /** The most connections at a time, and what happens to one more; null when any number is served. */
  most: { connections: number; how: Refusal; retryAfterMs: number | null } | null;
  /** After so many bytes, those with more connections are slowed to `rate` in all for a while. */
  punishment: { afterBytes: number; connections: number; rate: number; forMs: number } | null;
  /** At least one. */
  addresses: readonly AddressSpec[];
  /** One connection in `oneIn` has a `factor`th of the link at most, as long as it lives. */
  stragglers: { oneIn: number; factor: number } | null;
}

/** Where a copy of the files is. */
export interface SourceSpec {
  link: LinkSpec;
  server: ServerSpec;
  incidents: readonly Incident[];
  /** Round trips of a handshake after TCP's own; 0 without TLS. */
  tlsRoundTrips: number;
}

export interface World {
  name: string;
  seed: number;
  /** The length of each file, all from the same sources. */
  files: readonly number[];
  sources: readonly SourceSpec[];
  /** What the receiving threads take; each connection beyond two takes a part of it away. */
  processor: { rate: number; perConnection: number };
  /** What the disk takes, and what may wait for it; null when it is never the limit. */
  disk: { rate: number; waiting: number } | null;
}

/** Part of what the wire carries that is payload: 1448 of 1500 bytes. */
export const PAYLOAD = 1448 / 1500;

/** Bytes per millisecond of payload. */
export const payloadRate = ({ mbit }: Pick<LinkSpec, 'mbit'>): number => mbit * 125 * PAYLOAD;

const PLAIN_SERVER: ServerSpec = {
  thinkMs: 0,
  limit: null,
  most: null,
  punishment: null,
  addresses: [{ rate: null, extraMs: 0 }],
  stragglers: null,
};

/** A world of which only what matters is said. The queue is what the link holds in a round trip. */
export function worldOf(
  name: string,
  bytes: number,
  link: Pick<LinkSpec, 'mbit' | 'roundTripMs'> & Partial<LinkSpec>,
  server: Partial<ServerSpec> = {},
  rest: Partial<Pick<World, 'seed' | 'processor' | 'disk'>> & Partial<SourceSpec> = {},
): World {
  const { incidents = [], tlsRoundTrips = 0, ...receiver } = rest;
  const queue = Math.max(256 * 1024, link.mbit * 125 * link.roundTripMs);
  const whole: LinkSpec = { loss: 0, window: 3_000_000, control: 'bbr', queue, ...link };
  return {
    name,
    seed: 1,
    files: [bytes],
    sources: [{ link: whole, server: { ...PLAIN_SERVER, ...server }, incidents, tlsRoundTrips }],
    processor: { rate: 1_500_000, perConnection: 0.01 },
    disk: null,
    ...receiver,
  };
}
