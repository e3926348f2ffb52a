/** The head of an answer, and everything that is decided from a head alone. */
import assert from 'node:assert/strict';
import { SluiceError } from '../../../src/errors.js';
import { refusal } from '../../../src/http/answer.js';
import { contentCodings } from '../../../src/http/content-coding.js';
import { bodyFraming, mayReuse } from '../../../src/http/framing.js';
import { MAX_FIELDS, MAX_HEAD_BYTES, parseResponseHead } from '../../../src/http/head.js';
import type { ResponseHead } from '../../../src/http/head.js';
import { chooseName } from '../../../src/http/names.js';
import { keptValidators, readValidators } from '../../../src/http/validators.js';
import { readOffer } from '../../../src/open/offer.js';
import type { Target } from '../engine/fuzzer.js';
import { ANSWERS } from '../http-support.js';
import { answered, cutsOf, inPieces, refusalOf } from './support.js';

const OFFSET = 3;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;

type Reading = { head: ResponseHead; end: number } | string | null;

/** The head as pieces bring it, somewhere in a buffer that goes on behind it. */
export function readInPieces(pieces: readonly Buffer[]): Reading {
  const buffer = Buffer.concat([Buffer.alloc(OFFSET, 0x0d), ...pieces, Buffer.from('\r\n\r\n')]);
  let to = OFFSET;
  let scanned = OFFSET;
  for (const { length } of pieces) {
    to += length;
    try {
      const parsed = parseResponseHead(buffer, OFFSET, to, scanned);
      if (parsed !== null) return { head: parsed.head, end: parsed.end - OFFSET };
    } catch (thrown) {
      return refusalOf(thrown).code;
    }
    scanned = to;
  }
  return null;
}

/** What every head that is taken keeps. */
function checkHead(head: ResponseHead, end: number, text: string): void {
  assert.match(text.slice(0, end), /\n\r?\n$/);
  assert(end <= MAX_HEAD_BYTES && head.fields.entries.length <= MAX_FIELDS);
  assert(head.status >= 100 && head.status <= 599);
  assert(/^[\t\x20-\x7e\x80-\xff]*$/.test(head.reason));
  for (const [name, value] of head.fields.entries) {
    assert.match(name, TOKEN);
    assert.match(value, VALUE);
  }
}

/** What a download decides from the head; each may refuse. */
function decide(head: ResponseHead): string {
  const said = [
    answered(() => {
      const framing = bodyFraming('GET', head);
      mayReuse(head, framing);
      return (
        framing.kind +
        answered(() => readOffer(head, framing, 0, { names: ['/x'], digest: false }).kind)
      );
    }),
    answered(() => bodyFraming('HEAD', head).kind),
    answered(() => refusal(head).code + contentCodings(head.fields).join()),
    answered(() => {
      const validators = readValidators(head);
      assert.deepEqual(keptValidators(JSON.parse(JSON.stringify(validators))), validators);
      return `${validators.etag?.weak} ${validators.lastModifiedMs === null}`;
    }),
  ];
  assert(Buffer.byteLength(chooseName(head, new URL('http://h/x'))) <= 255);
  refusalOf(refusal(head));
  return said.join(' ');
}

export const head: Target = {
  name: 'head',
  modules: ['head', 'framing', 'answer', 'content-coding', 'validators', 'syntax'].map(
    (it) => `/src/http/${it}.js`,
  ),
  seeds: [
    ...ANSWERS,
    'HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */9\r\n\r\n',
    'HTTP/1.1 503 x\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: close\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nAccept-Ranges: bytes\r\nContent-Length: 9\r\n\r\n',
    'HTTP/1.1 200 OK\r\nETag: W/"a"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nDate: Sun, 06 Nov 1994 08:59:37 GMT\r\n\r\n',
  ],
  dictionary: [
    ...['HTTP/1.1 200 OK\r\n', 'HTTP/1.0 ', 'HTTP/2 ', 'Content-Length: 5\r\n', '5, 5', '\r\n '],
    ...[
      'Transfer-Encoding: chunked\r\n',
      'Connection: close\r\n',
      'keep-alive',
      '\r\n\t',
      'X:\r\n',
    ],
    ...['Content-Range: bytes 0-4/9\r\n', 'multipart/byteranges', 'ETag: "x"\r\n', 'W/', 'Date: '],
    ...['100', '101', '103', '204', '206', '304', '416', '429', '503', '999', 'A: b\r\n'],
    ...['Retry-After: 99999999999\r\n', 'Content-Encoding: gzip\r\n', 'identity'],
    ...[
      '\n',
      '\n\n',
      '\n ',
      'A : b\n',
      'x y\r\n',
      ' Content-Length: 5\r\n',
      'Transfer-Encoding: identity\n',
    ],
  ],
  maxBytes: 80 * 1024,
  run(input) {
    const whole = readInPieces([input]);
    assert.deepEqual(readInPieces(inPieces(input, cutsOf(input))), whole);
    if (input.length <= 512) {
      assert.deepEqual(readInPieces(Array.from(input, (_, i) => input.subarray(i, i + 1))), whole);
    }
    if (whole === null) {
      assert(input.length < MAX_HEAD_BYTES);
      return 'open';
    }
    if (typeof whole === 'string') return reason(input);
    checkHead(whole.head, whole.end, input.toString('latin1'));
    return decide(whole.head);
  },
};

/** The refusal in its own words, without what it quotes. */
function reason(input: Buffer): string {
  try {
    parseResponseHead(input, 0, input.length);
  } catch (thrown) {
    if (thrown instanceof SluiceError) return thrown.message.replace(/:.*/s, '');
  }
  return 'refused';
}
