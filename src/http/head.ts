/** The head of a response: status line and fields (RFC 9112 §4 and §5), read strictly. */
import { SluiceError } from '../errors.js';
import { BROKEN, TOKEN, excerpt, trimOws } from './syntax.js';

/** Longest head in bytes, with its last empty line. */
export const MAX_HEAD_BYTES = 256 * 1024;
/** Most field lines in one head; continuation lines do not count. */
export const MAX_FIELDS = 1000;

const NUL = 0x00;
const LF = 0x0a;
const CR = 0x0d;

const DIGITS = '0123456789';
const DOT = 0x2e;
/** What may stand at each place of the protocol and its version; one look per call finds a stranger early. */
const PROTOCOL = ['Hh', 'Tt', 'Tt', 'Pp', '/', DIGITS];
/** A minor version. */
const MINOR = ['.', DIGITS];
/** The same of the status. */
const STATUS = ['12345', DIGITS, DIGITS];
/** White space between version and status; one SP is right (RFC 9112 §4). */
const BLANKS = ' \t';
/** The most of it. */
const MAX_BLANKS = 16;

const STATUS_LINE = /^http\/([0-9](?:\.[0-9])?)[ \t]+([0-9]{3}) ?(.*)$/is;

/** Control bytes that end no line and no text: all but NUL, HTAB, LF and CR. */
const CONTROLS = /[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/** Runs of token characters: the words in which another reader could see a name. */
const WORDS = /[!#$%&'*+\-.^_`|~0-9a-z]+/g;

/**
 * Fields of which a wrong reading changes where the body ends, which bytes it holds, or whether the
 * connection serves again. They are read in the form of the grammar, or the head is refused.
 */
const DECIDING: ReadonlySet<string> = new Set([
  ...['content-length', 'transfer-encoding', 'content-range', 'content-encoding', 'connection'],
]);

/** The fields of a head, in order. Values are latin1: one character a byte. */
export class Fields {
  /** Names are lower-case, values without the white space around them. */
  readonly entries: ReadonlyArray<readonly [name: string, value: string]>;

  constructor(entries: ReadonlyArray<readonly [name: string, value: string]>) {
    this.entries = entries.map(([name, value]) => [name.toLowerCase(), value] as const);
  }

  /** All values of a field joined by `, ` (RFC 9110 §5.3); undefined when it is absent. */
  get(name: string): string | undefined {
    const values = this.getAll(name);
    return values.length === 0 ? undefined : values.join(', ');
  }

  /** The values of each line of a field, in order. */
  getAll(name: string): string[] {
    const wanted = name.toLowerCase();
    return this.entries.filter((entry) => entry[0] === wanted).map((entry) => entry[1]);
  }

  has(name: string): boolean {
    return this.getAll(name).length > 0;
  }
}

export interface ResponseHead {
  /** 100 to 599. */
  status: number;
  /**
   * The x of HTTP/1.x; a higher one is read as 1, the highest that is known (RFC 9110 §2.5). 0 for any other
   * version: an answer that is written as text is none of HTTP/2, and 1.0 promises the least.
   */
  minorVersion: 0 | 1;
  /** The reason phrase, latin1, each control byte as a space; often empty, and never to be trusted. */
  reason: string;
  fields: Fields;
}

/**
 * Parses a response head in the bytes `[from, to)`.
 *
 * A line may end in a bare LF (RFC 9112 §2.2), unless two readings of the head would differ in what
 * counts: see {@link checkLineEnds}. An obs-fold becomes one space (§5.2). A line that is no field, or has
 * a control byte in it, is passed over, unless another reader could see one of {@link DECIDING} in it.
 *
 * @param scanFrom where the search for the end of the head goes on: the `to` of the last call that
 *   returned null, so that a head that comes byte by byte costs linear time.
 * @returns the head and the index of the first byte after it; null when it is not complete yet.
 * @throws SluiceError HTTP_MALFORMED as soon as the bytes cannot become a head; HTTP_TOO_LARGE
 *   above {@link MAX_HEAD_BYTES} or {@link MAX_FIELDS}.
 */
export function parseResponseHead(
  buffer: Uint8Array,
  from: number,
  to: number,
  scanFrom: number = from,
): { head: ResponseHead; end: number } | null {
  checkOpening(buffer, from, to);
  const end = findEnd(buffer, Math.max(from, scanFrom - 1), Math.min(to, from + MAX_HEAD_BYTES));
  if (end === -1) {
    if (to - from < MAX_HEAD_BYTES) return null;
    throw tooLarge(`the response head is above ${MAX_HEAD_BYTES} bytes`);
  }
  const bytes = Buffer.from(buffer.buffer, buffer.byteOffset + from, end - from);
  const ended = bytes.toString('latin1').split('\n').slice(0, -1);
  checkLineEnds(ended);
  const [statusLine = '', ...lines] = ended.slice(0, -1).map(withoutCr);
  const [, version = '', status, reason = ''] = STATUS_LINE.exec(statusLine) ?? [];
  if (CONTROLS.test(reason)) passOver(reason);
  const head: ResponseHead = {
    status: Number(status),
    minorVersion: version.startsWith('1.') && version !== '1.0' ? 1 : 0,
    reason: reason.split(CONTROLS).join(' '),
    fields: parseFields(lines),
  };
  if (head.minorVersion === 0 && head.status < 200) {
    throw malformed('HTTP/1.0 has no interim answers (RFC 9110 §15.2)');
  }
  return { head, end };
}

/**
 * Whether a final answer still follows on the same exchange (RFC 9110 §15.2). 101 is none of
 * these: it ends HTTP/1.1 on the connection, and it is never asked for.
 */
export function isInterim(head: ResponseHead): boolean {
  return head.status < 200 && head.status !== 101;
}

function checkOpening(buffer: Uint8Array, from: number, to: number): void {
  checkPlaces(buffer, from, to, PROTOCOL);
  let blanks = from + PROTOCOL.length;
  if (blanks < to && buffer[blanks] === DOT) {
    checkPlaces(buffer, blanks, to, MINOR);
    blanks += MINOR.length;
  }
  checkPlaces(buffer, blanks, to, [BLANKS]);
  let at = blanks;
  while (at < to && at < blanks + MAX_BLANKS && isOneOf(BLANKS, buffer[at]!)) at++;
  checkPlaces(buffer, at, to, STATUS);
  const behind = at + STATUS.length;
  if (behind < to && isOneOf(DIGITS, buffer[behind]!)) throw noAnswer();
}

/** Checks as much of it as has come. */
function checkPlaces(buffer: Uint8Array, from: number, to: number, places: string[]): void {
  const length = Math.min(to - from, places.length);
  for (let i = 0; i < length; i++) {
    if (isOneOf(places[i]!, buffer[from + i]!)) continue;
    throw noAnswer();
  }
}

const noAnswer = (): SluiceError =>
  malformed('the answer does not start as one of HTTP/1.0 or HTTP/1.1');

const isOneOf = (characters: string, byte: number): boolean =>
  characters.includes(String.fromCharCode(byte));

/**
 * Index after the empty line that ends the head, or -1. Refuses on its way every byte that may
 * stand nowhere in a head. The opening is checked, so looking back two bytes stays inside.
 */
function findEnd(buffer: Uint8Array, start: number, limit: number): number {
  for (let at = start; at < limit; at++) {
    const byte = buffer[at]!;
    if (byte === LF) {
      const before = buffer[at - 1] === CR ? at - 2 : at - 1;
      if (buffer[before] === LF) return at + 1;
    } else if (byte === CR) {
      if (at + 1 < limit && buffer[at + 1] !== LF) throw malformed('a bare CR is in the head');
    } else if (byte === NUL) throw malformed('a NUL is in the head');
  }
  return -1;
}

/**
 * Refuses a head in which a reader that wants CRLF would see other fields than one that takes a bare
 * LF, where these decide something. Such a reader takes a bare LF for a part of a value. So in a
 * head whose lines end in CRLF, a bare LF may lead to a continuation or to a field that decides
 * nothing, but neither to one of {@link DECIDING} nor to the end of the head. A head that begins with
 * a bare LF, or has no other in its fields, is not one to that reader at all: there is one reading.
 * @param lines every line without its LF, the status line and the empty one as well
 */
function checkLineEnds([statusLine = '', ...lines]: string[]): void {
  const isBare = (line: string): boolean => !line.endsWith('\r');
  if (isBare(statusLine) || lines.every(isBare)) return;
  if (lines.slice(-2).some(isBare)) throw malformed('a bare LF stands at the end of the head');
  for (const [i, line] of lines.slice(1).entries()) {
    if (!isBare(lines[i]!) || !isDeciding(line)) continue;
    throw malformed(`a bare LF stands before ${excerpt(withoutCr(line))}`);
  }
}

const withoutCr = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line);

const isBlank = (line: string): boolean => line.startsWith(' ') || line.startsWith('\t');

/** Whether a line is one of the {@link DECIDING} fields. */
const isDeciding = (line: string): boolean =>
  DECIDING.has(line.slice(0, Math.max(0, line.indexOf(':'))).toLowerCase());

function parseFields(lines: string[]): Fields {
  const entries: Array<[string, string]> = [];
  let passed = 0;
  /** What a continuation line belongs to; null for a line that was passed over. */
  let last: [string, string] | null = null;
  for (const line of lines) {
    if (isBlank(line) && last !== null && CONTROLS.test(line)) {
      // What is left of the field would be another value.
      passOver(`${last[0]}:`);
      passOver(line);
      entries.pop();
      passed++;
      last = null;
    } else if (isBlank(line) && last !== null) fold(last, line);
    else if (isBlank(line)) passOver(line);
    else {
      if (entries.length + passed === MAX_FIELDS) {
        throw tooLarge(`the head has more than ${MAX_FIELDS} fields`);
      }
      last = parseField(line);
      if (last === null) passed++;
      else entries.push(last);
    }
  }
  return new Fields(entries);
}

/** The field that a line is; null when it is none, and nothing depends on what it was to be. */
function parseField(line: string): [string, string] | null {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(colon, 0));
  if (TOKEN.test(name) && !CONTROLS.test(line)) return [name, trimOws(line.slice(colon + 1))];
  passOver(line);
  return null;
}

