/** Numbers as people read them: binary units, three significant digits. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

interface Scaled {
  number: string;
  unit: string;
}

function scale(n: number): Scaled {
  let value = Math.max(0, n);
  let unit = 0;
  // 1023.5 and more would be printed as 1024: that is one of the next unit.
  while (value >= 1023.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const name = UNITS[unit] ?? 'B';
  return { number: inUnit(value, name), unit: name };
}

/** A value in its unit: three significant digits, bytes whole. */
function inUnit(value: number, unit: string): string {
  const digits = unit === 'B' || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return value.toFixed(digits);
}

/** A number of bytes: `0 B`, `1.50 GiB`, `64.0 MiB`; at most 8 characters up to EiB. */
export function bytes(n: number): string {
  const { number, unit } = scale(n);
  return `${number} ${unit}`;
}

/** A part of a whole, both in the unit of the whole: `1.50 of 3.21 GiB`, `0.25 of 1.00 GiB`. */
export function bytesOf(part: number, whole: number): string {
  const { number, unit } = scale(whole);
  return `${inUnit(Math.max(0, part) / 1024 ** UNITS.indexOf(unit), unit)} of ${number} ${unit}`;
}

/** Bytes per second: `118 MiB/s`. */
export function rate(bytesPerSecond: number): string {
  return `${bytes(bytesPerSecond)}/s`;
}

const two = (n: number): string => String(n).padStart(2, '0');

/** Seconds, rounded: `0:05`, `1:02:03`, and from 100 hours on `4 d 05 h`. */
export function duration(seconds: number): string {
  const total = Math.max(0, Math.round(seconds));
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor(total / 60) % 60;
  if (hours >= 100) return `${Math.floor(hours / 24)} d ${two(hours % 24)} h`;
  if (hours > 0) return `${hours}:${two(minutes)}:${two(total % 60)}`;
  return `${minutes}:${two(total % 60)}`;
}

/** A short span of time with its unit, for delays: `250 ms`, `1.5 s`, then as {@link duration}. */
export function delay(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))} ms`;
  if (milliseconds < 60_000) return `${Number((milliseconds / 1000).toFixed(1))} s`;
  return duration(milliseconds / 1000);
}

/** A part of one as whole per cent, rounded down: `100%` only when nothing is missing. */
export function percent(part: number): string {
  return `${Math.floor(Math.min(1, Math.max(0, part)) * 100)}%`;
}

/** `1 connection`, `8 connections`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
