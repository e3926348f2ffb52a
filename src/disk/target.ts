/** Where a download goes, and what is there already. */
import { lstatSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { SluiceError } from '../errors.js';
import { makeDirectories } from './directories.js';
import { diskError, errnoOf } from './errors.js';
import { fitName, journalPath, MAX_NAME_BYTES, newJournalPath } from './names.js';
import { lstatOrNull } from './part-file.js';

export { journalPath, MAX_NAME_BYTES, partPath, targetOf } from './names.js';

/** What a path names, symbolic links not followed. */
export interface TargetState {
  kind: 'absent' | 'file' | 'symlink' | 'directory' | 'other';
  /** Length in bytes; 0 when absent. */
  size: number;
  /** Time of the last change, in milliseconds since 1970; 0 when absent. */
  mtimeMs: number;
  /** The same in nanoseconds, as decimal text. */
  mtimeNs: string;
  /** How many names the file has. */
  nlink: number;
  dev: string;
  ino: string;
}

const ABSENT: TargetState = {
  kind: 'absent',
  size: 0,
  mtimeMs: 0,
  mtimeNs: '0',
  nlink: 0,
  dev: '0',
  ino: '0',
};

/** Looks at a path without touching it. Raises a disk error when even that is not allowed. */
export function inspectTarget(target: string): TargetState {
  const stats = lstatOrNull(target);
  if (stats === null) return { ...ABSENT };
  let kind: TargetState['kind'] = 'other';
  if (stats.isFile()) kind = 'file';
  else if (stats.isSymbolicLink()) kind = 'symlink';
  else if (stats.isDirectory()) kind = 'directory';
  return {
    kind,
    size: Number(stats.size),
    mtimeMs: Number(stats.mtimeMs),
    mtimeNs: String(stats.mtimeNs),
    nlink: Number(stats.nlink),
    dev: String(stats.dev),
    ino: String(stats.ino),
  };
}

export interface OutputChoice {
  /** Directory that the user chose; the current one when absent. */
  dir?: string | null | undefined;
  /** Path that the user chose; relative to `dir`. It may be any path. */
  output?: string | null | undefined;
  /** Name that a server or a URL gave, already made safe; used when there is no `output`. */
  name: string;
}

/**
 * The target's path; the directories above it are created when missing. Raises USAGE for a path
 * that cannot be a file's, and TARGET_UNSAFE for a name that is not one plain component: what a
 * server says never leaves the directory that the user chose (P13).
 */
export function resolveOutput({ dir, output, name }: OutputChoice): string {
  const base = dir ?? '';
  if (base.includes('\0')) throw badPath(base);
  if (output !== undefined && output !== null) return resolveGiven(base, output);
  if (!isComponent(name)) {
    throw new SluiceError('TARGET_UNSAFE', 'the name that the server gives is not safe to use', {
      next: 'Choose a name with --output.',
    });
  }
  if (base !== '') makeDirectory(base);
  return path.join(base, fittingName(base, name));
}

/** A name as long as the directory takes it together with the names beside it. */
function fittingName(dir: string, name: string): string {
  const most = Math.min(Buffer.byteLength(name), MAX_NAME_BYTES);
  const whole = fitName(name, '', most);
  if (!isTooLong(path.join(dir, whole))) return whole;
  let fits = 0;
  for (let step = 128; step >= 1; step /= 2) {
    const longer = fits + step;
    if (longer < most && !isTooLong(path.join(dir, fitName(name, '', longer)))) fits = longer;
  }
  // Not even one byte: it is the path that is too long, and whoever creates the file says so.
  return fits === 0 ? whole : fitName(name, '', fits);
}

/**
 * Whether the directory takes no name as long as the longest one beside the target. Some file systems allow
 * fewer than 255 bytes (eCryptfs 143); a look at a name that is not there tells, and makes nothing.
 */
function isTooLong(target: string): boolean {
  try {
    lstatSync(newJournalPath(journalPath(target)), { throwIfNoEntry: false });
    return false;
  } catch (thrown) {
    return errnoOf(thrown) === 'ENAMETOOLONG';
  }
}

function resolveGiven(base: string, output: string): string {
  const name = path.basename(output);
  if (output.includes('\0') || output.endsWith('/') || ['', '.', '..'].includes(name)) {
    throw badPath(output);
  }
  const target = path.isAbsolute(output) || base === '' ? output : path.join(base, output);
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw new SluiceError('USAGE', `the name is longer than ${MAX_NAME_BYTES} bytes: ${name}`, {
      path: target,
      next: 'Choose a shorter name with --output.',
    });
  }
  makeDirectory(path.dirname(target));
  if (isTooLong(target)) {
    const beside = path.basename(newJournalPath(journalPath(target)));
    const message = `the name is too long for its directory, which must take ${beside} as well`;
    throw new SluiceError('USAGE', message, {
      path: target,
      next: 'Choose a shorter name with --output.',
    });
  }
  return target;
}

/** Whether a name is one component of a path, and neither the directory itself nor the one above. */
function isComponent(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\\\0]/.test(name);
}

function makeDirectory(dir: string): void {
  try {
    if (isDirectory(dir)) return;
    makeDirectories(dir);
  } catch (thrown) {
    const at = (thrown as NodeJS.ErrnoException).path ?? dir;
    throw diskError(thrown, { action: 'create the directory', path: at });
  }
  if (!isDirectory(dir)) {
    throw new SluiceError('USAGE', `${dir} is not a directory`, {
      path: dir,
      next: 'Choose another directory with --dir or --output.',
    });
  }
}

function isDirectory(dir: string): boolean {
  return statSync(dir, { throwIfNoEntry: false })?.isDirectory() === true;
}

function badPath(given: string): SluiceError {
  return new SluiceError('USAGE', `not the path of a file: ${JSON.stringify(given)}`, {
    next: 'Give the path of a file with --output, and of a directory with --dir.',
  });
}

/** The directory that holds a target. */
export function directoryOf(target: string): string {
  return path.dirname(path.resolve(target));
}

/** The one path that stands for a target, however it was written: its directory is resolved. */
export function realTarget(target: string): string {
  try {
    return path.join(realpathSync.native(directoryOf(target)), path.basename(target));
  } catch (thrown) {
    throw diskError(thrown, { action: 'find the directory', path: path.dirname(target) });
  }
}
