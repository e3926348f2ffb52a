/** What the user names beside URLs: a Metalink, lists of checksums; from a file or over HTTP. */
import { MAX_LIST_BYTES, parseChecksumList } from '../formats/checksum-list.js';
import { MAX_METALINK_BYTES, parseMetalink } from '../formats/metalink.js';
import type { MetalinkFile } from '../formats/metalink.js';
import { redactUrl } from '../http/redact.js';
import { sameOrigin } from '../http/redirect.js';
import { parseUserUrl } from '../http/url.js';
import type { Log } from '../log.js';
import { fetchSmall } from '../transfer/fetch-small.js';
import type { DownloadOptions } from '../transfer/options.js';
import { readTextFile } from './files.js';

/** How documents are fetched. */
export interface Fetching {
  /** Ends the fetching; its reason is what is thrown. */
  signal: AbortSignal;
  log: Log;
}

const isUrl = (where: string): boolean => /^https?:\/\//i.test(where);

/**
 * A download for each file of a Metalink.
 * @param where a path, or an http or https URL
 * @param base the options that all downloads share. What is sent beside the request goes to the
 *   origin of the Metalink's URL only, and to nobody when the Metalink is a file (P11)
 * @throws SluiceError METALINK_INVALID, disk errors, and those of fetching
 */
export async function metalinkDownloads(
  where: string,
  base: DownloadOptions,
  fetching: Fetching,
): Promise<DownloadOptions[]> {
  const text = isUrl(where)
    ? await fetchSmall({ ...base, url: where }, MAX_METALINK_BYTES, fetching)
    : readTextFile(where, MAX_METALINK_BYTES);
  const shared = isUrl(where) ? { ...base, credentialsFor: where } : withoutCredentials(base);
  return parseMetalink(text).map((file) => ofFile(file, shared));
}

function ofFile({ name, size, hashes, pieces, urls }: MetalinkFile, base: DownloadOptions) {
  const [first = '', ...mirrors] = urls.map(({ url }) => url);
  return {
    ...base,
    url: first,
    mirrors,
    output: base.output ?? name,
    // The strongest says all that the others could.
    checksums: [...base.checksums, ...hashes.slice(0, 1)],
    size,
    pieces,
  } satisfies DownloadOptions;
}

function withoutCredentials(base: DownloadOptions): DownloadOptions {
  const tls = { ...base.tls, cert: null, key: null };
  return { ...base, headers: [], referer: null, user: null, bearer: null, tls };
}

/**
 * The options with lists of checksums.
 * @param where a path behind `@`, or an http or https URL, each
 * @param urls what is downloaded: a list on the origin of one of them gets what is sent there
 * @throws SluiceError CHECKSUM_LIST_INVALID, disk errors, and those of fetching
 */
export async function withLists(
  where: readonly string[],
  base: DownloadOptions,
  urls: readonly string[],
  fetching: Fetching,
): Promise<DownloadOptions> {
  const checksumLists = [];
  for (const each of where) {
    if (each.startsWith('@')) {
      const path = each.slice(1);
      checksumLists.push(parseChecksumList(readTextFile(path, MAX_LIST_BYTES), path));
      continue;
    }
    const list = parseUserUrl(each).url;
    const known = urls.some((url) => sameOrigin(parseUserUrl(url).url, list));
    const options = { ...(known ? base : withoutCredentials(base)), url: each };
    const text = await fetchSmall(options, MAX_LIST_BYTES, fetching);
    checksumLists.push(parseChecksumList(text, redactUrl(each)));
  }
  return { ...base, checksumLists };
}
