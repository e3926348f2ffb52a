/** Checksums as users give them, and the hashes behind them. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { LIST_DIGITS } from '../digests.js';
import { SluiceError } from '../errors.js';

/** Hex digits of each algorithm's digest. */
const DIGITS = { ...LIST_DIGITS, crc32: 8, crc32c: 8, crc64nvme: 16 } as const;

export type ChecksumAlgorithm = keyof typeof DIGITS;

/** A digest that the whole file must have. */
export interface ChecksumSpec {
  algorithm: ChecksumAlgorithm;
  /** Lower-case hexadecimal. */
  hex: string;
}

const ALIASES: Record<string, ChecksumAlgorithm> = {
  'sha-1': 'sha1',
  'sha-224': 'sha224',
  'sha-256': 'sha256',
  'sha-384': 'sha384',
  'sha-512': 'sha512',
  blake2b512: 'blake2b',
  'blake2b-512': 'blake2b',
};

/** What a digest of so many digits is where nothing else is said. */
const BARE: Readonly<Record<number, string>> = {
  32: 'md5',
  40: 'sha1',
  64: 'sha256',
  128: 'sha512',
};

/**
 * Parses `ALGO:HEX` (or `ALGO=HEX`, as aria2 writes it). A bare digest of 32, 40, 64 or 128 digits is of the
 * algorithm that such digests are usually of.
 * @throws SluiceError USAGE
 */
export function parseChecksum(text: string): ChecksumSpec {
  const bare = BARE[text.trim().length];
  const whole =
    bare !== undefined && /^[0-9a-f]+$/i.test(text.trim()) ? `${bare}:${text.trim()}` : text.trim();
  const match = /^([A-Za-z0-9-]+)[:=]([0-9A-Fa-f]+)$/.exec(whole);
  const name = match?.[1]?.toLowerCase() ?? '';
  const algorithm = ALIASES[name] ?? name;
  if (match === null || !isAlgorithm(algorithm)) {
    throw new SluiceError(
      'USAGE',
      `not a checksum: ${text.length > 200 ? `${text.slice(0, 200)}...` : text}`,
      {
        next: `Write it as ALGORITHM:HEX with one of ${Object.keys(DIGITS).join(', ')}.`,
      },
    );
  }
  const hex = (match[2] as string).toLowerCase();
  if (hex.length !== DIGITS[algorithm]) {
    const message = `${algorithm} has ${DIGITS[algorithm]} hexadecimal digits, not ${hex.length}`;
    throw new SluiceError('USAGE', message, { next: 'Check that the checksum was copied whole.' });
  }
  return { algorithm, hex };
}

/**
 * Checksums as a journal keeps them. One that is not must not be left out: nothing would be verified.
 * @throws SluiceError JOURNAL_DAMAGED
 */
export function keptChecksums(kept: unknown): ChecksumSpec[] {
  if (kept === undefined) return [];
  if (!Array.isArray(kept)) throw oddChecksum();
  return kept.map((each: unknown) => {
    const { algorithm, hex } = (each ?? {}) as { algorithm?: unknown; hex?: unknown };
    try {
      return parseChecksum(`${String(algorithm)}:${String(hex)}`);
    } catch {
      throw oddChecksum();
    }
  });
}

function oddChecksum(): SluiceError {
  return new SluiceError(
    'JOURNAL_DAMAGED',
    'the journal is not usable: it has a checksum that is none',
    {
      next: 'Remove the journal and the part, and start again with get.',
    },
  );
}

function isAlgorithm(name: string): name is ChecksumAlgorithm {
  return Object.hasOwn(DIGITS, name);
}

/** A hash that is fed in order. */
export interface RunningHash {
  update(bytes: Uint8Array): void;
  /** Lower-case hexadecimal. */
  digest(): string;
}

/** The reflected polynomials of CRC-32C (RFC 3720 section 12.1) and of NVMe's CRC-64. */
const CASTAGNOLI = 0x82f63b78;
const NVME = '9a6c9329ac4bc9b5';

/** Starts a hash. Node's where it has it, WebAssembly for the rest. */
export async function startHash(algorithm: ChecksumAlgorithm): Promise<RunningHash> {
  if (algorithm === 'crc32') return nodesCrc();
  if (algorithm !== 'blake3' && algorithm !== 'crc32c' && algorithm !== 'crc64nvme') {
    const hash = createHash(algorithm === 'blake2b' ? 'blake2b512' : algorithm);
    return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') };
  }
  const { createBLAKE3, createCRC32, createCRC64 } = await import('hash-wasm');
  const hash = await {
    blake3: () => createBLAKE3(),
    crc32c: () => createCRC32(CASTAGNOLI),
    crc64nvme: () => createCRC64(NVME),
  }[algorithm]();
  hash.init();
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') };
}

function nodesCrc(): RunningHash {
  let crc = 0;
  return {
    update: (bytes) => {
      crc = crc32(bytes, crc);
    },
    digest: () => crc.toString(16).padStart(8, '0'),
  };
}

/** The error of a digest that differs. */
export function checksumError(spec: ChecksumSpec, actual: string, path: string): SluiceError {
  const message = `${spec.algorithm} is ${actual}, expected ${spec.hex}`;
  return new SluiceError('CHECKSUM_MISMATCH', message, { path });
}
