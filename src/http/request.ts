/** Writing requests (RFC 9112 §3) and what users may say in them. */
import { SluiceError } from '../errors.js';
import { rangeValue } from './content-range.js';
import { TOKEN, trimOws } from './syntax.js';

export interface RequestSpec {
  method: 'GET' | 'HEAD' | 'CONNECT';
  /** In origin-form, absolute-form or authority-form (RFC 9112 §3.2). */
  target: string;
  /** Value of the Host field; a Host among `fields` takes its place. */
  host: string;
  fields: ReadonlyArray<readonly [name: string, value: string]>;
}

/** A field as the user gave it: null removes the default of that name. */
export type UserField = readonly [name: string, value: string | null];

/** Fields that decide how the exchange goes; another value would break it or its proofs. */
const RESERVED = new Set([
  ...['range', 'if-range', 'accept-encoding', 'content-length', 'transfer-encoding'],
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade', 'expect'],
]);

const VISIBLE = /^[\x21-\x7e]+$/;
/** HTAB, SP, VCHAR and obs-text (RFC 9110 §5.5). */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * The bytes of a request head, Host first.
 * @throws SluiceError USAGE for what cannot be sent: control characters, a name that is no token,
 *   a value outside latin1, no Host or two. The message never holds a value.
 */
export function writeRequest(spec: RequestSpec): Buffer {
  if (!VISIBLE.test(spec.target)) throw usage('the request target has a forbidden character');
  const hosts = spec.fields.filter(([name]) => name.toLowerCase() === 'host');
  if (hosts.length > 1) throw usage('Host is given more than once');
  const host = hosts[0]?.[1] ?? spec.host;
  if (!VISIBLE.test(host)) throw usage('the value of Host is empty or has a forbidden character');
  let text = `${spec.method} ${spec.target} HTTP/1.1\r\nHost: ${host}\r\n`;
  for (const [name, value] of spec.fields) {
    checkField(name, value);
    if (name.toLowerCase() !== 'host') text += `${name}: ${value}\r\n`;
  }
  return Buffer.from(`${text}\r\n`, 'latin1');
}

/** The origin-form of a URL: path and query (RFC 9112 §3.2.1). An empty query keeps its `?`. */
export function requestTarget(url: URL): string {
  const [beforeFragment = ''] = url.href.split('#', 1);
  return url.pathname + (url.search || (beforeFragment.endsWith('?') ? '?' : ''));
}

/** The value of Host for a URL: the port only when it is not the scheme's own (RFC 9110 §7.2). */
export function hostHeader(url: URL): string {
  return url.host;
}

export interface BaseFieldsOptions {
  /** Bytes to ask for, half-open; null for up to the end. */
  range?: { start: number; end: number | null } | undefined;
  /** A strong validator (RFC 9110 §13.1.5); ignored when there is no range, as it must be. */
  ifRange?: string | undefined;
  /** Empty: no User-Agent is sent. */
  userAgent: string;
  /** What the user gave, in order. */
  extra: ReadonlyArray<UserField>;
}

/**
 * The fields of every request, without Host: the defaults that the user did not replace or remove,
 * then what the user gave.
 * @throws SluiceError USAGE when the user gave a reserved field, or one that cannot be sent.
 */
export function baseFields(options: BaseFieldsOptions): Array<[string, string]> {
  const { range, ifRange, userAgent, extra } = options;
  const defaults: Array<[string, string]> = [];
  if (userAgent !== '') defaults.push(['User-Agent', userAgent]);
  defaults.push(['Accept', '*/*'], ['Accept-Encoding', 'identity']);
  if (range !== undefined) {
    defaults.push(['Range', rangeValue(range.start, range.end)]);
    if (ifRange !== undefined) defaults.push(['If-Range', ifRange]);
  }
  for (const [name, value] of extra) checkUserField(name, value);
  const replaced = new Set(extra.map(([name]) => name.toLowerCase()));
  return [
    ...defaults.filter(([name]) => !replaced.has(name.toLowerCase())),
    ...extra.flatMap(([name, value]): Array<[string, string]> =>
      value === null ? [] : [[name, value]],
    ),
  ];
}

/**
 * Reads one `-H` argument as curl does: `Name: value`; `Name:` removes a default (value null);
 * `Name;` sends the field with an empty value.
 * @throws SluiceError USAGE for anything else, and for a reserved field.
 */
export function parseHeaderFlag(text: string): { name: string; value: string | null } {
  const colon = text.indexOf(':');
  const field = colon === -1 ? emptyField(text) : valueField(text, colon);
  checkUserField(field.name, field.value);
  return field;
}

function valueField(text: string, colon: number): { name: string; value: string | null } {
  const value = trimOws(text.slice(colon + 1));
  return { name: text.slice(0, colon), value: value === '' ? null : value };
}

function emptyField(text: string): { name: string; value: string } {
  const trimmed = trimOws(text);
  if (trimmed.endsWith(';')) return { name: trimmed.slice(0, -1), value: '' };
  throw usage('a header has no colon', 'Write it as "Name: value".');
}

function checkUserField(name: string, value: string | null): void {
  checkField(name, value ?? '');
  const lower = name.toLowerCase();
  if (RESERVED.has(lower)) {
    throw usage(`the header ${name} cannot be set`, 'It is part of how ranges are fetched.');
  }
  if (lower === 'host' && (value === null || value === '')) {
    throw usage('the header Host cannot be removed', 'HTTP/1.1 needs it.');
  }
}

function checkField(name: string, value: string): void {
  if (!TOKEN.test(name)) throw usage('the name of a header is not valid');
  if (!VALUE.test(value)) throw usage(`the value of the header ${name} has a forbidden character`);
}

function usage(message: string, next?: string): SluiceError {
  return new SluiceError('USAGE', message, next === undefined ? {} : { next });
}
