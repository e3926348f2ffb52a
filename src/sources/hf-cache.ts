/** Where the programs of Hugging Face's hub keep what they fetch, and what a listing says of a file for that. */
import { SluiceError } from '../errors.js';
import { safePart } from '../http/names.js';
import { excerpt } from '../http/syntax.js';
import type { CachedFile, Surroundings } from './source.js';

/** One file as the hub lists it with `?blobs=true`; whatever it holds is a stranger's. */
export interface ListedFile {
  rfilename?: unknown;
  size?: unknown;
  /** Id of the git object: of a file in the large storage, that of its pointer. */
  blobId?: unknown;
  /** Of a file in the large storage. */
  lfs?: { sha256?: unknown; size?: unknown } | null;
}

/** The directory of the hub's programs; it may begin with `~/`. */
export function hubHome({ env }: Pick<Surroundings, 'env'>): string {
  const cache = env['XDG_CACHE_HOME'] || '~/.cache';
  return env['HF_HOME'] || `${cache}/huggingface`;
}

/** The cache of the hub's programs; absolute, unless the environment names it by a relative path. */
export function cacheDirectory({ env, home }: Pick<Surroundings, 'env' | 'home'>): string {
  const given = env['HF_HUB_CACHE'] || env['HUGGINGFACE_HUB_CACHE'];
  return (given || `${hubHome({ env })}/hub`).replace(/^~(?=\/|$)/, home);
}

/** Of which repository, and which commit of it. */
export interface Snapshot {
  /** `models`, `datasets` or `spaces`. */
  kind: string;
  repo: string;
  /** As the user wrote it: a branch, a tag or a commit. */
  revision: string;
  /** The commit that the hub says it is. */
  commit: unknown;
}

/**
 * The place of a file in the cache.
 * @throws SluiceError HTTP_UNEXPECTED when the hub does not say what the cache is to know it by
 */
export function placeInCache(
  { rfilename, size, blobId, lfs }: ListedFile,
  { kind, repo, revision, commit }: Snapshot,
  directory: string,
): CachedFile {
  const sha256 = lfs?.sha256;
  const blob = sha256 ?? blobId;
  const isKnown = isHex(blob, sha256 === undefined ? 40 : 64);
  if (!isHex(commit, 40) || !isKnown)
    throw new SluiceError(
      'HTTP_UNEXPECTED',
      `the hub does not say which digest and commit ${excerpt(String(rfilename))} has`,
      { next: 'Fetch it without --hf-cache, into a directory: -d DIR.' },
    );
  const length = lfs?.size ?? size;
  return {
    directory,
    folder: [kind, ...repo.split('/')].join('--'),
    commit,
    ref: revision === commit ? null : refParts(revision),
    blob,
    size: Number.isSafeInteger(length) && (length as number) >= 0 ? (length as number) : null,
  };
}

function isHex(text: unknown, digits: number): text is string {
  return typeof text === 'string' && text.length === digits && /^[0-9a-f]+$/.test(text);
}

/** A name of git's has slashes, and may be any path otherwise. @throws SluiceError URL_INVALID */
function refParts(revision: string): string[] {
  const parts = revision.split('/');
  if (parts.every((part) => safePart(part) === part)) return parts;
  throw new SluiceError(
    'URL_INVALID',
    `this revision is no name for a file: ${excerpt(revision)}`,
    {
      next: 'Name the commit instead: hf://OWNER/REPO@COMMIT.',
    },
  );
}
