/** The names of the files that belong to one download. */
import { createHash } from 'node:crypto';
import { lstatSync } from 'node:fs';
import path from 'node:path';

const PART = '.part';
const JOURNAL = '.sluice';
/** Of a journal that is being rewritten. */
const JOURNAL_NEW = '.sluice~';

/** Of the directory that is not empty while a run has the target. */
const LOCK = '.sluice.lock';

/** Bytes in one component of a path, on every filesystem that is in common use. */
const COMPONENT_BYTES = 255;

/** Longest name of a target in bytes of UTF-8: the names beside it must fit as well. */
export const MAX_NAME_BYTES = COMPONENT_BYTES - JOURNAL_NEW.length;

/** Where the bytes are until they are complete: `NAME.part`. */
export function partPath(target: string): string {
  return target + PART;
}

/** Where it is recorded what the part holds: `NAME.sluice`. */
export function journalPath(target: string): string {
  return target + JOURNAL;
}

/** Where a journal is rewritten before it takes the place of the old one: `NAME.sluice~`. */
export function newJournalPath(journal: string): string {
  return `${journal}~`;
}

/** A name longer than this, in bytes, is not in the lock's whole: some file systems allow 143 only. */
const LOCK_STEM_BYTES = 100;

/** What is not empty while a run has the target: `NAME.sluice.lock`, the name shortened when it is long. */
export function lockPath(target: string): string {
  const name = path.basename(target);
  const bytes = Buffer.byteLength(name);
  if (bytes <= LOCK_STEM_BYTES) return target + LOCK;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 16);
  return path.join(path.dirname(target), fitName(name, `.${hash}`, LOCK_STEM_BYTES) + LOCK);
}

/**
 * The target that a path belongs to, be it the final path, the part or the journal. A path that
 * has a journal of its own beside it is a target, whatever it ends with.
 */
export function targetOf(given: string): string {
  return exists(journalPath(given)) ? given : stemOf(given);
}

/** A path without the end that makes it a part's or a journal's. */
export function stemOf(given: string): string {
  for (const suffix of [LOCK, PART, JOURNAL]) {
    if (given.endsWith(suffix) && path.basename(given) !== suffix) {
      return given.slice(0, -suffix.length);
    }
  }
  return given;
}

/** A name with `suffix` before its extension, its stem shortened until it fits in `maxBytes`. */
export function fitName(name: string, suffix: string, maxBytes: number): string {
  const whole = path.extname(name);
  // An extension that long is none; without this nothing would be left of the stem.
  const extension = Buffer.byteLength(whole) <= 32 ? whole : '';
  const characters = Array.from(name.slice(0, name.length - extension.length));
  while (
    characters.length > 1 &&
    Buffer.byteLength(characters.join('') + suffix + extension) > maxBytes
  ) {
    characters.pop();
  }
  return characters.join('') + suffix + extension;
}

/** A name that still fits into a directory when it carries `suffix`. */
export function suffixedName(name: string, suffix: string): string {
  return fitName(name, suffix, COMPONENT_BYTES);
}

function exists(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}
