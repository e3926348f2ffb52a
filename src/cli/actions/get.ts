/** What `get` does. */
import type { Planned } from '../../app/download.js';
import type { Fetching } from '../../app/documents.js';
import { SluiceError } from '../../errors.js';
import { partOptions, readPartOption } from '../../app/part.js';
import type { DownloadOptions, OnExists } from '../../transfer/options.js';
import type { Settled } from '../config/settle.js';
import type { ManyValues, SharedValues, TraceValues } from '../flags.js';
import {
  downloadOptions,
  isSource,
  parseSize,
  storeSettings,
  withChecksumLists,
} from '../options.js';
import { runDownloads } from './downloads.js';

/** Values of the flags of `get`. */
interface GetValues extends SharedValues, ManyValues, TraceValues {
  url: string[] | undefined;
  metalink: string[] | undefined;
  mirror: string[] | undefined;
  output: string | undefined;
  dir: string | undefined;
  'on-exists': OnExists;
  window: string;
  range: string | undefined;
  timestamping: boolean;
}

/** Downloads the URLs of the arguments, of `--url` and of lists, and the files of `--metalink`. */
export async function get(settled: Settled<GetValues>, words: readonly string[]): Promise<void> {
  const { values } = settled;
  await runDownloads(settled, async (fetching, note) => {
    const urls = [...words, ...(values.url ?? [])];
    const metalinks = values.metalink ?? [];
    const lists = values['input-file'] ?? [];
    const copied = values['from-curl'];
    // It may be that a flag without its value took the URL: that is told first.
    const given = downloadOptions(values, settled);
    if (urls.length + metalinks.length + lists.length === 0 && copied === undefined)
      throw usage('no URL is given', 'Write `sluice get URL`.');
    const options = fileOptions(settled, given);
    if (urls.length > 1 && options.output !== null) throw oneName('URLs are given');
    const mirrors = values.mirror ?? [];
    const others = metalinks.length + lists.length;
    if (mirrors.length > 0 && (urls.length !== 1 || others > 0 || copied !== undefined))
      throw usage(
        '--mirror goes with exactly one URL',
        'In a list (--input-file), a TAB parts the mirrors of one file.',
      );
    const own = await ofSources(
      values,
      urls.map((url) => ({ ...options, url, mirrors })),
      fetching,
    );
    const inLists = await ofLists(lists, options, fetching, note);
    const listed = await ofSources(values, inLists, fetching);
    const curled = await ofCurl(copied, options, fetching, lists);
    const known = [...own, ...curled, ...listed].map(({ url }) => url);
    const base = await withChecksumLists(values, options, known, fetching);
    const { checksumLists } = base;
    const part = values.range === undefined ? null : readPartOption(values.range);
    const isGiven = (values.checksum ?? []).some((text) => text !== 'none');
    const all = [
      ...[...own, ...curled, ...listed].map((each) => ({ ...each, checksumLists })),
      ...(await ofMetalinks(metalinks, base, fetching)),
    ].map((each) => partOptions(each, part, isGiven));
    if (all.length > 1 && options.output !== null) throw oneName('files are named');
    if (options.output === '-') return toStandardOutput(values, all);
    return withoutRepeats(all, note).map((each): Planned => ({
      path: each.output,
      options: () => each,
    }));
  });
}

/** The download of a copied curl command: what that says is for its own URL only. */
async function ofCurl(
  copied: string | undefined,
  base: DownloadOptions,
  fetching: Fetching,
  lists: readonly string[],
): Promise<DownloadOptions[]> {
  if (copied === undefined) return [];
  if (copied === '-' && lists.includes('-'))
    throw usage('standard input can be read once', 'Give --from-curl the command itself.');
  const { curlDownload } = await import('../../app/from-curl.js');
  return [await curlDownload(copied, base, process.stdin, fetching)];
}

/** The options with what says where the files go. */
function fileOptions(settled: Settled<GetValues>, given: DownloadOptions): DownloadOptions {
  const { values } = settled;
  const options: DownloadOptions = {
    ...given,
    output: values.output ?? null,
    dir: values.dir ?? null,
    onExists: values['on-exists'],
    timestamping: values.timestamping,
  };
  return values['hf-cache'] ? forCache(settled, options) : options;
}

/** Flags that say where a file goes, or how much of it. */
const AGAINST_CACHE = ['output', 'dir', 'on-exists', 'timestamping', 'range'] as const;

/**
 * The cache says where a file goes and under which name, and what is there is never replaced. What is set for all
 * downloads gives way to that; what is said for this one contradicts it.
 * @throws SluiceError USAGE
 */
