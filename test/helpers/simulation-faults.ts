/** What the simulation draws: files, servers, and what goes wrong with them. */
import type { Certificates } from './certificates.js';
import type { Dice } from './dice.js';
import type { Admission, RecordedRequest } from './fault-server.js';
import type { Fault, Origin, OriginOptions } from './origin.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const SIZES = [0, 1, 4095, 4096, 4097, 64 * KIB, MIB - 1, MIB + 1, 2 * MIB, 4 * MIB, 4 * MIB + 1];

/** Length of a file. */
export function drawSize(dice: Dice): number {
  return dice.chance(0.4) ? dice.pick(SIZES) : dice.int(MIB, 9 * MIB);
}

function drawLimit(dice: Dice): Pick<OriginOptions, 'maxConnections'> {
  if (!dice.chance(0.15)) return {};
  const refuse = dice.pick([
    ...(['close', 'reset', 'silent', 'close-later', 'reset-later'] as const),
    ...[{ status: 503 }, { status: 403 }, { status: 429, retryAfter: 0 }],
  ]);
  return { maxConnections: { limit: dice.int(1, 4), refuse } };
}

/** Two machines behind one name, each with a tag of its own for the same file. */
const byNode = ({ connection }: RecordedRequest): string => `"node-${connection % 2}"`;

/** The same behind a balancer that sends each request to the next one. */
const inTurn = ({ number }: RecordedRequest): string => `"node-${number % 2}"`;

/** A server that does it right, or nearly. */
export function drawServer(dice: Dice, size: number, seed: number): OriginOptions {
  const rate = dice.chance(0.6) ? dice.int(2, 40) * MIB : Infinity;
  return {
    size,
    seed,
    etag: dice.pick([
      ...(['strong', 'strong', 'strong', 'strong', 'weak', 'none'] as const),
      ...(['per-request', 'per-connection', byNode, inTurn] as const),
    ]),
    lastModified: dice.chance(0.6) ? new Date('2024-01-02T03:04:05Z') : null,
    ranges: dice.chance(0.85),
    acceptRanges: dice.chance(0.8) ? null : dice.chance(0.5),
    ifRange: dice.pick(['honour', 'honour', 'honour', 'refuse', 'ignore']),
    framing: dice.pick(['length', 'length', 'length', 'length', 'chunked', 'close']),
    maxRange: dice.chance(0.1) ? dice.int(64 * KIB, 2 * MIB) : Infinity,
    keepAlive: dice.chance(0.85),
    latencyMs: dice.chance(0.3) ? dice.int(1, 40) : 0,
    rate: () => (dice.chance(0.1) ? rate / 8 : rate),
    ...drawLimit(dice),
  };
}

/** Whether answers about one file have different tags. */
export const rotates = ({ etag }: OriginOptions): boolean =>
  etag === 'per-request' || etag === 'per-connection' || etag === byNode || etag === inTurn;

/** What is drawn from depends on what a client can tell. */
export interface Wire {
  size: number;
  /** Bodies have a Content-Length. */
  framed: boolean;
  secure: boolean;
}

/** A record in clear where there are keys already. */
const PLAIN_ALERT = Buffer.from([0x15, 3, 3, 0, 2, 2, 80]);

const WRONG_RANGES = [null, 'bytes 0-9/10', 'bytes */10', 'bytes 0-99/50', 'items 0-9/10', 'x'];
const LENGTHS = ['7', null, '1x', '99999999999', ['5', '6']];
const RETRY_AFTER = ['0', '1', '-5', 'soon', 'Mon, 01 Jan 2001 00:00:00 GMT'];

/** Cuts, of bodies and of heads. */
function cuts(dice: Dice, { size, framed, secure }: Wire): Fault[] {
  const anywhere = dice.int(0, Math.max(1, size));
  const at = dice.chance(0.5) ? anywhere : dice.int(0, 64 * KIB);
  const inHead = dice.int(0, 100);
  return [
    { kind: 'reset', at },
    { kind: 'stall', at },
    // A body without any length that ends early in good order is a shorter body.
    { kind: framed ? 'early-end' : 'reset', at },
    // Under TLS only close_notify is good order.
    { kind: framed || secure ? 'truncate' : 'reset', at },
    secure ? { kind: 'below-tls', at, bytes: PLAIN_ALERT } : { kind: 'stall', at },
    { kind: 'reset-head', at: inHead },
    { kind: 'end-head', at: inHead },
    { kind: 'stall-head', at: inHead },
    { kind: 'rate', bytesPerSecond: dice.pick([1, 512 * KIB, 4 * MIB]) },
    { kind: 'latency', ms: dice.int(1, 300) },
  ];
}

