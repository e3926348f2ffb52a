/**
 * The seams between leases (P5). A lease that ended beside another one's bytes brought a sample of
 * them; when the neighbour has written there, the sample and the file must agree. Where no sample
 * came, either the lease that begins there compares its own head, or the edge is fetched again.
 */
import { SluiceError } from '../errors.js';
import { readFully } from '../disk/io.js';
import type { Span } from '../schedule/types.js';
import { seamError } from '../lease/sink.js';
import { SEAM_BYTES } from '../lease/task.js';
import type { SeamSample } from '../lease/task.js';

/** An edge is fetched again this often for its sample. */
const MAX_AGAIN = 2;

export class Seams {
  private readonly samples = new Map<number, SeamSample>();
  /** Edges that brought no whole sample, with how often. */
  private readonly unsampled = new Map<number, number>();

  /**
   * @param read copies written bytes at an offset into a buffer
   * @param path of the file, for messages
   */
  constructor(
    private readonly read: (target: Buffer, offset: number) => void,
    private readonly path: string,
  ) {}

  /** The seams of a file. */
  static ofFile(fd: number, path: string): Seams {
    const read = (target: Buffer, offset: number): void => {
      readFully(fd, target, 0, target.length, offset);
    };
    return new Seams(read, path);
  }

  /**
   * A lease wrote up to its end.
   * @param sample what it brought of the `wanted` bytes beyond what it wrote
   */
  reached(end: number, sample: SeamSample | null, wanted: number): void {
    if (sample !== null) this.samples.set(sample.offset, sample);
    if (sample !== null && sample.bytes.length >= wanted) this.unsampled.delete(end);
    else this.unsampled.set(end, (this.unsampled.get(end) ?? 0) + 1);
  }

  /** Whether there is a sample of full width at `offset`, to be compared with what will be written. */
  hasWhole(offset: number): boolean {
    return this.samples.get(offset)?.bytes.length === SEAM_BYTES;
  }

  /** Bytes of seams that fetching the edges again will cost: before and behind each. */
  get owedBytes(): number {
    return this.unsampled.size * 2 * SEAM_BYTES;
  }

  /** A lease that begins at `offset` compares the bytes before it. */
  headWillCompare(offset: number): void {
    this.unsampled.delete(offset);
  }

  /** What is written but not compared yet: a later run must compare it anew. */
  *open(): Generator<Span> {
    for (const { offset, bytes } of this.samples.values())
      yield { start: offset, end: offset + bytes.length };
    for (const offset of this.unsampled.keys()) yield before(offset);
  }

  /**
   * The written bytes before each edge that nothing was compared with.
   * @throws SluiceError HTTP_RANGE_MISMATCH when an edge was fetched again in vain
   */
  *uncompared(): Generator<Span> {
    for (const [offset, times] of this.unsampled) {
      if (times > MAX_AGAIN) throw neverTogether(offset);
      yield before(offset);
    }
  }

  /**
   * Compares every sample whose neighbour has written.
   * @param isWritten whether the range is in the file
   * @throws SluiceError CHANGED when a sample and the file differ
   */
  check(isWritten: (start: number, end: number) => boolean): void {
    for (const [offset, { bytes }] of this.samples) {
      if (!isWritten(offset, offset + bytes.length)) continue;
      const written = Buffer.alloc(bytes.length);
      this.read(written, offset);
      if (written.compare(bytes) !== 0) throw seamError({ path: this.path }, offset);
      this.samples.delete(offset);
    }
  }
}

const before = (offset: number): Span => ({
  start: Math.max(0, offset - SEAM_BYTES),
  end: offset,
});

function neverTogether(offset: number): SluiceError {
  const message = `the server never sends the bytes after offset ${offset} with those before it`;
  return new SluiceError('HTTP_RANGE_MISMATCH', message, { next: 'Try --connections 1.' });
}
