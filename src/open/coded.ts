/** What is said of a file that a server sends encoded although it was not asked to (P10). */
import { shellWord } from '../disk/shell.js';
import { contentCodings } from '../http/content-coding.js';
import { Fields } from '../http/head.js';
import { excerpt } from '../http/syntax.js';

/** What decodes a file in one of the codings, to standard output. */
const DECODERS: Readonly<Record<string, string>> = {
  ...{ gzip: 'gzip -dc', compress: 'gzip -dc', bzip2: 'bzip2 -dc', xz: 'xz -dc', lzma: 'xz -dc' },
  ...{ zstd: 'zstd -dc', br: 'brotli -dc', lz4: 'lz4 -dc', lzip: 'lzip -dc' },
};

/**
 * The warning with which a coded whole is saved, and how to decode it.
 * @param coding the value of Content-Encoding
 * @param path where the file will be
 */
export function codedSentence(coding: string, path: string): string {
  const [name = ''] = contentCodings(new Fields([['content-encoding', coding]]));
  const decoder = Object.hasOwn(DECODERS, name) ? DECODERS[name]! : null;
  const from = `${shellWord(path)} > ${shellWord(`${path}.decoded`)}`;
  const how = decoder === null ? '' : ` To decode it: \`${decoder} < ${from}\`.`;
  return `The server sends the file encoded (${excerpt(coding)}), though it was not asked to. What is saved is what it sends, not decoded.${how}`;
}
