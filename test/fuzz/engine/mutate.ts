/** Changes of inputs: bytes, pieces of a dictionary, splices of two inputs. */
import type { Random } from './random.js';

/** Bytes and texts that parsers stumble over, as latin1. */
const NASTY = [
  ...['\r\n', '\r', '\n', '\r\n\r\n', '\0', '\t', ' ', ':', ',', ';', '=', '"', '\\', '-', '+'],
  ...['0', '1', '9', 'f', 'x', '\x0b', '\x0c', '\x1b', '\x7f', '\x80', '\x85', '\xa0', '\xff'],
  ...['9007199254740991', '9007199254740992', '18446744073709551616', '-1', '1e9', '0x10'],
  ...['%00', '%', '%2e%2e%2f', '../', "''", '*', '?', '#', '@', '[', ']', '/', '\xe2\x80\xae'],
].map((text) => Buffer.from(text, 'latin1'));

const MAX_CHANGES = 6;
const MAX_REPEATS = 64;
const INTERESTING_BYTES = [0, 1, 9, 10, 13, 32, 34, 44, 58, 59, 61, 92, 127, 128, 255];

type Change = (input: Buffer, random: Random, other: Buffer, pieces: readonly Buffer[]) => Buffer;

function splice(input: Buffer, at: number, remove: number, piece: Uint8Array): Buffer {
  return Buffer.concat([input.subarray(0, at), piece, input.subarray(at + remove)]);
}

/** A piece of an input, most of them short. */
function part(input: Buffer, random: Random): Buffer {
  const from = random.below(input.length + 1);
  const bound = Math.min(input.length - from, random.below(4) === 0 ? input.length : 12);
  return input.subarray(from, from + random.below(bound + 1));
}

const CHANGES: readonly Change[] = [
  (input, random, _, pieces) =>
    splice(input, random.below(input.length + 1), 0, random.pick(pieces)),
  (input, random, _, pieces) => {
    const piece = random.pick(pieces);
    return splice(input, random.below(input.length + 1), piece.length, piece);
  },
  (input, random) =>
    splice(input, random.below(input.length + 1), 1 + random.below(8), Buffer.alloc(0)),
  (input, random) =>
    splice(input, random.below(input.length + 1), 1, Buffer.from([random.below(256)])),
  (input, random) =>
    splice(input, random.below(input.length + 1), 1, Buffer.from([random.pick(INTERESTING_BYTES)])),
  (input, random) => {
    const at = random.below(input.length + 1);
    const byte = (input[at] ?? 0) ^ (1 << random.below(8));
    return splice(input, at, 1, Buffer.from([byte]));
  },
  (input, random) => splice(input, random.below(input.length + 1), 0, part(input, random)),
  (input, random, other) => splice(input, random.below(input.length + 1), 0, part(other, random)),
  (input, random, other) =>
    Buffer.concat([
      input.subarray(0, random.below(input.length + 1)),
      other.subarray(random.below(other.length + 1)),
    ]),
  (input, random) => input.subarray(0, random.below(input.length + 1)),
];

/** A piece again and again, up to the length that a target bounds its inputs to. */
function flood(input: Buffer, random: Random, pieces: readonly Buffer[], maxBytes: number): Buffer {
  const piece = random.below(2) === 0 ? random.pick(pieces) : part(input, random);
  if (piece.length === 0) return input;
  const many = random.below(8) === 0 ? Math.floor(maxBytes / piece.length) : MAX_REPEATS;
  const repeated = Buffer.alloc(piece.length * (1 + random.below(Math.max(1, many))), piece);
  return splice(input, random.below(input.length + 1), 0, repeated);
}

/** `input` with one to six changes, at most `maxBytes` long. */
export function mutate(
  input: Buffer,
  random: Random,
  { other, dictionary, maxBytes }: { other: Buffer; dictionary: Buffer[]; maxBytes: number },
): Buffer {
  const pieces = random.below(2) === 0 && dictionary.length > 0 ? dictionary : NASTY;
  let changed = input;
  for (let left = 1 + random.below(MAX_CHANGES); left > 0; left--) {
    changed = random.pick(CHANGES)(changed, random, other, pieces);
  }
  if (random.below(64) === 0) changed = flood(changed, random, pieces, maxBytes);
  return changed.subarray(0, maxBytes);
}
