/**
 * The ladder (P22): how a download asks for its first bytes. A server that does not like the request is
 * asked more plainly before the user sees an error, for there are servers, and firewalls before them, that
 * serve every plain client and refuse Range, or long ranges.
 *
 * The rungs, from the most useful to the plainest: `open` asks for everything from an offset on (its
 * answer shows whether ranges work), `bounded` for some MiB, `plain` without Range. What a download does
 * above these, parallel ranges or one ranged stream, is not a way to ask but what is made of the answer.
 */
import type { ErrorCode, SluiceError } from '../errors.js';

export type Rung = 'open' | 'bounded' | 'plain';

/** What is asked for: offsets in bytes, half-open; `end` null for up to the last byte. */
export interface Asking {
  start: number;
  end: number | null;
}

/** A rung that was tried in vain, and why. */
export interface Step {
  rung: Rung;
  code: ErrorCode;
  why: string;
}

/** The most bytes that are asked for at once on the rung `bounded`: servers that refuse long ranges serve these. */
export const BOUNDED_BYTES = 4 * 1024 * 1024;

/** Failures of the open range before the plain request has its turn in between. */
const FAILURES_BEFORE_PLAIN = 2;

/** Statuses that say nothing of the length of a range, so that a shorter one is not tried. */
const NOT_OF_LENGTH: ReadonlySet<number> = new Set([401, 404, 407, 410]);

/** Answers to a range that cannot be used, whatever the range: without Range there is nothing to mistake. */
const USELESS: ReadonlySet<ErrorCode> = new Set([
  'HTTP_RANGE_MISMATCH',
  'HTTP_RANGE_IGNORED',
  'HTTP_ENCODED',
]);

/** Answers that hold no file at all; to a request without Range the same server may give it. */
const NO_FILE: ReadonlySet<ErrorCode> = new Set(['HTTP_UNEXPECTED', 'REDIRECT_INVALID']);

/** What passes by itself in most cases, and is the answer to Range in some. */
const PASSING: ReadonlySet<ErrorCode> = new Set(['HTTP_SERVER_ERROR', 'CONNECTION_LOST']);

export class Ladder {
  private current: Rung = 'open';
  private readonly steps: Step[] = [];
  private failures = 0;
  private isOneStream = false;

  get rung(): Rung {
    return this.current;
  }

  /** What was tried in vain, in order. */
  get tried(): readonly Step[] {
    return this.steps;
  }

  /** The most bytes that one request may ask for; Infinity where that does not matter. */
  get longest(): number {
    return this.current === 'bounded' ? BOUNDED_BYTES : Infinity;
  }

  /**
   * A request begins. With bytes in place a plain one would throw them away, so a range is tried first.
   * @param from the offset of the first byte that is wanted
   */
  begin(from: number): void {
    if (from > 0 && this.current === 'plain') this.current = 'open';
  }

  /** What to ask for on the present rung; null for a request without Range. */
  asking({ start, end }: Asking): Asking | null {
    if (this.current === 'plain') return null;
    if (this.current === 'open') return { start, end };
    return { start, end: Math.min(end ?? Infinity, start + BOUNDED_BYTES) };
  }

  /**
   * A request failed: goes to the next lower rung, if that may help.
   * @param isLast there will be no other try of this request: what may pass is not waited for any longer
   * @returns whether to ask again at once
   */
  descend(error: SluiceError, isLast: boolean): boolean {
    const lower = this.below(error, isLast);
    if (lower === null) return false;
    this.steps.push({ rung: this.current, code: error.code, why: error.message });
    this.current = lower;
    return true;
  }

  /** Whether even a request without Range had an answer that cannot be used, which waiting does not change. */
  isExhausted({ code }: SluiceError): boolean {
    return this.current === 'plain' && USELESS.has(code);
  }

  /**
   * Leases failed for good, and nothing else is served: one stream may do, or a plainer request.
   * @param arePartial whether the server serves ranges
   * @returns whether it is worth asking again; once for each source
   */
  leavesLeases(error: SluiceError, arePartial: boolean): boolean {
    if (this.isOneStream || error.details.retryAfterMs !== undefined) return false;
    const { code } = error;
    // How a part is framed says nothing of how the whole is.
    if (code === 'HTTP_MALFORMED' && arePartial && this.current !== 'plain') {
      this.steps.push({ rung: this.current, code, why: error.message });
      this.current = 'plain';
      return (this.isOneStream = true);
    }
    if (code !== 'HTTP_REFUSED' && !USELESS.has(code) && !PASSING.has(code)) return false;
    return (this.isOneStream = true);
  }

  /**
   * What may pass is waited for, and then asked for again. The plain request has its turn in between,
   * for the failure may be the server's way to refuse Range.
   */
  failed(): void {
    this.failures++;
    const isPlainsTurn = this.failures >= FAILURES_BEFORE_PLAIN && this.current !== 'plain';
    this.current = isPlainsTurn ? 'plain' : 'open';
  }

  private below(error: SluiceError, isLast: boolean): Rung | null {
    const { code, details } = error;
    if (this.current === 'plain') return null;
    if (USELESS.has(code) || NO_FILE.has(code)) return 'plain';
    if (PASSING.has(code)) return isLast && details.retryAfterMs === undefined ? 'plain' : null;
    if (code !== 'HTTP_REFUSED') return null;
    const isOfLength = !NOT_OF_LENGTH.has(details.httpStatus ?? 0);
    return this.current === 'open' && isOfLength ? 'bounded' : 'plain';
  }
}

/** Why a server is asked more plainly, for people. */
export function toldOf({ rung, why }: Step): string {
  const what = rung === 'open' ? 'an open range' : 'a bounded range';
  return `${what} did not work (${why})`;
}
