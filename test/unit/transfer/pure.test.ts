/** The pure parts of the transfer: what an answer offers, what failures mean, what may be kept. */
import { expect } from 'chai';
import { SluiceError } from '../../../src/errors.js';
import type { ErrorCode } from '../../../src/errors.js';
import { bodyFraming } from '../../../src/http/framing.js';
import { parseResponseHead } from '../../../src/http/head.js';
import { readValidators } from '../../../src/http/validators.js';
import type { Validators } from '../../../src/http/validators.js';
import { changedError, judge, unprovenError } from '../../../src/open/adopt.js';
import { classify, isWorthAsking } from '../../../src/engine/failures.js';
import type { FailureContext, FailureKind } from '../../../src/engine/failures.js';
import { readOffer } from '../../../src/open/offer.js';
import type { Offer } from '../../../src/open/offer.js';

function offerOf(
  status: number,
  fields: Record<string, string>,
  start: number | null = 0,
  path = '/f',
  digest = false,
): Offer {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const bytes = Buffer.from(`HTTP/1.1 ${status} X\r\n${lines.join('')}\r\n`, 'latin1');
  const parsed = parseResponseHead(bytes, 0, bytes.length);
  if (parsed === null) throw new Error('no head');
  return readOffer(parsed.head, bodyFraming('GET', parsed.head), start, { names: [path], digest });
}

const refused = (code: ErrorCode, ...args: Parameters<typeof offerOf>): void => {
  expect(() => offerOf(...args))
    .throw(SluiceError)
    .include({ code });
};

