/** The CRC of two texts from those of each: so the parts of a file may be summed in any order. */
import type { ChecksumAlgorithm } from './checksum.js';

/** An algorithm whose sums of parts combine. */
export type CrcAlgorithm = 'crc32' | 'crc32c' | 'crc64nvme';

/** Width in bits, and the polynomial bit-reversed: its highest bit stands for x^0. */
const FORMS: Record<CrcAlgorithm, { width: bigint; polynomial: bigint }> = {
  crc32: { width: 32n, polynomial: 0xedb88320n },
  crc32c: { width: 32n, polynomial: 0x82f63b78n },
  crc64nvme: { width: 64n, polynomial: 0x9a6c9329ac4bc9b5n },
};

/** x^(8 * 2^power) for each algorithm, as far as it was needed. */
const shifts = new Map<CrcAlgorithm, bigint[]>();

/** Whether the sums of parts combine. */
export function isCrc(algorithm: ChecksumAlgorithm): algorithm is CrcAlgorithm {
  return Object.hasOwn(FORMS, algorithm);
}

/**
 * The CRC of A followed by B, from the CRC of each, in hexadecimal, and the length of B in bytes. In
 * the field of polynomials it is `a * x^(8 * lengthB) + b`: the cost is O(log lengthB).
 */
export function combineCrcs(
  algorithm: CrcAlgorithm,
  a: string,
  b: string,
  lengthB: number,
): string {
  let crc = BigInt(`0x${a}`);
  let rest = lengthB;
  for (let power = 0; rest > 0; power += 1) {
    if (rest % 2 === 1) crc = multiply(algorithm, shift(algorithm, power), crc);
    rest = Math.floor(rest / 2);
  }
  return (crc ^ BigInt(`0x${b}`)).toString(16).padStart(b.length, '0');
}

function shift(algorithm: CrcAlgorithm, power: number): bigint {
  const { width } = FORMS[algorithm];
  // x^8: what appending one zero byte multiplies by.
  const known = shifts.get(algorithm) ?? [1n << (width - 9n)];
  shifts.set(algorithm, known);
  while (known.length <= power) {
    const last = known.at(-1) as bigint;
    known.push(multiply(algorithm, last, last));
  }
  return known[power] as bigint;
}

function multiply(algorithm: CrcAlgorithm, a: bigint, b: bigint): bigint {
  const { width, polynomial } = FORMS[algorithm];
  let product = 0n;
  let shifted = b;
  for (let bit = width - 1n; bit >= 0n; bit -= 1n) {
    if ((a >> bit) & 1n) product ^= shifted;
    shifted = shifted & 1n ? (shifted >> 1n) ^ polynomial : shifted >> 1n;
  }
  return product;
}
