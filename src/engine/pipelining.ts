/**
 * Whether a server answers requests that are sent behind another one (RFC 9112 section 9.3.2). One
 * that does not is not asked so again.
 */
import type { LeaseOutcome } from '../lease/task.js';
import type { Out } from './connections.js';

/** An answer that is due may take this long (ms), and so many usual answers. */
const DUE_MS = 1000;
const DUE_ANSWERS = 5;

/** Requests in vain, without an answer between them, after which it is given up. */
const MAX_IN_VAIN = 3;

export class Pipelining {
  private answerMs = 0;
  private shown = false;
  private inVain = 0;

  /**
   * How many requests may wait behind others at once. Until the server has answered one, at most half
   * of the connections may send one: the others bring what a server leaves that does not like it.
   */
  most(connections: number): number {
    if (this.shown) return this.inVain < MAX_IN_VAIN ? Infinity : 0;
    return this.inVain === 0 ? Math.max(1, Math.floor(connections / 2)) : 0;
  }

  /** How long an answer may take from the end of the one before it (ms). */
  get dueMs(): number {
    return Math.max(DUE_MS, DUE_ANSWERS * this.answerMs);
  }

  /** A lease ended. */
  ended({ pipelined, firstByteMs }: LeaseOutcome, { excused }: Out): void {
    if (firstByteMs !== null) this.answerMs += 0.3 * (firstByteMs - this.answerMs);
    if (pipelined === 'answered') {
      this.shown = true;
      this.inVain = 0;
    } else if (pipelined === 'in-vain' && !excused) this.inVain++;
  }
}