describe('what an answer offers', () => {
  it('206: a range, as Content-Range says', () => {
    const fields = { 'Content-Range': 'bytes 5-99/1000', 'Content-Length': '95' };
    expect(offerOf(206, fields, 5)).deep.equal({ kind: 'range', start: 5, end: 100, total: 1000 });
  });

  it('P9: 206 to no range, from another place, without a total, of another length', () => {
    const right = { 'Content-Range': 'bytes 0-99/1000', 'Content-Length': '100' };
    refused('HTTP_RANGE_MISMATCH', 206, right, null);
    refused('HTTP_RANGE_MISMATCH', 206, right, 101);
    refused('HTTP_RANGE_MISMATCH', 206, { ...right, 'Content-Range': 'bytes 0-99/*' });
    refused('HTTP_RANGE_MISMATCH', 206, { ...right, 'Content-Length': '101' });
    refused('HTTP_RANGE_MISMATCH', 206, { ...right, 'Content-Length': '99' });
    refused('HTTP_RANGE_MISMATCH', 206, { 'Content-Length': '100' });
    refused('HTTP_RANGE_MISMATCH', 206, { ...right, 'Content-Range': 'bytes */1000' });
    refused('HTTP_ENCODED', 206, { ...right, 'Content-Encoding': 'gzip' });
  });

  it('200: the whole, with or without a length, with or without ranges', () => {
    const length = { 'Content-Length': '7' };
    expect(offerOf(200, length)).deep.include({ kind: 'whole', total: 7, ranges: false });
    const both = { ...length, 'Accept-Ranges': 'x, Bytes' };
    expect(offerOf(200, both)).include({ total: 7, ranges: true });
    expect(offerOf(200, { ...length, 'Accept-Ranges': 'none' })).include({ ranges: false });
    expect(offerOf(200, { 'Transfer-Encoding': 'chunked', 'Accept-Ranges': 'bytes' })).include({
      total: null,
      ranges: false,
      why: 'the server does not tell the length',
    });
    expect(offerOf(200, {})).include({ total: null });
    expect(offerOf(200, length)).include({
      why: 'the server does not serve byte ranges of this file',
    });
  });

  it('P9: a 200 of several parts is not the whole', () => {
    const type = { 'Content-Length': '7', 'Content-Type': 'multipart/byteranges; boundary=x' };
    refused('HTTP_RANGE_MISMATCH', 200, type);
  });

  it('P10: a coding that is the form of the file leaves ranges alone; any other is saved as sent', () => {
    const part = { 'Content-Range': 'bytes 0-99/1000', 'Content-Length': '100' };
    const coded = { 'Content-Encoding': 'gzip' };
    const range = { kind: 'range', start: 0, end: 100, total: 1000 };
    expect(offerOf(206, { ...part, ...coded }, 0, '/a.tar.gz')).deep.equal(range);
    expect(offerOf(206, { ...part, ...coded }, 0, '/f', true)).deep.equal(range);
    refused('HTTP_ENCODED', 206, { ...part, ...coded }, 0, '/f');
    const whole = { 'Content-Length': '7', 'Accept-Ranges': 'bytes', ...coded };
    expect(offerOf(200, whole, 0, '/a.gz'))
      .include({ total: 7, ranges: true })
      .not.key('coding');
    for (const start of [0, null]) {
      expect(offerOf(200, whole, start, '/f')).deep.equal({
        kind: 'whole',
        total: 7,
        ranges: false,
        why: 'the server encodes it (Content-Encoding: gzip)',
        coding: 'gzip',
      });
    }
    const all = { 'Content-Range': 'bytes 0-6/7', 'Content-Length': '7', ...coded };
    expect(offerOf(206, all, null, '/f')).include({ kind: 'whole', total: 7, coding: 'gzip' });
  });

  it('416: nothing there, with the length if it is told', () => {
    expect(offerOf(416, { 'Content-Range': 'bytes */9' }, 9)).deep.equal({
      kind: 'none',
      total: 9,
    });
    expect(offerOf(416, {}, 9)).deep.equal({ kind: 'none', total: null });
    refused('HTTP_RANGE_MISMATCH', 416, { 'Content-Range': 'bytes 0-1/9' }, 9);
    refused('HTTP_REFUSED', 416, {}, null);
  });

  it('everything else is a refusal with its own code', () => {
    for (const status of [400, 401, 403, 404, 410, 451]) refused('HTTP_REFUSED', status, {});
    for (const status of [408, 425, 429, 500, 502, 503, 504, 599]) {
      refused('HTTP_SERVER_ERROR', status, {});
    }
    for (const status of [201, 202, 203, 204, 205, 207, 226, 300, 304])
      refused('HTTP_UNEXPECTED', status, {});
  });

  it('P22: to no range, 201, 203, 226 and a 206 without a place are the whole, as for every plain client', () => {
    const length = { 'Content-Length': '7', 'Accept-Ranges': 'bytes' };
    for (const status of [201, 203, 206, 226])
      expect(offerOf(status, length, null), String(status)).include({
        kind: 'whole',
        total: 7,
        ranges: false,
      });
    refused('HTTP_UNEXPECTED', 226, { ...length, IM: 'vcdiff' }, null);
    for (const status of [202, 205, 207]) refused('HTTP_UNEXPECTED', status, length, null);
    const coded = { ...length, 'Content-Encoding': 'gzip' };
    for (const status of [203, 206])
      expect(offerOf(status, coded, null)).include({ coding: 'gzip' });
    const several = { ...length, 'Content-Type': 'multipart/byteranges; boundary=x' };
    refused('HTTP_RANGE_MISMATCH', 206, several, null);
  });

  it('P9: a 206 without a place is no whole where another length is known', () => {
    const head = parseResponseHead(
      Buffer.from('HTTP/1.1 206 X\r\nContent-Length: 7\r\n\r\n'),
      0,
      39,
    )?.head;
    if (head === undefined) throw new Error('no head');
    const offer = (known: number): Offer =>
      readOffer(head, { kind: 'length', length: 7 }, null, { names: [], digest: false }, known);
    expect(offer(7)).include({ kind: 'whole', total: 7 });
    expect(() => offer(8))
      .throw(SluiceError)
      .include({ code: 'HTTP_RANGE_MISMATCH' });
  });
});

const context = (change: Partial<FailureContext> = {}): FailureContext => ({
  redirected: false,
  refreshed: false,
  others: 0,
  served: false,
  ...change,
});
const kindOf = (code: ErrorCode, change: Partial<FailureContext> = {}): FailureKind =>
  classify(new SluiceError(code, 'x'), context(change));