/** Answers that refuse or say something else. */
function answers(dice: Dice, { size, framed }: Wire): Fault[] {
  const extra = dice.int(1, 20_000);
  return [
    // What comes after a body without any length belongs to it.
    { kind: 'overlong', extra: framed ? extra : 0 },
    { kind: 'status', status: dice.pick([400, 401, 403, 404, 408, 410, 416, 425, 429]) },
    { kind: 'status', status: dice.pick([500, 502, 503, 504]), retryAfter: dice.pick(RETRY_AFTER) },
    { kind: 'status', status: 503, retryAfter: dice.pick([86_400, '9'.repeat(30)]) },
    { kind: 'content-range', value: dice.pick(WRONG_RANGES) },
    { kind: 'content-range', value: [`bytes 0-9/${size}`, `bytes 10-19/${size}`] },
    { kind: 'total', total: dice.pick([1, size + 1, '*' as const]) },
    { kind: 'content-length', value: dice.pick([...LENGTHS, String(size)]) },
    { kind: 'etag', value: dice.pick(['"other"', null, 'W/"weak"']) },
    { kind: 'full-200' },
    { kind: 'part-200', says: dice.chance(0.5) },
    { kind: 'to-the-end' },
    { kind: 'multipart' },
    { kind: 'encoding', encoding: 'gzip' },
    { kind: 'interim', status: 103, count: dice.int(1, 40) },
    { kind: 'redirect', location: '/file.bin?again', status: dice.pick([301, 302, 307]) },
    { kind: 'wrong-part', by: dice.pick([0, 1, 4096, 64 * KIB]) },
    // Where no answer has a length or a validator, nothing tells this one from the file.
    framed
      ? { kind: 'raw', bytes: 'HTTP/1.1 200 OK\r\n\r\n<html>log in</html>', then: 'end' }
      : { kind: 'full-200' },
  ];
}

/** Answers that no client can tell from the file when they come first: they only come later. */
const IMPOSTORS: ReadonlySet<Fault['kind']> = new Set([
  ...(['raw', 'content-length', 'encoding', 'part-200'] as const),
]);

/** Up to six faults, most of them met once. */
export function addFaults(dice: Dice, origin: Origin, wire: Wire): void {
  const count = dice.chance(0.2) ? 0 : dice.int(1, 6);
  for (let i = 0; i < count; i++) {
    const fault = dice.pick(dice.chance(0.4) ? cuts(dice, wire) : answers(dice, wire));
    const request = dice.int(0, 12);
    const later = IMPOSTORS.has(fault.kind);
    const times = dice.chance(0.8) ? 1 : dice.int(2, 8);
    origin.fault({
      fault,
      times,
      when: ({ number, range }) => number >= request && (!later || (range?.start ?? 0) > 0),
    });
  }
}

/** Connections that are not served, by number; the others are. */
export function drawAdmissions(dice: Dice): ReadonlyMap<number, Admission> {
  const kinds = ['close', 'reset', 'silent', 'close-later', 'reset-later'] as const;
  const drawn = new Map<number, Admission>();
  if (!dice.chance(0.2)) return drawn;
  for (let i = dice.int(1, 4); i > 0; i--) drawn.set(dice.int(0, 20), dice.pick(kinds));
  return drawn;
}

const BAD = ['wrongHost', 'expired', 'selfSigned', 'unknownRoot', 'badUsage'] as const;

/** Connections, by number, that get a certificate that does not hold. */
export function drawCertificates(
  dice: Dice,
  all: Certificates,
): ReadonlyMap<number, { key: string; cert: string }> {
  const drawn = new Map<number, { key: string; cert: string }>();
  if (!dice.chance(0.4)) return drawn;
  for (let i = dice.int(1, 3); i > 0; i--) drawn.set(dice.int(0, 12), all[dice.pick(BAD)]);
  return drawn;
}
