/** Use case: go on with unfinished downloads, without a URL. */
import { SluiceError } from '../errors.js';
import { readJournal, targetOf } from '../disk/journal.js';
import { journalPath } from '../disk/names.js';
import { unfinishedIn } from '../disk/unfinished.js';
import { fromDownloadId } from '../http/part-of-file.js';
import { isLeftByAria2 } from './take-over.js';
import { partOptions } from './part.js';
import type { DownloadOptions, MirrorAccess } from '../transfer/options.js';
import { ownAccess } from './without-credentials.js';
import { keptStore } from '../sources/stores.js';
import { keptChecksums } from '../verify/checksum.js';

/** Targets of every unfinished download in a directory. */
export function findUnfinished(directory: string): string[] {
  return unfinishedIn(directory);
}

/**
 * The options to go on with what lies at a path: the URL and the checksums are the journal's,
 * everything else is the caller's. A URL of the caller's is a fresh link for the same file.
 * @param path the final path, the part's or the journal's
 * @throws SluiceError NOTHING_TO_RESUME, JOURNAL_DAMAGED, TARGET_FOREIGN
 */
export function resumeOptions(path: string, base: DownloadOptions): DownloadOptions {
  const target = targetOf(path);
  const { identity } = readResumable(target);
  const isGiven = base.checksums.length + base.checksumLists.length > 0;
  const checksums = isGiven ? base.checksums : keptChecksums(identity.options['checksums']);
  const serverDigests = base.serverDigests && identity.options['noDigests'] !== true;
  const { url, part: range } = fromDownloadId(identity.url);
  // A fresh link stands for itself alone: it has to prove that it is the same file.
  const [first = url, ...mirrors] = base.freshLink
    ? [base.url, ...base.mirrors]
    : keptSources(identity.options);
  const mirrorAccess = base.freshLink
    ? base.mirrorAccess
    : keptAccess(identity.options, mirrors, base);
  return partOptions(
    {
      ...base,
      url: first,
      mirrors,
      mirrorAccess,
      output: target,
      dir: null,
      checksums,
      serverDigests,
      // aria2 has written the file itself; ours takes its place once all of it is proven.
      onExists: isLeftByAria2(target) ? 'overwrite' : base.onExists,
      mode: 'resume',
      store: base.freshLink ? base.store : keptStore(identity.options['store']),
    },
    range,
    isGiven,
  );
}

/** The URLs that the user gave, where there were several; what is none is no source. */
function keptSources({ sources }: Readonly<Record<string, unknown>>): string[] {
  const isUrl = (each: unknown): each is string =>
    typeof each === 'string' && /^https?:\/\//i.test(each);
  return Array.isArray(sources) && sources.every(isUrl) ? sources.slice(0, MAX_SOURCES) : [];
}

/** Which of the mirrors are of stores: nothing that is given for the first URL goes there. */
function keptAccess(
  { stores }: Readonly<Record<string, unknown>>,
  mirrors: readonly string[],
  base: DownloadOptions,
): Map<string, MirrorAccess> {
  const access = new Map<string, MirrorAccess>();
  const [, ...kept] = Array.isArray(stores) ? (stores as unknown[]) : [];
  for (const [at, url] of mirrors.entries()) {
    const store = keptStore(kept[at]);
    if (store !== null) access.set(url, { store, asked: ownAccess(base) });
  }
  return access;
}

/** A list has so many URLs of a file at most. */
const MAX_SOURCES = 64;

/**
 * The journal of a target.
 * @throws SluiceError NOTHING_TO_RESUME, JOURNAL_DAMAGED, TARGET_FOREIGN
 */
export function readResumable(target: string): ReturnType<typeof readJournal> {
  try {
    return readJournal(journalPath(target));
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'NOTHING_TO_RESUME') throw error;
    throw new SluiceError('NOTHING_TO_RESUME', 'there is no unfinished download here', {
      path: target,
      next: 'Start one with `sluice get URL`.',
    });
  }
}
