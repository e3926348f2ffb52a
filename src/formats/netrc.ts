/**
 * A netrc file in curl's dialect: `machine`, `login`, `password`, `account`, `default`; `macdef` up to the
 * next empty line is passed over; `#` in the place of a keyword begins a comment; a value in quotes may
 * hold blanks and `\"`, `\\`, `\n`, `\r`, `\t`.
 */
import { SluiceError } from '../errors.js';

/** Bytes of a file. */
export const MAX_NETRC_BYTES = 1024 * 1024;

/** Who one is on a machine; null is every machine (`default`). */
export interface NetrcEntry {
  machine: string | null;
  login: string;
  password: string;
}

interface Token {
  text: string;
  isQuoted: boolean;
  /** From 1. */
  line: number;
}

/**
 * The entries of a file, in its order.
 * @param where the file's path, for errors
 * @throws SluiceError CREDENTIALS_FILE, with the line and nothing of what stands there
 */
export function parseNetrc(text: string, where: string): NetrcEntry[] {
  const entries: NetrcEntry[] = [];
  const tokens = tokensOf(text, where);
  const value = ({ text: keyword, line }: Token): string => {
    const next = tokens.next();
    if (next.done === true || isComment(next.value))
      throw wrong(where, line, `${keyword.toLowerCase()} has no value`);
    return next.value.text;
  };
  for (const token of tokens) {
    if (isComment(token)) continue;
    const entry = entries.at(-1);
    switch (token.text.toLowerCase()) {
      case 'machine':
        entries.push({ machine: hostOf(value(token)), login: '', password: '' });
        break;
      case 'default':
        entries.push({ machine: null, login: '', password: '' });
        break;
      case 'login':
        if (entry !== undefined) entry.login = value(token);
        break;
      case 'password':
        if (entry !== undefined) entry.password = value(token);
        break;
      case 'account':
        value(token);
        break;
      default:
        throw wrong(where, token.line, 'there is a word that is none of netrc');
    }
  }
  return entries;
}

/**
 * The first entry for a host, in the order of the file; null when there is none.
 * @param login only what is for this login; null for any
 * @param mayDefault whether an entry for every machine counts
 */
export function netrcFor(
  entries: readonly NetrcEntry[],
  host: string,
  login: string | null,
  mayDefault: boolean,
): NetrcEntry | null {
  const name = hostOf(host);
  const fits = (each: NetrcEntry): boolean =>
    (each.machine === null ? mayDefault : each.machine === name) &&
    (login === null || each.login === '' || each.login === login);
  return entries.find(fits) ?? null;
}

const hostOf = (text: string): string => text.toLowerCase().replace(/^\[|\]$/g, '');

const isComment = ({ text, isQuoted }: Token): boolean => !isQuoted && text.startsWith('#');

/** Words and quoted values, without comments in the place of keywords and without macros. */
function* tokensOf(text: string, where: string): Generator<Token> {
  let isMacro = false;
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (isMacro) {
      isMacro = line.trim() !== '';
      continue;
    }
    for (const token of ofLine(line, at + 1, where)) {
      if (!token.isQuoted && token.text.toLowerCase() === 'macdef') {
        isMacro = true;
        break;
      }
      yield token;
      if (isComment(token)) break;
    }
  }
}

function* ofLine(line: string, number: number, where: string): Generator<Token> {
  for (let at = 0; at < line.length;) {
    if (line[at] === ' ' || line[at] === '\t') at++;
    else if (line[at] === '"') {
      const { text, end } = quoted(line, at + 1, number, where);
      yield { text, isQuoted: true, line: number };
      at = end;
    } else {
      let end = at;
      while (end < line.length && line[end] !== ' ' && line[end] !== '\t') end++;
      yield { text: line.slice(at, end), isQuoted: false, line: number };
      at = end;
    }
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

function quoted(line: string, from: number, number: number, where: string) {
  let text = '';
  for (let at = from; at < line.length; at++) {
    const character = line[at] as string;
    if (character === '"') return { text, end: at + 1 };
    if (character !== '\\') text += character;
    else if (++at < line.length) text += ESCAPES[line[at] as string] ?? line[at];
  }
  throw wrong(where, number, 'a quoted value does not end');
}

function wrong(where: string, line: number, what: string): SluiceError {
  return new SluiceError('CREDENTIALS_FILE', `line ${line}: ${what}`, {
    path: where,
    next: 'Write `machine HOST login NAME password PASSWORD`; put a value with blanks or # in double quotes.',
  });
}
