import { expect } from 'chai';
import fc from 'fast-check';
import { SluiceError } from '../../../src/errors.js';
import {
  checkPartLength,
  parseContentRange,
  rangeValue,
  requireContentRange,
} from '../../../src/http/content-range.js';
import { headOf, refusal } from './support.js';

const MAX = Number.MAX_SAFE_INTEGER;

describe('http/content-range: parseContentRange', () => {
  it('reads a range, its end exclusive', () => {
    expect(parseContentRange('bytes 0-99/200')).to.deep.equal({
      kind: 'range',
      start: 0,
      end: 100,
      total: 200,
    });
    expect(parseContentRange('bytes 199-199/200')).to.deep.equal({
      kind: 'range',
      start: 199,
      end: 200,
      total: 200,
    });
    expect(parseContentRange('BYTES 5-6/*')).to.deep.equal({
      kind: 'range',
      start: 5,
      end: 7,
      total: null,
    });
  });

  it('reads an unsatisfied range', () => {
    expect(parseContentRange('bytes */200')).to.deep.equal({ kind: 'unsatisfied', total: 200 });
    expect(parseContentRange('bytes */0')).to.deep.equal({ kind: 'unsatisfied', total: 0 });
    expect(parseContentRange('bytes */*')).to.deep.equal({ kind: 'unsatisfied', total: null });
  });

  it('reads up to 2^53 - 1', () => {
    expect(parseContentRange(`bytes 0-${MAX - 1}/${MAX}`)).to.deep.equal({
      kind: 'range',
      start: 0,
      end: MAX,
      total: MAX,
    });
    refusal(() => parseContentRange(`bytes 0-${MAX}/*`), 'HTTP_RANGE_MISMATCH');
    refusal(() => parseContentRange(`bytes 0-1/${MAX + 1}`), 'HTTP_RANGE_MISMATCH');
    refusal(() => parseContentRange(`bytes */${MAX + 1}`), 'HTTP_RANGE_MISMATCH');
    refusal(() => parseContentRange(`bytes ${MAX + 1}-${MAX + 1}/*`), 'HTTP_RANGE_MISMATCH');
  });

  for (const value of [
    ...['bytes=0-99/200', 'bytes: 0-99/200', 'bytes  0-99/200', 'bytes\t0-99/200', '0-99/200'],
    ...['bytes0-99/200', 'Bytes = 0-99/200', 'bytes 0 - 99/200', 'bytes 0-99 /\t200'],
    ...[
      'bytes 0-99/200 ',
      ' bytes 0-99/200',
      'bytes 0-99/200, bytes 0-99/200',
      '0-99/200,0-99/200',
    ],
    ...['bytes 000-0099/0200', 'bytes 0-99/200, bytes=0-99/200'],
  ]) {
    it(`P9: reads ${JSON.stringify(value)}, which cannot mean other numbers`, () => {
      const range = { kind: 'range', start: 0, end: 100, total: 200 };
      expect(parseContentRange(value)).to.deep.equal(range);
    });
  }

  it('P9: reads the open end that was asked for as the end', () => {
    const range = { kind: 'range', start: 5, end: 200, total: 200 };
    for (const value of ['bytes 5-/200', 'bytes=5-/200', 'bytes 5- / 200'])
      expect(parseContentRange(value)).to.deep.equal(range);
  });

  it('P9: reads a range without a total as one whose total is not told', () => {
    const range = { kind: 'range', start: 5, end: 100, total: null };
    expect(parseContentRange('bytes 5-99')).to.deep.equal(range);
    expect(parseContentRange('bytes 5-99, bytes 5-99/*')).to.deep.equal(range);
    expect(parseContentRange('bytes *')).to.deep.equal({ kind: 'unsatisfied', total: null });
  });

  for (const value of [
    ...[
      '',
      'bytes',
      'bytes ',
      'bytes 0-99/',
      'bytes 0-/*',
      'bytes 200-/200',
      'bytes -99/200',
      'bytes 0 0-99/200',
    ],
    ...['items 0-99/200', 'kbytes 0-99/200', 'bytes == 0-99/200', 'bytes 0-9 9/200', '0-9-9/200'],
    ...['bytes 0-99/200, bytes 0-98/200', 'bytes 0-99/200, bytes 0-99/*', 'bytes 0-99/200,', ','],
    ...[
      'bytes 0-99/200, bytes */200',
      'bytes 0-99/200, bytes 1-99/200',
      'bytes */200, bytes */201',
    ],
    ...['bytes 0-99/200/200', 'bytes 0-99 200', 'bytes +0-99/200', 'bytesbytes 0-99/200'],
    ...['bytes 0x0-99/200', 'bytes 0-99/2e2', 'bytes *-99/200', 'bytes 0-*/200', 'bytes */ *x'],
    ...['bytes 2-1/200', 'bytes 0-200/200', 'bytes 0-0/0', 'bytes 200-300/200'],
  ]) {
    it(`P9: refuses ${JSON.stringify(value)}`, () => {
      refusal(() => parseContentRange(value), 'HTTP_RANGE_MISMATCH');
    });
  }

  it('survives a round trip with every range', () => {
    const offset = fc.maxSafeNat();
    fc.assert(
      fc.property(fc.tuple(offset, offset, offset), fc.boolean(), (numbers, known) => {
        const [start, end, total] = numbers.sort((a, b) => a - b);
        fc.pre(start < end);
        const value = `bytes ${start}-${end - 1}/${known ? total : '*'}`;
        expect(parseContentRange(value)).to.deep.equal({
          kind: 'range',
          start,
          end,
          total: known ? total : null,
        });
        expect(rangeValue(start, end)).to.equal(`bytes=${start}-${end - 1}`);
      }),
    );
  });

  it('never throws anything else, and what it accepts is in order', () => {
    const part = fc.constantFrom('bytes', ' ', '0', '9', '*', '/', '-', '12345678901234567', 'x');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 10 }), (parts) => {
        try {
          const range = parseContentRange(parts.join(''));
          if (range.kind === 'range') {
            expect(range.start).to.be.below(range.end);
            expect(range.end).to.be.at.most(range.total ?? MAX);
          }
        } catch (thrown) {
          if (!(thrown instanceof SluiceError)) throw thrown;
          expect(thrown.code).to.equal('HTTP_RANGE_MISMATCH');
        }
      }),
    );
  });
});