/**
 * A line that is no field is left out, as a recipient may do (RFC 9112 §2.2, §5.1). So is a field with a
 * control byte: with another byte in its place a validator would prove what it does not.
 * @throws SluiceError HTTP_MALFORMED when another reader could see one of {@link DECIDING} in it: by a
 *   word before its colon, or by its first word where there is no colon; also behind a control byte, which
 *   some take for the end of a line
 */
function passOver(line: string): void {
  for (const part of line.split(CONTROLS)) passOverPart(part, line);
}

function passOverPart(part: string, whole: string): void {
  const colon = part.indexOf(':');
  const words = (colon === -1 ? part : part.slice(0, colon)).toLowerCase().match(WORDS) ?? [];
  const names = colon === -1 ? words.slice(0, 1) : words;
  if (!names.some((name) => DECIDING.has(name))) return;
  throw malformed(
    `a field that decides how the answer is read has no valid form: ${excerpt(whole)}`,
  );
}

/** Joins a continuation line to the field before it (RFC 9112 §5.2). */
function fold(field: [string, string], line: string): void {
  const rest = trimOws(line);
  if (rest !== '') field[1] = field[1] === '' ? rest : `${field[1]} ${rest}`;
}

function malformed(message: string): SluiceError {
  return new SluiceError('HTTP_MALFORMED', message, { next: BROKEN });
}

function tooLarge(message: string): SluiceError {
  return new SluiceError('HTTP_TOO_LARGE', message, { next: BROKEN });
}
