/** The chunked decoder, beside one that is as plain as can be. */
import assert from 'node:assert/strict';
import { ChunkedDecoder } from '../../../src/http/chunked.js';
import type { Target } from '../engine/fuzzer.js';
import { cutsOf, inPieces, refusalOf } from './support.js';

const SIZE_LINE = /^([0-9A-Fa-f]{1,16})[ \t]*(?:(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n|\n)/;
const TRAILER = /^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r?\n)*\r?\n/;

/** The data and what is behind the body; null when it is not right or not complete. */
export function decodePlainly(text: string): { data: string; rest: string } | null {
  const data: string[] = [];
  let rest = text;
  for (;;) {
    const line = SIZE_LINE.exec(rest);
    if (line === null || line[0].length > 4096 + 1 + (line[1] ?? '').length) return null;
    rest = rest.slice(line[0].length);
    const size = parseInt(line[1] ?? '', 16);
    if (size === 0) break;
    const [end] = /^\r?\n/.exec(rest.slice(size, size + 2)) ?? [];
    if (end === undefined) return null;
    data.push(rest.slice(0, size));
    rest = rest.slice(size + end.length);
  }
  const trailer = TRAILER.exec(rest);
  if (trailer === null || trailer[0].length > 16 * 1024 + 2) return null;
  return { data: data.join(''), rest: rest.slice(trailer[0].length) };
}

interface Decoded {
  /** `open`, `done`, or the refusal. */
  state: string;
  data: string;
  rest: string;
}

function decode(pieces: readonly Buffer[]): Decoded {
  const decoder = new ChunkedDecoder();
  const data: string[] = [];
  const rest: Buffer[] = [];
  let done = false;
  try {
    for (const piece of pieces) {
      if (done) {
        rest.push(piece);
        continue;
      }
      const buffer = Buffer.concat([Buffer.from('..'), piece, Buffer.from('.')]);
      const end = 2 + piece.length;
      const result = decoder.decode(buffer, 2, end);
      assert(result.dataEnd >= 2 && result.dataEnd <= result.consumed && result.consumed <= end);
      assert.equal(buffer.toString('latin1', 0, 2) + buffer.toString('latin1', end), '...');
      data.push(buffer.toString('latin1', 2, result.dataEnd));
      done = result.done;
      if (done) rest.push(piece.subarray(result.consumed - 2));
      else assert.equal(result.consumed, end);
    }
  } catch (thrown) {
    const { code, message } = refusalOf(thrown);
    return { state: `${code} ${message}`, data: '', rest: '' };
  }
  return {
    state: done ? 'done' : 'open',
    data: data.join(''),
    rest: Buffer.concat(rest).toString('latin1'),
  };
}

export const chunked: Target = {
  name: 'chunked',
  modules: ['/src/http/chunked.js'],
  seeds: [
    '5\r\nhello\r\n0\r\n\r\n',
    '1;a\r\nx\r\nb;c="d\\""\r\nhello world\r\n00\r\nA: b\r\nC:\r\n\r\nrest',
    '0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
    'f;x=y;z\r\n0123456789abcde\r\n2\r\n\r\n\r\n0\r\nT: u\r\n\r\n',
    '1fffffffffffff\r\nx',
    '0000000000000005\r\nhello\r\n0\r\n\r\n',
    '5  \r\nhello\r\n0\t;a\r\n\r\n',
    '5\nhello\n0\nA: b\n\nrest',
  ],
  dictionary: [
    ...['0\r\n\r\n', '1\r\nx\r\n', ';a=b', ';a="b"', ';', '\\"', '\r\n', 'A: b\r\n', 'ffff', '+5'],
    ...['0000000000000000', 'fffffffffffff', '20000000000000', ' ', '0x', '\r\n\r\n'],
  ],
  maxBytes: 64 * 1024,
  run(input) {
    const whole = decode([input]);
    assert.deepEqual(decode(inPieces(input, cutsOf(input))), whole);
    if (input.length <= 512) {
      assert.deepEqual(decode(Array.from(input, (_, i) => input.subarray(i, i + 1))), whole);
    }
    const plain = decodePlainly(input.toString('latin1'));
    if (plain === null) assert.notEqual(whole.state, 'done');
    else assert.deepEqual({ data: whole.data, rest: whole.rest }, plain);
    return whole.state;
  },
};
