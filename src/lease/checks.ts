/**
 * The CRCs of what threads have just written, on their way to the journal. The thread that writes has the
 * bytes in its cache; to read them back from the file for their CRC costs three times as much.
 *
 * Each slot has a ring of records in shared memory: its thread adds to it, the main thread takes from it. A
 * record that finds no room is dropped, and its bytes are read back.
 */
import type { DurableExtent } from '../disk/durable-extents.js';

/** 32-bit words of a record: the start as a double, the length, the CRC. */
const RECORD_WORDS = 4;
/** Records of one ring: more than a second brings at the rate of memory. */
const RECORDS = 2048;

/** Bytes of one ring. */
export const RING_BYTES = RECORDS * RECORD_WORDS * 4;

/** Where the counters of a slot are, as 32-bit words of the memory. */
export interface Counters {
  /** Records that were ever put in. */
  put: number;
  /** Records that were ever taken out. */
  taken: number;
}

export class Checks {
  private readonly words: Int32Array;
  private readonly doubles: Float64Array;

  /**
   * @param firstByte where the ring of slot 0 begins; the others follow
   * @param counters where the counters of a slot are
   */
  constructor(
    memory: SharedArrayBuffer,
    private readonly firstByte: number,
    private readonly counters: (slot: number) => Counters,
  ) {
    this.words = new Int32Array(memory);
    this.doubles = new Float64Array(memory);
  }

  /** Adds a record; done by the thread that runs the slot's lease, after the write and before the position is set. */
  put(slot: number, start: number, bytes: number, crc: number): void {
    const { put, taken } = this.counters(slot);
    const count = Atomics.load(this.words, put);
    if (((count - Atomics.load(this.words, taken)) | 0) >= RECORDS) return;
    const at = this.wordOf(slot, count);
    this.doubles[at / 2] = start;
    this.words[at + 2] = bytes;
    this.words[at + 3] = crc | 0;
    Atomics.store(this.words, put, (count + 1) | 0);
  }

  /** Takes all records of a slot out, in the order in which they were written; done by the main thread. */
  take(slot: number): DurableExtent[] {
    const { put, taken } = this.counters(slot);
    const extents: DurableExtent[] = [];
    const end = Atomics.load(this.words, put);
    for (let count = Atomics.load(this.words, taken); count !== end; count = (count + 1) | 0) {
      const at = this.wordOf(slot, count);
      const start = this.doubles[at / 2] as number;
      const bytes = this.words[at + 2] as number;
      extents.push({ start, end: start + bytes, crc: (this.words[at + 3] as number) >>> 0 });
    }
    Atomics.store(this.words, taken, end);
    return extents;
  }

  private wordOf(slot: number, count: number): number {
    const record = (count >>> 0) % RECORDS;
    return (this.firstByte + slot * RING_BYTES) / 4 + record * RECORD_WORDS;
  }
}
