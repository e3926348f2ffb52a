/**
 * The journal's bytes: pure encoding and decoding. `docs/journal.md` is the format with a
 * diagram; this file follows it.
 */
import { crc32 } from 'node:zlib';
import { assert, SluiceError } from '../errors.js';
import type { Extent } from '../schedule/extents.js';
import { DurableExtents, type DurableExtent } from './durable-extents.js';
import type { PartIdentity } from './part-file.js';
import { PUBLISH_MODES, type PublishMode } from './publish-mode.js';

export type { DurableExtent } from './durable-extents.js';

export const JOURNAL_MAGIC = 'SLUICEJ1';
export const JOURNAL_VERSION = 2;
/** Oldest version that is read. Its frames are the same; it knows fewer options of IDENTITY. */
const OLDEST_VERSION = 1;
/** Offset of the version in the header. */
export const VERSION_AT = 8;
/** Magic, version, salt. */
export const HEADER_BYTES = 16;
/** Payload length, CRC-32, type. */
export const FRAME_HEAD_BYTES = 9;
/** Longest payload of a frame. */
export const MAX_PAYLOAD = 1024 * 1024;
/** Longest journal that is read or written. */
export const MAX_JOURNAL = 64 * 1024 * 1024;

/**
 * Claims that a journal may make at one time: more than any download has, whose neighbours are joined.
 * Claims beyond it end the reading. It bounds how long that takes, for nothing else happens meanwhile.
 */
export const MAX_CLAIMS = 600_000;

/** Longest URL that is kept, in characters; a longer one is not even asked for. */
const MAX_ADDRESS = 64 * 1024;

/** The last moment that a Date can hold (ECMA-262), in milliseconds since 1970. */
const LAST_DATE_MS = 8.64e15;

const EXTENT_BYTES = 20;
const RANGE_BYTES = 16;

/** Types of frames. A number is never given another meaning. */
export const FRAME = { IDENTITY: 1, EXTENTS: 2, FORGET: 3, CLEAN: 4, PUBLISH: 5 } as const;

/** What a download is of, as far as the disk must know it to go on without a URL. */
export interface JournalIdentity {
  version: 1;
  /** The URL that was asked for, with its query, without userinfo. */
  url: string;
  /** Where redirects led, without userinfo; null when nowhere else. */
  finalUrl: string | null;
  /** Length of the representation in bytes; null while unknown. */
  size: number | null;
  /** Validators of the representation; their meaning is not the disk's. */
  validators: unknown;
  /** The part that the claims are about, and the mode that it gets with its name, where that is known. */
  part: { dev: string; ino: string; mode?: number };
  /** See {@link file://./boot.ts}. */
  bootId: string | null;
  /** When the download began, in milliseconds since 1970. */
  createdMs: number;
  /** Options that a resumed run takes over; no secrets. */
  options: Record<string, unknown>;
}

/** The part as it was at a graceful stop. */
export type CleanRecord = PartIdentity;

/** Every byte is in place and verified, and the final name is about to be taken. */
export interface PublishRecord {
  /** Length of the file in bytes. */
  size: number;
  /** How the name is taken. */
  mode: PublishMode;
  /** Whether the part was synced; otherwise it is whole only as long as the boot is the same. */
  synced: boolean;
  /** See {@link file://./boot.ts}. */
  bootId: string | null;
  /** Verified digests, by algorithm, as lower-case hex. */
  digests: Record<string, string>;
}

/** Where appending may go on: an offset, and the CRC that the next frame is seeded with. */
export interface JournalPosition {
  offset: number;
  seed: number;
}

/** What a journal says. */
export interface JournalContents {
  /** Of the format. */
  version: number;
  identity: JournalIdentity;
  /** Ascending, disjoint, within `[0, size)`. */
  extents: DurableExtent[];
  /** Present only when the last run stopped gracefully, and nothing came after. */
  clean: CleanRecord | null;
  /** Present only when the last run died while it took the final name. */
  publish: PublishRecord | null;
  /** Bytes up to the end of the last valid frame. */
  validBytes: number;
  /** Whether something behind these bytes, or a claim, had to be ignored. */
  damaged: boolean;
  /** The end of the valid frames, a trailing CLEAN or PUBLISH not counted. */
  appendAt: JournalPosition;
}

