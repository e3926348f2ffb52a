/**
 * A part of a representation that is downloaded as a file of its own (`--range`). Offsets in the file begin at 0;
 * those that the server is asked for, and tells, begin at the part's start. This is where one becomes the other.
 */
import { SluiceError } from '../errors.js';
import { safeName } from './names.js';

/** What the user asked for: offsets in bytes, half-open; `end` null for up to the last byte; or the last bytes. */
export type WantedPart = { start: number; end: number | null } | { last: number };

/** Where the file lies in the representation: offsets in bytes, half-open. */
export interface Cut {
  start: number;
  end: number | null;
}

/** The file is the representation. */
export const WHOLE: Cut = { start: 0, end: null };

/** Bytes that a name must leave for what tells the part. */
const MARK_BYTES = 44;

const PART = /^(\d{1,15})?-(\d{1,15})?$/;
const IN_URL = /#bytes=([\d-]{2,32})$/;

/**
 * Reads `START-END` (both included), `START-` or `-LAST` (RFC 9110 section 14.1.1).
 * @returns null when it is none of them, or empty
 */
export function parsePart(text: string): WantedPart | null {
  const match = PART.exec(text.trim());
  if (match === null) return null;
  const [first, last] = [match[1], match[2]].map((digits) =>
    digits === undefined ? null : Number(digits),
  );
  if (first === null || first === undefined)
    return last === null || last === undefined || last === 0 ? null : { last };
  if (last === null || last === undefined) return { start: first, end: null };
  return last < first ? null : { start: first, end: last + 1 };
}

/** A part as the user writes it. */
export function partText(part: WantedPart): string {
  if ('last' in part) return `-${part.last}`;
  return `${part.start}-${part.end === null ? '' : part.end - 1}`;
}

/**
 * What a download is known by, in journals and receipts: its URL, with the part as a fragment. So the part is never
 * taken for the whole, nor the whole for the part. A URL of the user's has lost its fragment before.
 */
export function downloadId(url: string, part: WantedPart | null): string {
  return part === null ? url : `${url}#bytes=${partText(part)}`;
}

/** The URL and the part of what {@link downloadId} made. */
export function fromDownloadId(id: string): { url: string; part: WantedPart | null } {
  const match = IN_URL.exec(id);
  const part = match === null ? null : parsePart(match[1] as string);
  return match === null || part === null
    ? { url: id, part: null }
    : { url: id.slice(0, match.index), part };
}

/** The name of a part's file, from the name of the whole. */
export function partName(name: string, part: WantedPart | null): string {
  if (part === null) return name;
  const mark = 'last' in part ? `last-${part.last}` : partText(part);
  return `${safeName(name, { maxBytes: 240 - MARK_BYTES }) ?? 'download'}.bytes-${mark}`;
}

/** Where the part lies; null while only the length of the representation can tell. */
export function cutOf(part: WantedPart | null): Cut | null {
  if (part === null) return WHOLE;
  return 'last' in part ? null : part;
}

/** Where the last `count` of `total` bytes lie: all of them, when there are fewer. */
export function lastOf(count: number, total: number): Cut {
  return { start: Math.max(0, total - count), end: total };
}

/** A range of the file as the server is asked for it. */
export function toServer(
  cut: Cut,
  { start, end }: { start: number; end: number | null },
): { start: number; end: number | null } {
  const upTo = end === null ? cut.end : Math.min(end + cut.start, cut.end ?? Infinity);
  return { start: start + cut.start, end: upTo };
}

/** How long the file is of a representation of `total` bytes; null when that is not known. */
export function lengthIn(cut: Cut, total: number | null): number | null {
  if (total === null) return cut.end === null ? null : cut.end - cut.start;
  return Math.max(0, Math.min(total, cut.end ?? Infinity) - cut.start);
}

/** The representation ends before the part begins. */
export function beyondEnd(part: WantedPart | null, total: number | null): SluiceError {
  const has = total === null ? 'the file ends before it' : `the file has ${total} bytes`;
  const asked = part === null ? '' : ` ${partText(part)}`;
  return new SluiceError('RANGE_BEYOND_END', `there is no byte of the part${asked}: ${has}`, {
    next: 'Give --range START-END with a START below the length; `sluice info URL` shows that.',
  });
}
