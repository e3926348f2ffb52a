/** The digests that lists of checksums have and that can be computed. */

/** Hexadecimal digits of each algorithm's digest. */
export const LIST_DIGITS = {
  md5: 32,
  sha1: 40,
  sha224: 56,
  sha256: 64,
  sha384: 96,
  sha512: 128,
  'sha512-256': 64,
  'sha3-224': 56,
  'sha3-256': 64,
  'sha3-384': 96,
  'sha3-512': 128,
  blake2b: 128,
  blake3: 64,
} as const;
