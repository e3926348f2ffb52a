/** Content codings (RFC 9110 §8.4.1): whether the bytes that come are the file, or another form of it (P10). */
import type { Fields, ResponseHead } from './head.js';
import { suggestedName } from './disposition.js';

/** What is known of a file beside its answers. Plain data: it crosses threads. */
export interface Expected {
  /** What the file is called: paths of URLs, the user's own name for it. */
  names: readonly string[];
  /** A digest of the user's is checked in the end: it says what the bytes have to be. */
  digest: boolean;
}

/** What says that a file is in the form of a coding: the end of its name, its Content-Type. */
interface Form {
  suffix: RegExp;
  type: RegExp;
}

/** Codings that are file formats as well. */
const FORMS: Readonly<Record<string, Form>> = {
  gzip: {
    suffix: /\.(?:gz|gzip|tgz|svgz|bgz|emz|wmz|crate)$/i,
    type: /^(?:application\/(?:x-)?(?:gzip|gzipped|gunzip|gzip-compressed|tgz|compressed-tar)|gzip\/document|[^;]{1,100}\+gzip)$/i,
  },
  compress: { suffix: /\.(?:Z|taz|taZ|tZ)$/, type: /^application\/(?:x-)?compress(?:ed)?$/i },
  bzip2: {
    suffix: /\.(?:bz2?|tbz2?)$/i,
    type: /^application\/(?:x-)?(?:bzip2?|bz2|bzip2?-compressed-tar)$/i,
  },
  xz: { suffix: /\.(?:t?xz)$/i, type: /^application\/(?:x-)?xz(?:-compressed-tar)?$/i },
  lzma: { suffix: /\.(?:lzma|tlz)$/i, type: /^application\/(?:x-)?lzma$/i },
  lzip: { suffix: /\.lz$/i, type: /^application\/(?:x-)?lzip$/i },
  lz4: { suffix: /\.lz4$/i, type: /^application\/(?:x-)?lz4$/i },
  zstd: { suffix: /\.(?:zst|zstd|tzst)$/i, type: /^application\/(?:x-)?zstd$/i },
  br: { suffix: /\.br$/i, type: /^application\/(?:x-)?br(?:otli)?$/i },
  deflate: { suffix: /\.(?:zz|zlib)$/i, type: /^application\/(?:x-)?zlib$/i },
  'pack200-gzip': { suffix: /\.pack\.gz$/i, type: /^application\/(?:x-)?java-pack200$/i },
};

/** Codings of IANA's registry and of use that are no formats of files. */
const OTHERS: ReadonlySet<string> = new Set([
  ...['aes128gcm', 'dcb', 'dcz', 'exi', 'sdch', 'snappy', 'lzo', 'lzf'],
]);

const ALIASES: Readonly<Record<string, string>> = {
  ...{ gz: 'gzip', gunzip: 'gzip', bz2: 'bzip2', bzip: 'bzip2', brotli: 'br', zst: 'zstd' },
  ...{ zlib: 'deflate', lzw: 'compress', lz: 'lzip' },
};

/**
 * The codings that a head names, in the order in which they were applied, by their registered names. A word
 * that names none (`identity`, `none`, `aws-chunked`, `utf-8`, `binary`) says nothing: nobody could
 * have applied it.
 */
export function contentCodings(fields: Fields): string[] {
  const words = (fields.get('content-encoding') ?? '').toLowerCase().split(/[,\s]+/);
  return words.map(nameOf).filter((name) => Object.hasOwn(FORMS, name) || OTHERS.has(name));
}

/** Without a parameter, quotes, and the `x-` of old names (RFC 9110 §8.4.1). */
function nameOf(word: string): string {
  const [plain = ''] = word.replaceAll('"', '').split(';');
  const name = plain.startsWith('x-') ? plain.slice(2) : plain;
  return Object.hasOwn(ALIASES, name) ? ALIASES[name]! : name;
}

/**
 * The coding that stands between the bytes of this answer and the file, as the server wrote it; null when
 * the bytes are the file. They are also where the coding only tells what kind of file it is (Apache marks
 * `.tar.gz` as `x-gzip`): its name or Content-Type says the same, or a digest tells in the end.
 */
export function foreignCoding(head: ResponseHead, expected: Expected): string | null {
  const codings = contentCodings(head.fields);
  if (codings.length === 0 || expected.digest) return null;
  const isOwn = codings.length === 1 && isFormOf(codings[0]!, head, expected.names);
  return isOwn ? null : (head.fields.get('content-encoding') ?? '');
}

function isFormOf(coding: string, { fields }: ResponseHead, names: readonly string[]): boolean {
  if (!Object.hasOwn(FORMS, coding)) return false;
  const { suffix, type } = FORMS[coding]!;
  const [contentType = ''] = (fields.get('content-type') ?? '').split(';');
  const suggested = fields.getAll('content-disposition').map((value) => suggestedName(value)?.name);
  const called = [...names, ...suggested.filter((name) => name !== undefined)];
  return type.test(contentType.trim()) || called.some((name) => suffix.test(name));
}
