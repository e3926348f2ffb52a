/**
 * How an origin answers one request: {@link plan} makes the right answer, {@link applyFault} spoils
 * it, {@link send} sends it.
 */
import { gzipSync } from 'node:zlib';
import { contentAt, contentPieces, PIECE } from './content.js';
import { formatHead, type CutAction, type RecordedRequest, type Reply } from './fault-server.js';

/** A literal entity tag, quotes included, or a rule that makes one. */
export type EtagRule =
  | 'strong'
  | 'weak'
  | 'none'
  | 'per-request'
  | 'per-connection'
  | `"${string}"`
  | `W/"${string}"`
  | ((request: RecordedRequest) => string | null);

/** What is served under one target, and how. Every member may be changed while the server runs. */
export interface Representation {
  /** Length in bytes; default 1 MiB. */
  size: number;
  /** Which pseudo-random content; default 1. */
  seed: number;
  /** Content that is not generated; its length wins over `size`. */
  bytes: Uint8Array | null;
  etag: EtagRule;
  /** Default 2024-01-02T03:04:05Z. */
  lastModified: Date | null;
  /** Value of Date; `'now'` by default. */
  date: Date | 'now' | null;
  /** `false`: Range is ignored and 200 is the answer. */
  ranges: boolean;
  /** Whether Accept-Ranges is sent (default: as `ranges`). */
  acceptRanges: boolean | null;
  /** `refuse` answers 200 to every If-Range, as some CDNs do; `ignore` always gives the range. */
  ifRange: 'honour' | 'refuse' | 'ignore';
  /** Answers with a shorter prefix of wider ranges (RFC 9110 section 14.2 allows it). */
  maxRange: number;
  /** How the length of the body is told; `close` and `chunked` do without Content-Length. */
  framing: 'length' | 'chunked' | 'close';
  /** Bytes of one chunk; default 64 KiB. */
  chunkSize: number;
  /** What stands between the digits of each chunk's size and the end of its line. */
  chunkPadding: string;
  /** Rewrites each head (latin1, with its empty line) as it goes out: for forms that are not HTTP's. */
  writeHead: ((head: string) => string) | null;
  /** `false`: Connection: close, and it is closed. */
  keepAlive: boolean;
  /** Milliseconds before the head. */
  latencyMs: number;
  /** Bytes of body per second and connection. */
  rate: number | ((request: RecordedRequest) => number);
  contentType: string;
  /** Further fields of every answer. */
  fields: Record<string, string | string[]>;
  /** Answer to HEAD; default true, otherwise 403. */
  allowHead: boolean;
}

/** What can be wrong with an answer. `at` counts bytes of this answer's body. */
export type Fault =
  | { kind: 'reset' | 'stall' | 'early-end' | 'truncate'; at: number }
  /** Sends nothing more from `at` on until {@link Origin.release} is called. */
  | { kind: 'hold'; at: number }
  /** These bytes below TLS, in the middle of the body. */
  | { kind: 'below-tls'; at: number; bytes: Uint8Array }
  /** The same, in the middle of the head. */
  | { kind: 'reset-head' | 'stall-head' | 'end-head'; at: number }
  | { kind: 'overlong'; extra: number }
  | {
      kind: 'status';
      status: number;
      reason?: string;
      retryAfter?: string | number;
      fields?: Record<string, string>;
      body?: string;
    }
  /** Another Content-Range (null: none; a list: repeated). */
  | { kind: 'content-range'; value: string | null | string[] }
  /** Another total in Content-Range. */
  | { kind: 'total'; total: number | '*' }
  | { kind: 'content-length'; value: string | null | string[] }
  /** The right head and the content of another file. */
  | { kind: 'wrong-bytes' }
  /** The right head and the content of the place `by` bytes further on. */
  | { kind: 'shifted'; by: number }
  | { kind: 'content'; seed: number }
  /** The same as `wrong-bytes` (by 0) or `shifted`, but only of a part that is not the first. */
  | { kind: 'wrong-part'; by: number }
  | { kind: 'etag'; value: string | null }
  | { kind: 'field'; name: string; value: string | null | string[] }
  | { kind: 'redirect'; location: string; status?: number }
  | { kind: 'full-200' }
  /** The part that was asked for under status 200; `says`: Content-Range is still there. */
  | { kind: 'part-200'; says: boolean }
  /** A part that goes on to the end of the file, and says so. */
  | { kind: 'to-the-end' }
  /** The whole, as the part that is the whole. */
  | { kind: 'whole-206' }
  /** A part that begins so many bytes before what was asked for, and says so. */
  | { kind: 'early'; by: number }
  | { kind: 'encoding'; encoding: string }
  | { kind: 'multipart' }
  | { kind: 'interim'; status: number; count?: number; fields?: Record<string, string> }
  | { kind: 'latency'; ms: number }
  | { kind: 'rate'; bytesPerSecond: number }
  /** Exactly these bytes instead of an answer. */
  | { kind: 'raw'; bytes: Uint8Array | string; then?: 'end' | 'reset' | 'stall' | 'keep' };

