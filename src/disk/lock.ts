/**
 * The lock of a target in the file system: a directory beside it, `NAME.sluice.lock`, that is not empty.
 * Whoever shares the target's directory finds it: through a bind mount, from another network namespace or
 * container, from another machine.
 *
 * It is taken by rename(2), which puts a directory in the place of none or of an empty one, and of no
 * other: of all who try at once, one succeeds. What lies in it has names that nobody uses twice. So who
 * removes what a dead run left cannot remove what a living one has put there meanwhile, and several may
 * take a dead run's lock over without any further order among them.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, mkdirSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { SluiceError } from '../errors.js';
import { diskError, errnoOf } from './errors.js';
import { Lock, openDirectory, quietly, reach } from './lock-held.js';
import { isDead, readHolders } from './lock-holders.js';
import { settingFor } from './lock-setting.js';
import type { LockOptions, LockSetting } from './lock-setting.js';
import { lockPath } from './names.js';
import type { SpareLocks } from './spare-locks.js';

export type { Lock } from './lock-held.js';
export type { LockOptions, Presence } from './lock-setting.js';

/** Names under which a lock is made ready, before they are made up: so what a dead run left of one is found. */
const SLOTS = 4;
/** Tries to make a lock ready, and to take it; each one that fails has met another run. */
const MAX_TRIES = 100;

/** What is answered where no directory can be made or must not be: there nothing else can, either. */
const NOT_HERE = new Set([
  ...['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENAMETOOLONG', 'EMLINK'],
  ...['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL'],
]);

/**
 * Takes the lock of a target.
 * @param spares locks of files that are finished, one of which may be moved here
 * @returns null where no lock can be made: in a directory that cannot be written, or on a full disk
 * @throws SluiceError TARGET_BUSY when another run has it; TARGET_UNSAFE when what has the lock's name is
 *   no lock, or another user's
 */
export async function takeLock(
  target: string,
  options: LockOptions,
  spares?: SpareLocks<Lock>,
): Promise<Lock | null> {
  const place = lockPath(target);
  const setting = settingFor(target, options);
  const own = spares?.take(place) ?? (await makeReady(place, setting));
  if (own === null) return null;
  try {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      if (own.moveTo(place)) return own;
      if (!(await clear(place, setting, own.uid))) break;
    }
    throw targetBusy(target);
  } catch (thrown) {
    await own.release();
    throw thrown;
  }
}

/**
 * Whether a run that lives has the target, told by its lock and without touching that.
 * @throws SluiceError TARGET_UNSAFE when what has the lock's name is no lock
 */
export async function isLocked(target: string, options: LockOptions): Promise<boolean> {
  const directory = lockPath(target);
  const fd = openOurs(directory, null);
  if (fd === null) return false;
  try {
    const setting = settingFor(target, options);
    const looking = {
      ...setting,
      directory,
      reach: (name: string) => reach(fd, directory, name),
      mayWait: false,
    };
    for (const holder of readHolders(readdirSync(directory)) ?? [])
      if (!(await isDead(holder, looking))) return true;
    return false;
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return false;
    throw diskError(thrown, { action: 'read the directory', path: directory });
  } finally {
    closeSync(fd);
  }
}

/** The error of a target that another run has. */
export function targetBusy(target: string): SluiceError {
  return new SluiceError('TARGET_BUSY', 'another run of sluice is downloading to this file', {
    path: target,
    next: 'Wait for it to end, or choose another name with --output.',
  });
}

/** A lock of our own beside the place that it is for; null where none can be made. */
async function makeReady(place: string, setting: LockSetting): Promise<Lock | null> {
  try {
    for (let slot = 0; slot < MAX_TRIES; slot++) {
      const suffix = slot < SLOTS ? String(slot) : randomBytes(4).toString('hex');
      const own = await makeReadyAt(`${place}.${suffix}`, setting);
      if (own !== null) return own;
    }
  } catch (thrown) {
    const errno = errnoOf(thrown) ?? '';
    if (!NOT_HERE.has(errno)) throw diskError(thrown, { action: 'create', path: place });
    setting.log.warn({ path: place, errno }, 'there is no lock in the file system');
    return null;
  }
  throw new SluiceError('TARGET_BUSY', `too many runs try to take ${place} at once`, {
    path: place,
    next: 'Run the same command again.',
  });
}

/** Null when another run has the name, or takes it. */
async function makeReadyAt(directory: string, setting: LockSetting): Promise<Lock | null> {
  if (!makeDirectory(directory)) {
    if (!(await removeDead(directory, setting)) || !makeDirectory(directory)) return null;
  }
  const own = await Lock.settle(directory, setting);
  // Another run may have taken the directory for a dead one's while it was empty, and made it anew: of
  // two that are in one directory, the later one at least sees the other.
  if (own === null || own.isAlone()) return own;
  await own.release();
  return null;
}

/** False when the name is taken. */
function makeDirectory(directory: string): boolean {
  try {
    mkdirSync(directory, 0o700);
    return true;
  } catch (thrown) {
    if (errnoOf(thrown) === 'EEXIST') return false;
    throw thrown;
  }
}

/** Removes what a dead run was making ready; false when it is alive, or nobody can tell at once. */
async function removeDead(directory: string, setting: LockSetting): Promise<boolean> {
  try {
    if (!(await clear(directory, setting, null))) return false;
    rmdirSync(directory);
    return true;
  } catch {
    return false;
  }
}

/**
 * Removes what dead runs left in a directory; false when a living one is there.
 * @param uid whose the directory must be; null for one that is not the lock itself, where nothing is waited for
 */
async function clear(
  directory: string,
  setting: LockSetting,
  uid: bigint | null,
): Promise<boolean> {
  const fd = openOurs(directory, uid);
  if (fd === null) return true;
  try {
    const holders = readHolders(readdirSync(directory));
    if (holders === null) throw noLock(directory, 'something else than a lock is in it');
    const looking = {
      ...setting,
      directory,
      reach: (name: string) => reach(fd, directory, name),
      mayWait: uid !== null,
    };
    for (const holder of holders) {
      if (!(await isDead(holder, looking))) return false;
      for (const name of holder.files) quietly(() => unlinkSync(path.join(directory, name)));
    }
    return true;
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return true;
    throw diskError(thrown, { action: 'read the directory', path: directory });
  } finally {
    closeSync(fd);
  }
}

/** The directory of a lock, open; null when it is gone. */
function openOurs(directory: string, uid: bigint | null): number | null {
  let fd: number;
  try {
    fd = openDirectory(directory);
  } catch (thrown) {
    const errno = errnoOf(thrown);
    if (errno === 'ENOENT') return null;
    if (errno === 'ELOOP' || errno === 'ENOTDIR') throw noLock(directory, 'it is no directory');
    throw errno === 'EACCES'
      ? foreign(directory)
      : diskError(thrown, { action: 'open', path: directory });
  }
  if (uid === null || fstatSync(fd, { bigint: true }).uid === uid) return fd;
  closeSync(fd);
  throw foreign(directory);
}

/**
 * Whoever may make names in the directory could block us by the part's name as well, so a lock of another
 * user is no more than refused: one that is passed over would be no lock against their own runs.
 */
function foreign(directory: string): SluiceError {
  return noLock(directory, 'it belongs to another user');
}

function noLock(directory: string, why: string): SluiceError {
  return new SluiceError('TARGET_UNSAFE', `${directory} is not used as a lock: ${why}`, {
    path: directory,
    next: 'Remove it if no run of sluice is at work on this file, or choose another name with --output.',
  });
}
