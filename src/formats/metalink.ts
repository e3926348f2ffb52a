/**
 * Metalink 4 (RFC 5854) and its predecessor, Metalink 3: what a file must be, and where it is. What
 * a Metalink says comes from a stranger: everything is bounded and checked, names are made safe.
 */
import { SluiceError } from '../errors.js';
import { safeName } from '../http/names.js';
import { excerpt } from '../http/syntax.js';
import { parseUserUrl } from '../http/url.js';
import type { Pace } from './pace.js';
import { parseXml, XmlError } from './xml.js';
import type { TakeElement, XmlBounds, XmlElement } from './xml.js';

/** Bounds of a document: room for the pieces of files of some hundred GiB, 400,000 and more. */
export const MAX_METALINK_BYTES = 64 * 1024 * 1024;
/** Of what is beside the digests of pieces, which are not kept as elements. */
const BOUNDS: XmlBounds = {
  maxElements: 200_000,
  maxDepth: 32,
  maxAttributes: 256,
  maxToken: 256 * 1024,
  maxText: 8 * 1024 * 1024,
};
/** Digests of pieces in a document; of more of them none is used. */
export const MAX_PIECES = 600_000;
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
  /** There are digests of pieces, but too many to be used. */
  tooManyPieces: boolean;
  /** In the order in which they are to be tried; at least one. */
  urls: MetalinkUrl[];
}

/** The namespaces of the two versions, and how each says things. */
const DIALECTS: Record<string, Version> = {
  'urn:ietf:params:xml:ns:metalink': {
    files: (root) => root,
    verification: (file) => file,
    urls: (file) => all(file, 'url'),
    urlOf: (element) => {
      const priority = wholeNumber(element.attributes.get('priority') ?? '', 1, LAST) ?? LAST;
      return urlOf(element, priority);
    },
  },
  'http://www.metalinker.org/': {
    files: (root) => only(root, 'files') ?? root,
    verification: (file) => only(file, 'verification'),
    urls: (file) => {
      const resources = only(file, 'resources');
      return resources === undefined ? [] : all(resources, 'url');
    },
    urlOf: (element) => {
      // A torrent is also fetched over http, and is not the file.
      const type = element.attributes.get('type')?.toLowerCase() ?? 'http';
      if (type !== 'http' && type !== 'https') return null;
      const preference = wholeNumber(element.attributes.get('preference') ?? '', 0, 100);
      return urlOf(element, preference === null ? LAST : 101 - preference);
    },
  },
};

/**
 * Reads a document.
 * @param blocks its text, in pieces of any size; its length is bounded by whoever reads it
 * @returns its files, at least one, each with a name of its own
 * @throws SluiceError METALINK_INVALID, and what the pace throws
 */
export async function parseMetalink(blocks: Iterable<string>, pace: Pace): Promise<MetalinkFile[]> {
  const pieces = new Pieces();
  const root = await readXml(blocks, pieces, pace);
  const dialect = Object.hasOwn(DIALECTS, root.namespace) ? DIALECTS[root.namespace] : undefined;
  if (root.name !== 'metalink' || dialect === undefined) {
    throw invalid('its first element is not the metalink of version 3 or 4');
  }
  return new Documents(dialect, pieces, pace).files(dialect.files(root));
}

/** What an element `pieces` has inside, in the order of the document. */
interface PieceText {
  texts: string[];
  /** Their numbers: {@link NO_NUMBER} for one without, NaN for what is none. */
  numbers: number[];
  /** Some were left out: there are more than {@link MAX_PIECES} in the document. */
  isCut: boolean;
}

const NO_NUMBER = -1;

/** Takes the digests of pieces out of the tree, for there may be very many. */
class Pieces {
  private readonly found = new WeakMap<XmlElement, PieceText>();
  private count = 0;

  take(element: XmlElement, parent: XmlElement): boolean {
    const isPiece =
      element.name === 'hash' && parent.name === 'pieces' && element.namespace === parent.namespace;
    if (!isPiece) return false;
    const { texts, numbers } = this.add(parent);
    if (++this.count > MAX_PIECES) {
      this.found.set(parent, { texts: [], numbers: [], isCut: true });
      return true;
    }
    const number = element.attributes.get('piece');
    texts.push(element.text);
    numbers.push(
      number === undefined ? NO_NUMBER : (wholeNumber(number, 0, MAX_PIECES) ?? Number.NaN),
    );
    return true;
  }

  of(element: XmlElement): PieceText {
    return this.found.get(element) ?? { texts: [], numbers: [], isCut: false };
  }

  private add(parent: XmlElement): PieceText {
    const text = this.of(parent);
    this.found.set(parent, text);
    return text;
  }
}

