/** How the files of a run ended, and what is to be said of it at the end. */
import type { DownloadEvent, ErrorEvent, SummaryEvent } from '../transfer/events.js';
import { showText } from '../http/redact.js';
import * as format from './format.js';
import { shownName } from './sentences.js';

/** A run may have very many files: so many of those that failed are named again at the end. */
const MOST_NAMED = 20;

/** The end of a file that failed, in as much as is said again. */
interface Failure {
  name: string;
  url: string;
  message: string;
  next: string | undefined;
}

export class Tally {
  /** Files of the run; 0 while that is not known. */
  total = 0;
  /** Bytes of the files that have ended well. */
  bytes = 0;
  readonly #counts = { done: 0, complete: 0, skipped: 0, failed: 0, stopped: 0 };
  readonly #failures: Failure[] = [];

  /** Counts the end of a file. */
  ended(event: Extract<DownloadEvent, { type: 'done' | 'error' }>): void {
    if (event.type === 'error') return this.#failed(event);
    const how = event.outcome === 'downloaded' ? 'done' : event.outcome;
    this.#counts[how]++;
    this.bytes += event.bytes;
  }

  #failed(event: ErrorEvent): void {
    const { exitStatus, message, next, url } = event;
    if (exitStatus === 130 || exitStatus === 143) {
      this.#counts.stopped++;
      return;
    }
    this.#counts.failed++;
    if (this.#failures.length >= MOST_NAMED) return;
    this.#failures.push({ name: shownName(event), url, message, next });
  }

  /** Files that have ended, however. */
  get endedFiles(): number {
    return Object.values(this.#counts).reduce((sum, count) => sum + count, 0);
  }

  get failed(): number {
    return this.#counts.failed;
  }

  /** The counts as an event; null where the run has one file, whose own end says all. */
  get summary(): SummaryEvent | null {
    if (this.total < 2) return null;
    return { type: 'summary', ...this.#counts, notBegun: this.total - this.endedFiles };
  }

  /** `18 done, 2 failed, 3 already complete`. */
  get sentence(): string {
    const { done, complete, skipped, failed, stopped } = this.#counts;
    const notBegun = this.total - this.endedFiles;
    const parts: Array<[number, string]> = [
      [done, 'done'],
      [failed, 'failed'],
      [complete, 'already complete'],
      [skipped, 'skipped'],
      [stopped, 'stopped'],
      [notBegun, 'not begun'],
    ];
    const said = parts.filter(([count], i) => count > 0 || i === 0);
    return said.map(([count, what]) => `${count} ${what}`).join(', ');
  }

  /** Lines for a person at the end of a run of several files: the counts, what failed, what to do. */
  get lines(): string[] {
    if (this.total < 2) return [];
    const lines = [`sluice: ${this.sentence}`];
    for (const { name, url, message, next } of this.#failures) {
      lines.push(`  failed: ${name}: ${showText(message)}`);
      if (url !== '') lines.push(`    url: ${showText(url)}`);
      if (next !== undefined) lines.push(`    next: ${showText(next)}`);
    }
    const rest = this.#counts.failed - this.#failures.length;
    if (rest > 0) lines.push(`  and ${format.count(rest, 'other file')} that failed, told above`);
    const isOpen = this.endedFiles < this.total || this.#counts.failed + this.#counts.stopped > 0;
    if (isOpen)
      lines.push(
        '  next: run the same command again; a finished file costs it one request at most',
      );
    return lines;
  }
}
