/** What the user names by a scheme of its own, as downloads over http. */
import { homedir } from 'node:os';
import path from 'node:path';
import { SluiceError } from '../errors.js';
import { MAX_PAGE_BYTES, parseObjectList } from '../formats/object-list.js';
import { Pace } from '../formats/pace.js';
import { referenceScheme } from '../http/url.js';
import { onAbort } from '../net/calling-off.js';
import { fetchSmall } from '../transfer/fetch-small.js';
import type { DownloadOptions, MirrorAccess, StoreOrigin } from '../transfer/options.js';
import { SOURCES } from '../sources/index.js';
import type { SourceKind, StoreSettings, Surroundings, Wanted } from '../sources/source.js';
import { textOf } from './documents.js';
import type { Fetching } from './documents.js';
import { readSmallText } from './files.js';
import type { HubDownload } from './hub-cache.js';
import { ownAccess } from './without-credentials.js';

/** Bytes that a list of a repository may have. */
const MAX_LISTING = 64 * 1024 * 1024;

/** Bytes that a file with a token may have. */
const MAX_TOKEN = 64 * 1024;

/** Which files of a reference are wanted, and how its store is asked. */
export type Sourcing = Wanted & { settings: StoreSettings };

/** One file, asked for as the surroundings say. */
const ONE_FILE: Sourcing = {
  include: [],
  exclude: [],
  recursive: false,
  cache: false,
  settings: {},
};

/** The kind of source that a reference names; null for a URL over http. */
function kindOf(reference: string): SourceKind | null {
  const scheme = referenceScheme(reference);
  return SOURCES.find((each) => each.scheme === scheme) ?? null;
}

/**
 * A download for each file that the URL names: one, or those of a whole repository. A URL over http or https stays what it is.
 * @throws SluiceError URL_INVALID, USAGE, and those of fetching
 */
export async function sourceDownloads(
  base: DownloadOptions,
  { settings, ...wanted }: Sourcing,
  fetching: Fetching,
): Promise<DownloadOptions[]> {
  const kind = kindOf(base.url);
  if (wanted.recursive && kind?.listsPrefixes !== true)
    throw new SluiceError('USAGE', '--recursive is for prefixes of s3://, gs:// and az://', {
      next: 'Leave it out: `hf://OWNER/REPO` is all of a repository, any other URL is one file.',
    });
  if (wanted.cache) requireCache(kind, base);
  const withOthers = await withMirrors(base, settings, fetching);
  if (kind === null) return [withOthers];
  const around = surroundings(kind, base, fetching, settings);
  const files = await kind.files(base.url, wanted, around);
  if (files.length > 1 && base.mirrors.length > 0)
    throw new SluiceError('USAGE', 'a mirror is of one file, and the reference names several', {
      next: 'Leave --mirror out, or name one file.',
    });
  const store = { scheme: kind.scheme, settings: kind.settled?.(around) ?? settings };
  const found: HubDownload[] = [];
  for (const file of files) {
    const { url, path: parts, warning } = file;
    const output = parts === null ? {} : { output: path.join(...parts) };
    const warnings = warning === undefined ? base.warnings : [...base.warnings, warning];
    const given = withToken({ ...withOthers, url, store, warnings }, kind, around);
    const options = { ...(await unlessAborted(given, fetching.signal)), ...output };
    found.push({ file, options });
  }
  if (!wanted.cache) return found.map(({ options }) => options);
  const { intoCache } = await import('./hub-cache.js');
  return intoCache(found);
}

/** @throws SluiceError USAGE */
function requireCache(kind: SourceKind | null, { output, dir }: DownloadOptions): void {
  if (kind?.hasCache !== true)
    throw new SluiceError('USAGE', '--hf-cache is for hf://, whose programs have a cache', {
      next: 'Leave it out, or download the other URLs in a run of their own.',
    });
  if (output !== null || dir !== null)
    throw new SluiceError('USAGE', '--hf-cache says where a file goes, and the list does too', {
      next: 'Leave out= and dir= out; HF_HUB_CACHE or HF_HOME names another cache.',
    });
}

/**
 * References among the mirrors become URLs, each with the credentials of its own service and with nothing that was
 * given for the first URL (P11).
 */
async function withMirrors(
  base: DownloadOptions,
  settings: StoreSettings,
  fetching: Fetching,
): Promise<DownloadOptions> {
  const mirrorAccess = new Map(base.mirrorAccess);
  const mirrors: string[] = [];
  for (const each of base.mirrors) {
    let url = each;
    if (kindOf(each) !== null) {
      const asked = { ...base, ...ownAccess(base), url: each, mirrors: [] };
      const found = await sourceDownload(asked, fetching, settings);
      ({ url } = found);
      const store = found.store ?? { scheme: '', settings };
      mirrorAccess.set(url, { store, asked: ownTokens(base, found) });
    }
    mirrors.push(url);
  }
  return { ...base, mirrors, mirrorAccess };
}

