/**
 * How long silence is borne where a body fell silent before. A proxy that looks at all of an answer before
 * it lets the end of it through holds each answer back at the same place, and a new request waits anew. So
 * the next one waits longer there, and counts for as many tries as it takes the time of.
 */
import type { Silence } from '../lease/task.js';
import type { Span } from '../schedule/types.js';

export class Patience {
  /** How often a body fell silent at each offset of the file. */
  private readonly silences = new Map<number, number>();

  /** A body fell silent, and the byte at this offset has not come. */
  fellSilent(offset: number): void {
    this.silences.set(offset, (this.silences.get(offset) ?? 0) + 1);
  }

  /** How many times the usual deadline silence is borne at an offset: once more for each time before. */
  factor(offset: number): number {
    return (this.silences.get(offset) ?? 0) + 1;
  }

  /** Where a lease is to bear more than usual. */
  within({ start, end }: Span): Silence[] {
    return [...this.silences.keys()]
      .filter((offset) => offset >= start && offset < end)
      .map((offset) => ({ offset, times: this.factor(offset) }));
  }
}
