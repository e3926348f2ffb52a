/**
 * The control file of aria2 (`FILE.aria2`), of version 0 or 1, as its manual describes it: which pieces of
 * a file it has. Pure.
 */
import { SluiceError } from '../errors.js';

/** Bytes of a control file. */
export const MAX_CONTROL_BYTES = 64 * 1024 * 1024;

/** aria2 writes pieces that it has not finished in blocks of so many bytes. */
const BLOCK = 16 * 1024;

/** What a control file says. */
export interface Aria2Control {
  /** Length of the file in bytes. */
  total: number;
  /** What is said to be in the file: ascending, disjoint. */
  extents: Array<{ start: number; end: number }>;
}

/**
 * Reads a control file.
 * @param where its path, for errors
 * @throws SluiceError NOTHING_TO_RESUME when it is none, is cut short, or is of a torrent
 */
export function parseAria2Control(bytes: Buffer, where: string): Aria2Control {
  const reader = new Reader(bytes, where);
  const pieceLength = reader.u32();
  const total = reader.u64();
  reader.u64();
  const count = Math.ceil(total / pieceLength);
  if (pieceLength === 0 || !Number.isSafeInteger(total) || total === 0)
    throw unusable(where, 'it says no length');
  const bits = reader.take(reader.u32());
  if (bits.length !== Math.ceil(count / 8))
    throw unusable(where, 'its lengths contradict each other');
  const extents: Array<{ start: number; end: number }> = [];
  const add = (start: number, end: number): void => {
    const last = extents.at(-1);
    if (last?.end === start) last.end = end;
    else extents.push({ start, end });
  };
  for (let index = 0; index < count; index++)
    if (hasBit(bits, index)) add(index * pieceLength, Math.min(total, (index + 1) * pieceLength));
  for (let left = reader.u32(); left > 0; left--) {
    const start = reader.u32() * pieceLength;
    const length = reader.u32();
    const blocks = reader.take(reader.u32());
    if (
      start + length > total ||
      length > pieceLength ||
      blocks.length !== Math.ceil(length / BLOCK / 8)
    )
      throw unusable(where, 'a piece of it lies beyond its end');
    for (let at = 0; at < length; at += BLOCK)
      if (hasBit(blocks, at / BLOCK)) add(start + at, start + Math.min(length, at + BLOCK));
  }
  return { total, extents: joined(extents) };
}

/** Numbers of version 0 are in the order of the machine that wrote them, those of version 1 in the network's. */
class Reader {
  private at = 0;
  private readonly isLittle: boolean;

  constructor(
    private readonly bytes: Buffer,
    private readonly where: string,
  ) {
    const version = this.take(2);
    if (version[0] !== 0 || (version[1] !== 0 && version[1] !== 1))
      throw unusable(where, 'it is of another version than 0 and 1');
    this.isLittle = version[1] === 0;
    const extension = this.take(4);
    const hash = this.take(this.u32());
    if ((extension[3] ?? 0) % 2 === 1 || hash.length > 0)
      throw unusable(where, 'it is of a torrent');
  }

  take(length: number): Buffer {
    if (this.at + length > this.bytes.length) throw unusable(this.where, 'it is cut short');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  u32(): number {
    const bytes = this.take(4);
    return this.isLittle ? bytes.readUInt32LE() : bytes.readUInt32BE();
  }

  u64(): number {
    const bytes = this.take(8);
    return Number(this.isLittle ? bytes.readBigUInt64LE() : bytes.readBigUInt64BE());
  }
}

const hasBit = (bits: Buffer, index: number): boolean =>
  (((bits[index >> 3] ?? 0) >> (7 - (index & 7))) & 1) === 1;

/** A finished piece may be among those under way as well. */
function joined(extents: Array<{ start: number; end: number }>): typeof extents {
  const all: typeof extents = [];
  for (const { start, end } of extents.sort((a, b) => a.start - b.start)) {
    const last = all.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else all.push({ start, end });
  }
  return all;
}

function unusable(where: string, why: string): SluiceError {
  return new SluiceError(
    'NOTHING_TO_RESUME',
    `this is no control file of aria2 that can be used: ${why}`,
    {
      path: where,
      next: 'Go on with aria2c, or start anew with `sluice get URL`.',
    },
  );
}
