/** The library: the same engine as the command's, for programs. */
import { SluiceError } from '../errors.js';
import { silentLog } from '../log.js';
import type { Log } from '../log.js';
import { Download } from '../transfer/download.js';
import type { DownloadEvent, DownloadSnapshot } from '../transfer/events.js';
import type { DownloadOptions } from '../transfer/options.js';
import { defaultOptions } from './defaults.js';
import { inspectPath, inspectUrl } from './inspect.js';
import type { PathReport, UrlReport } from './inspect.js';

/** Options of {@link download}; everything has the command's default. */
export type LibraryOptions = Partial<Omit<DownloadOptions, 'url' | 'mode'>> & {
  /** Stops the download; what is durable is kept for a later call. */
  signal?: AbortSignal;
  log?: Log;
};

/** A download at work: its events in order, ending with `done` or `error`. It never throws. */
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
  const running = new Download({ ...defaultOptions(url), ...rest, url }, { emit, log });
  const stop = (): void => running.stop(stopReason(signal));
  if (signal?.aborted === true) stop();
  signal?.addEventListener('abort', stop, { once: true });
  void running.run().finally(() => {
    signal?.removeEventListener('abort', stop);
    queue.end();
  });
  return {
    snapshot: () => running.snapshot(),
    [Symbol.asyncIterator]: () => queue.iterate(),
  };
}

/** What a URL offers, or what the unfinished download at a path holds. */
export function inspect(
  subject: string,
  options: LibraryOptions = {},
): Promise<UrlReport | PathReport> {
  const { signal, log = silentLog, ...rest } = options;
  if (!/^https?:\/\//i.test(subject)) return Promise.resolve().then(() => inspectPath(subject));
  return inspectUrl({ ...defaultOptions(subject), ...rest, url: subject }, log);
}

function stopReason(signal: AbortSignal | undefined): SluiceError {
  const reason: unknown = signal?.reason;
  return reason instanceof SluiceError ? reason : new SluiceError('INTERRUPTED', 'interrupted');
}

/** Events that wait for whoever iterates; of progress only the newest waits. */
class EventQueue {
  private readonly waiting: DownloadEvent[] = [];
  private wake: (() => void) | null = null;
  private over = false;

  push(event: DownloadEvent): void {
    const last = this.waiting.at(-1);
    if (event.type === 'progress' && last?.type === 'progress') this.waiting.pop();
    this.waiting.push(event);
    this.wake?.();
  }

  end(): void {
    this.over = true;
    this.wake?.();
  }

  async *iterate(): AsyncGenerator<DownloadEvent> {
    for (;;) {
      const event = this.waiting.shift();
      if (event !== undefined) yield event;
      else if (this.over) return;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}