export const DEFAULTS: Representation = {
  size: 1024 * 1024,
  seed: 1,
  bytes: null,
  etag: 'strong',
  lastModified: new Date('2024-01-02T03:04:05Z'),
  date: 'now',
  ranges: true,
  acceptRanges: null,
  ifRange: 'honour',
  maxRange: Infinity,
  framing: 'length',
  chunkSize: 64 * 1024,
  chunkPadding: '',
  writeHead: null,
  keepAlive: true,
  latencyMs: 0,
  rate: Infinity,
  contentType: 'application/octet-stream',
  fields: {},
  allowHead: true,
};

type Framing = Representation['framing'] | 'none';

/** An answer as planned; faults change the plan before a byte is sent. */
export interface Answer {
  status: number;
  reason?: string;
  fields: Map<string, string | string[]>;
  /** Range of the content, or bytes that are not content. */
  body: { start: number; end: number } | Uint8Array;
  seed: number;
  shift: number;
  framing: Framing;
  extra: number;
  interim: Buffer[];
  latencyMs: number;
  rate: number;
  cut: { at: number; action: CutAction } | null;
  headCut: { at: number; action: 'reset' | 'stall' | 'end' } | null;
  raw: Extract<Fault, { kind: 'raw' }> | null;
  belowTls: { at: number; bytes: Uint8Array } | null;
}

const sizeOf = (file: Representation): number => file.bytes?.length ?? file.size;

/** The entity tag of the answer to `request`, or null. */
function etagOf(file: Representation, request: RecordedRequest): string | null {
  const { etag } = file;
  if (typeof etag === 'function') return etag(request);
  switch (etag) {
    case 'none':
      return null;
    case 'strong':
      return `"s${file.seed}-${sizeOf(file)}"`;
    case 'weak':
      return `W/"w${file.seed}-${sizeOf(file)}"`;
    case 'per-request':
      return `"request-${request.number}"`;
    case 'per-connection':
      return `"connection-${request.connection}"`;
    default:
      return etag;
  }
}

/** Whether If-Range lets the range through (RFC 9110 section 13.1.5). */
function ifRangeHolds(
  file: Representation,
  request: RecordedRequest,
  etag: string | null,
): boolean {
  const value = request.fields['if-range'];
  if (value === undefined || file.ifRange === 'ignore') return true;
  if (file.ifRange === 'refuse') return false;
  if (value.startsWith('"') || value.startsWith('W/')) {
    return value === etag && !value.startsWith('W/');
  }
  return value === file.lastModified?.toUTCString();
}

