/** Budget and inputs of the fuzz tests of src/http. */
import fc from 'fast-check';

/** How often a property is tried; `SLUICE_FUZZ_RUNS` raises it. */
export const runs = (normal: number): number =>
  Math.max(normal, Number(process.env['SLUICE_FUZZ_RUNS'] ?? 0));

/** Bytes that parsers stumble over, as latin1. */
const NASTY = [
  ...['\r\n', '\r', '\n', '\r\n\r\n', '\0', '\t', ' ', ':', ',', ';', '=', '"', '\\', '-', '+'],
  ...['0', '1', '5', 'f', 'x', '\x0b', '\x0c', '\x1b', '\x7f', '\x80', '\x85', '\xa0', '\xff'],
  ...['HTTP/1.1 200 OK\r\n', 'HTTP/1.0', 'chunked', 'Content-Length: 5\r\n', '\r\n ', '\r\n\t'],
  ...['Transfer-Encoding: chunked\r\n', 'Connection: close\r\n', '100', '204', '999', '_', '\xc3'],
  ...['\n\n', '\n\r\n', ' : ', 'identity', '  \r\n', '\nContent-Length: 5\n', '\n X: y'],
];

/** A change of a text at a place that is given as a part of its length. */
type Mutation = (text: string) => string;

const place = fc.double({ min: 0, max: 1, noNaN: true });

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(place, fc.constantFrom(...NASTY)).map(([at, piece]): Mutation => (text) => {
    const index = Math.floor(at * text.length);
    return text.slice(0, index) + piece + text.slice(index);
  }),
  fc.tuple(place, fc.constantFrom(...NASTY)).map(([at, piece]): Mutation => (text) => {
    const index = Math.floor(at * text.length);
    return text.slice(0, index) + piece + text.slice(index + 1);
  }),
  fc.tuple(place, fc.nat(4)).map(([at, length]): Mutation => (text) => {
    const index = Math.floor(at * text.length);
    return text.slice(0, index) + text.slice(index + length);
  }),
  fc.tuple(place, place, place).map(([a, b, c]): Mutation => (text) => {
    const [from, to] = [a, b].map((at) => Math.floor(at * text.length)).sort((x, y) => x - y);
    const index = Math.floor(c * text.length);
    return text.slice(0, index) + text.slice(from, to) + text.slice(index);
  }),
  fc.tuple(place, fc.nat(255)).map(([at, byte]): Mutation => (text) => {
    const index = Math.floor(at * text.length);
    return text.slice(0, index) + String.fromCharCode(byte) + text.slice(index + 1);
  }),
);

/** One of the texts with up to `maxChanges` changes. */
export const mutated = (texts: string[], maxChanges = 4): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(...texts), fc.array(mutation, { maxLength: maxChanges }))
    .map(([text, changes]) => changes.reduce((changed, change) => change(changed), text));

/** Whole answers that are right. */
export const ANSWERS = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-4/9\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n3;a="b"\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: x\r\n\r\n',
  'HTTP/1.0 200 OK\r\nServer: old\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nConnection: close\r\nETag: "x"\r\nX: a\r\n b\r\n\tc\r\n\r\nhello',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\nDate: x\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello',
  'HTTP/1.1 302 Found\r\nLocation: http://h/\xc3\xa9\r\nContent-Length: 0\r\nEmpty:\r\n\r\n',
  'HTTP/1.1 304 Not Modified\r\nETag: W/"a"\r\nContent-Length: 5\r\n\r\n',
  'HTTP/1.1 200 OK\nContent-Length: 5\nX: a\n b\n\nhello',
  'HTTP/1.1 200 OK\r\nX: a\n  b\nc d: e\r\nY : z\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5  \r\nhello\r\n0 \r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.0  200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n5; =\r\nhello\r\n0\r\n\r\n',
  'http/1.1 200OK\r\nContent-Length: +5\r\nX: \x01\r\n\r\nhello',
  'HTTP/2 200 \x7f\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n',
  'HTTP/1.2 206 OK\r\nContent-Range: bytes=0-4/9\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
];

/** Cuts a text at places that are given as parts of its length. */
export function pieces(text: string, cuts: number[]): string[] {
  const at = [0, ...cuts.map((cut) => Math.floor(cut * text.length)), text.length];
  at.sort((a, b) => a - b);
  return at.slice(1).map((end, i) => text.slice(at[i], end));
}

export const cuts = fc.array(place, { maxLength: 12 });
