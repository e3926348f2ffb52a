/**
 * What the body of a 206 is (RFC 9110 sections 14.4 and 15.3.7), or of a 200 that says that it is a part:
 * the range that was asked for, or the whole by another name. Servers in the wild put labels on bodies that
 * tell another place than was asked; a label is believed when nothing contradicts it.
 */
import { checkPartLength, mismatch, requireContentRange } from './content-range.js';
import type { Framing } from './framing.js';
import type { ResponseHead } from './head.js';
import { excerpt } from './syntax.js';

/** A part may begin so many bytes before what was asked for: servers round down to their blocks. */
export const EARLY_BYTES = 64 * 1024;

/** Offsets in bytes, half-open; `total` null when the server does not tell it. */
export type Part =
  | { kind: 'part'; start: number; end: number; total: number | null }
  | { kind: 'whole'; total: number };

/**
 * Reads a part's label.
 * @param start the offset that was asked for; null when the request had no Range
 * @throws SluiceError HTTP_RANGE_MISMATCH when it is not what was asked for, or contradicts itself
 */
export function readPart(head: ResponseHead, framing: Framing, start: number | null): Part {
  const range = requireContentRange(head);
  const asked = start === null ? 'for no range' : `for bytes from ${start}`;
  if (range.kind !== 'range') throw misplaced(head, asked);
  const { start: first, end, total } = range;
  checkPartLength(head, framing.kind === 'length' ? framing.length : null, range);
  const isWhole = first === 0 && end === total;
  if (start === null || first !== start) {
    if (isWhole) return { kind: 'whole', total };
    const isEarly = start !== null && first < start && start - first <= EARLY_BYTES && end > start;
    if (!isEarly) throw misplaced(head, asked);
  }
  return { kind: 'part', start: first, end, total };
}

/** Whether a 200 is the part that was asked for: its label is exact, and its body as long as that says. */
export function isLabelledPart(head: ResponseHead, framing: Framing, start: number): boolean {
  if (head.status !== 200 || framing.kind !== 'length') return false;
  if (!head.fields.has('content-range')) return false;
  try {
    const part = readPart(head, framing, start);
    return part.kind === 'part' && part.start === start && part.total !== null;
  } catch {
    return false;
  }
}

function misplaced(head: ResponseHead, asked: string): Error {
  const got = excerpt(head.fields.get('content-range') ?? 'none');
  return mismatch(`asked ${asked}, the server answered with Content-Range: ${got}`).with({
    httpStatus: head.status,
    next: 'The server breaks HTTP; try another source of the file.',
  });
}
