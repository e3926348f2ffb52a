/** The sums of the parts of a file, which become those of the whole. */
import { assert } from '../errors.js';
import { startHash } from './checksum.js';
import { combineCrcs } from './crc-combine.js';
import type { CrcAlgorithm } from './crc-combine.js';

/** A part `[start, end)` and its sums, in the order of the algorithms. */
interface Part {
  start: number;
  end: number;
  sums: string[];
}

export class Sums {
  private readonly parts: Part[] = [];

  constructor(private readonly algorithms: readonly CrcAlgorithm[]) {}

  /**
   * Sums a part, which overlaps no other one.
   * @param read gives its bytes from an offset on, some at a time, never none
   */
  async add(start: number, end: number, read: (at: number) => Uint8Array): Promise<void> {
    const hashes = await Promise.all(this.algorithms.map((algorithm) => startHash(algorithm)));
    for (let at = start; at < end;) {
      const bytes = read(at);
      for (const hash of hashes) hash.update(bytes);
      at += bytes.length;
    }
    this.parts.push({ start, end, sums: hashes.map((hash) => hash.digest()) });
  }

  /** The sums of `[0, size)`, all of which was added. */
  async whole(size: number): Promise<string[]> {
    if (size === 0) await this.add(0, 0, () => new Uint8Array());
    const [first, ...rest] = this.parts.sort((a, b) => a.start - b.start);
    assert(first?.start === 0, 'the sums begin with the file');
    let { end, sums } = first;
    for (const part of rest) {
      assert(part.start === end, 'each part is summed once');
      sums = this.algorithms.map((algorithm, i) =>
        combineCrcs(algorithm, sums[i] as string, part.sums[i] as string, part.end - part.start),
      );
      ({ end } = part);
    }
    assert(end === size, 'the sums end with the file');
    return sums;
  }
}