/** A frame before it is framed. */
export interface Frame {
  type: number;
  payload: Uint8Array;
}

/** The header of a new journal. `salt` is a random u32, so that no other journal's frames fit. */
export function encodeHeader(salt: number): Uint8Array {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.write(JOURNAL_MAGIC, 'latin1');
  bytes.set(encodeVersion(), VERSION_AT);
  bytes.writeUInt32LE(salt, 12);
  return bytes;
}

/** The version as it is in the header. */
export function encodeVersion(): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(JOURNAL_VERSION);
  return bytes;
}

/** One frame in bytes, and the seed of the frame after it. */
export function encodeFrame(frame: Frame, seed: number): { bytes: Uint8Array; seed: number } {
  const { type, payload } = frame;
  assert(payload.length <= MAX_PAYLOAD, 'a frame is at most 1 MiB');
  const bytes = Buffer.alloc(FRAME_HEAD_BYTES + payload.length);
  bytes.writeUInt32LE(payload.length, 0);
  bytes.writeUInt8(type, 8);
  bytes.set(payload, FRAME_HEAD_BYTES);
  const crc = frameCrc(bytes, seed);
  bytes.writeUInt32LE(crc, 4);
  return { bytes, seed: crc };
}

/** The CRC of a whole frame: its length, its type and its payload. */
function frameCrc(frame: Uint8Array, seed: number): number {
  return crc32(frame.subarray(8), crc32(frame.subarray(0, 4), seed));
}

