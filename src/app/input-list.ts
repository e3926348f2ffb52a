/** A list of URLs as downloads. */
import { SluiceError } from '../errors.js';
import { MAX_CONNECTIONS } from '../limits.js';
import { MAX_INPUT_BYTES, lineError, parseInputList } from '../formats/input-list.js';
import type { InputEntry, InputOption } from '../formats/input-list.js';
import { Pace } from '../formats/pace.js';
import { redactWords, showText } from '../http/redact.js';
import { parseHeaderFlag } from '../http/request.js';
import { noConnections, noUserAgent, sectionsWithout } from '../open/host-sections.js';
import type { DownloadOptions } from '../transfer/options.js';
import { parseChecksum } from '../verify/checksum.js';
import { textOf } from './documents.js';
import type { Fetching } from './documents.js';
import { readSmallFile } from './files.js';

/** The downloads of a list, and what is to be told of it. */
export interface ListedDownloads {
  downloads: DownloadOptions[];
  warnings: string[];
}

/**
 * A download for each file of a list. Everything in the list is checked before anything is asked.
 * @param where a path, or `-` for the standard input
 * @param base options that the files share; a file's own take their place, its header lines and checksums join them
 * @param input the standard input
 * @throws SluiceError INPUT_LIST_INVALID, which names the line; USAGE when the list is too long; disk errors
 */
export async function listedDownloads(
  where: string,
  base: DownloadOptions,
  input: AsyncIterable<Uint8Array>,
  { signal }: Fetching,
): Promise<ListedDownloads> {
  const origin = where === '-' ? 'the list on standard input' : `the list ${showText(where)}`;
  const bytes =
    where === '-' ? await allOf(input, origin, signal) : readSmallFile(where, MAX_INPUT_BYTES);
  const pace = new Pace(signal);
  const { entries, passedOver } = await parseInputList(textOf(bytes), origin, pace);
  const downloads: DownloadOptions[] = [];
  for (const entry of entries) {
    downloads.push(optionsOf(entry, base, origin));
    if (pace.isDue) await pace.turn();
  }
  const warnings = passedOver.map(
    ({ name, line }) => `${origin}, line ${line}: the option ${name} is unknown and passed over`,
  );
  return { downloads, warnings };
}

/** All that the standard input has, which must not be more than a list may. */
export async function allOf(
  input: AsyncIterable<Uint8Array>,
  origin: string,
  signal: AbortSignal,
): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  const read = (async () => {
    for await (const piece of input) {
      bytes += piece.length;
      if (bytes > MAX_INPUT_BYTES) {
        const message = `${origin} is longer than ${MAX_INPUT_BYTES} bytes`;
        throw new SluiceError('USAGE', message, { next: 'Check what is piped into it.' });
      }
      pieces.push(piece);
    }
  })();
  let stop = (): void => undefined;
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    await Promise.race([read, stopped]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
  return pieces;
}

function optionsOf(entry: InputEntry, base: DownloadOptions, origin: string): DownloadOptions {
  const [url = '', ...mirrors] = entry.urls;
  const options: DownloadOptions = { ...base, url, mirrors };
  for (const option of entry.options) {
    try {
      Object.assign(options, changeOf(option, options));
    } catch (thrown) {
      const { message, details } = SluiceError.from(thrown);
      throw lineError(origin, option.line, message, details.next ?? 'Write it as name=value.');
    }
  }
  return options;
}

/** What an option of a file changes. */
function changeOf(
  { name, value }: InputOption,
  options: DownloadOptions,
): Partial<DownloadOptions> {
  if (value === '') throw usage(`${name} has no value`, 'Give one behind the =, or leave it out.');
  switch (name) {
    case 'out':
      if (value === '-')
        throw usage('a file of a list cannot go to standard output', 'Name a file.');
      if (value.endsWith('/')) throw usage('out names no file', 'Use dir= for a directory.');
      return { output: value };
    case 'dir':
      return { dir: value };
    case 'header':
      parseHeaderFlag(value);
      return { headers: [...options.headers, value] };
    case 'checksum':
      return { checksums: [...options.checksums, parseChecksum(redactWords(value))] };
    case 'split':
      return {
        connections: connectionsOf(value),
        sections: sectionsWithout(options.sections, noConnections),
      };
    case 'referer':
      parseHeaderFlag(`Referer: ${value}`);
      return { referer: value };
    case 'user-agent':
      parseHeaderFlag(`User-Agent: ${value}`);
      return { userAgent: value, sections: sectionsWithout(options.sections, noUserAgent) };
  }
}

function connectionsOf(value: string): number {
  const count = /^\d{1,4}$/.test(value) ? Number(value) : 0;
  if (count >= 1 && count <= MAX_CONNECTIONS) return count;
  throw usage(`split takes 1 to ${MAX_CONNECTIONS}, not ${redactWords(value)}`, 'Give a number.');
}

function usage(message: string, next: string): SluiceError {
  return new SluiceError('USAGE', message, { next });
}
