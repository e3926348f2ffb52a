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
