/** What the first answer offers. Pure: a head in, a decision out. */
import { SluiceError } from '../errors.js';
import { encodedError, refusal } from '../http/answer.js';
import { foreignCoding } from '../http/content-coding.js';
import type { Expected } from '../http/content-coding.js';
import { parseContentRange } from '../http/content-range.js';
import type { Framing } from '../http/framing.js';
import type { ResponseHead } from '../http/head.js';
import { onTheWay } from '../http/intermediary.js';
import { isLabelledPart, readPart } from '../http/part.js';
import { excerpt } from '../http/syntax.js';

/** What a server offers of a representation. Offsets are half-open. */
export type Offer =
  /** 206: the body is `[start, end)` of `total` bytes. */
  | { kind: 'range'; start: number; end: number; total: number }
  /**
   * 200: the body is everything. `ranges` tells whether the server claims to serve ranges too. `coding` is
   * what the server applied to the file that the user wants; what is saved is what it sends.
   */
  | { kind: 'whole'; total: number | null; ranges: boolean; why: string; coding?: string }
  /** 304: what was asked whether it is still so is so; only where a condition was sent. */
  | { kind: 'unchanged'; total: null }
  /** 416: no byte at or after the asked offset. */
  | { kind: 'none'; total: number | null };

/**
 * Decides what an answer to a request for `bytes=start-` offers.
 * @param start the offset that was asked for; null when no range was asked for
 * @param expected tells a coding that belongs to the file
 * @param known the length of the representation, where it is known from before
 * @throws SluiceError HTTP_REFUSED, HTTP_SERVER_ERROR, HTTP_UNEXPECTED, HTTP_ENCODED, HTTP_RANGE_MISMATCH
 */
export function readOffer(
  head: ResponseHead,
  framing: Framing,
  start: number | null,
  expected: Expected,
  known: number | null = null,
): Offer {
  switch (head.status) {
    case 206:
      if (start === null && !head.fields.has('content-range'))
        return readUnlabelled(head, framing, known, foreignCoding(head, expected));
      return readRange(head, framing, start, { expected, known });
    case 201:
    case 203:
    case 226:
      if (start !== null || head.fields.has('im')) throw refusal(head);
      return withoutRanges(
        readWhole(head, framing, foreignCoding(head, expected)),
        `the server answers ${head.status} and not 200`,
      );
    case 200:
      if (start !== null && isLabelledPart(head, framing, start))
        return readRange(head, framing, start, { expected, known });
      return readWhole(head, framing, foreignCoding(head, expected));
    case 416:
      if (start !== null) return readNone(head);
      throw refusal(head);
    default:
      throw refusal(head);
  }
}

function readRange(
  head: ResponseHead,
  framing: Framing,
  start: number | null,
  { expected, known }: { expected: Expected; known: number | null },
): Offer {
  const coding = foreignCoding(head, expected);
  if (coding !== null && start !== null) throw encodedError(head);
  const part = readPart(head, framing, start);
  if (part.kind === 'whole' && coding !== null) return asSent(part.total, coding);
  if (part.kind === 'whole') {
    const why = `the server calls everything the whole file, whatever is asked for${onTheWay(head)}`;
    return { kind: 'whole', total: part.total, ranges: false, why };
  }
  const total = part.total ?? known;
  if (total === null || part.end > total)
    throw mismatch(head, 'the server does not tell the total length');
  return { kind: 'range', start: part.start, end: part.end, total };
}

/**
 * A 206 to a request without Range that does not say which part it is: every plain client takes it for the
 * whole. Where the length is known, and the body has another, it is a part of which nobody knows the place.
 */
function readUnlabelled(
  head: ResponseHead,
  framing: Framing,
  known: number | null,
  coding: string | null,
): Offer {
  const offer = readWhole(head, framing, coding);
  if (known !== null && offer.total !== null && offer.total !== known)
    throw mismatch(head, `the server sent ${offer.total} of ${known} bytes as a part of no place`);
  return withoutRanges(offer, 'the server calls everything a part, and does not say of what');
}

/** Nothing vouches for ranges of such an answer. */
function withoutRanges(offer: Offer, why: string): Offer {
  return offer.kind === 'whole' && offer.coding === undefined
    ? { ...offer, ranges: false, why }
    : offer;
}

function readWhole(head: ResponseHead, framing: Framing, coding: string | null): Offer {
  if (/^multipart\/byteranges\b/i.test(head.fields.get('content-type') ?? '')) {
    throw mismatch(head, 'the server sent several parts as if they were the whole');
  }
  if (saysPart(head)) throw mismatch(head, 'the server sent a part as if it were the whole');
  const total = framing.kind === 'length' ? framing.length : framing.kind === 'none' ? 0 : null;
  if (coding !== null) return asSent(total, coding);
  const accepts = (head.fields.get('accept-ranges') ?? '').toLowerCase();
  const ranges = accepts.split(',').some((unit) => unit.trim() === 'bytes') && total !== null;
  const why =
    total === null
      ? 'the server does not tell the length'
      : `the server does not serve byte ranges of this file${onTheWay(head)}`;
  return { kind: 'whole', total, ranges, why };
}

/** A coded whole: of one answer the bytes are at least those of one representation (P10). */
function asSent(total: number | null, coding: string): Offer {
  const why = `the server encodes it (Content-Encoding: ${excerpt(coding)})`;
  return { kind: 'whole', total, ranges: false, why, coding };
}

/** Whether a 200 has a Content-Range, which means nothing there (RFC 9110 section 14.4), of a part. */
function saysPart(head: ResponseHead): boolean {
  const value = head.fields.get('content-range');
  if (value === undefined) return false;
  try {
    const range = parseContentRange(value);
    return range.kind === 'range' && (range.start > 0 || range.end < (range.total ?? range.end));
  } catch {
    return false;
  }
}

function readNone(head: ResponseHead): Offer {
  const value = head.fields.get('content-range');
  if (value === undefined) return { kind: 'none', total: null };
  const range = parseContentRange(value);
  if (range.kind !== 'unsatisfied') throw mismatch(head, 'the server answered 416');
  return { kind: 'none', total: range.total };
}

function mismatch(head: ResponseHead, what: string): SluiceError {
  const got = excerpt(head.fields.get('content-range') ?? 'none');
  return new SluiceError('HTTP_RANGE_MISMATCH', `${what}; Content-Range: ${got}${onTheWay(head)}`, {
    httpStatus: head.status,
    next: 'The server breaks HTTP; try another source of the file.',
  });
}
