/** Newline-delimited JSON events for programs; `docs/events.md` is their schema. */
import type { DownloadEvent, SummaryEvent } from '../transfer/events.js';
import type { SluiceError } from '../errors.js';
import { BaseReporter } from './base-reporter.js';
import { safeJson } from './escape.js';
import { errorEvent } from './exit.js';
import type { OpenFile } from './ledger.js';

/** Version of the events' form. It grows when a field goes or changes its meaning. */
export const EVENTS_VERSION = 1;

/** Milliseconds between two progress events of one file: at most 4 a second. */
const PROGRESS_MS = 250;

export class JsonReporter extends BaseReporter {
  readonly #write: (line: string) => void;
  readonly #note: (line: string) => void;
  readonly #now: () => number;
  readonly #lastProgress = new WeakMap<OpenFile, number>();

  /**
   * @param write takes each line without its line feed
   * @param note takes lines for a person, which are no part of the events
   * @param now milliseconds of a steady clock
   */
  constructor(
    write: (line: string) => void,
    note: (line: string) => void = () => undefined,
    now: () => number = () => performance.now(),
  ) {
    super();
    this.#write = write;
    this.#note = note;
    this.#now = now;
  }

  note(line: string): void {
    this.#note(line);
  }

  protected started(): void {
    // The `start` event tells it.
  }

  protected show(event: DownloadEvent, file: OpenFile): void {
    if (event.type === 'progress') {
      const now = this.#now();
      const last = this.#lastProgress.get(file);
      if (last !== undefined && now - last < PROGRESS_MS) return;
      this.#lastProgress.set(file, now);
    }
    this.#emit(event);
  }

  protected tell(error: SluiceError): void {
    const { url = '', path = '' } = error.details;
    this.#emit(errorEvent(error, { url, path }));
  }

  protected summarize(): void {
    const { summary } = this.tally;
    if (summary !== null) this.#emit(summary);
  }

  protected close(): void {
    // Lines are written as they come.
  }

  #emit(event: DownloadEvent | SummaryEvent): void {
    const { type, ...rest } = event;
    this.#write(safeJson({ v: EVENTS_VERSION, type, ...rest }));
  }
}
