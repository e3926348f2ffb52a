import { expect } from 'chai';
import { bodyFraming, contentLength, lengthOf, mayReuse } from '../../../src/http/framing.js';
import { headOf, refusal } from './support.js';

const readLength = (value: string | string[]) =>
  bodyFraming('GET', headOf({ 'content-length': value }));

describe('http/framing: bodyFraming', () => {
  it('has no body after HEAD, 1xx, 204, 304 and a CONNECT that worked', () => {
    const fields = { 'content-length': '5' };
    const none = { kind: 'none' };
    expect(bodyFraming('HEAD', headOf(fields))).to.deep.equal(none);
    for (const status of [100, 101, 199, 204, 304]) {
      expect(bodyFraming('GET', headOf(fields, status)), String(status)).to.deep.equal(none);
    }
    expect(bodyFraming('CONNECT', headOf(fields, 200))).to.deep.equal(none);
    expect(bodyFraming('CONNECT', headOf(fields, 299))).to.deep.equal(none);
  });

  it('refuses bad framing fields where there is no body, but not in interim answers and tunnels', () => {
    const bad = { 'content-length': 'x5' };
    refusal(() => bodyFraming('HEAD', headOf(bad)), 'HTTP_MALFORMED');
    refusal(() => bodyFraming('GET', headOf(bad, 204)), 'HTTP_MALFORMED');
    refusal(() => bodyFraming('GET', headOf(bad, 304)), 'HTTP_MALFORMED');
    expect(bodyFraming('GET', headOf(bad, 103))).to.deep.equal({ kind: 'none' });
    expect(bodyFraming('CONNECT', headOf(bad, 200))).to.deep.equal({ kind: 'none' });
  });

  it('has a body after a CONNECT that failed, 200 and 3xx', () => {
    const fields = { 'content-length': '5' };
    const five = { kind: 'length', length: 5 };
    expect(bodyFraming('CONNECT', headOf(fields, 300))).to.deep.equal(five);
    expect(bodyFraming('CONNECT', headOf(fields, 407))).to.deep.equal(five);
    for (const status of [200, 203, 205, 206, 303, 305, 404]) {
      expect(bodyFraming('GET', headOf(fields, status)), String(status)).to.deep.equal(five);
    }
  });

  it('reads a length, and a list of equal ones', () => {
    expect(readLength('0')).to.deep.equal({ kind: 'length', length: 0 });
    expect(readLength('42,42')).to.deep.equal({ kind: 'length', length: 42 });
    expect(readLength('42 ,\t42')).to.deep.equal({ kind: 'length', length: 42 });
    expect(readLength(['42', '42'])).to.deep.equal({ kind: 'length', length: 42 });
    expect(readLength('9007199254740991')).to.deep.equal({
      kind: 'length',
      length: Number.MAX_SAFE_INTEGER,
    });
  });

  for (const value of [
    ...[
      '',
      '+',
      '++5',
      '+-5',
      '+ 5',
      '-5',
      '1x',
      'x1',
      '5.0',
      '0x5',
      '1e3',
      '5 5',
      '9007199254740992',
    ],
    ...['9007199254740993', '42,43', '43,42', '42,', ',42', '42,x', '1'.repeat(400)],
  ]) {
    it(`refuses Content-Length ${JSON.stringify(value.slice(0, 20))}`, () => {
      const error = refusal(() => readLength(value), 'HTTP_MALFORMED');
      expect(error.details.httpStatus).to.equal(200);
    });
  }

  it('reads a length with a plus sign, and never reuses the connection', () => {
    for (const value of ['+5', '5, +5']) {
      const head = headOf({ 'content-length': value });
      const framing = bodyFraming('GET', head);
      expect(framing).to.deep.equal({ kind: 'length', length: 5 });
      expect(mayReuse(head, framing)).to.equal(false);
    }
  });

  it('refuses unequal Content-Length fields', () => {
    refusal(() => readLength(['42', '43']), 'HTTP_MALFORMED');
  });

  it('reads chunked in any case', () => {
    const chunked = { kind: 'chunked' };
    expect(bodyFraming('GET', headOf({ 'transfer-encoding': 'chunked' }))).to.deep.equal(chunked);
    expect(bodyFraming('GET', headOf({ 'transfer-encoding': 'Chunked' }))).to.deep.equal(chunked);
  });

  for (const value of [
    ...['gzip', 'gzip, chunked', 'chunked, gzip', 'chunked, gzip, chunked', 'identity, chunked'],
    ...['chunked, identity', ', chunked', 'identity;q=1', 'identityx', 'identity, gzip'],
    ...['xchunked', 'chunkedx', 'chunked;q=1', 'chunked,', '"chunked"', '\x0bchunked'],
  ]) {
    it(`refuses Transfer-Encoding ${JSON.stringify(value)}`, () => {
      const head = headOf({ 'transfer-encoding': value });
      refusal(() => bodyFraming('GET', head), 'HTTP_MALFORMED');
    });
  }

  it('Transfer-Encoding: identity, and one without a value, name no coding', () => {
    for (const value of ['identity', 'Identity', '', ',', 'identity, identity', ' identity ,']) {
      const fields = { 'transfer-encoding': value };
      expect(bodyFraming('GET', headOf(fields))).to.deep.equal({ kind: 'close' });
      const both = headOf({ ...fields, 'content-length': '5' }, 200, 0);
      expect(bodyFraming('GET', both)).to.deep.equal({ kind: 'length', length: 5 });
    }
  });

  it('chunked wins over Content-Length, which is still checked', () => {
    const both = (length: string) =>
      bodyFraming('GET', headOf({ 'transfer-encoding': 'chunked', 'content-length': length }));
    expect(both('5')).to.deep.equal({ kind: 'chunked', length: 5 });
    for (const wrong of ['x', '5, 6', '']) refusal(() => both(wrong), 'HTTP_MALFORMED');
  });

  it('lengthOf: the bytes that a body must have', () => {
    expect(lengthOf({ kind: 'length', length: 5 })).to.equal(5);
    expect(lengthOf({ kind: 'chunked', length: 6 })).to.equal(6);
    for (const kind of ['chunked', 'close', 'none'] as const)
      expect(lengthOf({ kind })).to.equal(null);
  });

  it('reads chunked that was written twice, and in HTTP/1.0, and never reuses the connection', () => {
    for (const [value, minor] of [
      [['chunked', 'chunked'], 1],
      [['chunked, Chunked'], 1],
      [['chunked'], 0],
    ] as const) {
      const head = headOf(
        { 'transfer-encoding': [...value], connection: 'keep-alive' },
        200,
        minor,
      );
      const framing = bodyFraming('GET', head);
      expect(framing).to.deep.equal({ kind: 'chunked' });
      expect(mayReuse(head, framing)).to.equal(false);
    }
  });

  it('a part in chunks is as long as its Content-Range says, whatever Content-Length does', () => {
    const both = { 'transfer-encoding': 'chunked', 'content-length': '1' };
    const head = headOf({ ...both, 'content-range': 'bytes 0-4/9' }, 206);
    expect(bodyFraming('GET', head)).to.deep.equal({ kind: 'chunked' });
    expect(mayReuse(head, { kind: 'chunked' })).to.equal(false);
    const bad = headOf({ ...both, 'content-length': 'x', 'content-range': 'bytes 0-4/9' }, 206);
    refusal(() => bodyFraming('GET', bad), 'HTTP_MALFORMED');
    for (const status of [200, 206])
      expect(bodyFraming('GET', headOf(both, status))).to.deep.equal({
        kind: 'chunked',
        length: 1,
      });
  });

  it('is up to the close without either', () => {
    expect(bodyFraming('GET', headOf({}))).to.deep.equal({ kind: 'close' });
    expect(bodyFraming('GET', headOf({}, 200, 0))).to.deep.equal({ kind: 'close' });
  });
});

