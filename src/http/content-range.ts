/** Content-Range and Range (RFC 9110 §14): which bytes an answer holds. */
import { SluiceError, assert } from '../errors.js';
import type { ResponseHead } from './head.js';
import { excerpt, parseDigits, trimOws } from './syntax.js';

/** `start` and `end` are a half-open range of bytes, `total` the length of the representation. */
export type ContentRange =
  | { kind: 'range'; start: number; end: number; total: number | null }
  | { kind: 'unsatisfied'; total: number | null };

/** What a user can do about such a server. */
const BROKEN = 'The server breaks HTTP; try another source of the file.';

const UNIT = 'bytes';

/** A decimal number, `*` where that is allowed. */
const NUMBER = /^[0-9]+$/;

/**
 * Reads a Content-Range value (RFC 9110 §14.4), and several that say the same. Servers write it as a Range
 * (`bytes=0-9/10`), without the unit, with blanks between its parts, without a total, or with the open end
 * that was asked for (`bytes 0-/10`): the numbers cannot be taken for others. `bytes * / *` (without the spaces) is outside the grammar, and is read as
 * "unsatisfied, length unknown", which promises nothing.
 * @throws SluiceError HTTP_RANGE_MISMATCH when it is malformed, of another unit, turned round,
 *   outside its own total, above 2^53 - 1, or says two things.
 */
export function parseContentRange(value: string): ContentRange {
  const [first, ...others] = value.split(',').map((each) => parseOne(trimOws(each), value));
  if (first === undefined || others.some((other) => !isSame(first, other)))
    throw mismatch(`Content-Range says two things: ${excerpt(value)}`);
  return first;
}

function parseOne(text: string, value: string): ContentRange {
  const invalid = (): SluiceError => mismatch(`Content-Range is not valid: ${excerpt(value)}`);
  const [place, length = '*', ...more] = withoutUnit(text).split('/').map(trimOws);
  if (more.length > 0 || (length !== '*' && !NUMBER.test(length))) throw invalid();
  const total = length === '*' ? null : number(length, value);
  if (place === '*') return { kind: 'unsatisfied', total };
  const [first = '', last, ...rest] = (place ?? '').split('-').map(trimOws);
  if (rest.length > 0 || !NUMBER.test(first)) throw invalid();
  const start = number(first, value);
  const end = endOf(last, total, value);
  if (end === null) throw invalid();
  if (start >= end || !Number.isSafeInteger(end) || (total !== null && end > total)) {
    throw mismatch(`Content-Range contradicts itself: ${excerpt(value)}`);
  }
  return { kind: 'range', start, end, total };
}

/** The end, exclusive; null when there is none. The open end that was asked for is that of the file. */
function endOf(last: string | undefined, total: number | null, value: string): number | null {
  if (last === '') return total;
  return last !== undefined && NUMBER.test(last) ? number(last, value) + 1 : null;
}

/** What is behind the unit and what parts it from the numbers; all of it where no unit is. */
function withoutUnit(text: string): string {
  if (text.slice(0, UNIT.length).toLowerCase() !== UNIT) return text;
  const rest = trimOws(text.slice(UNIT.length));
  return rest.startsWith('=') || rest.startsWith(':') ? rest.slice(1) : rest;
}

function isSame(a: ContentRange, b: ContentRange): boolean {
  if (a.kind !== b.kind || a.total !== b.total) return false;
  return a.kind !== 'range' || b.kind !== 'range' || (a.start === b.start && a.end === b.end);
}

/**
 * The Content-Range of an answer.
 * @throws SluiceError HTTP_RANGE_MISMATCH when there is none, one that is not valid, several that say
 *   different things, or when the answer is multipart/byteranges (which is never asked for).
 */
export function requireContentRange(head: ResponseHead): ContentRange {
  const details = { httpStatus: head.status, next: BROKEN };
  const type = head.fields.get('content-type') ?? '';
  if (/^multipart\/byteranges(?:[ \t;,]|$)/i.test(type)) {
    throw mismatch('the answer has several parts, and one range was asked for').with(details);
  }
  const value = head.fields.get('content-range');
  if (value === undefined) throw mismatch('the answer has no Content-Range').with(details);
  try {
    return parseContentRange(value);
  } catch (thrown) {
    throw SluiceError.from(thrown).with(details);
  }
}

/**
 * Checks that the body of a 206 is as long as its Content-Range says (RFC 9110 section 15.3.7).
 * @param length Content-Length in bytes; null when the body is framed otherwise
 * @throws SluiceError HTTP_RANGE_MISMATCH
 */
export function checkPartLength(
  head: ResponseHead,
  length: number | null,
  { start, end }: { start: number; end: number },
): void {
  if (length === null || length === end - start) return;
  throw mismatch(`Content-Range promises ${end - start} bytes, Content-Length ${length}`).with({
    httpStatus: head.status,
    next: BROKEN,
  });
}

/** The value of Range for the bytes `[start, end)`; `end` null asks for the rest. */
export function rangeValue(start: number, end: number | null): string {
  assert(Number.isSafeInteger(start) && start >= 0, 'a range starts at a whole byte');
  if (end === null) return `bytes=${start}-`;
  assert(Number.isSafeInteger(end) && end > start, 'a range holds at least one byte');
  return `bytes=${start}-${end - 1}`;
}

function number(text: string, value: string): number {
  const parsed = parseDigits(text);
  if (parsed === null) throw mismatch(`Content-Range is above 2^53 - 1: ${excerpt(value)}`);
  return parsed;
}

/** An answer's bytes are not those that were asked for. */
export function mismatch(message: string): SluiceError {
  return new SluiceError('HTTP_RANGE_MISMATCH', message);
}
