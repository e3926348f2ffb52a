/** Gives the part its final name, and never takes that name from another file unasked. */
import {
  closeSync,
  constants,
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
import { lstatOrNull, replaced, type PartFile } from './part-file.js';
import type { PublishMode } from './publish-mode.js';

export { syncDirectory } from './async-io.js';

export type { PublishMode } from './publish-mode.js';

/** What filesystems answer that have no hard links, or no more of them. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS']);

/** How many names `rename` tries. */
const MAX_RENAMES = 10_000;

/**
 * Publishes a complete, verified and synced part; returns its final path. The part's name is gone
 * afterwards, and the directory is synced unless `sync` is false, which is for a part that is not
 * synced either. The descriptor stays open.
 *
 * `fail` raises TARGET_EXISTS when the name is taken. `overwrite` replaces a file or a symbolic
 * link (the link itself, never what it points to) and raises TARGET_UNSAFE for anything else.
 * `rename` takes the first free name of `name.ext`, `name.1.ext`, `name.2.ext` and so on.
 * `mtimeMs` is the time of change that the file gets, in milliseconds since 1970.
 */
export async function publish(
  part: PartFile,
  target: string,
  mode: PublishMode,
  opts: { mtimeMs?: number | null; sync?: boolean } = {},
): Promise<string> {
  if (part.failure !== null) throw part.failure;
  part.requireLength();
  part.requireName();
  const sync = opts.sync ?? true;
  if (opts.mtimeMs !== undefined && opts.mtimeMs !== null) part.setModified(opts.mtimeMs);
  switch (mode) {
    case 'fail':
      if (!(await claimName(part, target, sync))) throw targetExists(target);
      return target;
    case 'rename':
      return claimFreeName(part, target, sync);
    case 'overwrite':
      await replaceName(part, target, sync);
      return target;
  }
}

/** What was being published when a run died: its journal says so. */
export interface Unpublished {
  mode: PublishMode;
  /** Length of the file in bytes. */
  size: number;
  /** The part, which is the published file now. */
  part: { dev: string; ino: string };
}

/** The name that a run gave to its part before it died; null when it did not come so far. */
export function publishedName(target: string, { mode, size, part }: Unpublished): string | null {
  for (let number = 0; number < MAX_RENAMES; number += 1) {
    const name = number === 0 ? target : numberedName(target, number);
    const there = lstatOrNull(name);
    if (there === null) return null;
    if (there.isFile() && isFile(there, part) && Number(there.size) === size) return name;
    if (mode !== 'rename') return null;
  }
  return null;
}

/** Removes the part's name when it is only the second name of what was published. */
export async function finishPublish(target: string, part: Unpublished['part']): Promise<void> {
  const left = lstatOrNull(partPath(target));
  if (left === null || !isFile(left, part)) return;
  await syncDirectory(path.dirname(target));
  unlink(partPath(target));
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
  if (!isFile(left, part) || Number(left.size) !== size) return;
  for (let number = 0; number < MAX_RENAMES; number += 1) {
    const name = number === 0 ? target : numberedName(target, number);
    const there = lstatOrNull(name);
    if (there === null) return;
    const isEmpty = there.isFile() && there.size === 0n && there.nlink === 1n;
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
  if (left === null || !isFile(left, part)) return false;
  unlink(published);
  return true;
}

function isFile(stats: BigIntStats, { dev, ino }: Unpublished['part']): boolean {
  return String(stats.ino) === ino && String(stats.dev) === dev;
}

/** Returns false when the name is taken. */
async function claimName(part: PartFile, target: string, sync: boolean): Promise<boolean> {
  try {
    linkSync(part.path, target);
  } catch (thrown) {
    const errno = errnoOf(thrown) ?? '';
    if (errno === 'EEXIST') return false;
    if (NO_LINKS.has(errno)) return claimNameWithoutLinks(part, target, sync);
    throw diskError(thrown, { action: 'create', path: target });
  }
  try {
    // link(2) went by the name; make sure that it was still the name of our file.
    if (!isNameOf(target, part)) throw replaced(part.path);
    // First the new name, then the end of the old one: a crash leaves both or either, never none.
    if (sync) await syncDirectory(path.dirname(target));
  } catch (thrown) {
    unlink(target);
    throw thrown;
  }
  unlink(part.path);
  return true;
}

/**
 * Without hard links, the name is claimed by an empty file and then replaced. Between the two
 * calls an empty file has the final name; a crash just there leaves it, with the part beside it, and
 * the next run takes it away ({@link releaseClaim}).
 */
export async function claimNameWithoutLinks(
  part: PartFile,
  target: string,
  sync = true,
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
  if (sync) await syncDirectory(path.dirname(target));
  return true;
}

async function claimFreeName(part: PartFile, target: string, sync: boolean): Promise<string> {
  for (let number = 0; number < MAX_RENAMES; number += 1) {
    const name = number === 0 ? target : numberedName(target, number);
    if (await claimName(part, name, sync)) return name;
  }
  throw targetExists(target);
}

/** `dir/name.7.ext` for `dir/name.ext` and 7; the number goes before the last extension. */
export function numberedName(target: string, number: number): string {
  const name = suffixedName(path.basename(target), `.${number}`);
  return path.join(path.dirname(target), name);
}

async function replaceName(part: PartFile, target: string, sync: boolean): Promise<void> {
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
  if (sync) await syncDirectory(path.dirname(target));
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
    next: 'Move it away and run `sluice resume`, or use --on-exists overwrite or rename.',
  });
}
