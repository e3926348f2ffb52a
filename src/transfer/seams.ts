/**
 * The seams between leases (P5). A lease that ended beside another one's bytes brought a sample of
 * them; when the neighbour has written there, the sample and the file must agree.
 */
import { readFully } from '../disk/io.js';
import { seamError } from '../../workers/lease-sink.js';
import type { SeamSample } from '../../workers/protocol.js';

export class Seams {
  private readonly open = new Map<number, SeamSample>();

  constructor(
    private readonly fd: number,
    private readonly path: string,
  ) {}

  /** Samples that wait for their neighbour. */
  samples(): IterableIterator<SeamSample> {
    return this.open.values();
  }

  add(sample: SeamSample): void {
    this.open.set(sample.offset, sample);
  }

  /**
   * Compares every sample whose neighbour has written.
   * @param isWritten whether the range is in the file
   * @throws SluiceError CHANGED when a sample and the file differ
   */
  check(isWritten: (start: number, end: number) => boolean): void {
    for (const [offset, { bytes }] of this.open) {
      if (!isWritten(offset, offset + bytes.length)) continue;
      const written = Buffer.alloc(bytes.length);
      readFully(this.fd, written, 0, written.length, offset);
      if (written.compare(bytes) !== 0) throw seamError({ path: this.path }, offset);
      this.open.delete(offset);
    }
  }
}
