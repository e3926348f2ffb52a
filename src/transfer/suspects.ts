/**
 * Which source brought which bytes, and whom to doubt when a digest refuses them (P24). Pure.
 *
 * A digest of the whole says only that something is wrong. So what one source brought is fetched again
 * from the others, the one that brought least first, until the digest agrees or all bytes are of one
 * source. That one is then known to have another file, and the others get their turn again.
 */
import { ExtentSet } from '../schedule/extents.js';
import type { Span } from '../schedule/types.js';

/** What an earlier run left: nobody knows any more who brought it. */
export const KEPT = -1;

/** What is to be fetched again, and whom it came from. */
export interface Doubt {
  /** The source that is doubted, {@link KEPT} for what an earlier run left. */
  source: number;
  again: Span[];
}

export class Suspects {
  private readonly books = new Map<number, ExtentSet>();
  /** Sources that brought a whole that a digest refused. */
  private readonly wrong = new Set<number>();
  /** Sources whose bytes are being replaced by those of others, the last one last. */
  private readonly doubted: number[] = [];
  /** Sources that have failed for good. */
  private readonly gone = new Set<number>();
  /** The last one that brought the whole, and that a digest refused. */
  private alone: number | null = null;

  /** @param sources how many there are */
  constructor(private readonly sources: () => number) {}

  /** A source brought a range; what is overwritten later belongs to both. */
  brought(source: number, { start, end }: Span): void {
    let book = this.books.get(source);
    if (book === undefined) this.books.set(source, (book = new ExtentSet()));
    book.add(start, end);
  }

  /** A range is fetched again. */
  forget({ start, end }: Span): void {
    for (const book of this.books.values()) book.remove(start, end);
  }

  /** Bytes that a source brought. */
  bytesOf(source: number): number {
    return this.books.get(source)?.total() ?? 0;
  }

  /** Whether what is in place came from more than one source. */
  get isMixed(): boolean {
    return [...this.books.keys()].filter((source) => this.bytesOf(source) > 0).length > 1;
  }

  /** Whether a source is not to be asked: it has failed, a digest has refused it, or others replace what it brought. */
  isAside(source: number): boolean {
    return this.gone.has(source) || this.wrong.has(source) || this.doubted.includes(source);
  }

  /** A source has failed for good. Where none is left but such that are only doubted, these are asked again. */
  failed(source: number): void {
    this.gone.add(source);
    if (this.isAnyLeft) return;
    this.doubted.length = 0;
    if (!this.isAnyLeft) this.gone.clear();
  }

  private get isAnyLeft(): boolean {
    return Array.from({ length: this.sources() }, (_, at) => at).some((at) => !this.isAside(at));
  }

  /** The source whose bytes were replaced last: when the digest agrees now, these were wrong. */
  get liar(): number | null {
    return this.doubted.at(-1) ?? this.alone;
  }

  /**
   * A digest of the whole has refused the file.
   * @param only the source that brought all of it, where nothing is in the books
   * @returns what to do; null when every source was tried
   */
  refused(total: number, only: number): Doubt | null {
    if (this.bytesOf(KEPT) > 0) return this.doubt(KEPT);
    const having = [...this.books.keys()].filter((source) => this.bytesOf(source) > 0);
    if (having.length > 1) {
      having.sort((a, b) => this.bytesOf(a) - this.bytesOf(b));
      const [least = only] = having;
      this.doubted.push(least);
      return this.doubt(least);
    }
    const [alone = only] = having;
    this.alone = alone;
    this.wrong.add(alone);
    this.doubted.length = 0;
    if (this.wrong.size >= this.sources()) return null;
    return { source: alone, again: [{ start: 0, end: total }] };
  }

  /** The digests of pieces have refused ranges: the sources that brought any of them, if others are left. */
  refusedPieces(bad: readonly Span[]): number[] {
    const of = [...this.books].flatMap(([source, book]) =>
      source !== KEPT && bad.some((range) => overlaps(book, range)) ? [source] : [],
    );
    const left = this.sources() - this.wrong.size;
    const fresh = of.filter((source) => !this.wrong.has(source));
    if (fresh.length >= left) return [];
    for (const source of fresh) this.wrong.add(source);
    // It is known now who was wrong: those that were only doubted get their turn again.
    if (fresh.length > 0) this.doubted.length = 0;
    return fresh;
  }

  private doubt(source: number): Doubt {
    return { source, again: this.books.get(source)?.toArray() ?? [] };
  }
}

/** Whether any byte of a range is in a book. */
function overlaps(book: ExtentSet, { start, end }: Span): boolean {
  const missing = book.gaps(start, end).reduce((sum, [from, to]) => sum + to - from, 0);
  return missing < end - start;
}
