/** Digests that a server gives of what it sends (RFC 9530, and RFC 3230 before it). */
import { contentCodings } from './content-coding.js';
import { parseContentRange } from './content-range.js';
import type { ResponseHead } from './head.js';
import { trimOws } from './syntax.js';

export type DigestAlgorithm = 'sha-256' | 'sha-512' | 'sha-1' | 'md5';

export interface ServerDigest {
  algorithm: DigestAlgorithm;
  /** Lower-case. */
  hex: string;
}

/** The registered keys that are understood, and the bytes that each digest has. */
const ALGORITHMS = new Map<string, { algorithm: DigestAlgorithm; bytes: number }>([
  ['sha-256', { algorithm: 'sha-256', bytes: 32 }],
  ['sha-512', { algorithm: 'sha-512', bytes: 64 }],
  ['sha', { algorithm: 'sha-1', bytes: 20 }],
  ['md5', { algorithm: 'md5', bytes: 16 }],
]);

/**
 * The digests of the whole representation that an answer gives, each once.
 *
 * Repr-Digest of a 200 or 206 is of the whole representation (RFC 9530 §3). Content-Digest and
 * the old Digest are believed only of an answer that is not encoded and has the whole: Content-Digest of
 * a 206 is of the part alone, and servers do not agree what Digest is of. Unknown algorithms are ignored, and so is
 * a field that is malformed, as RFC 8941 §4.2 wants.
 */
export function parseDigestFields(head: ResponseHead): ServerDigest[] {
  const { status, fields } = head;
  if (status !== 200 && status !== 206) return [];
  const found = structured(fields.get('repr-digest'));
  if (isWhole(head) && contentCodings(fields).length === 0) {
    found.push(...structured(fields.get('content-digest')), ...legacy(fields.get('digest')));
  }
  const unique = new Map(found.map((digest) => [`${digest.algorithm}=${digest.hex}`, digest]));
  return [...unique.values()];
}

/** Whether the content of a 200 or 206 is the whole representation, and no part of it. */
export function isWhole({ status, fields }: ResponseHead): boolean {
  if (status !== 206) return status === 200;
  try {
    const range = parseContentRange(fields.get('content-range') ?? '');
    return range.kind === 'range' && range.start === 0 && range.end === range.total;
  } catch {
    return false;
  }
}

const KEY = /[a-z*][a-z0-9_\-.*]*/y;
const BYTES = /:([A-Za-z0-9+/]*={0,2}):/y;
/** The other bare items of RFC 8941 §3.3: string, number, boolean, token. */
const OTHER =
  /"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"|-?[0-9]+(?:\.[0-9]+)?|\?[01]|[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*/y;
const SEPARATOR = /[ \t]*,[ \t]*/y;
const SEMICOLON = /; */y;

/** Reads a text from left to right with sticky expressions. */
class Reader {
  at = 0;
  constructor(readonly text: string) {}

  get ended(): boolean {
    return this.at === this.text.length;
  }

  /** The match of `form` here, after which reading goes on; null when there is none. */
  take(form: RegExp): RegExpExecArray | null {
    form.lastIndex = this.at;
    const match = form.exec(this.text);
    if (match !== null) this.at = form.lastIndex;
    return match;
  }
}

/** The byte sequences of a structured dictionary (RFC 8941 §3.2); nothing when it is malformed. */
function structured(value: string | undefined): ServerDigest[] {
  const members = new Map<string, string | null>();
  const reader = new Reader(value ?? '');
  while (!reader.ended) {
    const key = reader.take(KEY)?.[0];
    if (key === undefined) return [];
    const base64 = member(reader);
    if (base64 === undefined) return [];
    members.set(key, base64);
    if (reader.ended) break;
    if (reader.take(SEPARATOR) === null || reader.ended) return [];
  }
  return [...members].flatMap(([key, base64]) => toDigest(key, base64));
}

/** The base64 of a member; null when it is of another type, undefined when it is malformed. */
function member(reader: Reader): string | null | undefined {
  const equals = reader.take(/=/y);
  const bytes = equals === null ? null : reader.take(BYTES);
  if (equals !== null && bytes === null && reader.take(OTHER) === null) return undefined;
  while (reader.take(SEMICOLON) !== null) {
    if (reader.take(KEY) === null) return undefined;
    if (reader.take(/=/y) === null) continue;
    if (reader.take(BYTES) === null && reader.take(OTHER) === null) return undefined;
  }
  return bytes === null ? null : bytes[1]!;
}

/** `SHA-256=base64,md5=base64` (RFC 3230 §4.3.2); nothing when it is malformed. */
function legacy(value: string | undefined): ServerDigest[] {
  const found: ServerDigest[] = [];
  for (const part of value === undefined ? [] : value.split(',')) {
    const match = /^([^=]+)=([A-Za-z0-9+/]+={0,2})$/.exec(trimOws(part));
    if (match === null) return [];
    found.push(...toDigest(match[1]!.toLowerCase(), match[2]!));
  }
  return found;
}

function toDigest(key: string, base64: string | null): ServerDigest[] {
  const known = ALGORITHMS.get(key);
  if (known === undefined || base64 === null) return [];
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length !== known.bytes) return [];
  return [{ algorithm: known.algorithm, hex: bytes.toString('hex') }];
}