async function readXml(blocks: Iterable<string>, pieces: Pieces, pace: Pace): Promise<XmlElement> {
  const take: TakeElement = (element, parent) => pieces.take(element, parent);
  try {
    return await parseXml(blocks, { bounds: BOUNDS, take }, pace);
  } catch (thrown) {
    throw thrown instanceof XmlError ? invalid(thrown.message) : thrown;
  }
}

/** Where a version keeps what. */
interface Version {
  /** The element that has the files. */
  files: (root: XmlElement) => XmlElement;
  /** The element that has hashes and pieces. */
  verification: (file: XmlElement) => XmlElement | undefined;
  urls: (file: XmlElement) => XmlElement[];
  /** Null for what cannot be asked for. */
  urlOf: (element: XmlElement) => MetalinkUrl | null;
}

/** The priority of what has none (RFC 5854 section 4.2.16.2). */
const LAST = 999_999;

/** Reads the tree of one document, in turns. */
class Documents {
  constructor(
    private readonly version: Version,
    private readonly pieces: Pieces,
    private readonly pace: Pace,
  ) {}

  async files(parent: XmlElement): Promise<MetalinkFile[]> {
    const elements = all(parent, 'file');
    if (elements.length === 0) throw invalid('it names no file');
    if (elements.length > MAX_FILES) throw invalid(`it names more than ${MAX_FILES} files`);
    const files: MetalinkFile[] = [];
    const names = new Set<string>();
    for (const element of elements) {
      const file = await this.file(element);
      // On some filesystems names that differ in case only are one.
      const folded = file.name.toLowerCase();
      if (names.has(folded)) throw invalid(`two of its files would get the name ${file.name}`);
      names.add(folded);
      files.push(file);
    }
    return files;
  }

  private async file(element: XmlElement): Promise<MetalinkFile> {
    const name = safeName(element.attributes.get('name') ?? '');
    if (name === null) throw invalid('one of its files has no name that can be used');
    const size = sizeOf(element, name);
    const checks = this.version.verification(element);
    const found = await this.urls(element);
    if (found.length === 0) throw invalid(`it has no http or https URL for ${name}`);
    if (found.length > MAX_URLS) throw invalid(`it has more than ${MAX_URLS} URLs for ${name}`);
    const pieces = checks === undefined ? null : await this.piecesOf(checks, size, name);
    return {
      name,
      size,
      hashes: checks === undefined ? [] : hashesOf(checks, name),
      pieces: pieces === 'too many' ? null : pieces,
      tooManyPieces: pieces === 'too many',
      // Sorting is stable: equals stay in the document's order.
      urls: found.sort((a, b) => a.priority - b.priority),
    };
  }

  private async urls(file: XmlElement): Promise<MetalinkUrl[]> {
    const found: MetalinkUrl[] = [];
    for (const element of this.version.urls(file)) {
      if (this.pace.isDue) await this.pace.turn();
      const url = this.version.urlOf(element);
      if (url !== null) found.push(url);
    }
    return found;
  }

  private async piecesOf(
    parent: XmlElement,
    size: number | null,
    name: string,
  ): Promise<MetalinkPieces | 'too many' | null> {
    const found = all(parent, 'pieces').flatMap((element) => {
      const algorithm = algorithmOf(element.attributes.get('type'));
      return algorithm === null ? [] : [{ algorithm, element }];
    });
    const [best] = found.sort((a, b) => strength(a.algorithm) - strength(b.algorithm));
    if (best === undefined) return null;
    const { algorithm, element } = best;
    const length = wholeNumber(element.attributes.get('length') ?? '', 1, Number.MAX_SAFE_INTEGER);
    if (length === null) throw invalid(`the pieces of ${name} have no length`);
    const text = this.pieces.of(element);
    if (text.isCut) return 'too many';
    const hexes: string[] = [];
    for (const each of await this.inOrder(text, name)) {
      if (this.pace.isDue) await this.pace.turn();
      hexes.push(hexOf(algorithm, each, name));
    }
    if (hexes.length === 0 || (size !== null && hexes.length !== Math.ceil(size / length))) {
      throw invalid(`the number of pieces of ${name} does not fit its size`);
    }
    return { algorithm, length, hexes };
  }

  /** Metalink 3 numbers its pieces from 0; Metalink 4 has them in order. */
  private async inOrder({ texts, numbers }: PieceText, name: string): Promise<string[]> {
    if (numbers.every((number) => number === NO_NUMBER)) return texts;
    const ordered = texts.map((): string | null => null);
    for (const [index, text] of texts.entries()) {
      if (this.pace.isDue) await this.pace.turn();
      const at = numbers[index] ?? Number.NaN;
      if (ordered[at] !== null)
        throw invalid(`the pieces of ${name} are not numbered from 0 to ${texts.length - 1}`);
      ordered[at] = text;
    }
    return ordered.filter((text) => text !== null);
  }
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
  throw invalid(`a ${algorithm} of ${name} is malformed: ${excerpt(text)}`);
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
