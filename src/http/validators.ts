/** Validators (RFC 9110 §8.8): whether two answers are of one representation. */
import { parseHttpDate, parseLooseDate } from './date.js';
import type { ResponseHead } from './head.js';

/** What an answer says about the identity of its representation. Plain data: JSON keeps it. */
export interface Validators {
  /** `opaque` is the tag as it was written, without `W/`; with its quotes, if it has any. Null when there is none. */
  etag: { opaque: string; weak: boolean } | null;
  /** Last-Modified as the server wrote it, for If-Range wants it exactly; null when it is no date. */
  lastModified: string | null;
  /** The same in milliseconds since 1970. */
  lastModifiedMs: number | null;
  /** Date in milliseconds since 1970. */
  dateMs: number | null;
}

/** How much older than Date a strong Last-Modified is at least, in ms (RFC 9110 §8.8.2.2). */
export const STRONG_DATE_MS = 60_000;

const OPAQUE_TAG = /^"[\x21\x23-\x7e\x80-\xff]*"$/;
/** With blanks between its quotes, or without quotes: RFC 9110 has no such tags, servers send them. */
const LOOSE_TAG = /^(?:"[\x20\x21\x23-\x7e\x80-\xff]*"|[\x21\x23-\x2b\x2d-\x7e\x80-\xff]+)$/;
/** What programs write without quotes when they have no tag: it is the same for all files. */
const NO_TAG = /^(?:null|nil|none|undefined|nan|true|false|0|-)$/i;
const WEAK_MARK = 'W/';

/**
 * The validators of an answer. A field that says nothing that could be compared, or two things, counts
 * as absent. One whose form is not HTTP's is still compared: the same text is the same evidence.
 */
export function readValidators(head: ResponseHead): Validators {
  const date = single(head, 'date');
  const modified = single(head, 'last-modified');
  const lastModifiedMs = modified === null ? null : parseLooseDate(modified);
  return {
    etag: readTag(single(head, 'etag') ?? ''),
    lastModified: lastModifiedMs === null ? null : modified,
    lastModifiedMs,
    dateMs: date === null ? null : wholeMs(parseLooseDate(date)),
  };
}

const wholeMs = (ms: number | null): number | null => (ms === null ? null : Math.floor(ms));

/**
 * Validators that were kept in a file. What {@link readValidators} would not have given counts as
 * absent: anyone may have written into the file.
 */
export function keptValidators(value: unknown): Validators {
  const { etag, lastModified, dateMs } = recordOf(value);
  const { opaque, weak } = recordOf(etag);
  const tag = typeof opaque === 'string' && typeof weak === 'boolean' ? { opaque, weak } : null;
  const modifiedMs = typeof lastModified === 'string' ? parseLooseDate(lastModified) : null;
  return {
    etag: tag !== null && isTag(tag.opaque) ? tag : null,
    lastModified: modifiedMs === null ? null : (lastModified as string),
    lastModifiedMs: modifiedMs,
    dateMs: Number.isSafeInteger(dateMs) ? (dateMs as number) : null,
  };
}

/**
 * The validator that proves equality byte for byte, if there is one: a strong ETag; else a
 * Last-Modified at least {@link STRONG_DATE_MS} before Date (RFC 9110 §8.8.2.2), beside a weak
 * ETag too. What may go into If-Range is {@link ifRangeValue}.
 */
export function strongValidator(v: Validators): { kind: 'etag' | 'date'; value: string } | null {
  if (v.etag !== null && !v.etag.weak) return { kind: 'etag', value: v.etag.opaque };
  if (v.lastModified === null || !hasStrongDate(v)) return null;
  return { kind: 'date', value: v.lastModified };
}

/**
 * The value of If-Range (RFC 9110 §13.1.5), or null when none may be sent: never a weak ETag, a date
 * only when it is strong and there is no ETag at all, and nothing that is not in HTTP's own form, for a
 * server could take it for neither.
 */
export function ifRangeValue(v: Validators): string | null {
  const strong = strongValidator(v);
  if (strong === null || (strong.kind === 'date' && v.etag !== null)) return null;
  const isOfHttp = OPAQUE_TAG.test(strong.value) || parseHttpDate(strong.value) !== null;
  return isOfHttp ? strong.value : null;
}

/**
 * Fields that ask for a representation only if it is another one than that of these validators (RFC 9110
 * sections 13.1.2 and 13.1.3): what is not in HTTP's own form is left out.
 */
export function changedSince({ etag, lastModified }: Validators): Array<[string, string]> {
  const fields: Array<[string, string]> = [];
  if (etag !== null && OPAQUE_TAG.test(etag.opaque))
    fields.push(['If-None-Match', `${etag.weak ? WEAK_MARK : ''}${etag.opaque}`]);
  if (lastModified !== null && parseHttpDate(lastModified) !== null)
    fields.push(['If-Modified-Since', lastModified]);
  return fields;
}

/**
 * Why what an answer says of its representation proves nothing; null when it does prove.
 * A sentence's second half, for people.
 */
