/** Gives the part its final name, and never takes that name from another file unasked. */
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  openSync,
  renameSync,
  unlinkSync,
  type BigIntStats,
} from 'node:fs';
import path from 'node:path';
import { SluiceError } from '../errors.js';
import { syncDirectory } from './async-io.js';
import { diskError, errnoOf } from './errors.js';
import { partPath, suffixedName } from './names.js';
import { isOurs } from './ownership.js';
import { giveMode, lstatOrNull, replaced, type PartFile } from './part-file.js';
import type { PublishMode } from './publish-mode.js';
import { shellCommand } from './shell.js';

export { syncDirectory } from './async-io.js';

export type { PublishMode } from './publish-mode.js';

/** Is told what failed after the file had got its name. */
export type Warn = (error: SluiceError) => void;

interface How {
  /** Whether the directory is synced. */
  sync: boolean;
  warn: Warn;
}

const QUIETLY: How = { sync: true, warn: () => undefined };

/** How many names `rename` tries. */
export const MAX_RENAMES = 10_000;

/**
 * Publishes a complete, verified and synced part; returns its final path. The part's name is gone
 * afterwards, and the directory is synced unless `sync` is false, which is for a part that is not
 * synced either. The descriptor stays open.
 *
 * `fail` raises TARGET_EXISTS when the name is taken. `overwrite` replaces a file or a symbolic
 * link (the link itself, never what it points to) and raises TARGET_UNSAFE for anything else.
 * `rename` takes the first free name of `name.ext`, `name.1.ext`, `name.2.ext` and so on.
 * `mtimeMs` is the time of change that the file gets, in milliseconds since 1970.
 *
 * No error leaves anything new under the name. What fails when the file has it and cannot lose it
 * again is no error: `warn` is told.
 */
export async function publish(
  part: PartFile,
  target: string,
  mode: PublishMode,
  opts: { mtimeMs?: number | null; sync?: boolean; warn?: Warn } = {},
): Promise<string> {
  if (part.failure !== null) throw part.failure;
  part.requireLength();
  part.requireName();
  const how = { sync: opts.sync ?? QUIETLY.sync, warn: opts.warn ?? QUIETLY.warn };
  if (opts.mtimeMs !== undefined && opts.mtimeMs !== null) part.setModified(opts.mtimeMs);
  const name = await takeName(part, target, mode, how);
  part.giveMode();
  return name;
}

async function takeName(
  part: PartFile,
  target: string,
  mode: PublishMode,
  how: How,
): Promise<string> {
  switch (mode) {
    case 'fail':
      if (!(await claimName(part, target, how))) throw targetExists(target);
      return target;
    case 'rename':
      return claimFreeName(part, target, how);
    case 'overwrite':
      await replaceName(part, target, how);
      return target;
  }
}

/** What was being published when a run died: its journal says so. */
export interface Unpublished {
  mode: PublishMode;
  /** Length of the file in bytes. */
  size: number;
  /** The part, which is the published file now. */
  part: { dev: string; ino: string; mode?: number };
}

/** The name that a run gave to its part before it died; null when it did not come so far. */
export function publishedName(target: string, { mode, size, part }: Unpublished): string | null {
  for (let number = 0; number < MAX_RENAMES; number += 1) {
    const name = number === 0 ? target : numberedName(target, number);
    const there = lstatOrNull(name);
    if (there === null) return null;
    if (there.isFile() && isOursNamed(there, part) && Number(there.size) === size) return name;
    if (mode !== 'rename') return null;
  }
  return null;
}

/**
 * Gives what was published its mode, and removes the part's name when it is only its second name.
 * @param published the name that it got
 */
export async function finishPublish(
  target: string,
  published: string,
  part: Unpublished['part'],
  warn: Warn,
): Promise<void> {
  giveModeTo(published, part);
  const left = lstatOrNull(partPath(target));
  if (left === null || !isOursNamed(left, part)) return;
  await syncDirectory(path.dirname(target));
  unlinkOrWarn(partPath(target), warn);
}

