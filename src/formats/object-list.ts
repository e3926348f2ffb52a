/** A page of a list of objects: ListObjectsV2 of S3's API, which Google's store speaks too, and List Blobs of Azure's. */
import { SluiceError } from '../errors.js';
import { excerpt } from '../http/syntax.js';
import type { Pace } from './pace.js';
import { XmlError, parseXml } from './xml.js';
import type { TakeElement, XmlBounds, XmlElement } from './xml.js';

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
  const page = new Page();
  try {
    const take: TakeElement = (element, parent) => page.take(element, parent);
    const root = await parseXml(blocks, { bounds: BOUNDS, take }, pace);
    if (root.name === 'EnumerationResults') return page.ofAzure(root);
    if (root.name !== 'ListBucketResult') throw new XmlError(`it is a ${excerpt(root.name)}`);
    return page.ofS3(root);
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

const NO_BLOB = { name: '', isDirectory: false };

/** What is taken of a page while it is read. */
class Page {
  private readonly keys: string[] = [];
  /** Of the blob that is being read. */
  private blob = { ...NO_BLOB };

  take({ name, text, attributes }: XmlElement, parent: XmlElement): boolean {
    if (parent.name === 'Contents') {
      if (name === 'Key') this.keys.push(text);
      return true;
    }
    // A name that XML cannot have is written as `%XX`, and says so.
    if (parent.name === 'Blob' && name === 'Name')
      this.blob.name = attributes.get('Encoded') === 'true' ? percentDecoded(text) : text;
    // Where directories are more than parts of names, they are listed beside what is in them.
    if (parent.name === 'Properties' && name === 'ResourceType')
      this.blob.isDirectory = text === 'directory';
    if (name === 'Blob') {
      if (!this.blob.isDirectory) this.keys.push(this.blob.name);
      this.blob = { ...NO_BLOB };
    }
    return ['Contents', 'Blob'].includes(name) || ['Blob', 'Properties'].includes(parent.name);
  }

  ofS3(root: XmlElement): ObjectPage {
    const isCoded = textIn(root, 'EncodingType') === 'url';
    const isMore = textIn(root, 'IsTruncated') === 'true';
    const next = isMore ? textIn(root, 'NextContinuationToken') : '';
    return { keys: isCoded ? this.keys.map(decoded) : this.keys, next: next || null };
  }

  ofAzure(root: XmlElement): ObjectPage {
    return { keys: this.keys, next: textIn(root, 'NextMarker') || null };
  }
}

function textIn({ children }: XmlElement, name: string): string {
  return children.find((child) => child.name === name)?.text ?? '';
}

/** As forms are encoded: a space is `+`. */
function decoded(key: string): string {
  return percentDecoded(key.replaceAll('+', ' '));
}

function percentDecoded(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    throw new XmlError(`it has a key that is not encoded as it says: ${excerpt(key)}`);
  }
}
