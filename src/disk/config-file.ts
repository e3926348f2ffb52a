/**
 * The configuration, read once. What it says decides whom is trusted (authorities, proxies) and what is
 * sent, so nobody else may have written it. A symbolic link is followed, for many keep their settings in
 * another directory and link to them; what counts is the file that was opened.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from 'node:fs';
import type { Stats } from 'node:fs';
import path from 'node:path';
import { SluiceError } from '../errors.js';
import { isOpenToOthers, isOurs, userId } from './ownership.js';
import { shellCommand } from './shell.js';
import { configDirectory } from './user-directories.js';
import type { Environment } from './user-directories.js';

/** Bytes of a file. */
export const MAX_CONFIG_BYTES = 1024 * 1024;

/** Bits of a mode that let somebody else read. */
const OTHERS_READ = 0o044;

export interface ConfigFile {
  path: string;
  text: string;
  /** Others than its owner may read it. */
  isReadable: boolean;
}

/** The user's own place of it. */
export function configPath(env: Environment): string {
  return path.join(configDirectory(env), 'config.json');
}

/**
 * The user's own configuration; null where there is none.
 * @param tell takes why a file that is there is not used: it is another user's, or in a closed directory, as after
 *   `sudo` with the home kept
 * @throws SluiceError CONFIG_INVALID
 */
export function readOwnConfig(env: Environment, tell: (what: string) => void): ConfigFile | null {
  const where = configPath(env);
  const fd = openConfig(where, () =>
    tell(`${path.dirname(where)} is closed to this user: a configuration in it is not used`),
  );
  if (fd === null) return null;
  try {
    const stats = fstatSync(fd);
    if (isOurs(stats) || stats.uid === 0) return readConfig(where, fd, stats);
    tell(`${where} belongs to the user with uid ${stats.uid} and is not used`);
    return null;
  } finally {
    closeSync(fd);
  }
}

/** Whether a directory above keeps us from seeing if there is one: that of another user, as after `sudo`. */
function isHidden(where: string): boolean {
  try {
    lstatSync(where);
    return false;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EACCES';
  }
}

/**
 * A configuration that was named: whoever names it trusts its owner.
 * @throws SluiceError CONFIG_INVALID, also where there is none
 */
export function readNamedConfig(where: string): ConfigFile {
  const fd = openConfig(where);
  if (fd === null)
    throw wrong(where, 'there is no such file', 'Check the path behind --config-file.');
  try {
    return readConfig(where, fd, fstatSync(fd));
  } finally {
    closeSync(fd);
  }
}

/** @param hidden is told when nobody can say whether there is one; without it that is an error */
function openConfig(where: string, hidden?: () => void): number | null {
  try {
    return openSync(where, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (thrown) {
    const { code = '', message } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    if (code === 'EACCES' && hidden !== undefined && isHidden(where)) {
      hidden();
      return null;
    }
    const reason = code === 'EACCES' ? 'permission is denied' : message;
    throw wrong(
      where,
      `it cannot be read: ${reason}`,
      'Check its permissions, or say --no-config.',
    );
  }
}

function readConfig(where: string, fd: number, stats: Stats): ConfigFile {
  if (!stats.isFile())
    throw wrong(where, 'it is no regular file', 'Check the path, or say --no-config.');
  if (isOpenToOthers(stats))
    throw wrong(
      where,
      'others may write to it, so they may have put into it what they like',
      `Look at it, and then take that from them: ${shellCommand('chmod go-w', where)}`,
    );
  if (stats.size > MAX_CONFIG_BYTES)
    throw wrong(
      where,
      `it is longer than ${MAX_CONFIG_BYTES} bytes`,
      'Check that it is the right file.',
    );
  const isReadable = userId() !== null && (stats.mode & OTHERS_READ) !== 0;
  return { path: where, text: readFileSync(fd, 'utf8'), isReadable };
}

/**
 * What is said when secrets lie where others may read them.
 * @param key of one of them
 */
export function exposedError(where: string, key: string): SluiceError {
  return wrong(
    where,
    `others may read it, and ${key} is a secret`,
    `Take that from them: ${shellCommand('chmod 600', where)}`,
  );
}

function wrong(where: string, what: string, next: string): SluiceError {
  return new SluiceError('CONFIG_INVALID', `the configuration is not used: ${what}`, {
    path: where,
    next,
  });
}
