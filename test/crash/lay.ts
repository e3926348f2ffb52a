/** Puts a state on a disk, as the next boot finds it. */
import {
  closeSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import {
  encodeFrame,
  encodeHeader,
  FRAME,
  FRAME_HEAD_BYTES,
  HEADER_BYTES,
} from '../../src/disk/journal-format.js';
import { entryNames } from '../../src/disk/lock-holders.js';
import { lockPath } from '../../src/disk/names.js';
import type { Dice } from '../helpers/dice.js';
import type { DiskState, FileState } from './power.js';

/** Of a boot that is over. */
const EARLIER_BOOT = '00000000-0000-4000-8000-000000000000';

/**
 * Writes a state to a directory.
 * @param inodes which file of the trace had which inode when it was recorded: it has another one
 *   here, and the journals are made to say so
 */
export function lay(directory: string, state: DiskState, inodes: Map<string, number>): void {
  const made = new Map<FileState, string>();
  const entries = [...state].sort(([a], [b]) => Number(isJournal(a)) - Number(isJournal(b)));
  for (const [name, file] of entries) {
    const at = path.join(directory, name);
    const twin = made.get(file);
    if (twin === undefined) {
      made.set(file, at);
      const bytes = file.bytes();
      put(at, isJournal(name) ? rebooted(bytes, partIn(made, inodes)) : bytes, name);
    } else linkSync(twin, at);
    // Nothing is told by the time.
    utimesSync(at, 1_700_000_000, 1_700_000_000);
  }
}

/** Leaves the lock of a run that a power cut ended, as far as it got to the disk. */
export function layLock(target: string, dice: Dice): void {
  mkdirSync(lockPath(target));
  const names = entryNames('0'.repeat(16), '1'.repeat(16));
  if (dice.chance(0.7)) writeFileSync(path.join(lockPath(target), names.socket), '');
  if (dice.chance(0.3)) writeFileSync(path.join(lockPath(target), names.beat), '');
}

const isJournal = (name: string): boolean => /\.sluice~?$/.test(name);

function put(file: string, bytes: Buffer, name: string): void {
  const fd = openSync(file, 'wx', isJournal(name) ? 0o600 : 0o644);
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, bytes.length - at, at);
  if (fstatSync(fd).size !== bytes.length) throw new Error(`${file} was not written`);
  closeSync(fd);
}

/** What a recorded inode is here; one that is nobody's when the file is not there. */
function partIn(
  made: Map<FileState, string>,
  inodes: Map<string, number>,
): (ino: string) => { dev: string; ino: string } {
  return (ino) => {
    const file = inodes.get(ino);
    for (const [state, at] of made) {
      if (state.file !== file) continue;
      const stats = statSync(at, { bigint: true });
      return { dev: String(stats.dev), ino: String(stats.ino) };
    }
    return { dev: '0', ino: '0' };
  };
}

/** The same journal with the inodes of this disk and the mark of an earlier boot. */
function rebooted(bytes: Buffer, part: ReturnType<typeof partIn>): Buffer {
  if (bytes.length < HEADER_BYTES) return bytes;
  const salt = bytes.readUInt32LE(12);
  const parts: Uint8Array[] = [bytes.subarray(0, HEADER_BYTES)];
  if (!Buffer.from(encodeHeader(salt)).equals(bytes.subarray(0, HEADER_BYTES))) return bytes;
  let [at, seed, newSeed] = [HEADER_BYTES, salt, salt];
  while (at + FRAME_HEAD_BYTES <= bytes.length) {
    const end = at + FRAME_HEAD_BYTES + bytes.readUInt32LE(at);
    if (end > bytes.length || end > at + 2 ** 20 + FRAME_HEAD_BYTES) break;
    const frame = {
      type: bytes.readUInt8(at + 8),
      payload: bytes.subarray(at + FRAME_HEAD_BYTES, end),
    };
    const was = encodeFrame(frame, seed);
    if (!bytes.subarray(at, end).equals(was.bytes)) break;
    const is = encodeFrame({ ...frame, payload: patched(frame, part) }, newSeed);
    parts.push(is.bytes);
    [at, seed, newSeed] = [end, was.seed, is.seed];
  }
  // What is torn stays torn.
  return Buffer.concat([...parts, bytes.subarray(at)]);
}

function patched(
  { type, payload }: { type: number; payload: Buffer },
  part: ReturnType<typeof partIn>,
): Buffer {
  if (type === FRAME.EXTENTS || type === FRAME.FORGET) return payload;
  const value = JSON.parse(payload.toString()) as Record<string, unknown>;
  if ('bootId' in value) value['bootId'] = EARLIER_BOOT;
  if (type === FRAME.IDENTITY) value['part'] = part((value['part'] as { ino: string }).ino);
  return Buffer.from(JSON.stringify(value));
}
