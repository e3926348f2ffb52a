/** The memory that one connection receives into, again and again: unread bytes lie in it at `[from, to)`. */

/** Bytes of a connection's slab at most: the kernel gives much in one read. */
export const SLAB_BYTES = 1024 * 1024;

/** More connections share what so many have: what is received is to stay in the processor's cache. */
const MANY = 8;

/** The slab is handed on when less than this is free: a read should not be cut short. */
export const MIN_READ_BYTES = 64 * 1024;

/** Bytes of the slab of each of so many connections. */
export function slabBytes(connections: number): number {
  const share = Math.floor((MANY * SLAB_BYTES) / connections / MIN_READ_BYTES) * MIN_READ_BYTES;
  return Math.min(SLAB_BYTES, Math.max(2 * MIN_READ_BYTES, share));
}

/** No read is made smaller than this. */
const MIN_ROOM_BYTES = 4096;

/**
 * Memory of connections of this thread that are closed, for those that come next. A list of files closes and opens many,
 * and what nobody collects yet is more than what is in use.
 */
const free: Buffer[] = [];

/** Takes memory that is free and long enough, the shortest such, or new one. */
function allocate(length: number): Buffer {
  let best = -1;
  free.forEach((bytes, at) => {
    const isShorter = best < 0 || bytes.length < (free[best] as Buffer).length;
    if (bytes.length >= length && isShorter) best = at;
  });
  return best < 0 ? Buffer.allocUnsafeSlow(length) : (free.splice(best, 1)[0] as Buffer);
}

export class Slab {
  readonly bytes: Buffer;
  from = 0;
  to = 0;
  private readonly memory: Buffer;
  private isFree = false;

  /** @param length in bytes, see {@link slabBytes} */
  constructor(length: number) {
    this.memory = allocate(length);
    this.bytes = this.memory.subarray(0, length);
  }

  /** Nothing is read into it or from it any more: another connection may have its memory. */
  release(): void {
    if (this.isFree) return;
    this.isFree = true;
    const held = free.reduce((sum, { length }) => sum + length, 0);
    if (held + this.memory.length <= MANY * SLAB_BYTES) free.push(this.memory);
  }

  /** Unread bytes. */
  get pending(): number {
    return this.to - this.from;
  }

  /** Bytes of which all may lie in it at once, behind what was read before; the next read needs a place too. */
  get roomForAll(): number {
    return this.bytes.length - MIN_ROOM_BYTES - this.from;
  }

  /** Whether the next read would be cut short. */
  get isFull(): boolean {
    return this.bytes.length - this.to < MIN_READ_BYTES;
  }

  clear(): void {
    this.from = this.to = 0;
  }

  /** Keeps nothing but the `length` bytes at `at`, and has them at its beginning. */
  keepOnly(at: number, length: number): void {
    this.bytes.copyWithin(0, at, at + length);
    this.from = 0;
    this.to = length;
  }

  /**
   * Where a read for a body goes. Reading no further than is wanted keeps bytes beyond a lease's end off the
   * wire's bill. Never empty: libuv takes that for an error (ENOBUFS).
   */
  spaceFor(wanted: number): Uint8Array {
    const room = Math.max(MIN_ROOM_BYTES, wanted);
    return this.bytes.subarray(this.to, Math.min(this.bytes.length, this.to + room));
  }

  /**
   * Where any other read goes. One that brings a head may bring bytes of the body too; they must leave room
   * for the next read.
   */
  spaceForHead(): Uint8Array {
    const from = Math.min(this.to, this.bytes.length - MIN_READ_BYTES);
    return this.bytes.subarray(from, from + MIN_READ_BYTES);
  }

  /**
   * Brings what was read to `to`, without taking it in yet. Node asks for the buffer of a read right after
   * the read before it; what has left the slab meanwhile moves the place where these bytes belong.
   */
  settle(bytes: number, buffer: Uint8Array): void {
    const at = buffer.byteOffset - this.bytes.byteOffset;
    if (at !== this.to) this.bytes.copyWithin(this.to, at, at + bytes);
  }
}
