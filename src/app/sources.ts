/** What the user names by a scheme of its own, as downloads over http. */
import { homedir } from 'node:os';
import path from 'node:path';
import { SluiceError } from '../errors.js';
import { fetchSmall } from '../transfer/fetch-small.js';
import type { DownloadOptions } from '../transfer/options.js';
import { SOURCES } from '../sources/index.js';
import type { SourceKind, Surroundings, Wanted } from '../sources/source.js';
import { textOf } from './documents.js';
import type { Fetching } from './documents.js';
import { readSmallText } from './files.js';

/** Bytes that a list of a repository may have. */
const MAX_LISTING = 64 * 1024 * 1024;

/** Bytes that a file with a token may have. */
const MAX_TOKEN = 64 * 1024;

/**
 * A download for each file that the URL names: one, or those of a whole repository. A URL over http or https stays what it is.
 * @throws SluiceError URL_INVALID, USAGE, and those of fetching
 */
export async function sourceDownloads(
  base: DownloadOptions,
  wanted: Wanted,
  fetching: Fetching,
  env: Surroundings['env'] = process.env,
): Promise<DownloadOptions[]> {
  const scheme = /^([a-z0-9]+):\/\//i.exec(base.url.trim())?.[1]?.toLowerCase();
  const kind = SOURCES.find((each) => each.scheme === scheme);
  if (kind === undefined) return [base];
  const around = surroundings(kind, base, fetching, env);
  const files = await kind.files(base.url, wanted, around);
  return files.map(({ url, path: parts }): DownloadOptions => {
    const place = parts === null ? {} : { output: path.join(...parts) };
    return { ...withToken({ ...base, url }, kind, around), ...place };
  });
}

/** An unfinished download goes on with the token of its service, of which the journal holds nothing. */
export function withTokenOf(options: DownloadOptions): DownloadOptions {
  const fetching = { signal: new AbortController().signal } as Fetching;
  return SOURCES.reduce(
    (given, kind) => withToken(given, kind, surroundings(kind, given, fetching)),
    options,
  );
}

/** What the user gave beats what the surroundings have, tokens and keys; both stay on the origin of the URL (P11). */
function withToken(
  options: DownloadOptions,
  kind: SourceKind,
  around: Surroundings,
): DownloadOptions {
  const { bearer, user, environment, headers } = options;
  const isSaid = headers.some((line) => /^authorization[ \t]*:/i.test(line));
  const url = new URL(options.url);
  const isBound = [url.hostname, url.host].includes(environment.bearer?.host ?? '');
  if (bearer !== null || user !== null || isSaid || isBound) return options;
  const sign = kind.signerFor?.(url, around) ?? null;
  if (sign !== null) return { ...options, sign };
  const token = kind.bearerFor(url, around);
  if (token === null) return options;
  return { ...options, environment: { user: null, bearer: { token, host: url.hostname } } };
}

function surroundings(
  kind: SourceKind,
  base: DownloadOptions,
  fetching: Fetching,
  env: Surroundings['env'] = process.env,
): Surroundings {
  const around: Surroundings = {
    env,
    read: (file) => textAt(file.replace(/^~(?=\/)/, homedir())),
    fetch: async (url) =>
      [
        ...textOf(
          await fetchSmall(withToken({ ...base, url }, kind, around), MAX_LISTING, fetching),
        ),
      ].join(''),
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
