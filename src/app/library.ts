/** The library: the same engine as the command's, for programs. */
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { RateLimit } from '../engine/rate-limit.js';
import { SluiceError } from '../errors.js';
import { redactUrl } from '../http/redact.js';
import { parseUserUrl, referenceScheme } from '../http/url.js';
import { PER_HOST } from '../limits.js';
import { silentLog } from '../log.js';
import type { Log } from '../log.js';
import type { DoneEvent, DownloadEvent, DownloadSnapshot } from '../transfer/events.js';
import type { DownloadOptions, StoreSettings } from '../transfer/options.js';
import { Session } from '../transfer/session.js';
import { inspectPath, inspectUrl } from './inspect.js';
import type { PathReport, UrlReport } from './inspect.js';
import { checkTracePath, libraryOptions, poolOptions } from './library-options.js';
import type { GivenOptions } from './library-options.js';
import { Run, stopReason } from './running.js';

/** Options of {@link download}; everything has the command's default. */
export type LibraryOptions = GivenOptions & {
  /** Stops the download; what is durable is kept for a later call. */
  signal?: AbortSignal | undefined;
  /** Where the log goes; nowhere when absent. */
  log?: Log | undefined;
  /** As `--trace`: the path of a file that records what each connection does when. */
  trace?: string | undefined;
};

/** Options of {@link inspect}. */
export type InspectOptions = Omit<LibraryOptions, 'trace'>;

/** Where the bytes are: a URL, or a function that gives a link which is good now. */
export type Link = string | (() => string | Promise<string>);

/**
 * A download at work: its events in order, ending with `done` or `error`. A loop over them never throws. It goes
 * on when nobody looks, or a loop is left early; `signal` stops it. Each event is given once: loops that
 * run side by side share them.
 */
export interface RunningDownload extends AsyncIterable<DownloadEvent> {
  /** How it ended. Rejects with a {@link SluiceError}; nobody has to look. */
  readonly result: Promise<DoneEvent>;
  /** The download as it is now; null until it has begun. */
  snapshot(): DownloadSnapshot | null;
  /**
   * The bytes in order, and no file: fetched in parallel through a window of memory, and no faster than they
   * are read. The stream ends when everything is there and verified, and is destroyed with the error
   * otherwise; to destroy it ends the download. To be called directly after {@link download}.
   * @throws SluiceError USAGE when the download has begun
   */
  stream(options?: { windowBytes?: number }): Readable;
  /** The same as a web stream. */
  webStream(options?: { windowBytes?: number }): ReadableStream<Uint8Array>;
}

/** Runs by what they were asked for: who asks for the same in the same words looks at the same run. */
const runs = new Map<string, Run>();

/** Functions that give links have no name that would tell them apart. */
const functions = new WeakMap<object, number>();
let functionCount = 0;

/**
 * Downloads a URL to a file. A second call with the same options, while the first one runs, looks at the same run.
 * @throws SluiceError URL_INVALID, USAGE before anything is asked
 */
export function download(link: Link, options: LibraryOptions = {}): RunningDownload {
  return start(link, options, null);
}

function start(link: Link, options: LibraryOptions, pool: PoolParts | null): RunningDownload {
  const { signal, log, trace, ...given } = options;
  if (trace !== undefined) checkTracePath(trace);
  const rest = pool === null ? given : { ...pool.defaults, ...given };
  const all = libraryOptions(typeof link === 'function' ? UNKNOWN_LINK : link, rest);
  const isOfStore = typeof link === 'string' && referenceScheme(link) !== null;
  const hasStores = all.mirrors.some((url) => referenceScheme(url) !== null);
  if (typeof link === 'string' && !isOfStore) parseUserUrl(link);
  const key = JSON.stringify([nameOf(link), rest, pool?.number ?? null, trace]);
  let run = runs.get(key);
  if (run === undefined) {
    const about = {
      url: typeof link === 'string' && !isOfStore ? redactUrl(link) : '',
      path: all.output ?? '',
    };
    const settle = async (): Promise<DownloadOptions> => {
      const limited = pool === null ? all : { ...all, rateLimit: all.rateLimit ?? pool.rateLimit };
      const settled = typeof link === 'string' ? limited : await withFresh(limited, link);
      return isOfStore || hasStores ? ofStore(settled, log, rest.s3) : settled;
    };
    const made = new Run(about, settle, { log, trace, session: pool?.session }, () => {
      if (runs.get(key) === made) runs.delete(key);
      pool?.running.delete(made);
    });
    runs.set(key, (run = made));
    pool?.running.add(made);
  }
  const seen: Run = run;
  const looker = seen.look(signal);
  return {
    result: looker.result,
    snapshot: () => seen.snapshot(),
    stream: (how) => {
      const stream = looker.stream(how);
      // What goes to a reader goes to this one alone.
      runs.delete(key);
      return stream;
    },
    webStream: (how) => {
      const stream = looker.stream(how);
      runs.delete(key);
      return Readable.toWeb(stream) as ReadableStream<Uint8Array>;
    },
    [Symbol.asyncIterator]: () => looker.events(),
  };
}