/** Raises USAGE when a URL or an option is too long to be kept. */
export function identityFrame(identity: JournalIdentity): Frame {
  for (const url of [identity.url, identity.finalUrl]) {
    assert(url === null || !/^[^/?#]*:\/\/[^/?#]*@/.test(url), 'a journal holds no userinfo');
  }
  const payload = Buffer.from(JSON.stringify(identity));
  const urls = Math.max(identity.url.length, identity.finalUrl?.length ?? 0);
  if (payload.length > MAX_PAYLOAD || urls > MAX_ADDRESS) {
    throw new SluiceError('USAGE', 'the URL and the options are too long for the journal');
  }
  assert(parseIdentity(payload) !== null, 'an identity can be read again');
  return { type: FRAME.IDENTITY, payload };
}

export function cleanFrame(clean: CleanRecord): Frame {
  return { type: FRAME.CLEAN, payload: Buffer.from(JSON.stringify(clean)) };
}

export function publishFrame(record: PublishRecord): Frame {
  return { type: FRAME.PUBLISH, payload: Buffer.from(JSON.stringify(record)) };
}

/** As many frames as the extents need. */
export function extentFrames(extents: readonly DurableExtent[]): Frame[] {
  return listFrames(FRAME.EXTENTS, EXTENT_BYTES, extents, (extent, bytes, at) => {
    writeRange(extent, bytes, at);
    bytes.writeUInt32LE(extent.crc >>> 0, at + RANGE_BYTES);
  });
}

/** As many frames as the ranges need. */
export function forgetFrames(ranges: readonly Extent[]): Frame[] {
  return listFrames(FRAME.FORGET, RANGE_BYTES, ranges, writeRange);
}

function listFrames<T>(
  type: number,
  itemBytes: number,
  items: readonly T[],
  write: (item: T, bytes: Buffer, at: number) => void,
): Frame[] {
  const perFrame = Math.floor(MAX_PAYLOAD / itemBytes);
  const frames: Frame[] = [];
  for (let from = 0; from < items.length; from += perFrame) {
    const chunk = items.slice(from, from + perFrame);
    const payload = Buffer.alloc(chunk.length * itemBytes);
    chunk.forEach((item, index) => write(item, payload, index * itemBytes));
    frames.push({ type, payload });
  }
  return frames;
}

function writeRange({ start, end }: Extent, bytes: Buffer, at: number): void {
  bytes.writeBigUInt64LE(BigInt(start), at);
  bytes.writeBigUInt64LE(BigInt(end), at + 8);
}

/**
 * Whether a journal's creation was cut off before its first record was synced: such a journal
 * never claimed anything. It is empty, or too short, or the blocks of its only write are zeros.
 */
export function isUnfinished(bytes: Uint8Array): boolean {
  return bytes.length < HEADER_BYTES + FRAME_HEAD_BYTES || bytes.every((byte) => byte === 0);
}

/**
 * Reads a journal. A frame that is cut short or does not fit its CRC ends the reading: all before
 * it counts, nothing after. Raises JOURNAL_DAMAGED when not even the first identity can be read.
 */
export function decodeJournal(bytes: Uint8Array): JournalContents {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const replay = new Replay();
  const { version, salt } = readHeader(buffer);
  let position: JournalPosition = { offset: HEADER_BYTES, seed: salt };
  let appendAt = position;
  for (;;) {
    const frame = frameAt(buffer, position);
    if (frame === null || !replay.apply(frame)) break;
    position = {
      offset: position.offset + FRAME_HEAD_BYTES + frame.payload.length,
      seed: frame.crc,
    };
    if (frame.type !== FRAME.CLEAN && frame.type !== FRAME.PUBLISH) appendAt = position;
  }
  const { identity } = replay;
  if (identity === null) throw damaged('its first record cannot be read');
  const claims = replay.extents.toArray();
  const extents = claims.filter(({ end }) => identity.size === null || end <= identity.size);
  const isDamaged = position.offset < buffer.length || extents.length < claims.length;
  return {
    version,
    identity,
    extents,
    clean: isDamaged ? null : replay.clean,
    publish: isDamaged ? null : replay.publish,
    validBytes: position.offset,
    damaged: isDamaged,
    appendAt,
  };
}

function readHeader(buffer: Buffer): { version: number; salt: number } {
  if (
    buffer.length < HEADER_BYTES ||
    buffer.toString('latin1', 0, JOURNAL_MAGIC.length) !== JOURNAL_MAGIC
  ) {
    throw damaged('it does not begin like a journal');
  }
  const version = buffer.readUInt32LE(VERSION_AT);
  if (version < OLDEST_VERSION || version > JOURNAL_VERSION) {
    const known = `${OLDEST_VERSION} to ${JOURNAL_VERSION}`;
    throw damaged(`it is of format ${version}, and only formats ${known} are known`);
  }
  return { version, salt: buffer.readUInt32LE(12) };
}

function frameAt(
  buffer: Buffer,
  { offset, seed }: JournalPosition,
): (Frame & { crc: number }) | null {
  if (buffer.length - offset < FRAME_HEAD_BYTES) return null;
  const length = buffer.readUInt32LE(offset);
  const end = offset + FRAME_HEAD_BYTES + length;
  if (length > MAX_PAYLOAD || end > buffer.length) return null;
  const frame = buffer.subarray(offset, end);
  const crc = buffer.readUInt32LE(offset + 4);
  if (frameCrc(frame, seed) !== crc) return null;
  return { type: frame.readUInt8(8), payload: frame.subarray(FRAME_HEAD_BYTES), crc };
}

/** The state that the frames build up. */
class Replay {
  identity: JournalIdentity | null = null;
  clean: CleanRecord | null = null;
  publish: PublishRecord | null = null;
  readonly extents = new DurableExtents();

  /** Returns false when the frame makes no sense; it then ends the reading. */
  apply({ type, payload }: Frame): boolean {
    if (this.identity === null && type !== FRAME.IDENTITY) return false;
    this.clean = null;
    this.publish = null;
    switch (type) {
      case FRAME.IDENTITY: {
        const identity = parseIdentity(payload);
        this.identity = identity ?? this.identity;
        return identity !== null;
      }
      case FRAME.EXTENTS: {
        const extents = readRanges(payload, EXTENT_BYTES);
        if (extents === null || this.extents.length + extents.length > MAX_CLAIMS) return false;
        for (const extent of extents) this.extents.add(extent);
        return true;
      }
      case FRAME.FORGET: {
        const ranges = readRanges(payload, RANGE_BYTES);
        ranges?.forEach((range) => this.extents.forget(range));
        return ranges !== null;
      }
      case FRAME.CLEAN:
        this.clean = parseClean(payload);
        return this.clean !== null;
      case FRAME.PUBLISH:
        this.publish = parsePublish(payload);
        return this.publish !== null;
      default:
        return false;
    }
  }
}

/** Null unless every item is a range. `crc` is 0 where the items carry none. */
function readRanges(payload: Uint8Array, itemBytes: number): DurableExtent[] | null {
  const buffer = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (buffer.length === 0 || buffer.length % itemBytes !== 0) return null;
  const ranges: DurableExtent[] = [];
  for (let at = 0; at < buffer.length; at += itemBytes) {
    const start = readUInt64(buffer, at);
    const end = readUInt64(buffer, at + 8);
    if (!(start < end && Number.isSafeInteger(end))) return null;
    const crc = itemBytes === EXTENT_BYTES ? buffer.readUInt32LE(at + RANGE_BYTES) : 0;
    ranges.push({ start, end, crc });
  }
  return ranges;
}

/** As a number; beyond 2^53 it is not exact, and refused. */
function readUInt64(buffer: Buffer, at: number): number {
  return buffer.readUInt32LE(at) + buffer.readUInt32LE(at + 4) * 2 ** 32;
}

function parseIdentity(payload: Uint8Array): JournalIdentity | null {
  const value = parseObject(payload);
  if (value === null || !isObject(value['part']) || !isObject(value['options'])) return null;
  const { version, url, finalUrl, size, part, bootId, createdMs } = value;
  const sound =
    version === 1 &&
    isAddress(url) &&
    (finalUrl === null || isAddress(finalUrl)) &&
    (size === null || isCount(size)) &&
    isDecimal(part['dev']) &&
    isDecimal(part['ino']) &&
    (part['mode'] === undefined || isMode(part['mode'])) &&
    (bootId === null || typeof bootId === 'string') &&
    isCount(createdMs) &&
    Number(createdMs) <= LAST_DATE_MS;
  return sound ? (value as unknown as JournalIdentity) : null;
}

function parseClean(payload: Uint8Array): CleanRecord | null {
  const value = parseObject(payload);
  if (value === null) return null;
  const sound =
    isCount(value['size']) &&
    isDecimal(value['mtimeNs']) &&
    isDecimal(value['ino']) &&
    isDecimal(value['dev']);
  return sound ? (value as unknown as CleanRecord) : null;
}

function parsePublish(payload: Uint8Array): PublishRecord | null {
  const value = parseObject(payload);
  if (value === null || !isObject(value['digests'])) return null;
  const sound =
    isCount(value['size']) &&
    PUBLISH_MODES.some((mode) => mode === value['mode']) &&
    typeof value['synced'] === 'boolean' &&
    (value['bootId'] === null || typeof value['bootId'] === 'string') &&
    Object.values(value['digests']).every((hex) => typeof hex === 'string');
  return sound ? (value as unknown as PublishRecord) : null;
}

function parseObject(payload: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload).toString('utf8'));
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** Permissions, and nothing that makes a file run as somebody else. */
function isMode(value: unknown): boolean {
  return isCount(value) && Number(value) <= 0o777;
}

function isAddress(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > MAX_ADDRESS) return false;
  // A URL as it is written is ASCII. Another one may take its parser a time that is not linear.
  return /^https?:[\x21-\x7e]*$/i.test(value) && URL.canParse(value);
}

function isDecimal(value: unknown): boolean {
  return typeof value === 'string' && /^-?\d{1,24}$/.test(value);
}

function damaged(why: string): SluiceError {
  return new SluiceError('JOURNAL_DAMAGED', `the journal is not usable: ${why}`);
}

/** Whether the part is still as the journal says it was at the graceful stop. */
export function cleanMatches(clean: CleanRecord | null, part: PartIdentity): boolean {
  return (
    clean !== null &&
    clean.dev === part.dev &&
    clean.ino === part.ino &&
    clean.size === part.size &&
    clean.mtimeNs === part.mtimeNs
  );
}
