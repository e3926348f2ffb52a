/**
 * Small XML documents from anywhere, as a tree. Bounded in size, depth and number of elements. A
 * document type is refused altogether, so there are no entities but XML's own five.
 */
import sax from 'sax';

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
  maxElements: number;
  maxDepth: number;
}

/** `strictEntities`: without it the parser knows the names of HTML as well. */
const OPTIONS = { xmlns: true, strictEntities: true, position: true };

/**
 * Parses a document.
 * @throws Error with what is wrong with it, as a phrase
 */
export function parseXml(text: string, { maxElements, maxDepth }: XmlBounds): XmlElement {
  const parser = sax.parser(true, OPTIONS);
  const open: XmlElement[] = [];
  let root: XmlElement | null = null;
  let count = 0;
  const addText = (piece: string): void => {
    const current = open.at(-1);
    if (current !== undefined) current.text += piece;
  };
  parser.onerror = (error) => {
    throw new Error(`it is not well-formed XML (${error.message.split('\n')[0]})`);
  };
  parser.ondoctype = () => {
    throw new Error('it has a document type (DOCTYPE), which is refused');
  };
  parser.onopentag = (tag) => {
    if (++count > maxElements) throw new Error(`it has more than ${maxElements} elements`);
    if (open.length >= maxDepth) throw new Error(`it is nested deeper than ${maxDepth} elements`);
    const element = elementOf(tag as sax.QualifiedTag);
    open.at(-1)?.children.push(element);
    root ??= element;
    open.push(element);
  };
  parser.onclosetag = () => {
    const closed = open.pop();
    if (closed !== undefined) closed.text = closed.text.trim();
  };
  parser.ontext = addText;
  parser.oncdata = addText;
  parser.write(text).close();
  if (root === null) throw new Error('it has no element');
  return root;
}

function elementOf({ uri, local, attributes }: sax.QualifiedTag): XmlElement {
  const plain = Object.values(attributes).filter(({ prefix }) => prefix === '');
  return {
    namespace: uri,
    name: local,
    attributes: new Map(plain.map(({ local: name, value }) => [name, value])),
    text: '',
    children: [],
  };
}
