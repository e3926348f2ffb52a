/**
 * Our reading of an answer beside that of Node's own parser (llhttp). docs/http-strictness.md lists
 * every kind of disagreement and says why it is right; one that is not listed is a finding.
 *
 * Ours takes what Node refuses in the cases of the page's second and third table: because the RFC tells a
 * client to, or because a wrong reading would change nothing that counts. Node gets them in the form
 * that they stand for:
 * - a line that ends in a bare LF (RFC 9112 §2.2), where no two readings differ in what counts;
 * - a line that is no field, which is passed over (RFC 9112 §2.2 and §5.1);
 * - Content-Length beside `Transfer-Encoding: chunked` (RFC 9112 §6.3, rule 3), which frames nothing;
 * - `Transfer-Encoding: identity` or empty, which names no coding;
 * - `chunked` that was written twice (RFC 9112 §6.1), which stands for once;
 * - a minor version above 1 (RFC 9110 §2.5), or more than one blank before the status (RFC 9112 §4);
 * - another version, which is read as HTTP/1.0, in any case; a reason right behind the status;
 * - a control byte in the reason, which is read as a space, or in a field, which is passed over;
 * - a plus sign before the digits of Content-Length;
 * - blanks behind the digits of a chunk's size, and an extension of any text (RFC 9112 §7.1.1);
 * - a bare LF at the end of any line of a chunked body but an extension;
 * - an obs-fold, which becomes one space (RFC 9112 §5.2);
 * - HTAB after the value of Content-Length or of Transfer-Encoding (RFC 9110 §5.5);
 * - Connection, Proxy-Connection, Content-Length or Transfer-Encoding in an interim answer: it has no body and is
 *   never the last (RFC 9110 §15.2, RFC 9112 §6.3 rule 1), so they say nothing there;
 * - Content-Length as a list of equal numbers, or twice with one (RFC 9112 §6.3, rule 5);
 * - Connection, Content-Length or Transfer-Encoding in a trailer: it must not be used for framing
 *   (RFC 9110 §6.5.1), and ours drops trailers.
 */
import { request } from 'node:http';
import { Duplex } from 'node:stream';
import assert from 'node:assert/strict';
import { SluiceError } from '../../../src/errors.js';
import { ChunkedDecoder } from '../../../src/http/chunked.js';
import { bodyFraming, lengthOf } from '../../../src/http/framing.js';
import { isInterim, parseResponseHead } from '../../../src/http/head.js';
import type { Target } from '../engine/fuzzer.js';
import { ANSWERS } from '../http-support.js';

interface Reading {
  status: number;
  minorVersion: number;
  reason: string;
  fields: Array<[string, string]>;
  body: string;
}

/** Our reading and the bytes that it took; an error when it is refused, null when not complete. */
export function ours(
  text: string,
): { reading: Reading; consumed: number; headEnd: number; chunked: boolean } | SluiceError | null {
  const buffer = Buffer.from(text, 'latin1');
  try {
    let parsed = parseResponseHead(buffer, 0, buffer.length);
    while (parsed !== null && isInterim(parsed.head)) {
      parsed = parseResponseHead(buffer, parsed.end, buffer.length);
    }
    if (parsed === null) return null;
    const { head, end } = parsed;
    const framing = bodyFraming('GET', head);
    const body = readBody(buffer, end, framing);
    if (body === null) return null;
    const { status, minorVersion, reason } = head;
    const fields = head.fields.entries.map(([name, value]): [string, string] => [name, value]);
    return {
      reading: { status, minorVersion, reason, fields, body: body.data },
      consumed: body.end,
      headEnd: end,
      chunked: framing.kind === 'chunked',
    };
  } catch (thrown) {
    if (thrown instanceof SluiceError) return thrown;
    throw thrown;
  }
}

function readBody(
  buffer: Buffer,
  from: number,
  framing: ReturnType<typeof bodyFraming>,
): { data: string; end: number } | null {
  const upTo = (end: number) => ({ data: buffer.toString('latin1', from, end), end });
  switch (framing.kind) {
    case 'none':
      return upTo(from);
    case 'close':
      return upTo(buffer.length);
    case 'length':
      return from + framing.length > buffer.length ? null : upTo(from + framing.length);
    case 'chunked': {
      const result = new ChunkedDecoder(lengthOf(framing)).decode(buffer, from, buffer.length);
      return result.done ? { ...upTo(result.dataEnd), end: result.consumed } : null;
    }
  }
}