describe('what a failure means', () => {
  const kinds: Record<FailureKind, ErrorCode[]> = {
    objection: [
      'HTTP_SERVER_ERROR',
      'CONNECT_FAILED',
      'CONNECT_TIMEOUT',
      'CONNECTION_LOST',
      'FIRST_BYTE_TIMEOUT',
    ],
    retry: [
      'STALLED',
      'NAME_LOOKUP_FAILED',
      'TLS_HANDSHAKE',
      'HTTP_MALFORMED',
      'HTTP_RANGE_MISMATCH',
      'HTTP_RANGE_IGNORED',
      'HTTP_UNEXPECTED',
      'WORKER_LOST',
      'CHANGED',
    ],
    fatal: [
      'DISK_FULL',
      'DISK_IO',
      'HTTP_ENCODED',
      'HTTP_TOO_LARGE',
      'NAME_NOT_FOUND',
      'DEFECT',
      'INTERRUPTED',
      'CHECKSUM_MISMATCH',
    ],
    renew: [],
  };
  for (const [kind, codes] of Object.entries(kinds)) {
    for (const code of codes) {
      it(`${code}: ${kind}`, () => expect(kindOf(code, { others: 3 })).equal(kind));
    }
  }

  it('P20: a refusal where a redirect led asks the original address again, once', () => {
    expect(kindOf('HTTP_REFUSED', { redirected: true })).equal('renew');
    expect(kindOf('HTTP_REFUSED', { redirected: true, others: 2 })).equal('renew');
    expect(kindOf('HTTP_REFUSED', { redirected: true, refreshed: true })).equal('fatal');
  });

  it('P21: a refusal after bytes came is tried again', () => {
    expect(kindOf('HTTP_REFUSED', { served: true })).equal('retry');
    expect(kindOf('TLS_CERTIFICATE', { served: true })).equal('fatal');
  });

  it('P21: a refusal beside others that work is an objection', () => {
    expect(kindOf('HTTP_REFUSED', { others: 1 })).equal('objection');
    expect(kindOf('HTTP_REFUSED', { others: 0 })).equal('fatal');
  });

  it('P1: a bad certificate is final unless others work, and for the first request', () => {
    expect(kindOf('TLS_CERTIFICATE', { others: 1 })).equal('objection');
    expect(kindOf('TLS_CERTIFICATE', { others: 0 })).equal('fatal');
    expect(isWorthAsking(new SluiceError('TLS_CERTIFICATE', 'x'))).equal(false);
  });

  it('P1: a first handshake without a common version is not tried again', () => {
    const worth = (errno: string): boolean =>
      isWorthAsking(new SluiceError('TLS_HANDSHAKE', 'x', { errno }));
    expect(worth('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')).equal(false);
    expect(worth('ERR_SSL_WRONG_VERSION_NUMBER')).equal(false);
    expect(worth('ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR')).equal(true);
    expect(worth('EPROTO')).equal(true);
  });

  it('P21: a wait of more than five minutes is a refusal', () => {
    const asks = (retryAfterMs: number): SluiceError =>
      new SluiceError('HTTP_SERVER_ERROR', 'x', { retryAfterMs });
    expect(classify(asks(300_000), context())).equal('objection');
    expect(classify(asks(300_001), context({ others: 0 }))).equal('fatal');
    expect(classify(asks(300_001), context({ others: 1 })), 'one too many').equal('objection');
    expect(isWorthAsking(asks(300_000))).equal(true);
    expect(isWorthAsking(asks(300_001))).equal(false);
  });

  it('a first request is tried again for what may pass, and for nothing else', () => {
    const worth = (code: ErrorCode): boolean => isWorthAsking(new SluiceError(code, 'x'));
    for (const code of kinds.objection) expect(worth(code), code).equal(true);
    for (const code of kinds.retry) {
      const own = ['HTTP_UNEXPECTED', 'WORKER_LOST', 'CHANGED'].includes(code);
      expect(worth(code), code).equal(!own);
    }
    for (const code of kinds.fatal) expect(worth(code), code).equal(false);
    expect(worth('HTTP_REFUSED')).equal(false);
  });
});

