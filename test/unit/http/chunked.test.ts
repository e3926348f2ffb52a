import { expect } from 'chai';
import { SluiceError } from '../../../src/errors.js';
import {
  ChunkedDecoder,
  MAX_CHUNK_EXTENSION_BYTES,
  MAX_CHUNK_SIZE_DIGITS,
  MAX_TRAILER_BYTES,
} from '../../../src/http/chunked.js';
import { bytes, refusal } from './support.js';

function decode(text: string, from = 0) {
  const buffer = bytes(text);
  const result = new ChunkedDecoder().decode(buffer, from, buffer.length);
  return { ...result, data: buffer.toString('latin1', from, result.dataEnd) };
}

/** Every byte in a call of its own, each in a place of its own. */
function dribble(text: string) {
  const decoder = new ChunkedDecoder();
  let data = '';
  let done = false;
  for (const character of text) {
    const buffer = bytes(`..${character}..`);
    const result = decoder.decode(buffer, 2, 3);
    expect(result.consumed).to.equal(3);
    data += buffer.toString('latin1', 2, result.dataEnd);
    done = result.done;
  }
  return { data, done };
}

const whole = '5\r\nhello\r\n1;a="b c"\r\n \r\nA\r\n0123456789\r\n0\r\nX-T: y\xe9\t\r\nZ:\r\n\r\n';

