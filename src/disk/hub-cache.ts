/**
 * The cache that the programs of Hugging Face's hub share (docs of the hub, "Hub local cache"): a file is kept once
 * in `blobs/`, by its digest, and found by its path through a relative link in `snapshots/COMMIT/`; `refs/NAME`
 * has the commit that a branch or a tag stands for.
 */
import {
  constants,
  copyFileSync,
  lstatSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { makeDirectories } from './directories.js';
import { diskError, errnoOf } from './errors.js';

/** Where a blob of a repository is, or is to be. */
export function blobPath(repository: string, blob: string): string {
  return path.join(repository, 'blobs', blob);
}

/**
 * Where a file of a commit is found.
 * @param parts safe components of its path in the repository
 */
export function snapshotPath(repository: string, commit: string, parts: readonly string[]): string {
  return path.join(repository, 'snapshots', commit, ...parts);
}

/** Length of a blob that is there, in bytes; null where there is none, or what is there is no file. */
export function blobSize(blob: string): number | null {
  const stats = lstatSync(blob, { throwIfNoEntry: false });
  return stats?.isFile() === true ? stats.size : null;
}

/**
 * Makes a path of a snapshot lead to a blob. A file that stands there stays: so keeps a cache without links its files.
 * @throws SluiceError of the disk
 */
export function linkBlob(pointer: string, blob: string): void {
  const directory = path.dirname(pointer);
  const to = path.relative(directory, blob);
  try {
    makeDirectories(directory);
    const there = lstatSync(pointer, { throwIfNoEntry: false });
    if (there === undefined) return addLink(to, pointer, blob);
    if (!there.isSymbolicLink() || readlinkSync(pointer) === to) return;
    // Never without a link: another program may look for it just now.
    const beside = besides(pointer);
    symlinkSync(to, beside);
    moved(beside, pointer);
  } catch (thrown) {
    throw diskError(thrown, { action: 'link the file in the cache', path: pointer });
  }
}

/** What file systems and systems without symbolic links answer. */
const NO_LINKS = new Set(['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL']);

function addLink(to: string, pointer: string, blob: string): void {
  try {
    symlinkSync(to, pointer);
  } catch (thrown) {
    const code = errnoOf(thrown) ?? '';
    // Another program may have been faster.
    if (code === 'EEXIST') return;
    if (!NO_LINKS.has(code)) throw thrown;
    const beside = besides(pointer);
    copyFileSync(blob, beside, constants.COPYFILE_EXCL);
    moved(beside, pointer);
  }
}

/**
 * Notes which commit a branch or a tag stands for.
 * @param name safe components of its name
 * @throws SluiceError of the disk
 */
export function writeRef(repository: string, name: readonly string[], commit: string): void {
  const file = path.join(repository, 'refs', ...name);
  try {
    makeDirectories(path.dirname(file));
    if (isText(file, commit)) return;
    const beside = besides(file);
    writeFileSync(beside, commit, { flag: 'wx' });
    moved(beside, file);
  } catch (thrown) {
    throw diskError(thrown, { action: 'note the commit in the cache', path: file });
  }
}

function isText(file: string, text: string): boolean {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  return stats?.size === text.length && stats.isFile() && readFileSync(file, 'utf8') === text;
}

const besides = (file: string): string => `${file}.${randomBytes(6).toString('hex')}~`;

/** Takes the name at once; what cannot take it leaves nothing beside it. */
function moved(beside: string, file: string): void {
  try {
    renameSync(beside, file);
  } catch (thrown) {
    unlinkSync(beside);
    throw thrown;
  }
}