function forCache({ said }: Settled<GetValues>, options: DownloadOptions): DownloadOptions {
  const against = AGAINST_CACHE.find((name) => said.get(name) === 'flag');
  if (against !== undefined)
    throw usage(
      `--hf-cache puts whole files where the cache has them, and --${against} says otherwise`,
      'Leave one of them out; HF_HUB_CACHE or HF_HOME names another cache.',
    );
  return { ...options, dir: null, onExists: 'fail' };
}

/** What has a scheme of its own stands for one file or several. */
async function ofSources(
  values: GetValues,
  given: DownloadOptions[],
  fetching: Fetching,
): Promise<DownloadOptions[]> {
  const { recursive, 'hf-cache': cache } = values;
  const isPlain = ({ url, mirrors }: DownloadOptions): boolean => ![url, ...mirrors].some(isSource);
  if (!recursive && !cache && given.every(isPlain)) return given;
  const { sourceDownloads } = await import('../../app/sources.js');
  const { include = [], exclude = [] } = values;
  const sourcing = { include, exclude, recursive, cache, settings: storeSettings(values) };
  const found: DownloadOptions[] = [];
  for (const each of given)
    for (const file of await sourceDownloads(each, sourcing, fetching)) found.push(file);
  return found;
}

/** The downloads of lists. */
async function ofLists(
  lists: readonly string[],
  base: DownloadOptions,
  fetching: Fetching,
  note: (line: string) => void,
): Promise<DownloadOptions[]> {
  if (lists.length === 0) return [];
  if (lists.filter((where) => where === '-').length > 1)
    throw usage('standard input can be read once', 'Give -i - a single time.');
  const { listedDownloads } = await import('../../app/input-list.js');
  const found: DownloadOptions[] = [];
  for (const where of lists) {
    const { downloads, warnings } = await listedDownloads(where, base, process.stdin, fetching);
    for (const warning of warnings) note(`sluice: warning: ${warning}`);
    // One by one: a list may be longer than a call may have arguments.
    for (const each of downloads) found.push(each);
  }
  return found;
}

/** What is asked for twice in the same words is fetched once. */
function withoutRepeats(
  all: readonly DownloadOptions[],
  note: (line: string) => void,
): DownloadOptions[] {
  const seen = new Set<string>();
  const kept = all.filter(({ url, mirrors, output, dir }) => {
    const key = JSON.stringify([url, mirrors, output, dir]);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
  const repeats = all.length - kept.length;
  if (repeats > 0)
    note(`sluice: warning: ${repeats} of ${all.length} files were named before; fetched once`);
  return kept;
}

async function ofMetalinks(
  metalinks: readonly string[],
  base: DownloadOptions,
  fetching: Fetching,
): Promise<DownloadOptions[]> {
  if (metalinks.length === 0) return [];
  const { metalinkDownloads } = await import('../../app/documents.js');
  const found: DownloadOptions[] = [];
  for (const where of metalinks) found.push(...(await metalinkDownloads(where, base, fetching)));
  return found;
}

function oneName(several: string): SluiceError {
  return usage(`--output names one file, but several ${several}`, 'Use --dir instead.');
}

/** `-o -`: the bytes go to standard output, in order. A file that is called - is written as ./-. */
async function toStandardOutput(values: GetValues, list: DownloadOptions[]): Promise<Planned[]> {
  if (values.json)
    throw usage(
      '--json and --output - both want standard output',
      'Leave --json out; --log-file FILE writes what happens.',
    );
  if (values.timestamping)
    throw usage(
      '--timestamping compares with a file, and standard output is none',
      'Leave one of them out.',
    );
  if (values.print !== undefined)
    throw usage('--print and --output - both want standard output', 'Leave --print out.');
  const windowBytes = parseSize(values.window, '--window');
  if (windowBytes < LEAST_WINDOW || windowBytes > MOST_WINDOW)
    throw usage('--window takes 1M to 4G', 'Leave it out for 64M.');
  const { standardOutput } = await import('../../app/standard-output.js');
  const output = standardOutput(process.stdout);
  return list.map((each): Planned => {
    const options = { ...each, output: null };
    return { path: '-', options: () => options, stream: { output, windowBytes } };
  });
}

/** Bytes that may be fetched ahead of a reader. */
const LEAST_WINDOW = 1024 * 1024;
const MOST_WINDOW = 4 * 1024 * 1024 * 1024;

function usage(message: string, next: string): SluiceError {
  return new SluiceError('USAGE', message, { next });
}
