/**
 * Small XML documents from anywhere, as a tree. Everything is bounded: elements, depth, attributes, what
 * is kept, and how much may come without the end of a tag, text or comment. A document type is refused
 * altogether, so there are no entities but XML's own five.
 */
import { SaxesParser } from 'saxes';
import type { SaxesTagNS } from 'saxes';
import { excerpt } from '../http/syntax.js';
import type { Pace } from './pace.js';

export interface XmlElement {
  /** Namespace name; empty for none. */
  namespace: string;
  /** Name without its prefix. */
  name: string;
  /** Attributes without a namespace, by name. */
  attributes: ReadonlyMap<string, string>;
  /** Text directly inside, without white space around it. */
  text: string;
  children: XmlElement[];
}

export interface XmlBounds {
  /** Elements of the tree. */
  maxElements: number;
  maxDepth: number;
  /** Attributes of one element, declarations of namespaces among them. */
  maxAttributes: number;
  /** Characters of one tag, text or comment. */
  maxToken: number;
  /** Characters of all texts and attributes of the tree. */
  maxText: number;
}

/**
 * Looks at an element that has ended, before it is hung into its parent. True: what is needed of it
 * has been taken, and the tree does without it. So a document may have more of these than fit a tree.
 */
export type TakeElement = (element: XmlElement, parent: XmlElement) => boolean;

/** Characters that are parsed without asking for the time: a fraction of a millisecond. */
const STEP = 16 * 1024;

/** A document that is no XML, or beyond a bound. The message is a phrase about the document. */
export class XmlError extends Error {}

/**
 * Parses a document.
 * @param blocks its text, in pieces of any size
 * @throws XmlError, and what the pace throws
 */
export async function parseXml(
  blocks: Iterable<string>,
  { bounds, take = () => false }: { bounds: XmlBounds; take?: TakeElement },
  pace: Pace,
): Promise<XmlElement> {
  const reader = new Reader(bounds, take);
  for (const block of blocks) {
    for (let at = 0; at < block.length; at += STEP) {
      reader.write(block.slice(at, at + STEP));
      if (pace.isDue) await pace.turn();
    }
  }
  return reader.end();
}

class Reader {
  private readonly parser = new SaxesParser({ xmlns: true });
  private readonly open: XmlElement[] = [];
  private root: XmlElement | null = null;
  private elements = 0;
  /** Of the tag that is being read. */
  private attributes = 0;
  /** Characters that are kept. */
  private kept = 0;
  /** Where the last whole tag, text or comment ended. */
  private whole = 0;
  private hasBegun = false;

  constructor(
    private readonly bounds: XmlBounds,
    private readonly take: TakeElement,
  ) {
    const { parser } = this;
    parser.on('error', ({ message }) => {
      throw new XmlError(`it is not well-formed XML (${excerpt(message)})`);
    });
    parser.on('doctype', () => {
      throw new XmlError('it has a document type (DOCTYPE), which is refused');
    });
    parser.on('opentagstart', () => (this.attributes = 0));
    parser.on('attribute', ({ name, value }) => this.attribute(name, value));
    parser.on('opentag', (tag) => this.opened(tag));
    parser.on('closetag', () => this.closed());
    parser.on('text', (text) => this.text(text));
    parser.on('cdata', (text) => this.text(text));
    for (const event of ['comment', 'processinginstruction'] as const)
      parser.on(event, () => this.mark());
  }

  write(text: string): void {
    // White space before the XML declaration is a slip of many programs, and harmless.
    const rest = this.hasBegun ? text : text.replace(BEFORE, '');
    if (rest === '') return;
    this.hasBegun = true;
    this.parser.write(rest);
    const { maxToken } = this.bounds;
    if (this.parser.position - this.whole > maxToken)
      throw new XmlError(`a tag, text or comment of it is longer than ${maxToken} characters`);
  }

  end(): XmlElement {
    this.parser.close();
    if (this.root === null) throw new XmlError('it has no element');
    return this.root;
  }

  private mark(): void {
    this.whole = this.parser.position;
  }

  private keep(characters: number): void {
    this.kept += characters;
    const { maxText } = this.bounds;
    if (this.kept > maxText)
      throw new XmlError(`its texts and attributes are longer than ${maxText} characters`);
  }

  private attribute(name: string, value: string): void {
    this.mark();
    this.keep(name.length + value.length);
    const { maxAttributes } = this.bounds;
    if (++this.attributes > maxAttributes)
      throw new XmlError(`one of its elements has more than ${maxAttributes} attributes`);
  }

  private opened(tag: SaxesTagNS): void {
    this.mark();
    const { maxElements, maxDepth } = this.bounds;
    if (++this.elements > maxElements)
      throw new XmlError(`it has more than ${maxElements} elements`);
    if (this.open.length >= maxDepth)
      throw new XmlError(`it is nested deeper than ${maxDepth} elements`);
    const element = elementOf(tag);
    this.root ??= element;
    this.open.push(element);
  }

  private closed(): void {
    this.mark();
    const element = this.open.pop();
    const parent = this.open.at(-1);
    if (element === undefined) return;
    const { length } = element.text;
    element.text = own(element.text.trimEnd());
    this.kept -= length - element.text.length;
    if (parent === undefined) return;
    if (this.take(element, parent)) this.forget(element);
    else parent.children.push(element);
  }

  private text(piece: string): void {
    this.mark();
    const current = this.open.at(-1);
    if (current === undefined) return;
    const text = current.text === '' ? piece.trimStart() : piece;
    this.keep(text.length);
    current.text += text;
  }

  /** An element that was taken counts for nothing. */
  private forget({ attributes, text }: XmlElement): void {
    this.elements--;
    this.kept -= text.length;
    for (const [name, value] of attributes) this.kept -= name.length + value.length;
  }
}

const BEFORE = /^[\ufeff\t\n\r ]+/;

/** A copy: a part of a text keeps all of that text in memory, and here that is the whole document. */
const own = (text: string): string => JSON.parse(JSON.stringify(text)) as string;

const NONE: ReadonlyMap<string, string> = new Map();

function elementOf({ uri, local, attributes }: SaxesTagNS): XmlElement {
  const plain = Object.values(attributes).filter((attribute) => attribute.uri === '');
  return {
    namespace: uri,
    name: local,
    attributes:
      plain.length === 0
        ? NONE
        : new Map(plain.map(({ local: name, value }) => [name, own(value)])),
    text: '',
    children: [],
  };
}
