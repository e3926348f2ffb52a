/** The head of a response: status line and fields (RFC 9112 §4 and §5), read strictly. */
import { SluiceError } from '../errors.js';
import { TOKEN, excerpt, trimOws } from './syntax.js';

/** Longest head in bytes, with its last empty line. */
export const MAX_HEAD_BYTES = 64 * 1024;
/** Most field lines in one head; continuation lines do not count. */
export const MAX_FIELDS = 200;

const HTAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const DEL = 0x7f;

/** What may stand at each of the first places of a head; one look per call finds a stranger early. */
const OPENING = [
  ...['H', 'T', 'T', 'P', '/', '1', '.', '01', ' '],
  ...['12345', '0123456789', '0123456789', ' \r'],
];

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
  /** The x of HTTP/1.x. */
  minorVersion: 0 | 1;
  /** The reason phrase, latin1; often empty, and never to be trusted. */
  reason: string;
  fields: Fields;
}

/**
 * Parses a response head in the bytes `[from, to)`.
 *
 * Lines end in CRLF and in nothing else. RFC 9112 §2.2 lets a recipient take a bare LF as well,
 * but then two parsers on one path can see two heads in the same bytes; no server of today needs
 * it. An obs-fold becomes one space (§5.2).
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
    throw new SluiceError('HTTP_TOO_LARGE', `the response head is above ${MAX_HEAD_BYTES} bytes`);
  }
  const bytes = Buffer.from(buffer.buffer, buffer.byteOffset + from, end - 4 - from);
  const [statusLine = '', ...lines] = bytes.toString('latin1').split('\r\n');
  const head: ResponseHead = {
    status: Number(statusLine.slice(9, 12)),
    minorVersion: statusLine[7] === '1' ? 1 : 0,
    reason: statusLine.slice(13),
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
  const length = Math.min(to - from, OPENING.length);
  for (let i = 0; i < length; i++) {
    if (OPENING[i]!.includes(String.fromCharCode(buffer[from + i]!))) continue;
    throw malformed('the answer does not start as one of HTTP/1.0 or HTTP/1.1');
  }
}

/**
 * Index after the empty line that ends the head, or -1. Refuses on its way every byte that may
 * stand nowhere in a head. The opening is checked, so looking back two bytes stays inside.
 */
function findEnd(buffer: Uint8Array, start: number, limit: number): number {
  for (let at = start; at < limit; at++) {
    const byte = buffer[at]!;
    if (byte === LF) {
      if (buffer[at - 1] !== CR) throw malformed('a line of the head ends in a bare LF');
      // Every LF has its CR before it, so this one ends an empty line.
      if (buffer[at - 2] === LF) return at + 1;
    } else if (byte === CR) {
      if (at + 1 < limit && buffer[at + 1] !== LF) throw malformed('a bare CR is in the head');
    } else if ((byte < SP && byte !== HTAB) || byte === DEL) {
      throw malformed('a control byte is in the head');
    }
  }
  return -1;
}

function parseFields(lines: string[]): Fields {
  const entries: Array<[string, string]> = [];
  for (const line of lines) {
    if (line.startsWith(' ') || line.startsWith('\t')) {
      fold(entries.at(-1), line);
      continue;
    }
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0));
    if (!TOKEN.test(name)) throw malformed(`a field has no valid name: ${excerpt(line)}`);
    if (entries.length === MAX_FIELDS) {
      throw new SluiceError('HTTP_TOO_LARGE', `the head has more than ${MAX_FIELDS} fields`);
    }
    entries.push([name, trimOws(line.slice(colon + 1))]);
  }
  return new Fields(entries);
}

/** Joins a continuation line to the field before it (RFC 9112 §5.2). */
function fold(field: [string, string] | undefined, line: string): void {
  if (field === undefined) throw malformed('white space comes before the first field');
  const rest = trimOws(line);
  if (rest !== '') field[1] = field[1] === '' ? rest : `${field[1]} ${rest}`;
}

function malformed(message: string): SluiceError {
  return new SluiceError('HTTP_MALFORMED', message);
}
