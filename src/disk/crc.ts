/** Arithmetic on CRC-32 values (the polynomial of zlib, gzip and PNG). */
import { assert } from '../errors.js';

/** The polynomial, bit-reversed: bit 31 stands for x^0, bit 0 for x^31. */
const POLYNOMIAL = 0xedb88320;

/** x^8, which is what appending one zero byte multiplies by. */
const ONE_BYTE = 0x00800000;

/** What {@link shift} has computed so far: all of it takes 4 ms in code that is not compiled yet. */
const shifts: number[] = [ONE_BYTE];

/** x^(8 * 2^power): appending 2^power zero bytes. */
function shift(power: number): number {
  while (shifts.length <= power) {
    const last = shifts[shifts.length - 1] as number;
    shifts.push(multiply(last, last));
  }
  return shifts[power] as number;
}

/**
 * The CRC-32 of A followed by B, from the CRC-32 of each and the length of B in bytes.
 * In the field of polynomials it is `a * x^(8 * lengthB) + b`, so the cost is O(log lengthB).
 */
export function crc32Combine(a: number, b: number, lengthB: number): number {
  assert(Number.isSafeInteger(lengthB) && lengthB >= 0, 'a length is a count of bytes');
  let crc = a >>> 0;
  let rest = lengthB;
  for (let power = 0; rest > 0; power += 1) {
    if (rest % 2 === 1) crc = multiply(shift(power), crc);
    rest = Math.floor(rest / 2);
  }
  return (crc ^ b) >>> 0;
}

/** Product of two polynomials modulo {@link POLYNOMIAL}. */
function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let bit = 31; bit >= 0; bit -= 1) {
    if ((a >>> bit) & 1) product ^= shifted;
    shifted = shifted & 1 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1;
  }
  return product >>> 0;
}