describe('http/chunked', () => {
  it('moves the data of the chunks together', () => {
    expect(decode(whole)).to.deep.equal({
      data: 'hello 0123456789',
      dataEnd: 16,
      consumed: whole.length,
      done: true,
    });
    expect(dribble(whole)).to.deep.equal({ data: 'hello 0123456789', done: true });
  });

  it('works at an offset, and touches nothing before it or after the data that it consumed', () => {
    const buffer = bytes(`..${whole}NEXT`);
    const result = new ChunkedDecoder().decode(buffer, 2, buffer.length);
    expect(result).to.deep.equal({ dataEnd: 18, consumed: 2 + whole.length, done: true });
    expect(buffer.toString('latin1', 0, 18)).to.equal('..hello 0123456789');
    expect(buffer.toString('latin1', result.consumed)).to.equal('NEXT');
  });

  it('is not done before the last LF, and takes nothing after it', () => {
    expect(decode('0\r\n\r').done).to.equal(false);
    expect(decode('0\r\n\r\n')).to.deep.equal({ data: '', dataEnd: 0, consumed: 5, done: true });
    const decoder = new ChunkedDecoder();
    decoder.decode(bytes('0\r\n\r\n'), 0, 5);
    expect(decoder.decode(bytes('5\r\nhello'), 0, 8)).to.deep.equal({
      dataEnd: 0,
      consumed: 0,
      done: true,
    });
  });

  it('gives what it has of a chunk that is not complete', () => {
    expect(decode('5\r\nhel')).to.deep.equal({ data: 'hel', dataEnd: 3, consumed: 6, done: false });
    expect(decode('')).to.deep.equal({ data: '', dataEnd: 0, consumed: 0, done: false });
  });

  it('reads hexadecimal digits in both cases, and leading zeros', () => {
    expect(decode(`00aF\r\n${'x'.repeat(175)}\r\n0\r\n\r\n`).data).to.have.length(175);
    expect(decode(`fA\r\n${'x'.repeat(250)}\r\n000\r\n\r\n`).data).to.have.length(250);
    expect(decode(`9\r\n${'x'.repeat(9)}\r\n0\r\n\r\n`).data).to.have.length(9);
  });

  it('reads blanks behind the digits of a size, of the last chunk as well', () => {
    for (const body of ['1 \r\nx\r\n0\r\n\r\n', '1\t  \r\nx\r\n00000000 \r\n\r\n']) {
      expect(decode(body)).to.include({ data: 'x', done: true });
      expect(dribble(body)).to.deep.equal({ data: 'x', done: true });
    }
    expect(decode('1 ;a="b"\r\nx\r\n0\t;c\r\n\r\n').data).to.equal('x');
  });

  it('reads a bare LF for the end of any line but an extension, and tells it', () => {
    const bare = (text: string) => {
      const decoder = new ChunkedDecoder();
      const buffer = bytes(text);
      const { dataEnd, consumed, done } = decoder.decode(buffer, 0, buffer.length);
      const data = buffer.toString('latin1', 0, dataEnd);
      return { data, consumed, done, hasBareLf: decoder.hasBareLf };
    };
    for (const [text, hasBareLf] of [
      ['1\nx\n0\n\n', true],
      ['1 \nx\r\n0\r\n\r\n', true],
      ['1\r\nx\n0;a\r\n\r\n', true],
      ['1\r\nx\r\n0\r\n\n', true],
      ['1\r\nx\r\n0\r\nA: b\n\r\n', true],
      ['1\r\nx\r\n0\r\nA: b\r\n\r\n', false],
    ] as const) {
      expect(bare(text)).to.deep.equal({
        data: 'x',
        consumed: text.length,
        done: true,
        hasBareLf,
      });
      expect(dribble(text)).to.deep.equal({ data: 'x', done: true });
    }
  });

  it('P15: bounds blanks as it bounds an extension', () => {
    const most = ' '.repeat(MAX_CHUNK_EXTENSION_BYTES - 1);
    expect(decode(`1${most}\r\nx\r\n0\r\n\r\n`).data).to.equal('x');
    refusal(() => decode(`1${most}  `), 'HTTP_TOO_LARGE');
  });

  it('P1: a body must decode to the Content-Length beside it', () => {
    const decodeOf = (length: number, text: string) =>
      new ChunkedDecoder(length).decode(bytes(text), 0, text.length);
    expect(decodeOf(2, '1\r\nx\r\n1\r\ny\r\n0\r\n\r\n').done).to.equal(true);
    expect(decodeOf(0, '0\r\n\r\n').done).to.equal(true);
    expect(decodeOf(2, '1\r\nx\r\n').done).to.equal(false);
    for (const [length, body] of [
      [3, '2\r\nxy\r\n0\r\n\r\n'],
      [1, '2\r\nxy'],
      [0, '1\r\nx'],
    ] as const) {
      const error = refusal(() => decodeOf(length, body), 'HTTP_MALFORMED');
      expect(error.message).to.contain(`Content-Length says ${length}`);
    }
    // Whatever the pieces: what came before counts.
    const decoder = new ChunkedDecoder(1);
    decoder.decode(bytes('2\r\nx'), 0, 4);
    refusal(() => decoder.decode(bytes('y'), 0, 1), 'HTTP_MALFORMED');
  });

  it('counts the data of one chunk only, not of the next', () => {
    expect(decode('1\r\na\r\n1\r\nb\r\n0\r\n\r\n').data).to.equal('ab');
  });

  for (const extension of [
    ...[';a', ';a;b', ';a=b', ';a=b;c=d', ';a="b"', ';a=""', ';a="b";c', ';a="b\\"c\\\\d"'],
    ...[';a="\t \xff;=\\\t"', ";!#$%&'*+-.^_`|~09azAZ=!#$%&'*+-.^_`|~09azAZ"],
    ...[';', '; ', '; a', ';a ;b', ' ;a =b', ';a= b', ';a=', ';=b', ';a=b c', ';a="b" ', ';a="b'],
    ...[';;', ';a;', ';\xe9', ';a=b=c', ';0', ';a="b\\'],
  ]) {
    it(`takes whatever text an extension is: ${JSON.stringify(extension)}`, () => {
      const body = `1${extension}\r\nx\r\n0${extension}\r\n\r\n`;
      expect(decode(body).done).to.equal(true);
      expect(dribble(body)).to.deep.equal({ data: 'x', done: true });
    });
  }

  for (const extension of ['=b', '"b"', ' b', ';a="\x00"', ';a="\x7f"', ';a\x1b']) {
    it(`refuses ${JSON.stringify(extension)} behind a size`, () => {
      refusal(() => decode(`1${extension}\r\nx\r\n0\r\n\r\n`), 'HTTP_MALFORMED');
    });
  }

  for (const [what, text] of [
    ['an empty size', '\r\n'],
    ['a size that starts with an extension', ';x\r\n'],
    ['a sign', '+5\r\nhello\r\n'],
    ['a minus', '-5\r\nhello\r\n'],
    ['0x', '0x5\r\nhello\r\n'],
    ['a digit that is none', '5g\r\n'],
    ['a slash', '5/\r\n'],
    ['a colon', '5:\r\n'],
    ['an at sign', '@\r\n'],
    ['a grave accent', '`\r\n'],
    ['a G', 'G\r\n'],
    ['white space before the size', ' 5\r\nhello\r\n'],
    ['white space within the size', '1 0\r\n'],
    ['a bare CR behind blanks', '5 \rhello'],
    ['a bare CR after the size', '5\rhello'],
    ['a bare LF in an extension', '5;x\nhello'],
    ['a bare CR in an extension', '5;x\rhello'],
    ['a control byte in an extension', '5;x\x00\r\n'],
    ['DEL in an extension', '5;x\x7f\r\n'],
    ['data that is longer than its size', '5\r\nhello!\r\n'],
    ['two bare LF after the data', '5\r\nhello\n\n'],
    ['a bare CR after the data', '5\r\nhello\rX'],
    ['a second empty line', '5\r\nhello\r\n\r\n'],
    ['a bare CR at the end', '0\r\n\rX'],
    ['a trailer without a name', '0\r\n: x\r\n\r\n'],
    ['a trailer without a colon', '0\r\nabc\r\n\r\n'],
    ['a trailer with a space before the colon', '0\r\nA : b\r\n\r\n'],
    ['a folded trailer', '0\r\nA: b\r\n c\r\n\r\n'],
    ['a bare LF in the name of a trailer', '0\r\nA\n: b\r\n'],
    ['a bare CR in a trailer', '0\r\nA: b\rX'],
    ['NUL in a trailer', '0\r\nA: b\x00'],
    ['DEL in a trailer', '0\r\nA: b\x7f'],
    ['a name outside ASCII', '0\r\n\xe9: b\r\n'],
  ] as const) {
    it(`refuses ${what}`, () => {
      refusal(() => decode(text), 'HTTP_MALFORMED');
      refusal(() => dribble(text), 'HTTP_MALFORMED');
    });
  }

  for (const [text, message] of [
    ['1\rx', 'a chunk size does not end in CRLF'],
    ['1\r\nax', 'a chunk does not end in CRLF'],
    ['1\r\na\rx', 'a chunk does not end in CRLF'],
    ['0\r\n\rx', 'the last chunk does not end in CRLF'],
    ['0\r\nA: b\rx', 'a trailer field does not end in CRLF'],
    ['0\r\n ', 'a trailer field is not valid'],
    ['x', 'a chunk has no size'],
    ['1=', 'the size line of a chunk is not valid'],
    ['20000000000000', 'the size of a chunk is above its limit'],
    [`1;${'x'.repeat(MAX_CHUNK_EXTENSION_BYTES)}`, 'a chunk extension is above its limit'],
    [`0\r\nA:${'x'.repeat(MAX_TRAILER_BYTES)}`, 'the trailer section is above its limit'],
  ] as const) {
    it(`says which part is wrong: ${JSON.stringify(text.slice(0, 14))}`, () => {
      expect(() => decode(text)).to.throw(SluiceError, message);
    });
  }

  it('P15: bounds the digits and the value of a size', () => {
    expect(MAX_CHUNK_SIZE_DIGITS).to.equal(16);
    expect(decode(`${'0'.repeat(15)}1\r\nx\r\n0\r\n\r\n`).data).to.equal('x');
    refusal(() => decode(`${'0'.repeat(17)}`), 'HTTP_TOO_LARGE');
    expect(decode('1fffffffffffff\r\n').done).to.equal(false);
    refusal(() => decode('20000000000000'), 'HTTP_TOO_LARGE');
  });

  it('P15: bounds an extension, of each chunk alone', () => {
    const extension = `;${'x'.repeat(MAX_CHUNK_EXTENSION_BYTES - 2)}`;
    const chunk = `1${extension}\r\na\r\n`;
    expect(decode(`${chunk}${chunk}0\r\n\r\n`).data).to.equal('aa');
    expect(decode(`1${extension}x`).done).to.equal(false);
    refusal(() => decode(`1${extension}xx`), 'HTTP_TOO_LARGE');
  });

  it('P15: bounds the trailer section as a whole', () => {
    const field = `A: ${'b'.repeat(1024 - 5)}\r\n`;
    const count = MAX_TRAILER_BYTES / 1024;
    expect(decode(`0\r\n${field.repeat(count)}\r\n`).done).to.equal(true);
    refusal(() => decode(`0\r\n${field.repeat(count)}A`), 'HTTP_TOO_LARGE');
  });

  it('is linear in the number of chunks', () => {
    const count = 200_000;
    const buffer = bytes(`${'1\r\nx\r\n'.repeat(count)}0\r\n\r\n`);
    const started = process.hrtime.bigint();
    expect(new ChunkedDecoder().decode(buffer, 0, buffer.length).dataEnd).to.equal(count);
    expect(Number(process.hrtime.bigint() - started) / 1e6).to.be.below(2000);
  });
});
