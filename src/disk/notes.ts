/**
 * Small files in a directory of the user's own, which help a later run and mean nothing else: each
 * is replaced as a whole, their number and age are bounded, and whatever is read may be damaged.
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeDirectories } from './directories.js';

export type Environment = Record<string, string | undefined>;

/** Lower-case hex of the SHA-256 of a text. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * One of our directories of the user: that of our own variable, else below that of the XDG base
 * directories, else below the home directory.
 * @param fallback below the home directory
 */
export function userDirectory(
  env: Environment,
  { own, xdg, fallback }: { own: string; xdg: string; fallback: string },
): string {
  const ours = env[own];
  if (ours !== undefined && ours !== '') return ours;
  const base = env[xdg];
  // The specification says that a relative path is to be ignored.
  const parent =
    base !== undefined && path.isAbsolute(base) ? base : path.join(os.homedir(), fallback);
  return path.join(parent, 'sluice');
}

/** What a directory of notes may hold. */
export interface NoteBounds {
  most: number;
  /** Milliseconds since the last change; Infinity for ever. */
  oldestMs: number;
}

/**
 * Writes a note, readable for its owner only, in place of what is there. Notes beyond the bounds go.
 * It throws what the file system throws.
 */
export function writeNote(directory: string, name: string, text: string, bounds: NoteBounds): void {
  makeDirectories(directory, 0o700);
  replaceFile(path.join(directory, name), text);
  prune(directory, bounds);
}

/** The text of a note. It throws when there is none, or when it is no regular file or too long. */
export function readNote(directory: string, name: string, maxBytes: number): string {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const fd = openSync(path.join(directory, name), flags);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile() || stats.size > maxBytes) throw new Error('not a note');
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

function replaceFile(file: string, text: string): void {
  const temporary = `${file}.${randomBytes(6).toString('hex')}~`;
  try {
    writeFileSync(temporary, text, { flag: 'wx', mode: 0o600 });
    renameSync(temporary, file);
  } catch (thrown) {
    removeQuietly(temporary);
    throw thrown;
  }
}

/** Removes the oldest notes, and what an interrupted writing left, beyond the bounds. */
function prune(directory: string, { most, oldestMs }: NoteBounds): void {
  const names = readdirSync(directory);
  if (names.length <= most && oldestMs === Infinity) return;
  const aged = names
    .map((name) => path.join(directory, name))
    .map((file) => ({ file, ms: lstatSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((a, b) => a.ms - b.ms);
  const tooOld = Date.now() - oldestMs;
  const tooMany = names.length - most;
  for (const [index, { file, ms }] of aged.entries())
    if (index < tooMany || ms < tooOld) removeQuietly(file);
}

function removeQuietly(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // Another run was faster.
  }
}

/** Whether a parsed value is an object with fields. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
