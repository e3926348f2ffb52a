/** A line now and then, for what is not a terminal. */
import type { DownloadEvent, ProgressEvent, RetryEvent } from '../transfer/events.js';
import { MAX_DETAIL, type SluiceError } from '../errors.js';
import { BaseReporter } from './base-reporter.js';
import { showText } from '../http/redact.js';
import { describeError, describeErrorEvent } from './exit.js';
import type { OpenFile } from './ledger.js';
import { doneParts, nameOf, progressSentence, retrySentence, startSentence } from './sentences.js';

export interface LineOptions {
  /** Takes each line without its line feed. */
  write: (line: string) => void;
  /** Only errors. */
  quiet: boolean;
  verbose: boolean;
  /** Progress lines too. */
  progress: boolean;
  /** Milliseconds of a steady clock. */
  now?: () => number;
}

const FIRST_PROGRESS_MS = 5_000;
const NEXT_PROGRESS_MS = 30_000;
/** Sixteen connections that a server drops at once are one line, not sixteen. */
const SAME_RETRY_MS = 1_000;

interface Pace {
  /** When the next progress line may come. */
  nextProgress: number;
  lastRetry: string;
  lastRetryAt: number;
}

export class LineReporter extends BaseReporter {
  readonly #options: LineOptions;
  readonly #now: () => number;
  readonly #paces = new WeakMap<OpenFile, Pace>();

  constructor(options: LineOptions) {
    super();
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  note(line: string): void {
    this.#options.write(showText(line, MAX_DETAIL));
  }

  protected started(): void {
    // The `start` event has more to say.
  }

  protected show(event: DownloadEvent, file: OpenFile): void {
    if (event.type === 'error') {
      for (const line of describeErrorEvent(event)) this.#options.write(line);
      return;
    }
    if (this.#options.quiet) return;
    const sentence = this.#sentence(event, this.#paceOf(file));
    if (sentence !== null) this.#options.write(`sluice: ${nameOf(event)}: ${sentence}`);
  }

  protected tell(error: SluiceError): void {
    for (const line of describeError(error)) this.#options.write(line);
  }

  protected summarize(): void {
    const { quiet, write } = this.#options;
    if (quiet && this.tally.failed === 0) return;
    for (const line of this.tally.lines) write(line);
  }

  protected close(): void {
    // Lines are written as they come.
  }

  #sentence(event: Exclude<DownloadEvent, { type: 'error' }>, pace: Pace): string | null {
    switch (event.type) {
      case 'start':
        return startSentence(event);
      case 'progress':
        return this.#progress(event, pace);
      case 'retry':
        return this.#retry(event, pace);
      case 'warning':
        return `warning: ${showText(event.message)}`;
      case 'done':
        return `done: ${doneParts(event, this.#options.verbose).join(', ')}`;
    }
  }

  #paceOf(file: OpenFile): Pace {
    let pace = this.#paces.get(file);
    if (!pace) {
      pace = { nextProgress: this.#now() + FIRST_PROGRESS_MS, lastRetry: '', lastRetryAt: 0 };
      this.#paces.set(file, pace);
    }
    return pace;
  }

  #progress(event: ProgressEvent, pace: Pace): string | null {
    const now = this.#now();
    if (!this.#options.progress || now < pace.nextProgress) return null;
    pace.nextProgress = now + NEXT_PROGRESS_MS;
    return progressSentence(event);
  }

  #retry(event: RetryEvent, pace: Pace): string | null {
    const now = this.#now();
    const same = event.reason === pace.lastRetry && now - pace.lastRetryAt < SAME_RETRY_MS;
    if (same && !this.#options.verbose) return null;
    pace.lastRetry = event.reason;
    pace.lastRetryAt = now;
    return retrySentence(event, this.#options.verbose);
  }
}
