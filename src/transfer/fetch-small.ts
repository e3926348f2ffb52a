/** Small documents over HTTP, in memory: a Metalink, a list of checksums. */
import { SluiceError } from '../errors.js';
import { silentLog } from '../log.js';
import type { Log } from '../log.js';
import { redactUrl } from '../http/redact.js';
import { encodedError } from '../http/answer.js';
import { contentCodings } from '../http/content-coding.js';
import type { ResponseHead } from '../http/head.js';
import { Clock } from '../net/clock.js';
import type { BodySink } from '../net/exchange.js';
import type { Connection } from '../net/connection.js';
import { backoffMs } from '../engine/backoff.js';
import { Connections } from '../lease/slots.js';
import { Asker } from '../open/ask.js';
import { isWorthAsking } from '../engine/failures.js';
import { readAnswer } from './questions.js';
import { withHostOptions } from '../open/host-sections.js';
import type { DownloadOptions } from './options.js';

/** Bytes of a body that are taken at once. */
const STEP = 64 * 1024;

/** Bytes a millisecond that a document must bring on the whole, when the first wait is over. */
const LEAST_RATE = 1;

/**
 * The document at `options.url`, as it came: pieces in order.
 * @param maxBytes a longer one is refused
 * @param fetching its signal ends the fetching; `--max-time` is its owner's, who also reads the document
 * @throws SluiceError as a download; HTTP_TOO_LARGE; the signal's reason when aborted
 */
export async function fetchSmall(
  given: DownloadOptions,
  maxBytes: number,
  { signal, log = silentLog }: { signal: AbortSignal; log?: Log },
): Promise<Uint8Array[]> {
  const options = withHostOptions(given);
  for (let attempt = 1; ; attempt++) {
    try {
      return await fetchOnce(options, maxBytes, signal, log);
    } catch (thrown) {
      const error = SluiceError.from(thrown).with({ url: redactUrl(options.url) });
      if (signal.aborted || attempt > options.retries || !isWorthAsking(error)) throw error;
      log.warn({ code: error.code, attempt }, error.message);
      await pause(backoffMs(attempt, error.details.retryAfterMs ?? null, Math.random()), signal);
    }
  }
}

async function fetchOnce(
  options: DownloadOptions,
  maxBytes: number,
  signal: AbortSignal,
  log: Log,
): Promise<Uint8Array[]> {
  const connections = new Connections();
  const asker = new Asker(options, connections, log);
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
    const { head } = asked.answer;
    if (contentCodings(head.fields).length > 0) throw encodedDocument(head);
    const sink = new MemorySink(maxBytes);
    if ((offer.total ?? 0) > maxBytes) throw sink.tooLong();
    await sink.receive(asked.connection, options.deadlines.stallMs);
    return sink.parts;
  } catch (thrown) {
    throw signal.aborted ? reasonOf(signal) : thrown;
  } finally {
    signal.removeEventListener('abort', stop);
    close();
    asker.close();
    connections.close();
  }
}

/**
 * A body that is known to be short, in pieces.
 * @throws SluiceError HTTP_TOO_LARGE when it is longer than `maxBytes`; STALLED; of the connection
 */
export async function receiveSmall(
  connection: Connection,
  maxBytes: number,
  stallMs: number,
): Promise<Uint8Array[]> {
  const sink = new MemorySink(maxBytes);
  await sink.receive(connection, stallMs);
  return sink.parts;
}

/** A document is read, not saved: in a coding it says nothing. */
function encodedDocument(head: ResponseHead): SluiceError {
  const { code, message, details } = encodedError(head);
  const next = 'Save it decoded with `curl --compressed -o FILE URL`, and give that file.';
  return new SluiceError(code, message, { ...details, next });
}

/** Keeps a body in memory, up to a bound: in blocks, for it may come byte by byte. */
class MemorySink implements BodySink {
  readonly isHeld = false;
  readonly isSated = false;
  private readonly blocks: Buffer[] = [];
  private length = 0;

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
    if (this.length + to - from > this.maxBytes) throw this.tooLong();
    for (let at = from; at < to;) {
      const filled = this.length % STEP;
      if (filled === 0) this.blocks.push(Buffer.allocUnsafe(STEP));
      const count = Math.min(STEP - filled, to - at);
      this.blocks.at(-1)?.set(slab.subarray(at, at + count), filled);
      this.length += count;
      at += count;
    }
    return true;
  }

  /** The body, in pieces. */
  get parts(): Uint8Array[] {
    return this.blocks.map((block, at) => block.subarray(0, this.length - at * STEP));
  }

  private tooSlow(stallMs: number): SluiceError {
    const message = `the document came too slowly: ${this.length} bytes in over ${stallMs / 1000} s`;
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

function reasonOf(signal: AbortSignal): SluiceError {
  const reason: unknown = signal.reason;
  return reason instanceof SluiceError ? reason : new SluiceError('INTERRUPTED', 'interrupted');
}
