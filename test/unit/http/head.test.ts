import { expect } from 'chai';
import {
  Fields,
  MAX_FIELDS,
  MAX_HEAD_BYTES,
  isInterim,
  parseResponseHead,
} from '../../../src/http/head.js';
import type { ResponseHead } from '../../../src/http/head.js';
import { bytes, headOf, refusal } from './support.js';

const parse = (text: string) => parseResponseHead(bytes(text), 0, text.length);

function complete(text: string): ResponseHead {
  const parsed = parse(text);
  if (parsed === null) throw new Error('the head is not complete');
  expect(parsed.end).to.equal(text.length);
  return parsed.head;
}

const withField = (line: string): string => `HTTP/1.1 200 OK\r\n${line}\r\n\r\n`;

describe('http/head: status line', () => {
  it('reads version, status and reason', () => {
    const head = complete('HTTP/1.1 206 Partial Content\r\nA: b\r\n\r\n');
    expect(head.status).to.equal(206);
    expect(head.minorVersion).to.equal(1);
    expect(head.reason).to.equal('Partial Content');
    expect(head.fields.entries).to.deep.equal([['a', 'b']]);
  });

  it('reads HTTP/1.0, a head without fields, and a missing or empty reason', () => {
    expect(complete('HTTP/1.0 200 OK\r\n\r\n').minorVersion).to.equal(0);
    expect(complete('HTTP/1.1 200 \r\n\r\n').reason).to.equal('');
    const head = complete('HTTP/1.1 200\r\n\r\n');
    expect(head.reason).to.equal('');
    expect(head.fields.entries).to.deep.equal([]);
  });

  it('reads a higher minor version as HTTP/1.1, and any white space before the status', () => {
    for (const line of ['HTTP/1.2 200 OK', 'HTTP/1.9 200 OK', 'HTTP/1.1 \t 200 OK'])
      expect(complete(`${line}\r\n\r\n`)).to.include({
        minorVersion: 1,
        status: 200,
        reason: 'OK',
      });
    expect(complete(`HTTP/1.0${' '.repeat(16)}200\r\n\r\n`).minorVersion).to.equal(0);
  });

  it('reads any other version as HTTP/1.0, in any case, and a reason right behind the status', () => {
    for (const line of ['HTTP/2 200 OK', 'HTTP/2.0 200 OK', 'HTTP/1 200 OK', 'http/0.9 200OK'])
      expect(complete(`${line}\r\n\r\n`)).to.include({
        minorVersion: 0,
        status: 200,
        reason: 'OK',
      });
    expect(complete('http/1.1 200 OK\r\n\r\n').minorVersion).to.equal(1);
    refusal(() => parse('HTTP/2 100 Continue\r\n\r\n'), 'HTTP_MALFORMED');
  });

  it('P14: reads a control byte in the reason as a space', () => {
    expect(complete('HTTP/1.1 200 O\x1b\x7fK\r\n\r\n').reason).to.equal('O  K');
    refusal(() => parse('HTTP/1.1 200 OK\x0bContent-Length: 5\r\n\r\n'), 'HTTP_MALFORMED');
  });

  it('keeps latin1 and tabs in the reason', () => {
    expect(complete('HTTP/1.1 200 \xe9\tx\r\n\r\n').reason).to.equal('\xe9\tx');
  });

  it('reads the statuses from 100 to 599', () => {
    expect(complete('HTTP/1.1 100 Go\r\n\r\n').status).to.equal(100);
    expect(complete('HTTP/1.1 599 X\r\n\r\n').status).to.equal(599);
  });

  it('refuses an interim answer in HTTP/1.0', () => {
    refusal(() => parse('HTTP/1.0 100 Continue\r\n\r\n'), 'HTTP_MALFORMED');
    refusal(() => parse('HTTP/1.0 199 X\r\n\r\n'), 'HTTP_MALFORMED');
    expect(complete('HTTP/1.0 200 OK\r\n\r\n').status).to.equal(200);
  });

  for (const line of [
    'ICY 200 OK',
    'HTTP 200 OK',
    'HTTP/ 200 OK',
    'HTTP/x 200 OK',
    'HTTP/10 200 OK',
    'HTTP/2.10 200 OK',
    'HTTP/1.x 200 OK',
    'HTTP/1.10 200 OK',
    'HTTP/1.1200 OK',
    `HTTP/1.1${' '.repeat(17)}200 OK`,
    'HTTP/1.1 099 X',
    'HTTP/1.1 600 X',
    'HTTP/1.1 2a0 X',
    'HTTP/1.1 20 OK',
    'HTTP/1.1 2000 OK',
    ' HTTP/1.1 200 OK',
    '\r\nHTTP/1.1 200 OK',
    '<!DOCTYPE html>',
    'SSH-2.0-OpenSSH',
  ]) {
    it(`refuses ${JSON.stringify(line)}`, () => {
      refusal(() => parse(`${line}\r\n\r\n`), 'HTTP_MALFORMED');
    });
  }

  it('refuses a stranger at its first wrong byte, not after the longest head', () => {
    refusal(() => parse('I'), 'HTTP_MALFORMED');
    refusal(() => parse('HTTP/x'), 'HTTP_MALFORMED');
    refusal(() => parse('HTTP/1.1 2000'), 'HTTP_MALFORMED');
    refusal(() => parse('HTTP/1.1 6'), 'HTTP_MALFORMED');
    expect(parse('HTTP/1.1 200 X')).to.equal(null);
  });
});

