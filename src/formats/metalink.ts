/**
 * Metalink 4 (RFC 5854) and its predecessor, Metalink 3: what a file must be, and where it is. What
 * a Metalink says comes from a stranger: everything is bounded and checked, names are made safe.
 */
import { SluiceError } from '../errors.js';
import { safeName } from '../http/names.js';
import { parseUserUrl } from '../http/url.js';
import { parseXml } from './xml.js';
import type { XmlElement } from './xml.js';

/** Bounds of a document. */
export const MAX_METALINK_BYTES = 8 * 1024 * 1024;
const MAX_ELEMENTS = 200_000;
const MAX_DEPTH = 32;
const MAX_FILES = 4096;
const MAX_URLS = 1024;

/** Digests that are understood, the strongest first. */
const ALGORITHMS = ['sha512', 'sha256', 'sha1', 'md5'] as const;
const DIGITS = { sha512: 128, sha256: 64, sha1: 40, md5: 32 } as const;

export type MetalinkAlgorithm = (typeof ALGORITHMS)[number];

/** Digests of equal pieces of a file; the last piece may be shorter. */
export interface MetalinkPieces {
  algorithm: MetalinkAlgorithm;
  /** Bytes of a piece. */
  length: number;
  /** Lower-case hexadecimal, in order of offset. */
  hexes: string[];
}

export interface MetalinkUrl {
  /** http or https, without userinfo and fragment. */
  url: string;
  /** Smaller is better; 1 to 999999. */
  priority: number;
  /** ISO 3166-1 country code, as the document has it. */
  location: string | null;
}

export interface MetalinkFile {
  /** One safe component of a path, whatever the document says (P13). */
  name: string;
  /** Length in bytes. */
  size: number | null;
  /** The strongest digest first. Only those that are understood. */
  hashes: Array<{ algorithm: MetalinkAlgorithm; hex: string }>;
  /** Those with the strongest digest. */
  pieces: MetalinkPieces | null;
  /** In the order in which they are to be tried; at least one. */
  urls: MetalinkUrl[];
}

/** The namespaces of the two versions, and how each says things. */
const DIALECTS: Record<string, (root: XmlElement) => MetalinkFile[]> = {
  'urn:ietf:params:xml:ns:metalink': (root) => filesOf(root, version4),
  'http://www.metalinker.org/': (root) => filesOf(only(root, 'files') ?? root, version3),
};

/**
 * Reads a document.
 * @returns its files, at least one, each with a name of its own
 * @throws SluiceError METALINK_INVALID
 */
export function parseMetalink(text: string): MetalinkFile[] {
  if (text.length > MAX_METALINK_BYTES) throw tooLong();
  const root = readXml(text.replace(/^\ufeff/, ''));
  const dialect = Object.hasOwn(DIALECTS, root.namespace) ? DIALECTS[root.namespace] : undefined;
  if (root.name !== 'metalink' || dialect === undefined) {
    throw invalid('its first element is not the metalink of version 3 or 4');
  }
  return dialect(root);
}

/** The refusal of a document that is longer than {@link MAX_METALINK_BYTES}. */
export function tooLong(): SluiceError {
  return invalid(`it is longer than ${MAX_METALINK_BYTES} bytes`);
}