/** What a mirror is asked with once its service's token or key is found. */
function ownTokens(base: DownloadOptions, { sign, environment }: DownloadOptions) {
  return { ...ownAccess(base), sign, environment };
}

/**
 * The download of a reference that names one file.
 * @throws SluiceError USAGE when it names several; those of {@link sourceDownloads}
 */
export async function sourceDownload(
  base: DownloadOptions,
  fetching: Fetching,
  settings: StoreSettings = {},
): Promise<DownloadOptions> {
  const [file, more] = await sourceDownloads(base, { ...ONE_FILE, settings }, fetching);
  if (file !== undefined && more === undefined) return file;
  throw new SluiceError('USAGE', 'the reference names a whole repository, and one file is wanted', {
    next: 'Name a file of it: hf://OWNER/REPO/PATH.',
  });
}

/**
 * An unfinished download goes on with the credentials of the service that its reference named; the journal
 * holds nothing of them. One that was begun over http gets none, wherever its URL leads.
 * @param settings what is said now beats what the journal says
 */
export async function withTokenOf(
  options: DownloadOptions,
  fetching: Fetching,
  settings: StoreSettings = {},
): Promise<DownloadOptions> {
  const mirrorAccess = new Map<string, MirrorAccess>();
  for (const [url, { store, asked }] of options.mirrorAccess) {
    const own = { ...options, ...asked, url, store, mirrorAccess };
    const found = await ofStore(own, store, fetching, settings);
    mirrorAccess.set(url, { store: found.store ?? store, asked: ownTokens(options, found) });
  }
  const { store } = options;
  return store === null
    ? { ...options, mirrorAccess }
    : ofStore({ ...options, mirrorAccess }, store, fetching, settings);
}

async function ofStore(
  options: DownloadOptions,
  store: StoreOrigin,
  fetching: Fetching,
  settings: StoreSettings,
): Promise<DownloadOptions> {
  const kind = SOURCES.find(({ scheme }) => scheme === store.scheme);
  if (kind === undefined) return options;
  const both = { ...store.settings, ...settings };
  const around = surroundings(kind, options, fetching, both);
  const asked = { ...options, store: { ...store, settings: both } };
  return unlessAborted(withToken(asked, kind, around), fetching.signal);
}

/** What is waited for, but not beyond an abort: it may be AWS's own library that asks somebody. */
async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  let forget = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    forget = onAbort(signal, () => reject(signal.reason as Error));
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    forget();
  }
}

/** What the user gave beats what the surroundings have, tokens and keys; both stay on the origin of the URL (P11). */
async function withToken(
  options: DownloadOptions,
  kind: SourceKind,
  around: Surroundings,
): Promise<DownloadOptions> {
  const { bearer, user, environment, headers } = options;
  const isSaid = headers.some((line) => /^authorization[ \t]*:/i.test(line));
  const url = new URL(options.url);
  const isBound = [url.hostname, url.host].includes(environment.bearer?.host ?? '');
  if (bearer !== null || user !== null || isSaid || isBound) return options;
  const sign = (await kind.signerFor?.(url, around)) ?? null;
  if (sign !== null) return { ...options, sign };
  const token = kind.bearerFor(url, around);
  if (token === null) return options;
  return { ...options, environment: { user: null, bearer: { token, host: url.hostname } } };
}

function surroundings(
  kind: SourceKind,
  base: DownloadOptions,
  fetching: Fetching,
  settings: StoreSettings,
): Surroundings {
  const around: Surroundings = {
    env: process.env,
    home: homedir(),
    settings,
    read: (file) => textAt(file.replace(/^~(?=\/)/, homedir())),
    fetch: async (url) => {
      const options = await withToken({ ...base, url }, kind, around);
      return [...textOf(await fetchSmall(options, MAX_LISTING, fetching))].join('');
    },
    objects: async (url) => {
      const options = await withToken({ ...base, url }, kind, around);
      const page = await fetchSmall(options, MAX_PAGE_BYTES, fetching);
      return parseObjectList(textOf(page), new Pace(fetching.signal));
    },
  };
  return around;
}

function textAt(file: string): string | null {
  try {
    return readSmallText(file, MAX_TOKEN);
  } catch (thrown) {
    const { code } = SluiceError.from(thrown);
    if (code.startsWith('DISK') || code === 'USAGE') return null;
    throw thrown;
  }
}
