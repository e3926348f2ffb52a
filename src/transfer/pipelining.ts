/**
 * Whether a connection is asked for its next lease before the present one has ended, so that no
 * round trip lies between the two (RFC 9112 section 9.3.2). Where a round trip is short nothing is
 * gained; where a server does not answer what was asked so, it is not asked so again.
 */
import type { LeaseOutcome } from '../../workers/protocol.js';

/** Where an answer takes this long, in milliseconds, it pays. */
const WORTH_MS = 5;

/** A request is sent this long before it has to be at the server: the scheduler looks seldom. */
const LEAD_MS = 75;

/** An answer that is due may take this long, in milliseconds, and so many usual answers. */
const DUE_MS = 1000;
const DUE_ANSWERS = 5;

/** Requests in vain, without an answer between them, after which it is given up. */
const MAX_IN_VAIN = 3;

export class Pipelining {
  /** Milliseconds that an answer takes on an open connection. */
  private answerMs: number;
  private shown = false;
  private inVain = 0;
  private underWay = 0;

  /** @param roundTripMs of the first connection */
  constructor(roundTripMs: number) {
    this.answerMs = roundTripMs;
  }

  /**
   * Whether one of so many connections may be sent a request behind another one. Until one was
   * answered, half of them may: the others bring what a server that does not like it leaves.
   */
  isOpen(connections: number): boolean {
    if (this.answerMs < WORTH_MS) return false;
    if (this.shown) return this.inVain < MAX_IN_VAIN;
    return this.inVain === 0 && this.underWay < Math.max(1, Math.floor(connections / 2));
  }

  /** How long before the end of a lease its successor is asked for, in milliseconds. */
  get leadMs(): number {
    return this.answerMs + LEAD_MS;
  }

  /** How long an answer may take from the end of the one before it, in milliseconds. */
  get dueMs(): number {
    return Math.max(DUE_MS, DUE_ANSWERS * this.answerMs);
  }

  /** A request is sent behind another one. */
  asked(): void {
    this.underWay++;
  }

  /**
   * A lease ended.
   * @param behind it was asked for behind another one
   * @param excused that other one was given up, which takes its connection with it
   */
  ended({ pipelined, firstByteMs }: LeaseOutcome, behind: boolean, excused: boolean): void {
    if (behind) this.underWay--;
    if (firstByteMs !== null) this.answerMs += 0.3 * (firstByteMs - this.answerMs);
    if (pipelined === 'answered') {
      this.shown = true;
      this.inVain = 0;
    } else if (pipelined === 'in-vain' && !excused) this.inVain++;
  }
}
