/** A body's sink for tests of a connection alone. */
import type { BodySink } from '../../src/net/exchange.js';

/** Takes what comes, piece by piece, and would take more than was promised. */
export class Collector implements BodySink {
  readonly isHeld = false;
  readonly isSated = false;
  got = '';

  arrived(): boolean {
    return true;
  }
  room(): number {
    return 64 * 1024;
  }
  take(slab: Uint8Array, from: number, to: number): boolean {
    this.got += Buffer.from(slab.subarray(from, to)).toString('latin1');
    return true;
  }
}
