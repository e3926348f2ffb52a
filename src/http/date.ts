/** HTTP dates (RFC 9110 §5.6.7). */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun'].concat([
  'Jul',
  'Aug',
  'Sep',
  'Oct',
  'Nov',
  'Dec',
]);
// Each is written out: what is put together at run time no check of the source can see.
const IMF_FIXDATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([0-9]{4}) ([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60) GMT$/;
const RFC_850 =
  /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, ([0-9]{2})-(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-([0-9]{2}) ([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60) GMT$/;
const ASCTIME =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([0-9]{2}| [0-9]) ([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60) ([0-9]{4})$/;

type Parts = [year: string, month: string, day: string, hour: string, minute: string, sec: string];

/**
 * Reads a date in any of the three forms of RFC 9110 §5.6.7, strictly; the weekday must be one,
 * but is not compared with the date. A leap second is the first of the next minute.
 * @param nowMs the time that tells the century of a two-digit year (RFC 850 form only): more than
 *   50 years ahead means the past.
 * @returns milliseconds since 1970; null when it is not a date.
 */
export function parseHttpDate(text: string, nowMs: number = Date.now()): number | null {
  let m = IMF_FIXDATE.exec(text);
  if (m !== null) return toMs([m[3]!, m[2]!, m[1]!, m[4]!, m[5]!, m[6]!]);
  m = ASCTIME.exec(text);
  if (m !== null) return toMs([m[6]!, m[1]!, m[2]!, m[3]!, m[4]!, m[5]!]);
  m = RFC_850.exec(text);
  if (m !== null) return inCentury([m[3]!, m[2]!, m[1]!, m[4]!, m[5]!, m[6]!], nowMs);
  return null;
}

const WEEKDAY_DAY_MONTH =
  /^(?:[A-Za-z]{3,9},? {1,2})?([0-9]{1,2})[ -]([A-Za-z]{3,9})[ -]([0-9]{4}) {1,2}([0-9]{1,2}):([0-9]{2}):([0-9]{2})(\.[0-9]{1,9})? ?(?:GMT|UTC|UT|Z)?([+-][0-9]{2}(?::?[0-9]{2})?)?$/i;
const WEEKDAY_MONTH_DAY =
  /^[A-Za-z]{3,9},? ([A-Za-z]{3,9}) {1,2}([0-9]{1,2}) ([0-9]{1,2}):([0-9]{2}):([0-9]{2})(\.[0-9]{1,9})? (?:(?:GMT|UTC|UT|Z) ?)?([+-][0-9]{4} )?([0-9]{4})$/i;
const WEEKDAY_MONTH_DAY_YEAR =
  /^[A-Za-z]{3,9},? ([A-Za-z]{3,9}) {1,2}([0-9]{1,2}),? ([0-9]{4}) ([0-9]{1,2}):([0-9]{2}):([0-9]{2})(\.[0-9]{1,9})? (?:GMT|UTC|UT|Z)([+-][0-9]{4})?(?: \([A-Za-z ]{1,60}\))?$/i;
const ISO_8601 =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})([.,][0-9]{1,9})? ?(?:Z|GMT|UTC|([+-][0-9]{2}(?::?[0-9]{2})?))$/i;
/** Says which time is meant: an instant in no zone at all is none. */
const HAS_ZONE = /(?:GMT|UTC|UT|Z|[+-][0-9]{2}(?::?[0-9]{2})?)$/i;

/**
 * Reads a date as servers in the wild write it: as {@link parseHttpDate}, and with an offset or `UTC` in
 * place of `GMT`, with one digit, with parts of a second, in other orders, in ISO 8601. It must say in
 * which zone it is, but for asctime's order, which is in GMT. What it means is never a guess: names of
 * other zones, two digits of a year and months as numbers with slashes are not read.
 * @returns milliseconds since 1970, with their fraction; null when it is not such a date.
 */
export function parseLooseDate(text: string, nowMs: number = Date.now()): number | null {
  const strict = parseHttpDate(text, nowMs);
  if (strict !== null) return strict;
  let m = WEEKDAY_DAY_MONTH.exec(text);
  if (m !== null && HAS_ZONE.test(text))
    return looseMs([m[3]!, m[2]!, m[1]!, m[4]!, m[5]!, m[6]!], m[7], m[8]);
  m = WEEKDAY_MONTH_DAY.exec(text);
  if (m !== null) return looseMs([m[8]!, m[1]!, m[2]!, m[3]!, m[4]!, m[5]!], m[6], m[7]);
  m = WEEKDAY_MONTH_DAY_YEAR.exec(text);
  if (m !== null) return looseMs([m[3]!, m[1]!, m[2]!, m[4]!, m[5]!, m[6]!], m[7], m[8]);
  m = ISO_8601.exec(text);
  if (m === null) return null;
  const month = MONTHS[Number(m[2]) - 1] ?? '';
  return looseMs([m[1]!, month, m[3]!, m[4]!, m[5]!, m[6]!], m[7], m[8]);
}

/** @param offset `+hh`, `+hhmm` or `+hh:mm` */
function looseMs(
  [year, month, day, hour, minute, second]: Parts,
  fraction = '',
  offset = '',
): number | null {
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return null;
  const name = MONTHS.find((each) => isMonth(month, each));
  const ms = name === undefined ? null : toMs([year, name, day, hour, minute, second]);
  const east = offsetMs(offset);
  if (ms === null || east === null) return null;
  return ms + 1000 * Number(`0.${fraction.slice(1) || '0'}`) - east;
}

const LONG_MONTHS: Record<string, string> = {
  ...{ Jan: 'january', Feb: 'february', Mar: 'march', Apr: 'april', May: 'may', Jun: 'june' },
  ...{ Jul: 'july', Aug: 'august', Sep: 'september', Oct: 'october', Nov: 'november' },
  Dec: 'december',
};

/** Whether a text is the name of a month, whole or cut after three letters or more. */
const isMonth = (text: string, short: string): boolean =>
  text.length >= 3 && LONG_MONTHS[short]!.startsWith(text.toLowerCase());

function offsetMs(offset: string): number | null {
  const digits = offset.replace(/[^0-9]/g, '').padEnd(4, '0');
  const [hours, minutes] = [Number(digits.slice(0, 2)), Number(digits.slice(2))];
  if (hours > 14 || minutes > 59) return null;
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

function toMs([year, month, day, hour, minute, second]: Parts): number | null {
  const date = new Date(0);
  date.setUTCFullYear(Number(year), MONTHS.indexOf(month), Number(day));
  // A day that its month does not have has moved the date into the next month.
  if (date.getUTCDate() !== Number(day)) return null;
  return date.setUTCHours(Number(hour), Number(minute), Number(second));
}

/** The latest year with these two digits that is not more than 50 years ahead. */
function inCentury([digits, ...rest]: Parts, nowMs: number): number | null {
  const limit = new Date(nowMs);
  limit.setUTCFullYear(limit.getUTCFullYear() + 50);
  const lastYear = limit.getUTCFullYear();
  const year = lastYear - ((lastYear - Number(digits)) % 100);
  const ms = toMs([String(year), ...rest]);
  if (ms === null || ms <= limit.getTime()) return ms;
  return toMs([String(year - 100), ...rest]);
}
