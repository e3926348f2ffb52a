/** What all reporters share: every file that begins is told to have ended, once. */
import type { DownloadEvent } from '../transfer/events.js';
import { SluiceError } from '../errors.js';
import type { DisplayHandle } from './display.js';
import { errorEvent } from './exit.js';
import { Ledger, type OpenFile } from './ledger.js';
import { Tally } from './tally.js';

/** Tells a person or a program how the downloads go. */
export interface Reporter {
  /** The run has so many files. */
  expect(files: number): void;
  /** A download begins; `handle` may be looked at until its `done` or `error` event. */
  begin(handle: DisplayHandle, index?: number): void;
  event(event: DownloadEvent): void;
  /** A line for a person, from a verbose log. */
  note(line: string): void;
  /**
   * Nothing more comes. Files that have not ended are told to have failed: with `error`, or with
   * a defect of ours. An `error` that no event has told is told too. Call it once, always.
   */
  end(error?: SluiceError): void;
}

export abstract class BaseReporter implements Reporter {
  protected readonly tally = new Tally();
  readonly #ledger = new Ledger();
  /** Errors that were told; of so many only the first ones are remembered. */
  readonly #told = new Set<string>();
  #closed = false;

  expect(files: number): void {
    this.tally.total = files;
  }

  begin(handle: DisplayHandle, index?: number): void {
    this.#ledger.begin(handle, index);
    this.started(handle);
  }

  event(event: DownloadEvent): void {
    const file = this.#closed ? null : this.#ledger.admit(event);
    if (!file) return;
    if (event.type === 'error') this.#told.add(mark(event));
    if (event.type === 'done' || event.type === 'error') this.tally.ended(event);
    // A reader that has had enough is no failure: as of any program in a pipe, only the exit status says it.
    if (event.type === 'error' && event.code === 'OUTPUT_CLOSED') return;
    this.show(event, file);
  }

  end(error?: SluiceError): void {
    if (this.#closed) return;
    const cause = error ?? new SluiceError('DEFECT', 'the download ended without a result');
    for (const file of this.#ledger.unfinished()) this.event(errorEvent(cause, file));
    this.#closed = true;
    if (error && !this.#told.has(mark(error))) this.tell(error);
    if (this.tally.total > 1) this.summarize();
    this.close();
  }

  abstract note(line: string): void;
  /** A download has begun. */
  protected abstract started(handle: DisplayHandle): void;
  /** Shows an event of a file that has not ended before it. */
  protected abstract show(event: DownloadEvent, file: OpenFile): void;
  /** Shows an error that belongs to no file. */
  protected abstract tell(error: SluiceError): void;
  /** Says how the files of the run ended, when there are several. */
  protected abstract summarize(): void;
  protected abstract close(): void;
}

const mark = ({ code, message }: { code: string; message: string }): string => `${code} ${message}`;
