/** What the user names beside URLs: a Metalink, lists of checksums; from a file or over HTTP. */
import { SluiceError } from '../errors.js';
import type { ErrorDetails } from '../errors.js';
import { MAX_LIST_BYTES, parseChecksumList } from '../formats/checksum-list.js';
import type { ChecksumList } from '../formats/checksum-list.js';
import { MAX_METALINK_BYTES, MAX_PIECES, parseMetalink } from '../formats/metalink.js';
import type { MetalinkFile } from '../formats/metalink.js';
import { Pace } from '../formats/pace.js';
import { redactUrl } from '../http/redact.js';
import { sameOrigin } from '../http/redirect.js';
import { parseUserUrl } from '../http/url.js';
import type { Log } from '../log.js';
import { fetchSmall } from '../transfer/fetch-small.js';
import { withHostOptions } from '../open/host-sections.js';
import type { DownloadOptions } from '../transfer/options.js';
import { readSmallFile } from './files.js';
import { withoutCredentials } from './without-credentials.js';

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
  const isRemote = isUrl(where);
  const shared = isRemote ? { ...base, credentialsFor: where } : withoutCredentials(base);
  const shown = isRemote ? { url: redactUrl(where) } : { path: where };
  const { maxTimeMs } = isRemote ? withHostOptions({ ...base, url: where }) : base;
  return inTime(maxTimeMs, fetching.signal, shown, async (signal) => {
    const bytes = isRemote
      ? taken(
          await fetchSmall({ ...base, url: where }, MAX_METALINK_BYTES, { ...fetching, signal }),
        )
      : readSmallFile(where, MAX_METALINK_BYTES);
    const files = await parseMetalink(textOf(bytes), new Pace(signal));
    return files.map((file) => ofFile(file, shared));
  });
}

/** Wrong bytes are found all the same where there is a digest of the whole; what is not told is which. */
const UNUSED = `the Metalink has more than ${MAX_PIECES} digests of pieces, so they are not used`;

/**
 * Fetches and reads a document: both together may take the time of `--max-time`.
 * @param shown where the document is, for the error
 * @throws SluiceError MAX_TIME; the signal's reason when aborted
 */
async function inTime<Result>(
  maxTimeMs: number | null,
  stop: AbortSignal,
  shown: ErrorDetails,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const limit = new AbortController();
  const tooSlow = (): void => {
    const message = 'the document was not there and read in the time of --max-time';
    const next = 'Give more time with --max-time.';
    limit.abort(new SluiceError('MAX_TIME', message, { ...shown, next }));
  };
  const timer = maxTimeMs === null ? null : setTimeout(tooSlow, maxTimeMs);
  try {
    return await work(AbortSignal.any([stop, limit.signal]));
  } finally {
    if (timer !== null) clearTimeout(timer);
  }
}

/**
 * The text of a document, in pieces: UTF-8 unless its byte order mark says UTF-16, which PowerShell
 * writes. A first piece of one byte has no such mark; whole files and answers do not come like that.
 */
export function* textOf(bytes: Iterable<Uint8Array>): Generator<string> {
  let decoder: InstanceType<typeof TextDecoder> | null = null;
  for (const piece of bytes) {
    decoder ??= new TextDecoder(codingOf(piece));
    yield decoder.decode(piece, { stream: true });
  }
  yield decoder?.decode() ?? '';
}

function codingOf([first, second]: Uint8Array): string {
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
}

/** The items of a list, which lets go of each: together they may be as long as a document. */
function* taken<Item>(list: Item[]): Generator<Item> {
  for (let item = list.shift(); item !== undefined; item = list.shift()) yield item;
}

function ofFile(
  { name, size, hashes, pieces, tooManyPieces, urls }: MetalinkFile,
  base: DownloadOptions,
) {
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
    warnings: tooManyPieces ? [UNUSED] : [],
  } satisfies DownloadOptions;
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
  const checksumLists: ChecksumList[] = [];
  for (const each of where) {
    const isRemote = !each.startsWith('@');
    const shown = isRemote ? redactUrl(each) : each.slice(1);
    const details = isRemote ? { url: shown } : { path: shown };
    const { maxTimeMs } = isRemote ? withHostOptions({ ...base, url: each }) : base;
    const list = await inTime(maxTimeMs, fetching.signal, details, async (signal) => {
      const bytes = isRemote
        ? await fetchList(each, base, urls, { ...fetching, signal })
        : readSmallFile(shown, MAX_LIST_BYTES);
      return parseChecksumList([...textOf(bytes)].join(''), shown, new Pace(signal));
    });
    checksumLists.push(list);
  }
  return { ...base, checksumLists };
}

function fetchList(
  where: string,
  base: DownloadOptions,
  urls: readonly string[],
  fetching: Fetching,
): Promise<Uint8Array[]> {
  const list = parseUserUrl(where).url;
  const known = urls.some((url) => sameOrigin(parseUserUrl(url).url, list));
  const options = { ...(known ? base : withoutCredentials(base)), url: where };
  return fetchSmall(options, MAX_LIST_BYTES, fetching);
}
