/**
 * The rule for every directory of ours (cache, state, configuration, compiled code), in one place.
 * What lies there is believed, replaced, thrown away or even run, so nobody else may be able to put
 * it there, nor to have us write somewhere else. From `/` down:
 *
 * - Each directory is ours or root's, and below the first one of ours all are ours. For root all are
 *   root's: a HOME that sudo kept is another user's, and is done without.
 * - Nobody else may write to it. Only root's sticky directories (/tmp) may be on the way: nobody can
 *   exchange there what is another's.
 * - It is no symbolic link, unless root laid it where nobody else may write (/var on macOS).
 *
 * A component is looked at after the ones above it. So at no time can anybody but us and root exchange
 * one that was found good.
 */
import type { BigIntStats, Stats } from 'node:fs';

/** Bits of a mode that let somebody else write, and the one that keeps them from what is another's. */
const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/** Thrown where something is not ours alone; the message says what and why. It is done without. */
export class NotOurs extends Error {
  override name = 'NotOurs';
}

/** The user that files are made as; null on Windows, where neither owner nor mode can be asked for. */
export const userId = (): number | null => process.geteuid?.() ?? null;

/** Whether it belongs to the user that files are made as. */
export const isOurs = ({ uid }: Stats | BigIntStats): boolean =>
  userId() === null || Number(uid) === userId();

/** Whether somebody may write there who is neither its owner nor root. */
export const isOpenToOthers = ({ mode }: Stats | BigIntStats): boolean =>
  userId() !== null && (Number(mode) & OTHERS_WRITE) !== 0;

/** A directory that is ours: one below others of ours, or the one that is used. It throws {@link NotOurs}. */
export function checkOwn(stats: Stats, name: string): void {
  if (!stats.isDirectory()) throw new NotOurs(`${name} is no directory`);
  if (!isOurs(stats)) throw belongsTo(stats, name);
  if (isOpenToOthers(stats)) throw mayBeWritten(name);
}

/** A directory on the way to ours. It throws {@link NotOurs}. */
export function checkAbove(stats: Stats, name: string): void {
  if (stats.uid !== 0) return checkOwn(stats, name);
  if (!stats.isDirectory()) throw new NotOurs(`${name} is no directory`);
  if (isOpenToOthers(stats) && (stats.mode & STICKY) === 0) throw mayBeWritten(name);
}

/**
 * A symbolic link on the way to ours. It throws {@link NotOurs}. Where others may write, sticky or not,
 * they may lay a second name of one of root's links (link(2)).
 * @param above the directory in which it lies
 */
export function checkLink(link: Stats, above: Stats, name: string): void {
  const isRoots = userId() !== null && link.uid === 0 && above.uid === 0;
  if (!isRoots || isOpenToOthers(above)) throw isLink(name);
}

/**
 * A file of ours, after it was opened. It throws {@link NotOurs}. Without a name it was replaced since:
 * that is ours still.
 */
export function checkFile(stats: Stats, name: string): void {
  if (!stats.isFile()) throw new NotOurs(`${name} is no regular file`);
  if (!isOurs(stats)) throw belongsTo(stats, name);
  if (isOpenToOthers(stats)) throw mayBeWritten(name);
  if (stats.nlink > 1) throw new NotOurs(`${name} has another name as well`);
}

/** What is said of a symbolic link that is not followed. */
export const isLink = (name: string): NotOurs => new NotOurs(`${name} is a symbolic link`);

const belongsTo = ({ uid }: Stats, name: string): NotOurs =>
  new NotOurs(`${name} belongs to ${uid === 0 ? 'root' : `user ${uid}`}`);

const mayBeWritten = (name: string): NotOurs =>
  new NotOurs(`others may write to ${name} (chmod go-w takes that away)`);