function giveModeTo(file: string, part: Unpublished['part']): void {
  if (part.mode === undefined) return;
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (isOursNamed(fstatSync(fd, { bigint: true }), part)) giveMode(fd, part.mode);
  } finally {
    closeSync(fd);
  }
}

/** Of file times, in nanoseconds: FAT has two seconds. */
const COARSEST_NS = 2_000_000_000n;

/**
 * Removes the empty file with which a run claimed the name, where there are no hard links, before it
 * died. It is younger than the last write to the part; an empty file that is older is somebody's.
 */
export function releaseClaim(target: string, { mode, size, part }: Unpublished): void {
  const left = lstatOrNull(partPath(target));
  if (mode === 'overwrite' || left === null) return;
  if (!isOursNamed(left, part) || Number(left.size) !== size) return;
  for (let number = 0; number < MAX_RENAMES; number += 1) {
    const name = number === 0 ? target : numberedName(target, number);
    const there = lstatOrNull(name);
    if (there === null) return;
    const isEmpty = there.isFile() && isOurs(there) && there.size === 0n && there.nlink === 1n;
    if (isEmpty && there.mtimeNs + COARSEST_NS >= left.mtimeNs) return unlink(name);
    if (mode !== 'rename') return;
  }
}

/**
 * Takes the name away again from a part that may not be whole: its bytes were not synced, and the
 * machine went down. Only when the part's own name is there as well, so that nothing is lost.
 */
export function undoPublish(target: string, published: string, part: Unpublished['part']): boolean {
  const left = lstatOrNull(partPath(target));
  if (left === null || !isOursNamed(left, part)) return false;
  unlink(published);
  return true;
}

function isFile(stats: BigIntStats, { dev, ino }: Unpublished['part']): boolean {
  return String(stats.ino) === ino && String(stats.dev) === dev;
}

/** The same for what an earlier run left: a number of an inode may have become another user's file. */
function isOursNamed(stats: BigIntStats, part: Unpublished['part']): boolean {
  return isOurs(stats) && isFile(stats, part);
}

/**
 * The same in one step that nothing comes between, for what no journal tells of: it is not synced.
 * @returns false, and all as it was, when the name is taken, or where there are no hard links
 */
export async function publishAtOnce(
  part: PartFile,
  target: string,
  mode: 'fail' | 'overwrite',
  warn: Warn,
): Promise<boolean> {
  const how = { sync: false, warn };
  part.requireLength();
  part.requireName();
  part.giveMode();
  if (mode === 'overwrite') await replaceName(part, target, how);
  else if (!linked(part, target)) return false;
  else await keepLink(part, target, how);
  return true;
}

/** Returns false when the name is taken. */
async function claimName(part: PartFile, target: string, how: How): Promise<boolean> {
  if (!linked(part, target)) return claimNameWithoutLinks(part, target, how);
  await keepLink(part, target, how);
  return true;
}

/** The target is a second name now, and becomes the only one. */
async function keepLink(part: PartFile, target: string, how: How): Promise<void> {
  try {
    // link(2) went by the name; make sure that it was still the name of our file.
    if (!isNameOf(target, part)) throw replaced(part.path);
    // First the new name, then the end of the old one: a crash leaves both or either, never none.
    if (how.sync) await syncDirectory(path.dirname(target));
  } catch (thrown) {
    unlink(target);
    throw thrown;
  }
  unlinkOrWarn(part.path, how.warn);
}

/**
 * Whether the target became a second name of the part. Filesystems that have no hard links say so with
 * whatever error they like (EPERM, EIO, EACCES, EXDEV, ENOENT, EINVAL, ENOSYS), so none of them tells
 * anything: what a rename cannot do either, it says itself. On a network share link(2) may fail although
 * the server has made the link, for its first answer was lost; the name tells (NFS, open(2) on O_EXCL).
 */
function linked(part: PartFile, target: string): boolean {
  try {
    linkSync(part.path, target);
    return true;
  } catch {
    return isNameOf(target, part);
  }
}