function readXml(text: string): XmlElement {
  try {
    return parseXml(text, { maxElements: MAX_ELEMENTS, maxDepth: MAX_DEPTH });
  } catch (thrown) {
    throw invalid(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/** Where a version keeps what. */
interface Version {
  /** The element that has hashes and pieces. */
  verification: (file: XmlElement) => XmlElement | undefined;
  urls: (file: XmlElement) => MetalinkUrl[];
}

const version4: Version = {
  verification: (file) => file,
  urls: (file) => {
    const found = all(file, 'url').map((element) => {
      const priority = wholeNumber(element.attributes.get('priority') ?? '', 1, LAST) ?? LAST;
      return urlOf(element, priority);
    });
    return found.filter((url) => url !== null);
  },
};

const version3: Version = {
  verification: (file) => only(file, 'verification'),
  urls: (file) => {
    const resources = only(file, 'resources');
    const found = (resources === undefined ? [] : all(resources, 'url')).map((element) => {
      // A torrent is also fetched over http, and is not the file.
      const type = element.attributes.get('type')?.toLowerCase() ?? 'http';
      if (type !== 'http' && type !== 'https') return null;
      const preference = wholeNumber(element.attributes.get('preference') ?? '', 0, 100);
      return urlOf(element, preference === null ? LAST : 101 - preference);
    });
    return found.filter((url) => url !== null);
  },
};

/** The priority of what has none (RFC 5854 section 4.2.16.2). */
const LAST = 999_999;

function filesOf(parent: XmlElement, version: Version): MetalinkFile[] {
  const elements = all(parent, 'file');
  if (elements.length === 0) throw invalid('it names no file');
  if (elements.length > MAX_FILES) throw invalid(`it names more than ${MAX_FILES} files`);
  const files = elements.map((element) => fileOf(element, version));
  const names = new Set<string>();
  for (const { name } of files) {
    // On some filesystems names that differ in case only are one.
    const folded = name.toLowerCase();
    if (names.has(folded)) throw invalid(`two of its files would get the name ${name}`);
    names.add(folded);
  }
  return files;
}

function fileOf(element: XmlElement, { verification, urls }: Version): MetalinkFile {
  const name = safeName(element.attributes.get('name') ?? '');
  if (name === null) throw invalid('one of its files has no name that can be used');
  const size = sizeOf(element, name);
  const checks = verification(element);
  const found = urls(element);
  if (found.length === 0) throw invalid(`it has no http or https URL for ${name}`);
  if (found.length > MAX_URLS) throw invalid(`it has more than ${MAX_URLS} URLs for ${name}`);
  return {
    name,
    size,
    hashes: checks === undefined ? [] : hashesOf(checks, name),
    pieces: checks === undefined ? null : piecesOf(checks, size, name),
    // Sorting is stable: equals stay in the document's order.
    urls: found.sort((a, b) => a.priority - b.priority),
  };
}

function sizeOf(file: XmlElement, name: string): number | null {
  const element = only(file, 'size');
  if (element === undefined) return null;
  const size = wholeNumber(element.text, 0, Number.MAX_SAFE_INTEGER);
  if (size === null) throw invalid(`the size of ${name} is not a number of bytes`);
  return size;
}

/** The digests of the whole file. One that is understood and malformed is not passed over. */
function hashesOf(parent: XmlElement, name: string): MetalinkFile['hashes'] {
  const found = all(parent, 'hash').flatMap(({ attributes, text }) => {
    const algorithm = algorithmOf(attributes.get('type'));
    return algorithm === null ? [] : [{ algorithm, hex: hexOf(algorithm, text, name) }];
  });
  return found.sort((a, b) => strength(a.algorithm) - strength(b.algorithm));
}

function piecesOf(parent: XmlElement, size: number | null, name: string): MetalinkPieces | null {
  const found = all(parent, 'pieces').flatMap((element) => {
    const algorithm = algorithmOf(element.attributes.get('type'));
    return algorithm === null ? [] : [{ algorithm, element }];
  });
  const [best] = found.sort((a, b) => strength(a.algorithm) - strength(b.algorithm));
  if (best === undefined) return null;
  const { algorithm, element } = best;
  const length = wholeNumber(element.attributes.get('length') ?? '', 1, Number.MAX_SAFE_INTEGER);
  if (length === null) throw invalid(`the pieces of ${name} have no length`);
  const hexes = inOrder(all(element, 'hash'), name).map(({ text }) => hexOf(algorithm, text, name));
  if (hexes.length === 0 || (size !== null && hexes.length !== Math.ceil(size / length))) {
    throw invalid(`the number of pieces of ${name} does not fit its size`);
  }
  return { algorithm, length, hexes };
}

/** Metalink 3 numbers its pieces from 0; Metalink 4 has them in order. */
function inOrder(hashes: XmlElement[], name: string): XmlElement[] {
  if (hashes.every(({ attributes }) => !attributes.has('piece'))) return hashes;
  const ordered: Array<XmlElement | undefined> = hashes.map(() => undefined);
  for (const hash of hashes) {
    const at = wholeNumber(hash.attributes.get('piece') ?? '', 0, hashes.length - 1);
    if (at === null || ordered[at] !== undefined) {
      throw invalid(`the pieces of ${name} are not numbered from 0 to ${hashes.length - 1}`);
    }
    ordered[at] = hash;
  }
  return ordered.filter((hash) => hash !== undefined);
}

/** What cannot be asked for is passed over: ftp, magnet links, what is no URL. */
function urlOf({ text, attributes }: XmlElement, priority: number): MetalinkUrl | null {
  try {
    const { url } = parseUserUrl(text);
    return { url: url.href, priority, location: attributes.get('location') ?? null };
  } catch {
    return null;
  }
}

/** Names of RFC 5854 (`sha-256`) and of Metalink 3 (`sha256`). */
function algorithmOf(type: string | undefined): MetalinkAlgorithm | null {
  const name = (type ?? '').toLowerCase().replace(/^sha-/, 'sha');
  return ALGORITHMS.find((algorithm) => algorithm === name) ?? null;
}

const strength = (algorithm: MetalinkAlgorithm): number => ALGORITHMS.indexOf(algorithm);

function hexOf(algorithm: MetalinkAlgorithm, text: string, name: string): string {
  const hex = text.toLowerCase();
  if (hex.length === DIGITS[algorithm] && /^[0-9a-f]+$/.test(hex)) return hex;
  throw invalid(`a ${algorithm} of ${name} is malformed`);
}

/** Decimal digits between two bounds; null for anything else. */
function wholeNumber(text: string, min: number, max: number): number | null {
  if (!/^\d{1,16}$/.test(text)) return null;
  const value = Number(text);
  return value >= min && value <= max ? value : null;
}

/** Children of the parent's own namespace. */
const all = (parent: XmlElement, name: string): XmlElement[] =>
  parent.children.filter((child) => child.name === name && child.namespace === parent.namespace);

const only = (parent: XmlElement, name: string): XmlElement | undefined => all(parent, name)[0];

function invalid(what: string): SluiceError {
  return new SluiceError('METALINK_INVALID', `this is no Metalink that can be used: ${what}`, {
    next: 'Check that it is the whole document, or give the URL of the file itself.',
  });
}
