/** A page of a list of objects (ListObjectsV2 of S3's API, which Google's store speaks too). */
import { SluiceError } from '../errors.js';
import { excerpt } from '../http/syntax.js';
import type { Pace } from './pace.js';
import { XmlError, parseXml } from './xml.js';
import type { XmlBounds } from './xml.js';

/** Bytes of a page: a thousand keys of a thousand characters, each written as `%XX`, and what is told of them. */
export const MAX_PAGE_BYTES = 16 * 1024 * 1024;

const BOUNDS: XmlBounds = {
  maxElements: 10_000,
  maxDepth: 16,
  maxAttributes: 64,
  maxToken: 64 * 1024,
  maxText: 1024 * 1024,
};

export interface ObjectPage {
  keys: string[];
  /** What asks for the next page; null for the last one. */
  next: string | null;
}

/**
 * Reads a page.
 * @param blocks its text, in pieces of any size
 * @throws SluiceError HTTP_UNEXPECTED, and what the pace throws
 */
export async function parseObjectList(blocks: Iterable<string>, pace: Pace): Promise<ObjectPage> {
  const keys: string[] = [];
  try {
    const root = await parseXml(
      blocks,
      {
        bounds: BOUNDS,
        take: ({ name, text }, parent) => {
          if (parent.name === 'Contents' && name === 'Key') keys.push(text);
          return parent.name === 'Contents' || name === 'Contents';
        },
      },
      pace,
    );
    if (root.name !== 'ListBucketResult') throw new XmlError(`it is a ${excerpt(root.name)}`);
    const said = (name: string): string =>
      root.children.find((child) => child.name === name)?.text ?? '';
    const isCoded = said('EncodingType') === 'url';
    const next = said('IsTruncated') === 'true' ? said('NextContinuationToken') : '';
    return { keys: isCoded ? keys.map(decoded) : keys, next: next === '' ? null : next };
  } catch (thrown) {
    if (!(thrown instanceof XmlError)) throw thrown;
    throw new SluiceError(
      'HTTP_UNEXPECTED',
      `the list of objects cannot be read: ${thrown.message}`,
      {
        next: 'Check the reference and --s3-endpoint; objects can be named one by one.',
      },
    );
  }
}

/** As forms are encoded: a space is `+`. */
function decoded(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    throw new XmlError(`it has a key that is not encoded as it says: ${excerpt(key)}`);
  }
}