/** The link is asked for now, and again when it has expired. */
async function withFresh(
  options: DownloadOptions,
  link: Exclude<Link, string>,
): Promise<DownloadOptions> {
  const freshUrl = async (): Promise<string> => linkOf(await link());
  return { ...options, url: await freshUrl(), freshUrl };
}

/** What references to stores and hubs (docs/sources.md) become, as URL or as mirrors; each must be one file. */
async function ofStore(
  options: DownloadOptions,
  log: Log = silentLog,
  settings: StoreSettings = {},
): Promise<DownloadOptions> {
  const { sourceDownload } = await import('./sources.js');
  const fetching = { signal: new AbortController().signal, log };
  return sourceDownload(options, fetching, settings);
}

/** Stands for a link that is asked for when the download begins. */
const UNKNOWN_LINK = 'http://unknown.invalid/';

function nameOf(link: Link): string | number {
  if (typeof link === 'string') return link;
  const number = functions.get(link) ?? ++functionCount;
  functions.set(link, number);
  return number;
}

function linkOf(link: unknown): string {
  if (typeof link === 'string') return link;
  throw new SluiceError('URL_INVALID', 'the function that gives links gave something else', {
    next: 'Let it return a URL, or a promise of one.',
  });
}

/** How the downloads of a pool share the machine and the servers. */
export interface PoolOptions {
  /** Connections of each download that does not say; default `auto`. */
  connections?: number | 'auto' | undefined;
  /** Connections to one host over all downloads; default 16. */
  perHost?: number | undefined;
  /** Bytes per second of all downloads together. */
  limitRate?: number | undefined;
}

/** Downloads that share threads, kept connections and limits. */
export interface DownloadPool {
  /** As {@link download}. */
  download(link: Link, options?: LibraryOptions): RunningDownload;
  /** Waits for what runs, then closes connections and ends threads. */
  close(): Promise<void>;
}

interface PoolParts {
  number: number;
  session: Session;
  rateLimit: RateLimit | null;
  defaults: GivenOptions;
  running: Set<Run>;
}

/** Downloads that the threads of a pool have room for. */
const POOL_JOBS = 64;
let pools = 0;

/**
 * Makes a pool; to be closed when it is of no more use.
 * @throws SluiceError USAGE
 */
export function createPool(options: PoolOptions = {}): DownloadPool {
  const { perHost, connections = 'auto', limitRate } = poolOptions(options);
  const own = connections === 'auto' ? 0 : connections;
  const parts: PoolParts = {
    number: ++pools,
    session: new Session({
      perHost: perHost ?? Math.max(PER_HOST, own),
      isStrict: perHost !== undefined,
      jobs: POOL_JOBS,
      isLasting: true,
    }),
    rateLimit: limitRate === undefined ? null : new RateLimit(limitRate),
    defaults: { connections },
    running: new Set(),
  };
  let closing: Promise<void> | null = null;
  return {
    download: (link, given = {}) => {
      if (closing !== null)
        throw new SluiceError('USAGE', 'the pool is closed', { next: 'Make another one.' });
      return start(link, given, parts);
    },
    close: () => (closing ??= closePool(parts)),
  };
}

async function closePool({ running, session }: PoolParts): Promise<void> {
  await Promise.all([...running].map((run) => run.ended));
  await session.close();
}

/**
 * What a URL offers, or what the unfinished download at a path holds.
 * @throws SluiceError as `sluice info`; INTERRUPTED when `signal` is aborted
 */
export function inspect(
  subject: `${'http' | 'https' | 'hf' | 's3' | 'gs' | 'az'}://${string}`,
  options?: InspectOptions,
): Promise<UrlReport>;
export function inspect(subject: string, options?: InspectOptions): Promise<UrlReport | PathReport>;
export async function inspect(
  subject: string,
  options: InspectOptions = {},
): Promise<UrlReport | PathReport> {
  const { signal, log = silentLog, ...rest } = options;
  const all = libraryOptions(subject, rest);
  if (signal?.aborted === true) throw stopReason(signal);
  const isOfStore = referenceScheme(subject) !== null;
  if (!isOfStore && !/^https?:\/\//i.test(subject)) return inspectPath(subject);
  return inspectUrl(isOfStore ? await ofStore(all, log, rest.s3) : all, log, (abort) => {
    const stop = (): void => abort(stopReason(signal));
    signal?.addEventListener('abort', stop, { once: true });
    return () => signal?.removeEventListener('abort', stop);
  });
}
