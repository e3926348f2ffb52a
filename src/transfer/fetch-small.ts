/** Small documents over HTTP, in memory: a Metalink, a list of checksums. */
import { SluiceError } from '../errors.js';
import { silentLog } from '../log.js';
import type { Log } from '../log.js';
import { redactUrl } from '../http/redact.js';
import { Clock } from '../net/clock.js';
import type { BodySink, Connection } from '../net/connection.js';
import { backoffMs } from '../plan/retry.js';
import { Asker } from './ask.js';
import { LocalExecutor } from './executors.js';
import { isWorthAsking } from './failures.js';
import { readAnswer } from './opening.js';
import type { DownloadOptions } from './options.js';

/** Bytes of a body that are taken at once. */
const STEP = 64 * 1024;

/** Bytes a millisecond that a document must bring on the whole, when the first wait is over. */
const LEAST_RATE = 1;

/**
 * The document at `options.url`, as UTF-8.
 * @param maxBytes a longer one is refused
 * @throws SluiceError as a download; HTTP_TOO_LARGE; the signal's reason when aborted
 */
export async function fetchSmall(
  options: DownloadOptions,
  maxBytes: number,
  { signal, log = silentLog }: { signal: AbortSignal; log?: Log },
): Promise<string> {
  const limit = options.maxTimeMs === null ? null : AbortSignal.timeout(options.maxTimeMs);
  const both = limit === null ? signal : AbortSignal.any([signal, limit]);
  for (let attempt = 1; ; attempt++) {
    try {
      return await fetchOnce(options, maxBytes, both, log);
    } catch (thrown) {
      if (limit?.aborted === true && !signal.aborted) throw tooSlow(options);
      const error = SluiceError.from(thrown).with({ url: redactUrl(options.url) });
      if (both.aborted || attempt > options.retries || !isWorthAsking(error)) throw error;
      log.warn({ code: error.code, attempt }, error.message);
      await pause(backoffMs(attempt, error.details.retryAfterMs ?? null, Math.random()), both);
    }
  }
}

async function fetchOnce(
  options: DownloadOptions,
  maxBytes: number,
  signal: AbortSignal,
  log: Log,
): Promise<string> {
  const local = new LocalExecutor();
  const asker = new Asker(options, local.connections, log);
  let close = (): void => undefined;
  const stop = (): void => {
    asker.abort(reasonOf(signal));
    close();
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (signal.aborted) throw reasonOf(signal);
    const asked = await asker.ask(null);
    close = () => asked.connection.destroy();
    const offer = readAnswer(asked, null);
    const sink = new TextSink(maxBytes);
    if ((offer.total ?? 0) > maxBytes) throw sink.tooLong();
    await sink.receive(asked.connection, options.deadlines.stallMs);
    return sink.text();
  } catch (thrown) {
    throw signal.aborted ? reasonOf(signal) : thrown;
  } finally {
    signal.removeEventListener('abort', stop);
    close();
    asker.close();
    await local.close();
  }
}

/** Keeps a body in memory, up to a bound. */
class TextSink implements BodySink {
  readonly isHeld = false;
  private readonly parts: Buffer[] = [];
  private length = 0;

  readonly isSated = false;

  constructor(private readonly maxBytes: number) {}

  /** @throws SluiceError of the body; STALLED when it comes so slowly that it might never end */
  async receive(connection: Connection, stallMs: number): Promise<void> {
    const clock = new Clock();
    const beganMs = performance.now();
    let slow: SluiceError | null = null;
    const look = (): void => {
      const leftMs = stallMs + this.length / LEAST_RATE - (performance.now() - beganMs);
      if (leftMs > 0) return clock.start(leftMs, look);
      slow = this.tooSlow(stallMs);
      connection.destroy();
    };
    clock.start(stallMs, look);
    try {
      await connection.readBody(this, stallMs);
    } catch (error) {
      throw slow ?? error;
    } finally {
      clock.stop();
    }
  }

  /** Taken at once: how much has come decides how long is waited. */
  arrived(): boolean {
    return true;
  }

  room(): number {
    return STEP;
  }

  take(slab: Uint8Array, from: number, to: number): boolean {
    this.length += to - from;
    if (this.length > this.maxBytes) throw this.tooLong();
    this.parts.push(Buffer.from(slab.subarray(from, to)));
    return true;
  }

  text(): string {
    return Buffer.concat(this.parts).toString('utf8');
  }

  private tooSlow(stallMs: number): SluiceError {
    const message = `the document came too slowly: ${this.length} bytes in over ${stallMs} ms`;
    const next = 'Try again later, or give more time with --stall-timeout.';
    return new SluiceError('STALLED', message, { next });
  }

  tooLong(): SluiceError {
    return new SluiceError('HTTP_TOO_LARGE', `the document is longer than ${this.maxBytes} bytes`, {
      next: 'Check the URL: it must lead to the list or the Metalink itself.',
    });
  }
}

/** Waits, but not beyond an abort. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}

function tooSlow({ url }: DownloadOptions): SluiceError {
  return new SluiceError('MAX_TIME', 'the document did not come in the time of --max-time', {
    url: redactUrl(url),
    next: 'Give more time with --max-time.',
  });
}

function reasonOf(signal: AbortSignal): SluiceError {
  const reason: unknown = signal.reason;
  return reason instanceof SluiceError ? reason : new SluiceError('INTERRUPTED', 'interrupted');
}
