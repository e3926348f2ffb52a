/** Worlds that have a name: each was seen somewhere, and is played whenever a decision changes. */
import { worldOf } from './world.js';
import type { Refusal, ServerSpec, World } from './world.js';

const MIB = 1024 * 1024;
const MB = 1e6;
const GB = 1e9;

/** nginx gives each request a second's worth at once. */
const throttled = (megabytes: number): Partial<ServerSpec> => ({
  limit: { rate: megabytes * 1000, everyMs: 1000 },
});
const smooth = (megabytes: number): Partial<ServerSpec> => ({
  limit: { rate: megabytes * 1000, everyMs: 0 },
});
const most = (connections: number, how: Refusal, retryAfterMs: number | null = null) => ({
  most: { connections, how, retryAfterMs },
});

const measured: World[] = [
  worldOf(
    '60 Mbit/s 149 ms, 1.2 MB/s each',
    95 * MIB,
    { mbit: 60, roundTripMs: 149 },
    throttled(1.2),
  ),
  worldOf(
    '32 Mbit/s 65 ms, 0.3 MB/s each',
    30 * MIB,
    { mbit: 32, roundTripMs: 65 },
    throttled(0.3),
  ),
  worldOf('300 Mbit/s 8 ms, 4 MB/s each', 120 * MIB, { mbit: 300, roundTripMs: 8 }, throttled(4)),
  worldOf('500 Mbit/s 120 ms', 150 * MIB, { mbit: 500, roundTripMs: 120 }),
  worldOf('700 Mbit/s 66 ms 0.05 % loss', 200 * MIB, { mbit: 700, roundTripMs: 66, loss: 0.0005 }),
];

/** A server that limits each connection, far: from 64 to 130 MB the start spent what seams may cost. */
const cliff: World[] = [60, 66, 80, 95, 110, 130, 160].map((megabytes) =>
  worldOf(
    `cliff ${megabytes} MB`,
    megabytes * MB,
    { mbit: 60, roundTripMs: 149 },
    smooth(60 / 8 / 6.2),
  ),
);

const bars: World[] = [
  worldOf('B3 16 x 20 MB/s', GB, { mbit: 10_000, roundTripMs: 0.1 }, smooth(20)),
  worldOf('B4 200 Mbit/s 80 ms', 200 * MB, { mbit: 200, roundTripMs: 80 }),
  worldOf(
    'B5 one in eight 100 times slower',
    GB,
    { mbit: 2000, roundTripMs: 0.2 },
    {
      ...smooth(20),
      stragglers: { oneIn: 8, factor: 1200 },
    },
  ),
  worldOf(
    'loopback',
    GB,
    { mbit: 80_000, roundTripMs: 0.1 },
    {},
    {
      processor: { rate: 1_000_000, perConnection: 0.02 },
    },
  ),
];

const objections: World[] = (['refuse', 'reset', 'hang', '429', '503', 'redirect'] as const).map(
  (how) =>
    worldOf(
      `at most 4 connections: ${how}`,
      400 * MB,
      { mbit: 400, roundTripMs: 30 },
      {
        ...smooth(2),
        ...most(4, how, how === '503' || how === '429' ? 1000 : null),
      },
    ),
);

const sixteen = { mbit: 1000, roundTripMs: 30 };
const recovery: World[] = [
  worldOf('one 503 with Retry-After 1', 3 * GB, sixteen, smooth(4), {
    incidents: [{ kind: 'refusals', atMs: 5000, count: 1, retryAfterMs: 1000 }],
  }),
  worldOf('nine 503 in ten minutes', 36 * GB, sixteen, smooth(4), {
    incidents: Array.from({ length: 9 }, (_, i) => ({
      kind: 'refusals' as const,
      atMs: 5000 + i * 66_000,
      count: 1,
      retryAfterMs: 1000,
    })),
  }),
  worldOf('an outage of 45 s', 3 * GB, sixteen, smooth(4), {
    incidents: [{ kind: 'pause', atMs: 20_000, forMs: 45_000 }],
  }),
  worldOf('pauses of 2 s', GB, sixteen, smooth(4), {
    incidents: [5000, 11_000, 17_000].map((atMs) => ({ kind: 'pause', atMs, forMs: 2000 })),
  }),
  worldOf('more than 4 are punished after 1 GB', 4 * GB, sixteen, {
    ...smooth(8),
    punishment: { afterBytes: GB, connections: 4, rate: 1000, forMs: 60_000 },
  }),
];

