/** What a hub or a store lists, as files below a directory. Whoever lists is a stranger. */
import { SluiceError } from '../errors.js';
import { safePart } from '../http/names.js';
import { excerpt } from '../http/syntax.js';
import { isWanted } from './patterns.js';
import { encodeStrictly } from './sigv4.js';
import type { SourceFile, Surroundings, Wanted } from './source.js';

/** Files of one reference that are taken. */
export const MAX_FILES = 100_000;

/** Pages of a list: of a thousand keys as a rule, but a store may send fewer. */
const MAX_PAGES = 10_000;

/** How a store is asked for a list, and for what it lists. */
export interface Store {
  /**
   * URL of a page.
   * @param token from the page before; null for the first
   */
  page(prefix: string, token: string | null): string;
  /** URL of an object. */
  object(key: string): string;
}

/**
 * A bucket of what speaks like S3 (ListObjectsV2).
 * @param bucket its URL, without a slash at its end
 */
export function s3Bucket(bucket: string): Store {
  return {
    page(prefix, token) {
      const more = token === null ? '' : `&continuation-token=${encodeStrictly(token)}`;
      return `${bucket}/?list-type=2&encoding-type=url&prefix=${encodeStrictly(prefix)}${more}`;
    },
    object: (key) => `${bucket}/${encodedPath(key)}`,
  };
}

/** A key as the path of a URL has it. */
export const encodedPath = (key: string): string => key.split('/').map(encodeStrictly).join('/');

/**
 * The objects below a prefix, each at its place below the directory.
 * @param prefix as the keys have it; a directory, whether it ends with a slash or not; empty for the whole bucket
 * @throws SluiceError USAGE when there is none, HTTP_UNEXPECTED, and those of fetching
 */
export async function objectsBelow(
  store: Store,
  prefix: string,
  wanted: Wanted,
  around: Surroundings,
): Promise<SourceFile[]> {
  const directory = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
  const files: SourceFile[] = [];
  for await (const key of keysBelow(store, directory, around)) {
    const name = key.slice(directory.length);
    // A key that ends with a slash stands for a directory.
    if (name === '' || key.endsWith('/') || !isWanted(name, wanted)) continue;
    if (files.length >= MAX_FILES)
      throw new SluiceError('USAGE', `there are more than ${MAX_FILES} objects`, {
        next: 'Fetch them in parts, with a longer prefix or with --include.',
      });
    files.push(fileOf(store, key, name));
  }
  if (files.length > 0) return files;
  throw new SluiceError('USAGE', 'there is no object below the prefix that is wanted', {
    next: 'Check the prefix, --include and --exclude; without --recursive it is the key of one object.',
  });
}

async function* keysBelow(
  store: Store,
  directory: string,
  around: Surroundings,
): AsyncGenerator<string> {
  let token: string | null = null;
  for (let page = 0; page < MAX_PAGES; page++) {
    const { keys, next } = await around.objects(store.page(directory, token));
    for (const key of keys) if (key.startsWith(directory)) yield key;
    if (next === null) return;
    if (next === token) break;
    token = next;
  }
  throw new SluiceError('HTTP_UNEXPECTED', 'the list of objects has no end', {
    next: 'Take a longer prefix, or name objects one by one.',
  });
}

function fileOf(store: Store, key: string, name: string): SourceFile {
  const parts = name.split('/').filter((part) => part !== '');
  const path = parts.map(safePart);
  const isDots = key.split('/').some((part) => part === '.' || part === '..');
  if (isDots || path.includes(null) || path.length === 0)
    throw new SluiceError('HTTP_UNEXPECTED', `this key cannot become a file: ${excerpt(key)}`, {
      next: 'Leave it out with --exclude, or fetch it alone with a presigned URL and --output.',
    });
  const safe = path as string[];
  const url = store.object(key);
  const place = safe.join('/');
  if (place === name) return { url, path: safe };
  const warning = `The key ${excerpt(name)} is saved as ${place}: not every key is a safe name.`;
  return { url, path: safe, warning };
}
