/** `hf://owner/repo[@revision][/path]`: files of the hub of Hugging Face, or of another one (`HF_ENDPOINT`). */
import { SluiceError } from '../errors.js';
import { safePart } from '../http/names.js';
import { excerpt } from '../http/syntax.js';
import { MAX_FILES } from './listing.js';
import { cacheDirectory, hubHome, placeInCache } from './hf-cache.js';
import type { ListedFile } from './hf-cache.js';
import { isWanted } from './patterns.js';
import type { SourceFile, SourceKind, Surroundings, Wanted } from './source.js';

/** What `hf://` names. */
interface Reference {
  /** `models`, `datasets` or `spaces`. */
  kind: string;
  repo: string;
  revision: string;
  /** Of the file, percent-encoded; null for the whole repository. */
  path: string | null;
}

export const hf: SourceKind = {
  scheme: 'hf',
  hasCache: true,

  bearerFor(url, around) {
    if (url.origin !== endpoint(around).origin) return null;
    const { env } = around;
    const token =
      env['HF_TOKEN'] ??
      env['HUGGING_FACE_HUB_TOKEN'] ??
      around.read(env['HF_TOKEN_PATH'] ?? `${hubHome(around)}/token`) ??
      '';
    return token.trim() === '' ? null : token.trim();
  },

  async files(text, wanted, around) {
    const reference = parse(text);
    const base = endpoint(around);
    const { kind, repo, revision, path } = reference;
    if (path !== null && !wanted.cache) return [{ url: urlOf(base, reference, path), path: null }];
    // What the cache knows a file by, the hub lists on demand.
    const more = wanted.cache ? '?blobs=true' : '';
    const listing = `${base.href}api/${kind}/${repo}/revision/${encodeURIComponent(revision)}${more}`;
    const listed = readListing(await around.fetch(listing));
    const chosen = path === null ? wanted : { ...wanted, only: decoded(path) };
    return filesOf(listed, reference, chosen, { base, around });
  },
};

function endpoint({ env }: Surroundings): URL {
  const text = env['HF_ENDPOINT'] ?? '';
  try {
    const url = new URL(text === '' ? 'https://huggingface.co' : text);
    if (!url.pathname.endsWith('/')) url.pathname += '/';
    if (/^https?:$/.test(url.protocol)) return url;
  } catch {
    // Told below.
  }
  throw new SluiceError('USAGE', `HF_ENDPOINT is not a URL: ${excerpt(text)}`, {
    next: 'Unset it, or write it as https://huggingface.co.',
  });
}

/** @throws SluiceError URL_INVALID */
function parse(text: string): Reference {
  const [, kind = 'models', repo = '', revision = 'main', path] =
    /^hf:\/\/(?:(models|datasets|spaces)\/)?([\w.-]+\/[\w.-]+)(?:@(refs\/convert\/[\w-]+|refs\/pr\/\d+|[^/?#]+))?(?:\/([^?#]*))?$/i.exec(
      text.trim(),
    ) ?? [];
  const isDots = repo.split('/').some((part) => /^\.+$/.test(part));
  if (repo === '' || isDots)
    throw new SluiceError('URL_INVALID', 'this is not a reference to the hub', {
      next: 'Write hf://OWNER/REPO/PATH, hf://OWNER/REPO@REVISION/PATH, hf://datasets/OWNER/REPO/PATH, or no PATH for all of its files.',
    });
  const isFile = path !== undefined && path !== '';
  return {
    kind: kind.toLowerCase(),
    repo,
    revision: decoded(revision),
    path: isFile
      ? path
          .split('/')
          .map((part) => encodeURIComponent(decoded(part)))
          .join('/')
      : null,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function urlOf(base: URL, { kind, repo, revision }: Reference, path: string): string {
  const prefix = kind === 'models' ? '' : `${kind}/`;
  return `${base.href}${prefix}${repo}/resolve/${encodeURIComponent(revision)}/${path}`;
}

/** A repository as the hub lists it. */
interface Listing {
  /** The commit; of a stranger's, as all of it. */
  sha?: unknown;
  siblings: ListedFile[];
}

/** @throws SluiceError HTTP_UNEXPECTED */
function readListing(text: string): Listing {
  let found: ListedFile[];
  let commit: unknown;
  try {
    const { sha, siblings } = JSON.parse(text) as Partial<Listing>;
    found = (siblings ?? []).map((each) => ({ ...each }));
    commit = sha;
  } catch {
    throw broken('the hub listed the repository in a form that is not known');
  }
  if (found.length > MAX_FILES) throw broken(`the repository has more than ${MAX_FILES} files`);
  return { sha: commit, siblings: found };
}

/** The hub is a stranger: what it lists may not leave the directory. */
function filesOf(
  { sha, siblings }: Listing,
  reference: Reference,
  wanted: Wanted & { only?: string },
  { base, around }: { base: URL; around: Surroundings },
): SourceFile[] {
  const files: SourceFile[] = [];
  // What is in the cache stays what it is: it is asked for by its commit.
  const asked = wanted.cache ? { ...reference, revision: String(sha) } : reference;
  for (const each of siblings) {
    const { rfilename: name } = each;
    if (typeof name !== 'string') continue;
    if (wanted.only === undefined ? !isWanted(name, wanted) : name !== wanted.only) continue;
    const parts = name.split('/');
    if (parts.some((part) => safePart(part) !== part))
      throw broken(`the repository has a file whose name cannot be used: ${excerpt(name)}`);
    const cached = wanted.cache
      ? placeInCache(each, { ...reference, commit: sha }, cacheDirectory(around))
      : null;
    const path = parts.map((part) => encodeURIComponent(part)).join('/');
    files.push({ url: urlOf(base, asked, path), path: parts, ...(cached !== null && { cached }) });
  }
  if (files.length > 0) return files;
  const { only } = wanted;
  const which =
    only !== undefined
      ? `no file ${excerpt(only)}`
      : siblings.length === 0
        ? 'no files'
        : 'no file that --include and --exclude leave';
  throw new SluiceError('USAGE', `${reference.repo} has ${which}`, {
    next: `Look at what it has: ${base.href}${reference.repo}/tree/${encodeURIComponent(reference.revision)}`,
  });
}

function broken(message: string): SluiceError {
  return new SluiceError('HTTP_UNEXPECTED', message, {
    next: 'Name its files one by one: hf://OWNER/REPO/PATH; or choose some with --include.',
  });
}
