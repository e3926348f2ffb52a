/**
 * Digests that services give of what they store, in fields of their own, without being asked. Each says
 * what it is of; one that is not of the bytes that are sent is passed over.
 */
import { contentCodings } from './content-coding.js';
import { isWhole, parseDigestFields } from './digest.js';
import type { ResponseHead } from './head.js';
import { trimOws, parseDigits } from './syntax.js';

/** An algorithm by the name that `--checksum` has for it. */
export type GivenAlgorithm =
  'sha256' | 'sha512' | 'sha1' | 'md5' | 'crc32' | 'crc32c' | 'crc64nvme';

/** A digest of the whole representation as it is sent. */
export interface GivenDigest {
  algorithm: GivenAlgorithm;
  /** Lower-case. */
  hex: string;
  /** The field that it stands in, lower-case. */
  field: string;
}

/** Bytes of each digest. */
const BYTES: Record<GivenAlgorithm, number> = {
  sha256: 32,
  sha512: 64,
  sha1: 20,
  md5: 16,
  crc32: 4,
  crc32c: 4,
  crc64nvme: 8,
};

/** Names of RFC 9530 and RFC 3230 as ours. */
const REGISTERED = {
  'sha-256': 'sha256',
  'sha-512': 'sha512',
  'sha-1': 'sha1',
  md5: 'md5',
} as const;

/** x-amz-checksum-ALGORITHM. */
const AMAZON = ['sha256', 'sha1', 'crc64nvme', 'crc32c', 'crc32'] as const;

/**
 * The digests of the whole that an answer gives, each once.
 * @param promised what the redirects on the way to it gave ({@link promisedDigests})
 */
export function givenDigests(
  head: ResponseHead,
  promised: readonly GivenDigest[] = [],
): GivenDigest[] {
  const field = ['repr-digest', 'content-digest'].find((name) => head.fields.has(name)) ?? 'digest';
  const standard = parseDigestFields(head).map(({ algorithm, hex }): GivenDigest => ({
    algorithm: REGISTERED[algorithm],
    hex,
    field,
  }));
  const found = [...standard, ...google(head)];
  // Whoever coded the bytes on the way left these fields as they were.
  if (isOfFile(head)) found.push(...stored(head), ...promised);
  if (isOfFile(head) && isWhole(head)) found.push(...ofContent(head));
  const unique = new Map<string, GivenDigest>();
  for (const digest of found) {
    const key = `${digest.algorithm}=${digest.hex}`;
    if (!unique.has(key)) unique.set(key, digest);
  }
  return [...unique.values()];
}

/** What a redirect says of the file that it leads to: the hub of Hugging Face and registries of images do. */
export function promisedDigests({ fields }: ResponseHead): GivenDigest[] {
  // A file that is not in the large storage has the id of a git object there, which is another digest.
  const linked = /^(?:W\/)?"?([0-9a-f]{64})"?$/i.exec(trimOws(fields.get('x-linked-etag') ?? ''));
  return [
    ...(linked === null ? [] : ofHex('sha256', linked[1]!, 'x-linked-etag')),
    ...docker(fields.get('docker-content-digest')),
  ];
}

/** How long a redirect says that the file is (`x-linked-size` of the hub), in bytes; null when it does not. */
export function linkedSize({ fields }: ResponseHead): number | null {
  return parseDigits(trimOws(fields.get('x-linked-size') ?? ''));
}

/**
 * Those that are worth computing. One kind is enough: SHA-2, which proves most; else a CRC, which
 * needs no pass in order; else what there is.
 */
export function worthChecking(given: readonly GivenDigest[]): GivenDigest[] {
  const proving = given.filter(({ algorithm }) => /^sha(256|512)$/.test(algorithm));
  if (proving.length > 0) return proving;
  const sums = given.filter(({ algorithm }) => algorithm.startsWith('crc'));
  return sums.length > 0 ? sums : [...given];
}

function isOfFile({ status, fields }: ResponseHead): boolean {
  return (status === 200 || status === 206) && contentCodings(fields).length === 0;
}

/**
 * `x-goog-hash: crc32c=BASE64,md5=BASE64`: of the object as it is stored. It may be stored with gzip and
 * sent without: then nothing is known of what comes.
 */
function google(head: ResponseHead): GivenDigest[] {
  const { status, fields } = head;
  const value = fields.get('x-goog-hash');
  if (value === undefined || (status !== 200 && status !== 206)) return [];
  const stored = trimOws(fields.get('x-goog-stored-content-encoding') ?? '').toLowerCase();
  const sent = contentCodings(fields).join(',');
  if (sent !== (stored === 'identity' ? '' : stored)) return [];
  return value.split(',').flatMap((part) => {
    const [, name, base64] = /^(crc32c|md5)=(.*)$/i.exec(trimOws(part)) ?? [];
    const algorithm = name?.toLowerCase() === 'md5' ? 'md5' : 'crc32c';
    return base64 === undefined ? [] : ofBase64(algorithm, base64, 'x-goog-hash');
  });
}

/** Digests of the whole, whatever part of it is sent. */
function stored({ fields }: ResponseHead): GivenDigest[] {
  return [
    ...ofBase64('md5', fields.get('x-ms-blob-content-md5'), 'x-ms-blob-content-md5'),
    ...docker(fields.get('docker-content-digest')),
  ];
}

/**
 * Digests of the content: only where that is the whole (RFC 1864, and S3's of the object or of a part of it).
 * A composite one (`BASE64-N`, digests of N parts digested) is none of the bytes.
 */
function ofContent({ fields }: ResponseHead): GivenDigest[] {
  const isComposite = /^composite$/i.test(trimOws(fields.get('x-amz-checksum-type') ?? ''));
  const found = isComposite
    ? []
    : AMAZON.flatMap((algorithm) => {
        const field = `x-amz-checksum-${algorithm}`;
        return ofBase64(algorithm, fields.get(field), field);
      });
  return [...found, ...ofBase64('md5', fields.get('content-md5'), 'content-md5')];
}

/** `sha256:HEX` (the image specification's digests). */
function docker(value: string | undefined): GivenDigest[] {
  const [, algorithm, hex] =
    /^(sha256|sha512):([0-9a-f]{64,128})$/.exec(trimOws(value ?? '')) ?? [];
  if (algorithm === undefined || hex === undefined) return [];
  return ofHex(algorithm as 'sha256' | 'sha512', hex, 'docker-content-digest');
}

function ofBase64(
  algorithm: GivenAlgorithm,
  value: string | undefined,
  field: string,
): GivenDigest[] {
  const text = trimOws(value ?? '');
  if (text.length > 100 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return [];
  return ofHex(algorithm, Buffer.from(text, 'base64').toString('hex'), field);
}

function ofHex(algorithm: GivenAlgorithm, hex: string, field: string): GivenDigest[] {
  return hex.length === 2 * BYTES[algorithm] ? [{ algorithm, hex: hex.toLowerCase(), field }] : [];
}
