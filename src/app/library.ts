/** The library: the same engine as the command's, for programs. */
import { SluiceError } from '../errors.js';
import { silentLog } from '../log.js';
import type { Log } from '../log.js';
import { Download } from '../transfer/download.js';
import type { DownloadEvent, DownloadSnapshot } from '../transfer/events.js';
import { inspectPath, inspectUrl } from './inspect.js';
import type { PathReport, UrlReport } from './inspect.js';
import { libraryOptions } from './library-options.js';
import type { GivenOptions } from './library-options.js';
import { logWithout } from './without.js';

/** Options of {@link download}; everything has the command's default. */
export type LibraryOptions = GivenOptions & {
  /** Stops the download; what is durable is kept for a later call. */
  signal?: AbortSignal | undefined;
  log?: Log | undefined;
};

/**
 * A download at work: its events in order, ending with `done` or `error`. It never throws. It goes on
 * when nobody looks at its events or a loop over them is left early; `signal` stops it. Each event is
 * given once: loops that run side by side share them.
 */
export interface RunningDownload extends AsyncIterable<DownloadEvent> {
  /** The download as it is now. */
  snapshot(): DownloadSnapshot;
}

/**
 * Downloads a URL to a file.
 * @throws SluiceError URL_INVALID, USAGE before anything is asked
 */
export function download(url: string, options: LibraryOptions = {}): RunningDownload {
  const { signal, log = silentLog, ...rest } = options;
  const queue = new EventQueue();
  const emit = (event: DownloadEvent): void => queue.push(event);
  const running = new Download(libraryOptions(url, rest), { emit, log });
  const stop = (): void => running.stop(stopReason(signal));
  if (signal?.aborted === true) stop();
  signal?.addEventListener('abort', stop, { once: true });
  const off = logWithout(log);
  void running.run().finally(() => {
    off();
    signal?.removeEventListener('abort', stop);
    queue.end();
  });
  return {
    snapshot: () => running.snapshot(),
    [Symbol.asyncIterator]: () => queue.iterate(),
  };
}

/**
 * What a URL offers, or what the unfinished download at a path holds.
 * @throws SluiceError as `sluice info`; INTERRUPTED when `signal` is aborted
 */
export function inspect(
  subject: `http://${string}` | `https://${string}`,
  options?: LibraryOptions,
): Promise<UrlReport>;
export function inspect(subject: string, options?: LibraryOptions): Promise<UrlReport | PathReport>;
export async function inspect(
  subject: string,
  options: LibraryOptions = {},
): Promise<UrlReport | PathReport> {
  const { signal, log = silentLog, ...rest } = options;
  const all = libraryOptions(subject, rest);
  if (signal?.aborted === true) throw stopReason(signal);
  if (!/^https?:\/\//i.test(subject)) return inspectPath(subject);
  return inspectUrl(all, log, (abort) => {
    const stop = (): void => abort(stopReason(signal));
    signal?.addEventListener('abort', stop, { once: true });
    return () => signal?.removeEventListener('abort', stop);
  });
}

function stopReason(signal: AbortSignal | undefined): SluiceError {
  const reason: unknown = signal?.reason;
  return reason instanceof SluiceError ? reason : new SluiceError('INTERRUPTED', 'interrupted');
}

/** Events that wait for whoever iterates; of progress only the newest waits. */
class EventQueue {
  private readonly waiting: DownloadEvent[] = [];
  private sleepers: Array<() => void> = [];
  private over = false;

  push(event: DownloadEvent): void {
    const last = this.waiting.at(-1);
    if (event.type === 'progress' && last?.type === 'progress') this.waiting.pop();
    this.waiting.push(event);
    this.wake();
  }

  end(): void {
    this.over = true;
    this.wake();
  }

  async *iterate(): AsyncGenerator<DownloadEvent> {
    for (;;) {
      const event = this.waiting.shift();
      if (event !== undefined) yield event;
      else if (this.over) return;
      else await new Promise<void>((resolve) => this.sleepers.push(resolve));
    }
  }

  /** All of them: which of several finds the event does not matter, that each sees the end does. */
  private wake(): void {
    const woken = this.sleepers;
    this.sleepers = [];
    for (const resolve of woken) resolve();
  }
}