describe('http/head: fields', () => {
  it('lower-cases names, keeps order and repeats, strips SP and HTAB around values', () => {
    const { fields } = complete(
      'HTTP/1.1 200 OK\r\nB-X: 1\r\nA:2\r\nb-x: \t 3 4\t \r\nE:\r\nF:  \r\n\r\n',
    );
    expect(fields.entries).to.deep.equal([
      ['b-x', '1'],
      ['a', '2'],
      ['b-x', '3 4'],
      ['e', ''],
      ['f', ''],
    ]);
    expect(fields.get('B-x')).to.equal('1, 3 4');
    expect(fields.getAll('b-X')).to.deep.equal(['1', '3 4']);
    expect(fields.get('e')).to.equal('');
    expect(fields.get('none')).to.equal(undefined);
    expect(fields.getAll('none')).to.deep.equal([]);
    expect(fields.has('A')).to.equal(true);
    expect(fields.has('none')).to.equal(false);
  });

  it('lower-cases the names that it is made from', () => {
    expect(new Fields([['ETag', 'x']]).entries).to.deep.equal([['etag', 'x']]);
  });

  it('keeps obs-text as latin1, 0xA0 at the ends of a value as well', () => {
    expect(complete(withField('A: \xa0\xff\x80\xa0')).fields.get('a')).to.equal('\xa0\xff\x80\xa0');
  });

  it('keeps colons and tabs inside values', () => {
    expect(complete(withField('A: b:c\td')).fields.get('a')).to.equal('b:c\td');
  });

  it('takes every token character in a name', () => {
    const name = "!#$%&'*+-.^_`|~09azAZ";
    expect(complete(withField(`${name}: 1`)).fields.get(name)).to.equal('1');
  });

  it('turns an obs-fold into one space', () => {
    const value = (lines: string) => complete(withField(lines)).fields.get('a');
    expect(value('A: b  \r\n\t  c')).to.equal('b c');
    expect(value('A: b\r\n c\r\n d')).to.equal('b c d');
    expect(value('A:\r\n c')).to.equal('c');
    expect(value('A: b\r\n  \r\n c')).to.equal('b c');
    expect(value('A: b\r\n ')).to.equal('b');
    expect(complete(withField('A: 1\r\nB: 2\r\n 3')).fields.entries).to.deep.equal([
      ['a', '1'],
      ['b', '2 3'],
    ]);
  });

  for (const [what, line] of [
    ['with white space in front, as the first', ' A: b'],
    ['with a tab in front, as the first', '\tA: b'],
    ['with a space before the colon', 'A : b'],
    ['with a tab before the colon', 'A\t: b'],
    ['with an empty name', ': b'],
    ['without a colon', 'A'],
    ['whose name is no token', 'A(: b'],
    ['whose name is outside ASCII', 'A\xe9: b'],
    ['whose name only contains one that decides', 'X-Connection-Id : 5'],
    ['without a colon that names a deciding field later on', 'the Connection is open'],
    ['whose value names a deciding field', 'A b: Content-Length'],
  ] as const) {
    it(`passes over a line ${what}`, () => {
      expect(complete(withField(line)).fields.entries).to.deep.equal([]);
      expect(complete(withField(`${line}\r\n more: of it\r\nC: d`)).fields.entries).to.deep.equal([
        ['c', 'd'],
      ]);
    });
  }

  const DECIDING = ['Content-Length', 'transfer-encoding', 'Content-Range', 'content-encoding'];
  for (const name of [...DECIDING, 'CONNECTION']) {
    for (const line of [
      ...[`${name} : 5`, `${name}\t: 5`, ` ${name}: 5`, `\xa0${name}: 5`, `"${name}": 5`],
      ...[`x ${name}: 5`, `${name} x: 5`, name, `${name} 5`, `A b: c\r\n ${name}: 5`],
    ]) {
      it(`refuses ${JSON.stringify(line)}`, () => {
        const error = refusal(() => parse(withField(line)), 'HTTP_MALFORMED');
        expect(error.message).to.contain('has no valid form').and.contain(name);
      });
    }
  }

  it('a line that is passed over counts as a field', () => {
    const lines = (count: number) => Array.from({ length: count }, () => 'A b: c').join('\r\n');
    expect(complete(withField(lines(MAX_FIELDS))).fields.entries).to.deep.equal([]);
    refusal(() => parse(withField(lines(MAX_FIELDS + 1))), 'HTTP_TOO_LARGE');
  });

  for (const [what, line] of [
    ['NUL in a value', 'A: b\x00c'],
    ['a control byte in a deciding field', 'Content-Length: \x015'],
    ['a control byte in a continuation of one', 'Connection: close\r\n \x7f'],
    ['a deciding field behind a control byte', 'A: b\x0bContent-Length: 5'],
    ['a bare CR in a value', 'A: b\rc'],
    ['CR CR LF', 'A: b\r'],
  ] as const) {
    it(`refuses ${what}`, () => {
      refusal(() => parse(withField(line)), 'HTTP_MALFORMED');
    });
  }

  it('P14: passes over a field with a control byte, in a continuation too: its value proves nothing', () => {
    for (const control of ['\x01', '\x0b', '\x1b', '\x1f', '\x7f']) {
      for (const line of [`ETag: "a${control}"`, `ETag: "a"\r\n b${control}\r\n c`])
        expect(complete(withField(`${line}\r\nA: b`)).fields.entries).to.deep.equal([['a', 'b']]);
    }
  });

  it('takes a bare LF for the end of a line where there is one reading', () => {
    for (const text of [
      'HTTP/1.1 200 OK\nContent-Length: 5\nA: b\n\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\nA: b\n\n',
      'HTTP/1.1 200 OK\nContent-Length: 5\r\nA: b\n\r\n',
      'HTTP/1.1 200 OK\nContent-Length: 5\nA:\n b\r\n\r\n',
    ]) {
      expect(complete(text).fields.entries, text).to.deep.equal([
        ['content-length', '5'],
        ['a', 'b'],
      ]);
    }
    expect(complete('HTTP/1.1 200\n\n').status).to.equal(200);
    expect(complete('HTTP/1.1 200 OK\r\n\n').reason).to.equal('OK');
    expect(complete('HTTP/1.1 200 OK\n\r\n').reason).to.equal('OK');
  });

  it('in a head of CRLF a bare LF may lead to a continuation, or to what decides nothing', () => {
    const value = 'A: b\n  c\n\td\nE: f\ng h: i\nj\r\nContent-Length: 5';
    expect(complete(withField(value)).fields.entries).to.deep.equal([
      ['a', 'b c d'],
      ['e', 'f'],
      ['content-length', '5'],
    ]);
  });

  it('refuses a bare LF where a reader that wants CRLF would see something else that counts', () => {
    for (const name of [...DECIDING, 'connection']) {
      const error = refusal(() => parse(withField(`A: b\n${name}: 5`)), 'HTTP_MALFORMED');
      expect(error.message).to.equal(`a bare LF stands before ${name}: 5`);
    }
    for (const head of ['A: b\r\nC: d\n\n', 'A: b\r\n\n', 'A: b\n\r\n', 'A: b\nC: d\n\r\n']) {
      const text = `HTTP/1.1 200 OK\r\n${head}`;
      expect(refusal(() => parse(text), 'HTTP_MALFORMED').message).to.contain(
        'the end of the head',
      );
    }
  });

  it('refuses a bare CR and NUL as soon as they are seen', () => {
    refusal(() => parse('HTTP/1.1 200 OK\r\nA: b\rc'), 'HTTP_MALFORMED');
    refusal(() => parse('HTTP/1.1 200 OK\r\nA: \x00'), 'HTTP_MALFORMED');
    expect(parse('HTTP/1.1 200 OK\r\nA: b\r')).to.equal(null);
  });
});

