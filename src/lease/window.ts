/**
 * A window of memory in the place of a file: bytes of a download that goes to a reader in order. Threads
 * put bytes in at their offsets, the main thread takes them out at the front. It is a ring: the byte at an
 * offset lies at the offset modulo the ring's length.
 */

/** Bytes of the header: the offset of the reader, as a 64-bit integer. */
const HEADER = 16;

/**
 * Bytes of the ring beside the window: what a connection receives beyond the window before it notices, up
 * to a slab, and what the reader has passed and a seam is still compared with.
 */
const BESIDE = 2 * 1024 * 1024;

export class Window {
  private readonly reader: BigInt64Array;
  private readonly ring: Buffer;

  constructor(readonly memory: SharedArrayBuffer) {
    this.reader = new BigInt64Array(memory, 0, 1);
    this.ring = Buffer.from(memory, HEADER);
  }

  /** @param bytes how far ahead of the reader bytes may be */
  static allocate(bytes: number): Window {
    return new Window(new SharedArrayBuffer(HEADER + bytes + BESIDE));
  }

  /** First byte that the reader has not taken. */
  get front(): number {
    return Number(Atomics.load(this.reader, 0));
  }

  /** First byte that has no place yet. */
  get end(): number {
    return this.front + this.ring.length - BESIDE;
  }

  /** The reader has taken everything before an offset; done by the main thread only. */
  pass(offset: number): void {
    Atomics.store(this.reader, 0, BigInt(offset));
  }

  /** Puts bytes `[from, to)` of a slab in, at an offset that is before {@link end} or a little behind it. */
  put(slab: Uint8Array, from: number, to: number, offset: number): void {
    for (let at = from; at < to;) {
      const place = (offset + at - from) % this.ring.length;
      const count = Math.min(to - at, this.ring.length - place);
      transcribe(slab.subarray(at, at + count), this.ring, place);
      at += count;
    }
  }

  /**
   * Bytes `[from, to)` where they lie, or as many of them as lie together: nothing is copied. They stay as they
   * are until {@link pass} says that the reader has taken them.
   */
  view(from: number, to: number): Uint8Array {
    const place = from % this.ring.length;
    return this.ring.subarray(place, Math.min(place + to - from, this.ring.length));
  }

  /** Copies the bytes at an offset, as many as the target holds. */
  copy(target: Buffer, offset: number): void {
    for (let at = 0; at < target.length;) {
      const place = (offset + at) % this.ring.length;
      const count = Math.min(target.length - at, this.ring.length - place);
      transcribe(this.ring.subarray(place, place + count), target, at);
      at += count;
    }
  }
}

/**
 * Copies bytes to a place in a buffer. `set` and `copy` take shared memory word by word, and byte by byte where the
 * two are aligned differently (0.5 to 3 GiB/s); `fill` with as many bytes as there is room for is one memcpy(3).
 */
function transcribe(bytes: Uint8Array, to: Buffer, at: number): void {
  if (bytes.length > 0) to.fill(bytes, at, at + bytes.length);
}
