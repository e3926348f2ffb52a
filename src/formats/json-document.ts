/**
 * JSON (RFC 8259) with the line of everything in it, so that an error can say where it is. Node's parser
 * names a place only sometimes, and quotes the text, which may hold a secret.
 */
import type { SluiceError } from '../errors.js';

/** A value and its line, from 1. */
export type JsonNode =
  | { kind: 'scalar'; line: number; value: string | number | boolean | null }
  | { kind: 'array'; line: number; items: JsonNode[] }
  | { kind: 'object'; line: number; members: JsonMember[] };

export interface JsonMember {
  key: string;
  line: number;
  node: JsonNode;
}

/** Arrays and objects within each other. */
const MAX_DEPTH = 16;

const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORD = /true|false|null/y;

/**
 * Parses a document.
 * @param fail makes the error of a line; nothing of the text is in what it is told
 * @throws what `fail` makes
 */
export function parseJson(
  text: string,
  fail: (line: number, what: string) => SluiceError,
): JsonNode {
  return new Reader(text, fail).document();
}

class Reader {
  /** Offset in the text, in UTF-16 units. */
  private at = 0;
  private line = 1;

  constructor(
    private readonly text: string,
    private readonly fail: (line: number, what: string) => SluiceError,
  ) {}

  document(): JsonNode {
    // Some editors begin a file with a byte order mark.
    if (this.text.startsWith('\ufeff')) this.at = 1;
    const node = this.value(0);
    if (this.peek() !== '') throw this.wrong('there is more behind the end of the document');
    return node;
  }

  private value(depth: number): JsonNode {
    const next = this.peek();
    const { line } = this;
    if (depth > MAX_DEPTH) throw this.wrong(`there are more than ${MAX_DEPTH} levels`);
    if (next === '{') return { kind: 'object', line, members: this.members(depth) };
    if (next === '[') return { kind: 'array', line, items: this.items(depth) };
    const token = next === '"' ? this.string() : (this.match(NUMBER) ?? this.match(WORD));
    if (token === null)
      throw this.wrong(next === '' ? 'the document ends too early' : 'a value is expected here');
    return { kind: 'scalar', line, value: JSON.parse(token) as string | number | boolean | null };
  }

  private members(depth: number): JsonMember[] {
    const members: JsonMember[] = [];
    const seen = new Set<string>();
    this.list('{', '}', () => {
      if (this.peek() !== '"') throw this.wrong('a key in double quotes is expected here');
      const { line } = this;
      const key = JSON.parse(this.string()) as string;
      if (seen.has(key)) throw this.wrong('the key is there twice');
      seen.add(key);
      this.expect(':', 'a colon is expected behind the key');
      members.push({ key, line, node: this.value(depth + 1) });
    });
    return members;
  }

  private items(depth: number): JsonNode[] {
    const items: JsonNode[] = [];
    this.list('[', ']', () => items.push(this.value(depth + 1)));
    return items;
  }

  private list(open: string, close: string, item: () => void): void {
    this.expect(open, `${open} is expected here`);
    if (this.take(close)) return;
    for (;;) {
      item();
      if (this.take(close)) return;
      this.expect(',', `a comma or ${close} is expected here`);
      if (this.peek() === close) throw this.wrong(`there is a comma before ${close}`);
    }
  }

  private string(): string {
    const token = this.match(STRING);
    if (token === null) throw this.wrong('a text does not end in its line, or has a bad escape');
    return token;
  }

  /** The next character that is no space; empty at the end. */
  private peek(): string {
    const space = this.match(SPACE) ?? '';
    for (const character of space) if (character === '\n') this.line++;
    return this.text[this.at] ?? '';
  }

  private take(character: string): boolean {
    if (this.peek() !== character) return false;
    this.at++;
    return true;
  }

  private expect(character: string, what: string): void {
    if (!this.take(character)) throw this.wrong(what);
  }

  private match(pattern: RegExp): string | null {
    pattern.lastIndex = this.at;
    const [token = null] = pattern.exec(this.text) ?? [];
    if (token !== null) this.at += token.length;
    return token;
  }

  private wrong(what: string): SluiceError {
    return this.fail(this.line, what);
  }
}
