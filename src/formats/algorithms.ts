/** What the digests of lists are called: each program spells the names of algorithms in its own way. */
import { LIST_DIGITS } from '../digests.js';

export type ListAlgorithm = keyof typeof LIST_DIGITS;

/** What a list says that a digest is: one that can be computed, or what it calls the others. */
export interface Label {
  /** As the list spells it. */
  spelling: string;
  /** Null when it cannot be computed. */
  algorithm: ListAlgorithm | null;
}

/** Letters and digits of every spelling, without `-`, `/` and `_`. OpenSSL 3 calls SHA-256 `SHA2-256`. */
const SPELLINGS: Record<string, ListAlgorithm> = {
  sha: 'sha1',
  sha2224: 'sha224',
  sha2256: 'sha256',
  sha2384: 'sha384',
  sha2512: 'sha512',
  sha512256: 'sha512-256',
  sha2512256: 'sha512-256',
  sha512t256: 'sha512-256',
  sha3224: 'sha3-224',
  sha3256: 'sha3-256',
  sha3384: 'sha3-384',
  sha3512: 'sha3-512',
  blake2b512: 'blake2b',
  blake2: 'blake2b',
  b2: 'blake2b',
  blake3256: 'blake3',
  b3: 'blake3',
};

/** Known by name, so that a heading or a word before a digest is not taken for the name of a file. */
const OTHERS = new Set([
  ...[
    'rmd160',
    'ripemd160',
    'ripemd',
    'whirlpool',
    'tiger',
    'tigertree',
    'tth',
    'sm3',
    'md4',
    'md2',
  ],
  ...['gost', 'gost12256', 'gost12512', 'streebog256', 'streebog512', 'has160', 'snefru256'],
  ...['blake2s', 'blake2s256', 'blake2b256', 'blake2b384', 'blake2b160', 'blake2sp', 'blake2bp'],
  ...['shake128', 'shake256', 'keccak256', 'keccak512', 'sha512224', 'sha2512224', 'sha512t224'],
  ...['crc32', 'crc32b', 'crc32c', 'crc64', 'adler32', 'xxh32', 'xxh64', 'xxh3', 'xxh128', 'cksum'],
  ...['ed2k', 'aich', 'btih', 'edonr256', 'edonr512', 'quickxorhash'],
]);

/** Names of several algorithms, which the length of the digest tells apart. */
const FAMILIES = new Map([
  ['sha2', 'sha'],
  ['sha3', 'sha3-'],
]);

/** Longest word that may be the name of an algorithm. */
const MAX_SPELLING = 24;

/** The algorithm that a word names, with or without `sum` or `sums` behind it; null when it names none. */
export function labelOf(word: string): Label | null {
  if (word.length > MAX_SPELLING) return null;
  const spelling = word.replace(/sums?$/i, '');
  const plain = spelling.toLowerCase().replace(/[-_/. ]/g, '');
  const algorithm = Object.hasOwn(SPELLINGS, plain) ? SPELLINGS[plain]! : computed(plain);
  if (algorithm === null && !OTHERS.has(plain) && !FAMILIES.has(plain)) return null;
  return { spelling, algorithm };
}

/**
 * What a digest is, as a label says: null when the label cannot be of so many digits.
 * SHA-2, SHA-3 and BLAKE2b come in several lengths under one name.
 */
export function labelled({ spelling, algorithm }: Label, digits: number): Label | null {
  const family = FAMILIES.get(spelling.toLowerCase().replace(/[-_/. ]/g, ''));
  if (family !== undefined) return { spelling, algorithm: computed(family + digits * 4) };
  if (algorithm === null || LIST_DIGITS[algorithm] === digits) return { spelling, algorithm };
  return algorithm === 'blake2b' ? { spelling, algorithm: null } : null;
}

function computed(name: string): ListAlgorithm | null {
  return Object.hasOwn(LIST_DIGITS, name) ? (name as ListAlgorithm) : null;
}

/** What a digest of so many digits is when nothing names it; null when none has so many. */
export function usualAlgorithm(digits: number): ListAlgorithm | null {
  const usual = ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'] as const;
  return usual.find((name) => LIST_DIGITS[name] === digits) ?? null;
}

/**
 * What the name of a list says that its digests are: `B2SUMS`, `sha3-512sums.txt`, `big.iso.blake3`.
 * The last word that names an algorithm counts; null when there is none.
 */
export function labelOfName(name: string): Label | null {
  const words = name.slice(-200).split(/[. _?&=]+/);
  for (const word of words.reverse()) {
    const label = labelOf(word) ?? labelOf(word.replace(/^.*-(?=[A-Za-z])/, ''));
    if (label !== null) return label;
  }
  return null;
}

/** The words for OpenPGP's numbers of hash algorithms (RFC 9580 §9.5). */
export const OPENPGP: Record<string, string> = {
  '1': 'MD5',
  '2': 'SHA1',
  '3': 'RIPEMD160',
  '8': 'SHA256',
  '9': 'SHA384',
  '10': 'SHA512',
  '11': 'SHA224',
  '12': 'SHA3-256',
  '14': 'SHA3-512',
};