const servers: World[] = [
  worldOf('nginx 50 MB/s each', 2 * GB, { mbit: 10_000, roundTripMs: 1 }, throttled(50)),
  worldOf(
    'one in four 20 times slower, far',
    300 * MB,
    { mbit: 500, roundTripMs: 60 },
    {
      stragglers: { oneIn: 4, factor: 20 },
    },
  ),
  worldOf(
    'thinks for 500 ms',
    200 * MB,
    { mbit: 200, roundTripMs: 20 },
    { thinkMs: 500, ...smooth(4) },
  ),
  worldOf(
    'four addresses, one of them slow',
    GB,
    { mbit: 1000, roundTripMs: 20 },
    {
      addresses: [40_000, 40_000, 2000, 40_000].map((rate) => ({ rate, extraMs: 0 })),
    },
  ),
  worldOf('TLS, far', 200 * MB, { mbit: 300, roundTripMs: 90 }, {}, { tlsRoundTrips: 1 }),
  worldOf(
    'a slow disk',
    2 * GB,
    { mbit: 10_000, roundTripMs: 1 },
    {},
    {
      disk: { rate: 200_000, waiting: 256 * MB },
    },
  ),
  worldOf('CUBIC, far, 0.1 % loss', 100 * MB, {
    mbit: 200,
    roundTripMs: 80,
    loss: 0.001,
    control: 'cubic',
  }),
  worldOf('CUBIC, a short queue', 300 * MB, {
    mbit: 400,
    roundTripMs: 50,
    control: 'cubic',
    queue: 600_000,
  }),
];

/** Leases that last for hours, or that nobody answers at the end: what was decided once was never looked at again. */
const long: World[] = [
  worldOf(
    '250 GB, 4.7 MB/s each in bursts',
    250 * GB,
    { mbit: 2680, roundTripMs: 4.5, loss: 0.0003, control: 'cubic' },
    { thinkMs: 140, ...throttled(4.737) },
    { seed: 77_222 },
  ),
  worldOf(
    'five addresses of unlike speed, 44 GB',
    44 * GB,
    { mbit: 302, roundTripMs: 2.2, loss: 0.0002, control: 'cubic', queue: 127_000 },
    {
      addresses: [37_253, 5115, 7408, 29_359, 2237].map((rate) => ({ rate, extraMs: 0 })),
      stragglers: { oneIn: 9, factor: 17 },
    },
    { seed: 77_282 },
  ),
  worldOf(
    'at most 11 connections: hang, 20 MB',
    20 * MB,
    { mbit: 1820, roundTripMs: 12.3, loss: 0.0002, control: 'cubic' },
    { ...smooth(42), ...most(11, 'hang'), stragglers: { oneIn: 12, factor: 15 } },
    { seed: 77_148, tlsRoundTrips: 1 },
  ),
];

const sizes: World[] = [
  worldOf('1 MB near', MB, { mbit: 1000, roundTripMs: 2 }),
  worldOf('1 MB far', MB, { mbit: 100, roundTripMs: 150 }),
  worldOf('1 TB', 1e12, { mbit: 10_000, roundTripMs: 40 }, smooth(100)),
];

export const NAMED: readonly World[] = [
  ...measured,
  ...cliff,
  ...bars,
  ...objections,
  ...recovery,
  ...servers,
  ...long,
  ...sizes,
];
