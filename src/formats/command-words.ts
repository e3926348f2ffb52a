/**
 * The words of a command that was copied from a browser, as a POSIX shell (bash) or Windows' cmd.exe
 * reads them. Nothing is expanded or run: what would be is refused.
 */
import { SluiceError } from '../errors.js';

/** Characters of a command. */
export const MAX_COMMAND_CHARS = 256 * 1024;

/**
 * The words of one command.
 * @throws SluiceError USAGE, with nothing of what stands there: it may be a secret
 */
export function commandWords(text: string): string[] {
  if (text.length > MAX_COMMAND_CHARS)
    throw unreadable(`it is longer than ${MAX_COMMAND_CHARS} characters`);
  if (text.includes('\0')) throw unreadable('it has a NUL character');
  const plain = text.trim();
  return isOfCmd(plain) ? windowsWords(withoutCarets(plain)) : shellWords(plain);
}

/** cmd.exe's escapes stand before a quote or at the end of a line; a POSIX shell's first word has other quotes. */
function isOfCmd(text: string): boolean {
  const first = /^\S+\s+(?:-\S+\s+)*(\^"|'|\$')/.exec(text)?.[1];
  return first === '^"' || (first === undefined && /\^\r?\n|\^"/.test(text));
}

/** What cmd.exe makes of a line: `^` outside of quotes says that the next character is nothing special. */
function withoutCarets(text: string): string {
  let out = '';
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string;
    if (char === '"') isQuoted = !isQuoted;
    if (char === '^' && !isQuoted) {
      at++;
      // At the end of a line it is the next line's first character that it is for.
      if (text[at] === '\r' && text[at + 1] === '\n') at++;
      if (text[at] === '\n') at++;
      if (text[at] === '\r' && text[at + 1] === '\n') at++;
      out += text[at] ?? '';
      continue;
    }
    if (!isQuoted && (char === '\n' || '&|<>'.includes(char))) throw severalCommands(char);
    out += char;
  }
  return out;
}

/** What a Windows program makes of its line: `\"` and `""` in quotes are a quote. */
function windowsWords(line: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let isQuoted = false;
  for (let at = 0; at < line.length; at++) {
    const char = line[at] as string;
    if (char === '\\') {
      let end = at;
      while (line[end] === '\\') end++;
      const count = end - at;
      const beforeQuote = line[end] === '"';
      word = (word ?? '') + '\\'.repeat(beforeQuote ? count >> 1 : count);
      at = end - 1;
      if (beforeQuote && count % 2 === 1) {
        word += '"';
        at = end;
      }
    } else if (char === '"') {
      word ??= '';
      if (isQuoted && line[at + 1] === '"') {
        word += '"';
        at++;
      } else isQuoted = !isQuoted;
    } else if (!isQuoted && /\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + char;
  }
  if (isQuoted) throw unreadable('a quote is not closed');
  if (word !== null) words.push(word);
  return words;
}

/** Where a POSIX shell's command is read. */
class Shell {
  at = 0;
  constructor(readonly text: string) {}

  next(): string {
    return this.text[this.at++] ?? '';
  }

  /** Up to the closing quote, which is passed. */
  upTo(quote: string): string {
    const end = this.text.indexOf(quote, this.at);
    if (end < 0) throw unreadable('a quote is not closed');
    const inside = this.text.slice(this.at, end);
    this.at = end + 1;
    return inside;
  }

  /** Inside of double quotes, behind the first. */
  double(): string {
    let out = '';
    for (let char = this.next(); char !== '"'; char = this.next()) {
      if (char === '') throw unreadable('a quote is not closed');
      if (char === '$' || char === '`') throw expanded();
      if (char !== '\\') out += char;
      else {
        const escaped = this.next();
        if (escaped !== '\n') out += '$`"\\'.includes(escaped) ? escaped : `\\${escaped}`;
      }
    }
    return out;
  }

  /** Inside of `$'...'`, behind the first quote. Numbered escapes up to a byte are bytes of UTF-8. */
  ansi(): string {
    let out = '';
    let bytes: number[] = [];
    const flush = (): void => {
      if (bytes.length > 0) out += Buffer.from(bytes).toString('utf8');
      bytes = [];
    };
    for (let char = this.next(); char !== "'"; char = this.next()) {
      if (char === '') throw unreadable('a quote is not closed');
      const escape = char === '\\' ? this.escape() : char;
      if (typeof escape === 'number') bytes.push(escape);
      else {
        flush();
        out += escape;
      }
    }
    flush();
    return out;
  }

  /** What stands behind a backslash in `$'...'`: a byte, or text. */
  private escape(): string | number {
    const char = this.next();
    const simple = SIMPLE[char];
    if (simple !== undefined) return simple;
    if (char === 'x') return this.number(/[\dA-Fa-f]/, 16, 2) ?? '\\x';
    if (char === 'u' || char === 'U') {
      const code = this.number(/[\dA-Fa-f]/, 16, char === 'u' ? 4 : 8);
      if (code === null) return `\\${char}`;
      if (code > 0x10ffff) throw unreadable('there is no such character');
      return code > 0xffff ? String.fromCodePoint(code) : String.fromCharCode(code);
    }
    if (char === 'c') return String.fromCharCode(this.next().charCodeAt(0) & 0x1f);
    if (/[0-7]/.test(char)) {
      this.at--;
      return (this.number(/[0-7]/, 8, 3) as number) & 0xff;
    }
    return `\\${char}`;
  }

  private number(digit: RegExp, base: number, most: number): number | null {
    let digits = '';
    while (digits.length < most && digit.test(this.text[this.at] ?? '')) digits += this.next();
    return digits === '' ? null : parseInt(digits, base);
  }
}

const SIMPLE: Readonly<Record<string, string>> = {
  ...{ n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', e: '\x1b', E: '\x1b', f: '\f', v: '\v' },
  ...{ '\\': '\\', "'": "'", '"': '"', '?': '?' },
};

function shellWords(text: string): string[] {
  const shell = new Shell(text);
  const words: string[] = [];
  let word: string | null = null;
  while (shell.at < text.length) {
    const char = shell.next();
    if (char === ';' && shell.at === text.length) break;
    if (char === '\n' || ';&|<>()'.includes(char)) throw severalCommands(char);
    if (char === ' ' || char === '\t' || char === '\r') {
      if (word !== null) words.push(word);
      word = null;
    } else {
      const more = unquoted(char, shell);
      if (more !== null) word = (word ?? '') + more;
    }
  }
  if (word !== null) words.push(word);
  return words;
}

/** What a character outside of quotes begins; null for a line that goes on in the next one. */
function unquoted(char: string, shell: Shell): string | null {
  const { text } = shell;
  if (char === "'") return shell.upTo("'");
  if (char === '"') return shell.double();
  if (char === '\\') {
    if (text.startsWith('\r\n', shell.at)) shell.at++;
    const escaped = shell.next();
    return escaped === '\n' ? null : escaped;
  }
  if (char === '`' || (char === '$' && text[shell.at] !== "'")) throw expanded();
  if (char !== '$') return char;
  shell.at++;
  return shell.ansi();
}

function expanded(): SluiceError {
  return unreadable('it has $ or ` outside of single quotes, which a shell would expand');
}

function severalCommands(char: string): SluiceError {
  const what = char === '\n' ? 'a line that ends without \\ (or ^)' : char;
  return unreadable(`it has ${what} outside of quotes: it may be several commands`);
}

function unreadable(why: string): SluiceError {
  return new SluiceError('USAGE', `the curl command cannot be read: ${why}`, {
    next: 'Copy one request with "Copy as cURL", and give it in one piece: --from-curl - reads it from standard input.',
  });
}
