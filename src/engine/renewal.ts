/**
 * How often the source has become another one while a download is at work, and why (P20): the
 * original URL is asked again for all leases at once, and what is still out is of an older generation.
 */
import { SEAM_BYTES } from '../lease/task.js';

/** What comes after a renewal and is no more than that may be a seam alone. */
const NEXT_TO_NOTHING = 2 * SEAM_BYTES;

export class Renewal {
  /** How often the source has become another one. */
  generation = 0;
  /** The original URL is being asked. */
  isUnderWay = false;
  /** Bytes received when the address was last renewed; null before. */
  private mark: number | null = null;

  /** @param isRedirected whether the source is what a redirect led to */
  constructor(public isRedirected: boolean) {}

  /** The original URL has told the address, after so many bytes had been received. */
  done(received: number): void {
    this.isUnderWay = false;
    this.isRedirected = true;
    this.mark = received;
    this.generation++;
  }

  /** Whether a lease was asked of a source that is, or is about to be, another one now. */
  isStale(generation: number): boolean {
    return this.isUnderWay || generation !== this.generation;
  }

  /** Whether the address was renewed and nothing has come since. */
  isInVain(received: number): boolean {
    return this.mark !== null && received - this.mark <= NEXT_TO_NOTHING;
  }
}