describe('http/head: place in the buffer', () => {
  const text = 'HTTP/1.1 200 OK\r\nA: b\r\n\r\n';

  it('reads [from, to) only, and tells the first byte after the head', () => {
    const buffer = bytes(`\n\n${text}BODY`);
    const parsed = parseResponseHead(buffer, 2, buffer.length);
    expect(parsed?.end).to.equal(2 + text.length);
    expect(parsed?.head.fields.entries).to.deep.equal([['a', 'b']]);
    expect(parseResponseHead(buffer, 2, 2 + text.length - 1)).to.equal(null);
    expect(parseResponseHead(buffer, 2, 2)).to.equal(null);
  });

  it('reads a view that starts inside a larger buffer', () => {
    const view = new Uint8Array(bytes(`xyz${text}`)).subarray(3);
    expect(parseResponseHead(view, 0, view.length)?.head.fields.get('a')).to.equal('b');
  });

  it('needs all bytes, and goes on from scanFrom', () => {
    const buffer = bytes(text);
    for (let to = 0; to < buffer.length; to++) {
      expect(parseResponseHead(buffer, 0, to, Math.max(0, to - 1)), String(to)).to.equal(null);
    }
    expect(parseResponseHead(buffer, 0, buffer.length, buffer.length - 1)?.end).to.equal(
      buffer.length,
    );
  });

  it('does not look again at what it has seen', () => {
    const buffer = bytes(`HTTP/1.1 200 OK\r\nA: ${'x'.repeat(100)}`);
    expect(parseResponseHead(buffer, 0, buffer.length)).to.equal(null);
    buffer[50] = 0;
    expect(parseResponseHead(buffer, 0, buffer.length, buffer.length)).to.equal(null);
  });

  it('sees a bare CR whose next byte comes in the next call', () => {
    const buffer = bytes('HTTP/1.1 200 OK\r\nA: b\rc');
    const seen = buffer.length - 1;
    expect(parseResponseHead(buffer, 0, seen)).to.equal(null);
    refusal(() => parseResponseHead(buffer, 0, buffer.length, seen), 'HTTP_MALFORMED');
  });
});

