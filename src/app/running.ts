/** A download at work, as a program sees it: events, a result, a stream; several may look at one run. */
import type { Readable } from 'node:stream';
import { SluiceError } from '../errors.js';
import { silentLog } from '../log.js';
import type { Log } from '../log.js';
import { Download } from '../transfer/download.js';
import type { DownloadHooks } from '../transfer/download.js';
import type { DoneEvent, DownloadEvent, DownloadSnapshot, ErrorEvent } from '../transfer/events.js';
import type { DownloadOptions } from '../transfer/options.js';
import { StreamDownload } from '../transfer/stream.js';
import type { Session } from '../transfer/session.js';
import type { FileTrace } from '../trace.js';
import { EventQueue } from './event-queue.js';
import { ReaderOutput } from './reader-output.js';
import { openTrace } from './trace-file.js';
import type { OpenTrace } from './trace-file.js';
import { logWithout } from './without.js';

/** Bytes that are fetched ahead of the reader of a stream. */
const WINDOW = 64 * 1024 * 1024;

/**
 * Finds out the options, which a program's function may take its time for.
 * @throws SluiceError, and whatever the function throws
 */
export type Settle = () => Promise<DownloadOptions>;

/** What all runs are given. */
export interface RunHooks {
  log?: Log | undefined;
  session?: Session | undefined;
  /** Path of the file that records what each connection does. */
  trace?: string | undefined;
}

/** One download, and everybody who looks at it. It begins when the present turn of the event loop is over. */
export class Run {
  private readonly lookers = new Set<Looker>();
  private download: Download | StreamDownload | null = null;
  private hasBegun = false;
  private stopped: SluiceError | null = null;
  private output: ReaderOutput | null = null;
  private window = WINDOW;
  /** Resolves when it is over. */
  readonly ended: Promise<void>;

  /**
   * @param path of the file, as far as it is known
   * @param onEnd is called when it is over
   */
  constructor(
    private readonly about: { url: string; path: string },
    private readonly settle: Settle,
    private readonly hooks: RunHooks,
    private readonly onEnd: () => void,
  ) {
    this.ended = new Promise((resolve) => {
      setImmediate(() => void this.run().finally(resolve));
    });
  }

  /** Somebody more looks at it. */
  look(signal: AbortSignal | undefined): Looker {
    const looker = new Looker(this, signal);
    this.lookers.add(looker);
    return looker;
  }

  /** Somebody looks no more: without anybody left, the download ends. */
  leave(looker: Looker, error: SluiceError): void {
    if (!this.lookers.has(looker)) return;
    if (this.lookers.size === 1) return this.stop(error);
    this.lookers.delete(looker);
    looker.hear(this.failed(error));
  }

  /**
   * The bytes in order, and no file.
   * @throws SluiceError USAGE when the download goes to a file already, or somebody else's
   */
  stream(windowBytes: number): Readable {
    if (this.hasBegun || this.output !== null || this.lookers.size > 1)
      throw new SluiceError('USAGE', 'the download has another place already', {
        next: 'Call stream() once, directly after download(), and before anything is awaited.',
      });
    this.window = windowBytes;
    this.output = new ReaderOutput((error) => this.stop(error));
    return this.output.readable;
  }

  snapshot(): DownloadSnapshot | null {
    return this.download?.snapshot() ?? null;
  }

  private stop(error: SluiceError): void {
    this.stopped ??= error;
    this.download?.stop(error);
  }

  private async run(): Promise<void> {
    this.hasBegun = true;
    const { log = silentLog } = this.hooks;
    const off = logWithout(log);
    let last: DownloadEvent;
    let trace: OpenTrace | null = null;
    try {
      if (this.stopped !== null) throw this.stopped;
      if (this.hooks.trace !== undefined)
        trace = openTrace(this.hooks.trace, (what) => log.warn({}, what));
      last = await this.carryOut(log, trace?.file(0) ?? null);
    } catch (thrown) {
      last = this.failed(SluiceError.from(thrown));
      trace?.file(0)({ type: 'event', event: last });
    }
    // Whoever hears how it ended may read the trace.
    trace?.close();
    this.tell(last);
    this.output?.end(last.type === 'error' ? errorOf(last) : null);
    off();
    this.onEnd();
  }

  /** Runs the download, and tells what happens but for its last event. */
  private async carryOut(log: Log, trace: FileTrace | null): Promise<DownloadEvent> {
    const { session } = this.hooks;
    const emit = (event: DownloadEvent): void => {
      // How far it is, samples say.
      if (event.type !== 'progress') trace?.({ type: 'event', event });
      if (event.type !== 'done' && event.type !== 'error') this.tell(event);
    };
    const options = await this.settle();
    this.download = this.make(options, { emit, log, trace, ...(session && { session }) });
    // It may have been given up while the options were found out.
    if (this.stopped !== null) this.download.stop(this.stopped);
    return this.download.run();
  }

  private tell(event: DownloadEvent): void {
    for (const looker of this.lookers) looker.hear(event);
  }

  private make(options: DownloadOptions, hooks: DownloadHooks): Download | StreamDownload {
    return this.output === null
      ? new Download(options, hooks)
      : new StreamDownload({ ...options, output: null }, this.output, this.window, hooks);
  }

  private failed(error: SluiceError): ErrorEvent {
    const { next } = error.details;
    const { code, exitStatus, message } = error;
    const said = next === undefined ? {} : { next };
    return { type: 'error', ...this.about, code, exitStatus, message, ...said };
  }
}

/** What one caller sees of a run. */
export class Looker {
  private readonly queue = new EventQueue();
  private resolve!: (event: DoneEvent) => void;
  private reject!: (error: SluiceError) => void;
  private readonly forget: () => void;
  readonly result: Promise<DoneEvent>;

  constructor(
    private readonly of: Run,
    signal: AbortSignal | undefined,
  ) {
    this.result = new Promise<DoneEvent>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Whoever reads the events need not look at the result.
    this.result.catch(() => undefined);
    const stop = (): void => of.leave(this, stopReason(signal));
    signal?.addEventListener('abort', stop, { once: true });
    this.forget = () => signal?.removeEventListener('abort', stop);
    if (signal?.aborted === true) queueMicrotask(stop);
  }

  hear(event: DownloadEvent): void {
    this.queue.push(event);
    if (event.type !== 'done' && event.type !== 'error') return;
    this.forget();
    this.queue.end();
    if (event.type === 'done') this.resolve(event);
    else this.reject(errorOf(event));
  }

  stream({ windowBytes = WINDOW }: { windowBytes?: number } = {}): Readable {
    return this.of.stream(windowBytes);
  }

  events(): AsyncGenerator<DownloadEvent> {
    return this.queue.iterate();
  }
}

/** What a signal ends a download with. */
export function stopReason(signal: AbortSignal | undefined): SluiceError {
  const reason: unknown = signal?.reason;
  return reason instanceof SluiceError ? reason : new SluiceError('INTERRUPTED', 'interrupted');
}

function errorOf({ code, message, url, path, kept, next, httpStatus }: ErrorEvent): SluiceError {
  return new SluiceError(code, message, {
    url,
    path,
    ...(kept !== undefined && { kept }),
    ...(next !== undefined && { next }),
    ...(httpStatus !== undefined && { httpStatus }),
  });
}