describe('http/content-range: requireContentRange', () => {
  const require = (fields: Record<string, string | string[]>) =>
    requireContentRange(headOf(fields, 206));
  const range = 'bytes 0-1/2';

  it('reads the one field', () => {
    expect(require({ 'content-range': range })).to.deep.equal({
      kind: 'range',
      start: 0,
      end: 2,
      total: 2,
    });
  });

  it('reads two that say the same', () => {
    expect(require({ 'content-range': [range, range] })).to.include({ start: 0, end: 2 });
  });

  it('P9: refuses none, two unequal ones, and one that is not valid', () => {
    const unequal = [range, 'bytes 0-0/2'];
    for (const fields of [{}, { 'content-range': unequal }, { 'content-range': 'bytes' }]) {
      const error = refusal(() => require(fields), 'HTTP_RANGE_MISMATCH');
      expect(error.details.httpStatus).to.equal(206);
    }
  });

  it('P9: refuses several parts, and only those', () => {
    for (const type of [
      'multipart/byteranges',
      'Multipart/ByteRanges; boundary=x',
      'multipart/byteranges;boundary=x',
      'multipart/byteranges, text/plain',
    ]) {
      const error = refusal(
        () => require({ 'content-type': type, 'content-range': range }),
        'HTTP_RANGE_MISMATCH',
      );
      expect(error.details.httpStatus).to.equal(206);
    }
    for (const type of ['multipart/byterangesx', 'x/multipart/byteranges', 'multipart/mixed']) {
      expect(require({ 'content-type': type, 'content-range': range }).kind).to.equal('range');
    }
  });
});

describe('http/content-range: checkPartLength', () => {
  const check = (length: number | null) => (): void =>
    checkPartLength(headOf({}, 206), length, { start: 10, end: 15 });

  it('takes a body as long as its range, and one whose length is not said', () => {
    expect(check(5)).to.not.throw();
    expect(check(null)).to.not.throw();
  });

  it('P9: refuses a body of any other length', () => {
    for (const length of [0, 4, 6, 25]) {
      const error = refusal(check(length), 'HTTP_RANGE_MISMATCH');
      expect(error.message).to.contain('promises 5 bytes').and.contain(`Content-Length ${length}`);
      expect(error.details.httpStatus).to.equal(206);
    }
  });
});

describe('http/content-range: rangeValue', () => {
  it('is inclusive on the wire', () => {
    expect(rangeValue(0, 1)).to.equal('bytes=0-0');
    expect(rangeValue(5, 4294967297)).to.equal('bytes=5-4294967296');
    expect(rangeValue(5, null)).to.equal('bytes=5-');
  });

  it('stops at a range that holds nothing or is no range', () => {
    for (const [start, end] of [
      [0, 0],
      [2, 1],
      [-1, 5],
      [0.5, 5],
      [0, 1.5],
      [-1, null],
      [NaN, null],
    ] as const) {
      refusal(() => rangeValue(start, end), 'DEFECT');
    }
  });
});
