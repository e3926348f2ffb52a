/** The reporter for a terminal: the live display, and lines that stay above it. */
import type { DownloadEvent } from '../transfer/events.js';
import type { SluiceError } from '../errors.js';
import { BaseReporter } from './base-reporter.js';
import { LiveDisplay, type DisplayHandle, type DisplayOptions } from './display.js';
import { showText } from '../http/redact.js';
import { describeError, describeErrorEvent } from './exit.js';
import type { OpenFile } from './ledger.js';
import { doneParts, nameOf, retrySentence, startSentence } from './sentences.js';
import { span, type Line } from './style.js';

export interface LiveOptions extends DisplayOptions {
  verbose: boolean;
}

export class LiveReporter extends BaseReporter {
  readonly #display: LiveDisplay;
  readonly #verbose: boolean;
  readonly #unicode: boolean;

  constructor({ verbose, ...options }: LiveOptions) {
    super();
    this.#display = new LiveDisplay(options);
    this.#verbose = verbose;
    this.#unicode = options.unicode;
  }

  note(line: string): void {
    this.#display.note(line);
  }

  protected started(handle: DisplayHandle): void {
    this.#display.add(handle);
    if (this.tally.total > 1) this.#display.setRun(this.tally);
    this.#display.start();
  }

  protected show(event: DownloadEvent, { handle }: OpenFile): void {
    for (const line of this.#lines(event)) this.#display.note(line);
    if (handle && (event.type === 'done' || event.type === 'error')) this.#display.remove(handle);
  }

  protected tell(error: SluiceError): void {
    for (const line of errorLines(describeError(error))) this.#display.note(line);
  }

  protected summarize(): void {
    const [first, ...rest] = this.tally.lines;
    if (first === undefined) return;
    this.#display.note([span(first, this.tally.failed > 0 ? 'bad' : 'good')]);
    for (const line of rest) this.#display.note([span(line)]);
  }

  protected close(): void {
    this.#display.stop();
  }

  #lines(event: DownloadEvent): Line[] {
    const name = span(nameOf(event), 'name');
    switch (event.type) {
      case 'progress':
        return [];
      case 'start':
        if (this.#verbose) return [[name, span(`  ${startSentence(event)}`, 'dim')]];
        // That only one stream is used needs saying on a terminal as well.
        return event.reason ? [[name, span(`  ${showText(event.reason)}`, 'busy')]] : [];
      case 'retry':
        // The display shows what is being retried while it is; verbose keeps it.
        return this.#verbose ? [[name, span(`  ${retrySentence(event, true)}`, 'busy')]] : [];
      case 'warning':
        return [[name, span(`  warning: ${showText(event.message)}`, 'busy')]];
      case 'done':
        return this.#listsDone ? [this.#doneLine(event, name)] : [];
      case 'error':
        return errorLines(describeErrorEvent(event));
    }
  }

  /** Whether a line for each file that ends well fits the terminal; else they are counted only. */
  get #listsDone(): boolean {
    return this.#verbose || this.tally.total < this.#display.rows;
  }

  #doneLine(event: Extract<DownloadEvent, { type: 'done' }>, name: Line[number]): Line {
    const [mark, dot] = this.#unicode ? ['\u2713 ', ' \u00b7 '] : ['ok ', ', '];
    const parts = doneParts(event, this.#verbose).join(dot);
    return [span(mark, 'good'), name, span(`  ${parts}`, 'dim')];
  }
}

/** The first line in the colour of errors; the rest explains. */
function errorLines(lines: string[]): Line[] {
  return lines.map((line, i) => [span(line, i === 0 ? 'bad' : 'plain')]);
}