/** Whether a list of entity tags (or `*`) names `etag`, by weak comparison. */
function listed(list: string, etag: string | null): boolean {
  const opaque = (tag: string): string => tag.trim().replace(/^W\//, '');
  if (list.trim() === '*') return true;
  return etag !== null && list.split(',').some((tag) => opaque(tag) === opaque(etag));
}

/** The range to serve: `[start, end)`, `all`, or `none` when it cannot be satisfied. */
function rangeOf(
  file: Representation,
  request: RecordedRequest,
  etag: string | null,
): { start: number; end: number } | 'all' | 'none' {
  const size = sizeOf(file);
  if (!file.ranges || request.method !== 'GET' || !ifRangeHolds(file, request, etag)) return 'all';
  let { range } = request;
  if (request.suffix !== null) range = { start: Math.max(0, size - request.suffix), end: size };
  if (range === null) return 'all';
  if (range.start >= size || range.end <= range.start) return 'none';
  return {
    start: range.start,
    end: Math.min(range.end, size, range.start + file.maxRange),
  };
}

function commonFields(file: Representation, etag: string | null): Answer['fields'] {
  const fields: Answer['fields'] = new Map();
  const { date, lastModified } = file;
  if (date !== null) fields.set('Date', (date === 'now' ? new Date() : date).toUTCString());
  fields.set('Content-Type', file.contentType);
  if (file.acceptRanges ?? file.ranges) fields.set('Accept-Ranges', 'bytes');
  if (etag !== null) fields.set('ETag', etag);
  if (lastModified !== null) fields.set('Last-Modified', lastModified.toUTCString());
  for (const [name, value] of Object.entries(file.fields)) fields.set(name, value);
  return fields;
}

/** Replaces the answer by one that is not the file. */
function replaceBody(answer: Answer, status: number, body = ''): void {
  answer.status = status;
  answer.body = Buffer.from(body, 'latin1');
  answer.framing = 'length';
  answer.fields.delete('Content-Range');
  answer.fields.set('Content-Length', String(body.length));
}

/** The right answer to `request`. */
export function plan(request: RecordedRequest, file: Representation): Answer {
  const size = sizeOf(file);
  const etag = etagOf(file, request);
  const fields = commonFields(file, etag);
  const answer: Answer = {
    status: 200,
    fields,
    body: { start: 0, end: size },
    seed: file.seed,
    shift: 0,
    framing: file.framing,
    extra: 0,
    interim: [],
    latencyMs: file.latencyMs,
    rate: typeof file.rate === 'function' ? file.rate(request) : file.rate,
    cut: null,
    headCut: null,
    raw: null,
    belowTls: null,
  };
  if (!file.keepAlive || file.framing === 'close') fields.set('Connection', 'close');
  if (request.method === 'HEAD' && !file.allowHead) return (replaceBody(answer, 403), answer);
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = request.fields;
  if (ifMatch !== undefined && !listed(ifMatch, etag)) return (replaceBody(answer, 412), answer);
  if (ifNoneMatch !== undefined && listed(ifNoneMatch, etag)) {
    answer.status = 304;
    answer.body = Buffer.alloc(0);
    answer.framing = 'none';
    return answer;
  }
  const range = rangeOf(file, request, etag);
  if (range === 'none') {
    replaceBody(answer, 416);
    fields.set('Content-Range', `bytes */${size}`);
    return answer;
  }
  if (range !== 'all') {
    answer.status = 206;
    answer.body = range;
    fields.set('Content-Range', `bytes ${range.start}-${range.end - 1}/${size}`);
  }
  setFraming(answer);
  return answer;
}

const lengthOf = (body: Answer['body']): number =>
  body instanceof Uint8Array ? body.length : body.end - body.start;

function setFraming(answer: Answer): void {
  answer.fields.delete('Content-Length');
  if (answer.framing === 'chunked') answer.fields.set('Transfer-Encoding', 'chunked');
  if (answer.framing === 'length') {
    answer.fields.set('Content-Length', String(lengthOf(answer.body)));
  }
}

function setField(answer: Answer, name: string, value: string | null | string[]): void {
  for (const known of [...answer.fields.keys()]) {
    if (known.toLowerCase() === name.toLowerCase()) answer.fields.delete(known);
  }
  if (value !== null) answer.fields.set(name, value);
}

/** Takes the part of a 206 apart into two parts of a multipart/byteranges body. */
function makeMultipart(answer: Answer): void {
  if (answer.body instanceof Uint8Array) return;
  const { start, end } = answer.body;
  const total = String(answer.fields.get('Content-Range')).split('/')[1];
  const middle = Math.floor((start + end) / 2);
  const parts = [
    [start, middle],
    [middle, end],
  ].flatMap(([from = 0, to = 0]) => [
    Buffer.from(`\r\n--sluice\r\nContent-Range: bytes ${from}-${to - 1}/${total}\r\n\r\n`),
    contentAt(answer.seed, from, to - from),
  ]);
  answer.body = Buffer.concat([...parts, Buffer.from('\r\n--sluice--\r\n')]);
  answer.fields.delete('Content-Range');
  answer.fields.set('Content-Type', 'multipart/byteranges; boundary=sluice');
  setFraming(answer);
}

function becomeFull(answer: Answer, size: number): void {
  answer.status = 200;
  answer.body = { start: 0, end: size };
  answer.fields.delete('Content-Range');
  setFraming(answer);
}

/** Overlooks where the range that was asked for ends. */
function goToTheEnd(answer: Answer, size: number): void {
  if (answer.status !== 206 || answer.body instanceof Uint8Array) return;
  const { start } = answer.body;
  answer.body = { start, end: size };
  answer.fields.set('Content-Range', `bytes ${start}-${size - 1}/${size}`);
  setFraming(answer);
}

/** Calls everything a part, the one that is all of the file. */
function becomeWholePart(answer: Answer, size: number): void {
  if ((answer.status !== 200 && answer.status !== 206) || size === 0) return;
  becomeFull(answer, size);
  answer.status = 206;
  answer.fields.set('Content-Range', `bytes 0-${size - 1}/${size}`);
}

/** Begins a part before what was asked for. */
function beginEarly(answer: Answer, by: number, size: number): void {
  if (answer.status !== 206 || answer.body instanceof Uint8Array) return;
  const { start, end } = answer.body;
  answer.body = { start: Math.max(0, start - by), end };
  answer.fields.set('Content-Range', `bytes ${answer.body.start}-${end - 1}/${size}`);
  setFraming(answer);
}

/** Other bytes, or those of another place, under a right head; only of a part that is not the first. */
function spoilPart(answer: Answer, by: number): void {
  if (answer.status !== 206 || answer.body instanceof Uint8Array || answer.body.start === 0) return;
  if (by === 0) answer.seed ^= 0x5eed;
  answer.shift = by;
}

/** Says that the body is encoded; a whole file under `gzip` really is, a range only claims it. */
function encode(answer: Answer, encoding: string): void {
  answer.fields.set('Content-Encoding', encoding);
  if (encoding !== 'gzip' || answer.status !== 200 || answer.body instanceof Uint8Array) return;
  const { start, end } = answer.body;
  answer.body = gzipSync(contentAt(answer.seed, start, end - start));
  setFraming(answer);
}

function refuse(answer: Answer, fault: Extract<Fault, { kind: 'status' }>): void {
  replaceBody(answer, fault.status, fault.body);
  setField(answer, 'ETag', null);
  setField(answer, 'Last-Modified', null);
  if (fault.reason !== undefined) answer.reason = fault.reason;
  if (fault.retryAfter !== undefined) setField(answer, 'Retry-After', String(fault.retryAfter));
  for (const [name, value] of Object.entries(fault.fields ?? {})) setField(answer, name, value);
}

function addInterim(answer: Answer, fault: Extract<Fault, { kind: 'interim' }>): void {
  const head = formatHead(fault.status, fault.fields ?? {}, 'Interim');
  for (let i = 0; i < (fault.count ?? 1); i++) answer.interim.push(head);
}

const CUTS = {
  reset: 'reset',
  stall: 'stall',
  'early-end': 'end',
  truncate: 'truncate',
} as const satisfies Record<string, CutAction>;
const HEAD_CUTS = { 'reset-head': 'reset', 'stall-head': 'stall', 'end-head': 'end' } as const;

type ConnectionFault = Extract<
  Fault,
  { kind: keyof typeof CUTS | keyof typeof HEAD_CUTS | 'hold' | 'overlong' | 'below-tls' }
>;
type PartFault = Extract<
  Fault,
  {
    kind:
      'wrong-part' | 'full-200' | 'part-200' | 'to-the-end' | 'multipart' | 'whole-206' | 'early';
  }
>;
type ContentFault = Exclude<Fault, ConnectionFault | PartFault>;

const isConnectionFault = (fault: Fault): fault is ConnectionFault =>
  fault.kind in CUTS ||
  fault.kind in HEAD_CUTS ||
  ['hold', 'overlong', 'below-tls'].includes(fault.kind);

const isPartFault = (fault: Fault): fault is PartFault =>
  [
    ...['wrong-part', 'full-200', 'part-200', 'to-the-end', 'multipart'],
    ...['whole-206', 'early'],
  ].includes(fault.kind);

/** Spoils `answer`. `released` ends a `hold`; `size` is the length of the representation. */
export function applyFault(
  answer: Answer,
  fault: Fault,
  { released, size }: { released: Promise<void>; size: number },
): void {
  if (isConnectionFault(fault)) applyConnectionFault(answer, fault, released);
  else if (isPartFault(fault)) applyPartFault(answer, fault, size);
  else applyContentFault(answer, fault);
}

/** The faults that leave what is said alone and end or stop the saying. */
function applyConnectionFault(
  answer: Answer,
  fault: ConnectionFault,
  released: Promise<void>,
): void {
  switch (fault.kind) {
    case 'reset':
    case 'stall':
    case 'early-end':
    case 'truncate':
      answer.cut = { at: fault.at, action: CUTS[fault.kind] };
      return;
    case 'hold':
      answer.cut = { at: fault.at, action: () => released };
      break;
    case 'reset-head':
    case 'stall-head':
    case 'end-head':
      answer.headCut = { at: fault.at, action: HEAD_CUTS[fault.kind] };
      break;
    case 'overlong':
      answer.extra = fault.extra;
      break;
    case 'below-tls':
      answer.belowTls = fault;
      break;
  }
}

/** The faults that leave the connection alone and change what is said. */
function applyContentFault(answer: Answer, fault: ContentFault): void {
  switch (fault.kind) {
    case 'status':
      return refuse(answer, fault);
    case 'redirect':
      return refuse(answer, {
        kind: 'status',
        status: fault.status ?? 302,
        fields: { Location: fault.location },
      });
    case 'content-range':
    case 'content-length':
    case 'total':
    case 'etag':
    case 'field':
      return applyFieldFault(answer, fault);
    case 'wrong-bytes':
      answer.seed ^= 0x5eed;
      return;
    case 'content':
      answer.seed = fault.seed;
      return;
    case 'shifted':
      answer.shift = fault.by;
      return;
    case 'encoding':
      return encode(answer, fault.encoding);
    case 'interim':
      return addInterim(answer, fault);
    case 'latency':
      answer.latencyMs = fault.ms;
      return;
    case 'rate':
      answer.rate = fault.bytesPerSecond;
      return;
    case 'raw':
      answer.raw = fault;
  }
}

/** The faults of which part it is. */
function applyPartFault(answer: Answer, fault: PartFault, size: number): void {
  switch (fault.kind) {
    case 'wrong-part':
      return spoilPart(answer, fault.by);
    case 'full-200':
      return becomeFull(answer, size);
    case 'part-200':
      if (answer.status === 206) answer.status = 200;
      return fault.says ? undefined : setField(answer, 'Content-Range', null);
    case 'to-the-end':
      return goToTheEnd(answer, size);
    case 'whole-206':
      return becomeWholePart(answer, size);
    case 'early':
      return beginEarly(answer, fault.by, size);
    case 'multipart':
      return makeMultipart(answer);
  }
}

type FieldFault = Extract<
  Fault,
  { kind: 'content-range' | 'content-length' | 'total' | 'etag' | 'field' }
>;

/** The faults of one field. */
function applyFieldFault(answer: Answer, fault: FieldFault): void {
  switch (fault.kind) {
    case 'content-range':
      return setField(answer, 'Content-Range', fault.value);
    case 'content-length':
      return setField(answer, 'Content-Length', fault.value);
    case 'field':
      return setField(answer, fault.name, fault.value);
    case 'etag':
      return setField(answer, 'ETag', fault.value);
    case 'total': {
      const range = answer.fields.get('Content-Range');
      if (typeof range !== 'string') return;
      return setField(answer, 'Content-Range', range.replace(/\/.*$/, `/${fault.total}`));
    }
  }
}

/**
 * Sends a planned answer; returns when all is queued.
 * @param room resolves when the next piece of a body may be sent
 */
export async function send(
  request: RecordedRequest,
  reply: Reply,
  answer: Answer,
  file: Representation,
  room: () => Promise<void>,
): Promise<void> {
  if (answer.latencyMs > 0) await reply.wait(answer.latencyMs);
  if (answer.raw !== null) return sendRaw(reply, answer.raw);
  for (const head of answer.interim) await reply.raw(head);
  const right = formatHead(answer.status, Object.fromEntries(answer.fields), answer.reason);
  const head =
    file.writeHead === null
      ? right
      : Buffer.from(file.writeHead(right.toString('latin1')), 'latin1');
  if (answer.headCut !== null) {
    await reply.raw(head.subarray(0, answer.headCut.at));
    return reply[answer.headCut.action]();
  }
  await reply.raw(head);
  if (request.method !== 'HEAD' && answer.framing !== 'none') {
    await sendBody(reply, answer, file, room);
  }
  const closing = String(answer.fields.get('Connection') ?? '').toLowerCase() === 'close';
  if (closing || request.fields['connection']?.toLowerCase() === 'close') await reply.end();
}

async function sendRaw(reply: Reply, fault: Extract<Fault, { kind: 'raw' }>): Promise<void> {
  await reply.raw(fault.bytes);
  if (fault.then !== 'keep') await reply[fault.then ?? 'end']();
}

async function sendBody(
  reply: Reply,
  answer: Answer,
  file: Representation,
  room: () => Promise<void>,
): Promise<void> {
  if (answer.rate !== Infinity) reply.throttle(answer.rate);
  if (answer.cut !== null) void reply.afterBytes(answer.cut.at, answer.cut.action);
  const { belowTls } = answer;
  if (belowTls !== null) {
    void reply.afterBytes(belowTls.at, () => reply.writeBelowTls(belowTls.bytes));
  }
  for (const piece of piecesOf(answer, file)) {
    await room();
    if (reply.gone) return;
    if (answer.framing !== 'chunked') await reply.body(piece);
    else {
      for (let i = 0; i < piece.length && !reply.gone; i += file.chunkSize) {
        await reply.chunk(piece.subarray(i, i + file.chunkSize), file.chunkPadding);
      }
    }
  }
  if (answer.extra > 0) await reply.body(Buffer.alloc(answer.extra, 'x'));
  if (answer.framing === 'chunked') await reply.lastChunk({}, file.chunkPadding);
}

function* piecesOf(answer: Answer, file: Representation): Generator<Uint8Array> {
  const { body, seed, shift } = answer;
  if (body instanceof Uint8Array) yield body;
  else if (file.bytes !== null) {
    const bytes = Buffer.from(file.bytes.subarray(body.start, body.end));
    if (seed !== file.seed) for (let i = 0; i < bytes.length; i++) bytes[i]! ^= 0x55;
    for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
  } else yield* contentPieces(seed, body.start + shift, body.end + shift);
}