describe('http/head: P15: limits', () => {
  const ofLength = (length: number): string => {
    const frame = withField('A: ');
    return withField(`A: ${'x'.repeat(length - frame.length)}`);
  };

  it('takes a head of 256 KiB and refuses one byte more', () => {
    expect(MAX_HEAD_BYTES).to.equal(262144);
    expect(complete(ofLength(MAX_HEAD_BYTES)).status).to.equal(200);
    refusal(() => parse(ofLength(MAX_HEAD_BYTES + 1)), 'HTTP_TOO_LARGE');
  });

  it('refuses an endless head when 256 KiB are there, not before', () => {
    const text = ofLength(MAX_HEAD_BYTES + 100);
    expect(parse(text.slice(0, MAX_HEAD_BYTES - 1))).to.equal(null);
    refusal(() => parse(text.slice(0, MAX_HEAD_BYTES)), 'HTTP_TOO_LARGE');
  });

  it('measures the limit from where the head starts', () => {
    const text = ofLength(MAX_HEAD_BYTES);
    const buffer = bytes(`12345${text}`);
    expect(parseResponseHead(buffer, 5, buffer.length)?.end).to.equal(buffer.length);
  });

  it('waits for more wherever the head starts, and looks at nothing behind what came', () => {
    const buffer = bytes(`${' '.repeat(MAX_HEAD_BYTES)}HTTP/1.1 200 OK\r\nA: b\r\n`);
    for (const length of [0, 1, 5, 12, 15, 17, 23]) {
      const to = MAX_HEAD_BYTES + length;
      const cut = Buffer.from(buffer).fill('\0', to);
      expect(parseResponseHead(cut, MAX_HEAD_BYTES, to), String(length)).to.equal(null);
    }
  });

  it('takes 1000 fields and refuses 1001; folded lines do not count', () => {
    expect(MAX_FIELDS).to.equal(1000);
    const lines = (count: number) => Array.from({ length: count }, () => 'A: b').join('\r\n');
    expect(complete(withField(lines(1000))).fields.entries).to.have.length(1000);
    expect(complete(withField(`${lines(1000)}\r\n c`)).fields.entries).to.have.length(1000);
    refusal(() => parse(withField(lines(1001))), 'HTTP_TOO_LARGE');
  });

  it('is linear in folds and white space', () => {
    const started = process.hrtime.bigint();
    complete(withField(`A: b${'\r\n c'.repeat(15_000)}`));
    complete(withField(`A: b${' '.repeat(60_000)}c`));
    expect(Number(process.hrtime.bigint() - started) / 1e6).to.be.below(2000);
  });
});

describe('http/head: isInterim', () => {
  it('is true for 1xx other than 101', () => {
    const interim = [100, 101, 102, 103, 199, 200, 204].map((status) =>
      isInterim(headOf({}, status)),
    );
    expect(interim).to.deep.equal([true, false, true, true, true, false, false]);
  });
});