export function whyUnproven(head: ResponseHead): string | null {
  const v = readValidators(head);
  if (strongValidator(v) !== null) return null;
  return [whyNoTag(head, v), whyNoDate(head, v)].join(', and ');
}

function whyNoTag({ fields }: ResponseHead, { etag }: Validators): string {
  if (etag !== null) return 'its ETag is weak (W/), so it may stay while bytes change';
  const tags = new Set(fields.getAll('etag'));
  if (tags.size === 0) return 'it gives no ETag';
  return tags.size > 1 ? 'it gives several ETags' : 'its ETag is none';
}

function whyNoDate({ fields }: ResponseHead, { lastModifiedMs, dateMs }: Validators): string {
  if (lastModifiedMs !== null && dateMs === null)
    return 'nothing tells how old its Last-Modified is (Date is missing or no date)';
  if (lastModifiedMs !== null)
    return `its Last-Modified is less than ${STRONG_DATE_MS / 1000} s older than Date, so bytes may still change under it`;
  const dates = new Set(fields.getAll('last-modified'));
  if (dates.size === 0) return 'it gives no Last-Modified';
  return dates.size > 1
    ? 'it gives several Last-Modified'
    : 'its Last-Modified is no date with a zone';
}

/**
 * Whether an answer seen now is of the representation known from an earlier one.
 *
 * | ETag known, seen            | Last-Modified equal           | differs     | not in both |
 * | --------------------------- | ----------------------------- | ----------- | ----------- |
 * | both strong, equal          | same                          | same        | same        |
 * | both strong, unequal        | different                     | different   | different   |
 * | both weak, unequal          | different                     | different   | different   |
 * | both weak, equal            | same if strong, else unproven | different   | unproven    |
 * | missing in one or both      | same if strong, else unproven | different   | unproven    |
 * | strength differs, tag equal | same if strong, else unproven | different   | unproven    |
 * | strength differs, tag not   | unproven                      | different   | unproven    |
 *
 * - A Last-Modified is strong here when it was so in the *known* answer. When that one came within
 *   a minute of the change, a second change in the same second would show the same date.
 * - A strong ETag outweighs Last-Modified: mirrors and redeployments change dates, not bytes.
 * - A weak ETag never proves, for it may stay while bytes change (RFC 9110 §8.8.3). An ETag that
 *   turned weak (a server that compresses on the fly does so) proves nothing by itself, nor does
 *   it deny; with other text it speaks against an equal date, so neither is believed.
 */
export function compareValidators(
  known: Validators,
  seen: Validators,
): 'same' | 'different' | 'unproven' {
  const tags = compareTags(known.etag, seen.etag);
  if (tags === 'same' || tags === 'different') return tags;
  if (known.lastModifiedMs === null || seen.lastModifiedMs === null) return 'unproven';
  if (known.lastModifiedMs !== seen.lastModifiedMs) return 'different';
  return tags === 'silent' && hasStrongDate(known) ? 'same' : 'unproven';
}

/**
 * Whether answers whose strong ETags differ may be of one file all the same, which only a digest can tell: the
 * nodes behind a name may make tags of numbers of their own, and then agree in the date.
 */
export function differInTagAlone(known: Validators, seen: Validators): boolean {
  if (known.etag?.weak !== false || seen.etag?.weak !== false) return false;
  return known.lastModifiedMs !== null && known.lastModifiedMs === seen.lastModifiedMs;
}

/** What two answers say of one representation: the second fills in what the first does not say. */
export function joinValidators(first: Validators, second: Validators): Validators {
  const dated = first.lastModified === null ? second : first;
  const { lastModified, lastModifiedMs, dateMs } = dated;
  return { etag: first.etag ?? second.etag, lastModified, lastModifiedMs, dateMs };
}

/** `silent`: the tags neither prove nor deny; `doubtful`: they differ, in strength as well. */
function compareTags(
  known: Validators['etag'],
  seen: Validators['etag'],
): 'same' | 'different' | 'silent' | 'doubtful' {
  if (known === null || seen === null) return 'silent';
  const equal = known.opaque === seen.opaque;
  if (known.weak !== seen.weak) return equal ? 'silent' : 'doubtful';
  if (!equal) return 'different';
  return known.weak ? 'silent' : 'same';
}

function hasStrongDate({ lastModifiedMs, dateMs }: Validators): boolean {
  return lastModifiedMs !== null && dateMs !== null && dateMs - lastModifiedMs >= STRONG_DATE_MS;
}

function readTag(value: string): Validators['etag'] {
  const weak = value.startsWith(WEAK_MARK);
  const opaque = weak ? value.slice(WEAK_MARK.length) : value;
  return isTag(opaque) ? { opaque, weak } : null;
}

const isTag = (opaque: string): boolean => LOOSE_TAG.test(opaque) && !NO_TAG.test(opaque);

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** The value of a field, also when it is there several times with the same one. */
function single(head: ResponseHead, name: string): string | null {
  const [value, ...others] = head.fields.getAll(name);
  return value !== undefined && others.every((other) => other === value) ? value : null;
}