describe('http/framing: contentLength', () => {
  it('is null without the field', () => {
    expect(contentLength(headOf({}))).to.equal(null);
    expect(contentLength(headOf({ 'content-length': '7' }))).to.equal(7);
  });
});

describe('http/framing: mayReuse', () => {
  const length = { kind: 'length', length: 1 } as const;
  const reuse = (connection: string | string[] | null, minor: 0 | 1) =>
    mayReuse(headOf(connection === null ? {} : { connection }, 200, minor), length);

  it('goes by the version when nothing is said', () => {
    expect(reuse(null, 1)).to.equal(true);
    expect(reuse(null, 0)).to.equal(false);
  });

  it('goes by Connection, in any case and place', () => {
    expect(reuse('close', 1)).to.equal(false);
    expect(reuse('x, \tClose', 1)).to.equal(false);
    expect(reuse(['x', 'close'], 1)).to.equal(false);
    expect(reuse('closed', 1)).to.equal(true);
    expect(reuse('keep-alive', 0)).to.equal(true);
    expect(reuse('Keep-Alive ,x', 0)).to.equal(true);
    expect(reuse('keep-alive, close', 0)).to.equal(false);
    expect(reuse('keep-alive, close', 1)).to.equal(false);
    expect(reuse('x', 0)).to.equal(false);
  });

  it('is never so where two fields say where the body ends', () => {
    for (const coding of ['chunked', 'identity']) {
      const head = headOf({ 'transfer-encoding': coding, 'content-length': '5' });
      expect(mayReuse(head, bodyFraming('GET', head))).to.equal(false);
    }
  });

  it('is never so after a body up to the close, or 101', () => {
    expect(mayReuse(headOf({ connection: 'keep-alive' }), { kind: 'close' })).to.equal(false);
    expect(mayReuse(headOf({}, 101), { kind: 'none' })).to.equal(false);
    expect(mayReuse(headOf({}), { kind: 'none' })).to.equal(true);
    expect(mayReuse(headOf({}), { kind: 'chunked' })).to.equal(true);
  });
});