/** Removes the part's name of what is published. Who may not do that may not remove the other name either. */
function unlinkOrWarn(file: string, warn: Warn): void {
  try {
    unlink(file);
  } catch (thrown) {
    warn(stayed(SluiceError.from(thrown), file));
  }
}

/** What is told of a name that stays beside a file which is complete. */
export function stayed({ code, message }: SluiceError, file: string): SluiceError {
  const next = `It is not needed any more: ${shellCommand('rm -f', file)}.`;
  return new SluiceError(code, `The file is complete, but ${message}`, { path: file, next });
}

/**
 * Without hard links, the name is claimed by an empty file and then replaced. Between the two
 * calls an empty file has the final name; a crash just there leaves it, with the part beside it, and
 * the next run takes it away ({@link releaseClaim}).
 */
export async function claimNameWithoutLinks(
  part: PartFile,
  target: string,
  { sync, warn }: How = QUIETLY,
): Promise<boolean> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  try {
    closeSync(openSync(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600));
  } catch (thrown) {
    if (errnoOf(thrown) === 'EEXIST') return false;
    throw diskError(thrown, { action: 'create', path: target });
  }
  try {
    part.requireName();
    renameSync(part.path, target);
  } catch (thrown) {
    unlink(target);
    throw diskError(thrown, { action: 'create', path: target });
  }
  try {
    if (sync) await syncDirectory(path.dirname(target));
  } catch (thrown) {
    const error = SluiceError.from(thrown);
    if (!takeBack(target, part)) warn(unsafeName(error, target));
    else throw error;
  }
  return true;
}

/** Gives a part that was renamed its own name back; false when that cannot be done. */
function takeBack(target: string, part: PartFile): boolean {
  try {
    renameSync(target, part.path);
    return true;
  } catch {
    return false;
  }
}

async function claimFreeName(part: PartFile, target: string, how: How): Promise<string> {
  for (let number = 0; number < MAX_RENAMES; number += 1) {
    const name = number === 0 ? target : numberedName(target, number);
    if (await claimName(part, name, how)) return name;
  }
  throw targetExists(target);
}

/** `dir/name.7.ext` for `dir/name.ext` and 7; the number goes before the last extension. */
export function numberedName(target: string, number: number): string {
  const name = suffixedName(path.basename(target), `.${number}`);
  return path.join(path.dirname(target), name);
}

async function replaceName(part: PartFile, target: string, how: How): Promise<void> {
  const there = lstatOrNull(target);
  if (there !== null && !there.isFile() && !there.isSymbolicLink()) {
    const what = there.isDirectory() ? 'a directory' : 'not a regular file';
    throw new SluiceError('TARGET_UNSAFE', `${target} is not overwritten: it is ${what}`, {
      path: target,
      next: 'Choose another name with --output.',
    });
  }
  try {
    renameSync(part.path, target);
  } catch (thrown) {
    throw diskError(thrown, { action: 'replace', path: target });
  }
  try {
    if (how.sync) await syncDirectory(path.dirname(target));
  } catch (thrown) {
    // What had the name before is gone: to take the name back would leave neither.
    how.warn(unsafeName(SluiceError.from(thrown), target));
  }
}

function unsafeName({ code, message }: SluiceError, target: string): SluiceError {
  const next = 'Look at the system log and at the disk.';
  const what = `The file is complete, but its name may not survive a power cut: ${message}`;
  return new SluiceError(code, what, { path: target, next });
}

function isNameOf(file: string, part: PartFile): boolean {
  const there = lstatOrNull(file);
  const { dev, ino } = part.identity();
  return there !== null && isFile(there, { dev, ino });
}

function unlink(file: string): void {
  try {
    unlinkSync(file);
  } catch (thrown) {
    if (errnoOf(thrown) !== 'ENOENT') throw diskError(thrown, { action: 'remove', path: file });
  }
}

function targetExists(target: string): SluiceError {
  return new SluiceError('TARGET_EXISTS', `${target} exists already`, {
    path: target,
    next: `Move it away and run ${shellCommand('sluice resume', target)}, or use --on-exists overwrite or rename.`,
  });
}