function validators(fields: string): Validators {
  const bytes = Buffer.from(`HTTP/1.1 200 OK\r\n${fields}\r\n`, 'latin1');
  const parsed = parseResponseHead(bytes, 0, bytes.length);
  if (parsed === null) throw new Error('no head');
  return readValidators(parsed.head);
}

describe('whether kept bytes may be used', () => {
  const none = validators('');
  const strong = validators('ETag: "a"\r\n');
  const other = validators('ETag: "b"\r\n');
  const facts = (known: Validators, seen: Validators, totals: [number | null, number | null]) => ({
    known: { validators: known, total: totals[0] },
    seen: { validators: seen, total: totals[1] },
    digest: false,
    insist: false,
  });

  it('P6: another length is another file, whatever the validator says', () => {
    const changed = judge({ ...facts(strong, strong, [5, 6]), digest: true, insist: true });
    expect(changed).deep.equal({
      kind: 'changed',
      how: 'its length is now 6 bytes, it was 5',
    });
    for (const totals of [
      [null, 6],
      [5, null],
      [5, 5],
    ] as Array<[number | null, number | null]>) {
      expect(judge(facts(strong, strong, totals))).deep.equal({ kind: 'same' });
    }
  });

  it('P6: another strong ETag with the same date and length is what a digest says', () => {
    const dated = (opaque: string): Validators => ({
      etag: { opaque, weak: false },
      ...{ lastModified: 'Sun, 06 Nov 1994 08:49:37 GMT', lastModifiedMs: 784_111_777_000 },
      dateMs: null,
    });
    const known = { validators: dated('"1"'), total: 9 };
    const seen = { validators: dated('"2"'), total: 9 };
    expect(judge({ known, seen, digest: true, insist: false })).deep.equal({ kind: 'trusted' });
    expect(judge({ known, seen, digest: false, insist: true }).kind).equal('changed');
    const longer = { ...seen, total: 10 };
    expect(judge({ known, seen: longer, digest: true, insist: true }).kind).equal('changed');
  });

  it('P6: another strong ETag is another file, even for who insists', () => {
    const changed = judge({ ...facts(strong, other, [5, 5]), digest: true, insist: true });
    expect(changed.kind).equal('changed');
    expect((changed as { how: string }).how).include('validator');
  });

  it('P7: without proof only a digest or the user decides', () => {
    expect(judge(facts(none, none, [5, 5]))).deep.equal({ kind: 'unproven' });
    expect(judge({ ...facts(none, none, [5, 5]), digest: true })).deep.equal({ kind: 'trusted' });
    expect(judge({ ...facts(none, none, [5, 5]), insist: true })).deep.equal({ kind: 'trusted' });
  });

  it('P7: what was combined on trust is proven by no validator', () => {
    const mixed = { ...facts(strong, strong, [5, 5]), mixed: true };
    expect(judge(mixed)).deep.equal({ kind: 'unproven' });
    expect(judge({ ...mixed, insist: true })).deep.equal({ kind: 'trusted' });
    expect(judge({ ...facts(strong, other, [5, 5]), mixed: true }).kind).equal('changed');
  });

  it('the refusals say what to do', () => {
    expect(changedError('x', '/p', 'u')).include({ code: 'CHANGED' });
    expect(changedError('x', '/p', 'u').message).include('x');
    expect(changedError('x', '/p', 'u').details).include({ path: '/p', url: 'u' });
    expect(changedError('x', '/p', 'u').details.next).include('from the start');
    expect(changedError('x', '/p', 'u', 'replaced').details.next).include('--on-exists overwrite');
    expect(unprovenError('/p', 'u')).include({ code: 'RESUME_UNPROVEN' });
    expect(unprovenError('/p', 'u').details).include({ path: '/p', url: 'u' });
    expect(unprovenError('/p', 'u').details.next).include('--insist');
  });
});