/** Node's reading of all these bytes; a text with the reason when it refuses them. */
function nodes(text: string): Promise<Reading | string> {
  return new Promise((resolve) => {
    const socket = new Duplex({
      read: () => undefined,
      write: (_chunk, _encoding, done) => done(),
    });
    const client = request({ createConnection: () => socket, host: 'h', maxHeaderSize: 1 << 18 });
    client.on('error', (error) => resolve(error.message));
    client.on('upgrade', () => resolve('upgrade'));
    client.on('response', (response) => {
      let body = '';
      response.setEncoding('latin1');
      response.on('data', (data: string) => (body += data));
      response.on('error', (error) => resolve(error.message));
      response.on('end', () => {
        const raw = response.rawHeaders;
        resolve({
          status: response.statusCode ?? 0,
          minorVersion: response.httpVersionMinor,
          reason: response.statusMessage ?? '',
          fields: raw.flatMap((name, i): Array<[string, string]> =>
            i % 2 === 0 ? [[name.toLowerCase(), raw[i + 1]!]] : [],
          ),
          body,
        });
      });
    });
    client.end();
    socket.push(Buffer.from(text, 'latin1'));
    socket.push(null);
  });
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:/;

const CONTROL = /[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/** A head without the lines that are no fields, and without those that continue them. */
function withoutStrangers(head: string): string {
  const [statusLine = '', ...lines] = head.split('\r\n');
  let isField = false;
  const kept: string[] = [];
  for (const line of lines) {
    const isMore = /^[ \t]/.test(line);
    if (!isMore) isField = line === '' || (TOKEN.test(line) && !CONTROL.test(line));
    // What a field begins with goes with a continuation that has a control byte.
    if (isMore && isField && CONTROL.test(line)) {
      isField = false;
      while (/^[ \t]/.test(kept.pop() ?? '')) continue;
    }
    if (isField) kept.push(line);
  }
  return [statusLine, ...kept].join('\r\n');
}

/** What is left of the fields that frame a body when those that frame nothing are gone. */
function withoutIdle(head: string): string {
  const coded = head.replace(/^transfer-encoding:(?:[ \t,]|identity(?=[ \t,\r]))*\r\n/gim, '');
  const isChunked = /^transfer-encoding:/im.test(coded);
  if (!isChunked) return coded;
  return coded
    .replace(/^content-length:.*\r\n/gim, '')
    .replace(/^transfer-encoding:.*\r\n/im, 'Transfer-Encoding : chunked\r\n')
    .replace(/^transfer-encoding:.*\r\n/gim, '')
    .replace('Transfer-Encoding :', 'Transfer-Encoding:');
}

/** The same status line with one space before the status, in a version that both know. */
const plainStatus = (head: string): string =>
  head
    .replace(/^http\/([0-9])(?:\.([0-9]))?[ \t]+([0-9]{3})(?=[^ \r])/i, '$& ')
    .replace(/^http\/([0-9])(?:\.([0-9]))?[ \t]+/i, (_, major, minor) =>
      major === '1' && /[1-9]/.test(String(minor)) ? 'HTTP/1.1 ' : 'HTTP/1.0 ',
    )
    .replace(/^.*/, (line) => line.split(CONTROL).join(' '));

/** The same heads without the cases that the top of this file lists. */
function plain(heads: string): string {
  return heads
    .replace(/\r?\n/g, '\r\n')
    .split(/(?<=\r\n\r\n)/)
    .map((head) =>
      withoutIdle(withoutStrangers(plainStatus(head)).replace(/[ \t]*\r\n[ \t]+/g, ' '))
        .replace(/(?<=^content-length:[0-9+, \t]*)\+/gim, '')
        .replace(/^(content-length:[ \t]*[0-9]+)[ \t]+(?=\r\n)/gim, '$1')
        .replace(/^(content-length:[ \t]*[0-9]+)[ \t]*,[ \t0-9,]*$/gim, '$1')
        .replace(/(?<=^content-length:[^]*\r\n)content-length:.*\r\n/gim, '')
        .replace(/^HTTP\/1.1 1[^]*/, (interim) =>
          interim.replace(
            /^(?:(?:proxy-)?connection|content-length|transfer-encoding):.*\r\n/gim,
            '',
          ),
        ),
    )
    .join('');
}

/** The same chunks without what stands behind the digits of their sizes. */
function plainSizes(body: string): string {
  let text = '';
  let at = 0;
  for (;;) {
    const line = /^([0-9A-Fa-f]+)[^\r\n]*\r?\n/.exec(body.slice(at, at + 8192));
    if (line === null) return text + body.slice(at);
    const size = parseInt(line[1]!, 16);
    text += `${line[1]!}\r\n`;
    at += line[0].length;
    if (size === 0) return text + body.slice(at).replace(/\r?\n/g, '\r\n');
    text += `${body.slice(at, at + size)}\r\n`;
    at += size + (body[at + size] === '\n' ? 1 : 2);
  }
}

/** The same body without fields in its trailer that say how a body is framed. */
function plainTrailer(body: string): string {
  return body.replace(/(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r\n]*\r\n)+\r\n$/, (trailer) =>
    trailer.replace(/^(?:(?:proxy-)?connection|content-length|transfer-encoding):.*\r\n/gim, ''),
  );
}

/** What ours refuses and Node takes, by the words of the refusal; docs/http-strictness.md. */
const STRICTER: readonly RegExp[] = [
  /^the answer does not start as one of HTTP/,
  /^HTTP\/1.0 has no interim answers/,
  /^a bare LF stands (?:before|at)/,
  /^a bare CR is in the head/,
  /^a NUL is in the head/,
  /^a field that decides how the answer is read has no valid form/,
  /^Content-Length is not valid/,
  /^Transfer-Encoding is not just chunked/,
  /^the head has more than 200 fields/,
  /^the response head is above/,
  /^the chunked body has (?:[0-9]+|more) bytes where Content-Length says/,
  /^a chunk has no size/,
  /^the size line of a chunk is not valid/,
  /^a trailer field is not valid/,
  /^(?:a chunk size|a chunk|the last chunk|a trailer field) does not end in CRLF/,
  /^(?:the size of a chunk|a chunk extension|the trailer section) is above its limit/,
];

/**
 * Reads it in both ways and compares. Returns what they make of it.
 * @throws AssertionError when ours takes what Node refuses, when they see different things in it, or
 *   when ours refuses for a reason that is not in the list
 */
export async function compare(text: string): Promise<string> {
  const own = ours(text);
  if (own === null) return 'not complete';
  if (own instanceof SluiceError) {
    // Node is asked too, only to count: to refuse is always allowed, for a reason that is listed.
    const theirs = await nodes(text);
    const why = STRICTER.find((form) => form.test(own.message));
    if (typeof theirs === 'string') return 'both refuse';
    assert(why !== undefined, `only ours refuses: ${own.message}`);
    return `only ours refuses: ${own.message.replace(/: .*/s, '')}`;
  }
  if (own.reading.status === 101) return 'switches protocols';
  const body = text.slice(own.headEnd, own.consumed);
  const answer =
    plain(text.slice(0, own.headEnd)) + (own.chunked ? plainTrailer(plainSizes(body)) : body);
  const again = ours(answer);
  assert(again !== null && !(again instanceof SluiceError), 'not the same when it is plain');
  assert.equal(again.consumed, answer.length);
  assert.deepEqual({ ...again.reading, fields: [] }, { ...own.reading, fields: [] });
  assert.deepEqual(await nodes(answer), again.reading);
  return answer === text.slice(0, own.consumed) ? 'agree' : 'agree on what it stands for';
}

export const node: Target = {
  name: 'node',
  modules: ['/src/http/head.js', '/src/http/framing.js', '/src/http/chunked.js'],
  seeds: ANSWERS,
  dictionary: [
    ...[
      'HTTP/1.1 200 OK\r\n',
      'HTTP/1.0 ',
      'Content-Length: 5\r\n',
      '5, 5',
      '\r\n ',
      '\r\n\t',
      '\n',
    ],
    ...[
      'Transfer-Encoding: chunked\r\n',
      'Connection: close\r\n',
      'X:\r\n',
      'A: b\r\n',
      ': ',
      '\r',
    ],
    ...[
      '100',
      '101',
      '103',
      '204',
      '206',
      '304',
      'gzip, chunked',
      '0\r\n\r\n',
      ';a=b',
      '_',
      '\xe9',
    ],
    ...['X y: z\r\n', 'A : b\n', 'no colon\n', 'Transfer-Encoding: identity\r\n', '\n\n', '  \r\n'],
    ...[
      'Proxy-Connection: close\r\n',
      'Upgrade: x\r\n',
      'Trailer: x\r\n',
      'Keep-Alive: timeout=5\r\n',
    ],
  ],
  maxBytes: 4 * 1024,
  run: (input) => compare(input.toString('latin1')),
};
