/** The rungs of the ladder, and what makes a download go down (P22). */
import { expect } from 'chai';
import { SluiceError } from '../../../src/errors.js';
import type { ErrorCode } from '../../../src/errors.js';
import { BOUNDED_BYTES, Ladder } from '../../../src/open/ladder.js';

const error = (
  code: ErrorCode,
  details: { httpStatus?: number; retryAfterMs?: number } = {},
): SluiceError => new SluiceError(code, 'said', details);
const refused = (httpStatus: number): SluiceError => error('HTTP_REFUSED', { httpStatus });

describe('the rungs of the ladder', () => {
  it('a refusal leads from the open range over a bounded one to none', () => {
    const ladder = new Ladder();
    expect(ladder.asking({ start: 5, end: null })).deep.equal({ start: 5, end: null });
    expect(ladder.longest).equal(Infinity);
    expect(ladder.descend(refused(403), false)).equal(true);
    expect(ladder.asking({ start: 5, end: null })).deep.equal({ start: 5, end: 5 + BOUNDED_BYTES });
    expect(ladder.asking({ start: 5, end: 9 })).deep.equal({ start: 5, end: 9 });
    expect(ladder.longest).equal(BOUNDED_BYTES);
    expect(ladder.descend(refused(403), false)).equal(true);
    expect(ladder.asking({ start: 0, end: null })).equal(null);
    expect(ladder.descend(refused(403), false), 'nothing is below').equal(false);
    expect(ladder.tried.map(({ rung }) => rung)).deep.equal(['open', 'bounded']);
  });

  it('what says nothing of a length skips the bounded range', () => {
    for (const status of [401, 404, 407, 410]) {
      const ladder = new Ladder();
      expect(ladder.descend(refused(status), false)).equal(true);
      expect(ladder.rung, String(status)).equal('plain');
    }
  });

  it('a part that cannot be used leads to no range', () => {
    for (const code of ['HTTP_RANGE_MISMATCH', 'HTTP_RANGE_IGNORED', 'HTTP_ENCODED'] as const) {
      const ladder = new Ladder();
      expect(ladder.descend(error(code), false)).equal(true);
      expect(ladder.rung).equal('plain');
      expect(ladder.isExhausted(error(code))).equal(true);
    }
  });

  it('an answer without a file leads to no range', () => {
    for (const code of ['HTTP_UNEXPECTED', 'REDIRECT_INVALID'] as const) {
      const ladder = new Ladder();
      expect(ladder.descend(error(code), false)).equal(true);
      expect(ladder.rung).equal('plain');
      expect(ladder.descend(error(code), false)).equal(false);
    }
  });

  it('what may pass is waited for, unless it is the last try or the server asks to wait', () => {
    for (const code of ['HTTP_SERVER_ERROR', 'CONNECTION_LOST'] as const) {
      expect(new Ladder().descend(error(code), false)).equal(false);
      expect(new Ladder().descend(error(code), true)).equal(true);
      expect(new Ladder().descend(error(code, { retryAfterMs: 1 }), true)).equal(false);
    }
  });

  it('after two failures the plain request has its turn, every other time', () => {
    const ladder = new Ladder();
    const rungs = [1, 2, 3, 4, 5].map(() => (ladder.failed(), ladder.rung));
    expect(rungs).deep.equal(['open', 'plain', 'open', 'plain', 'open']);
  });

  it('with bytes in place a range is tried again, for a plain request would throw them away', () => {
    const ladder = new Ladder();
    ladder.descend(refused(404), false);
    ladder.begin(0);
    expect(ladder.rung).equal('plain');
    ladder.begin(1);
    expect(ladder.rung).equal('open');
  });

  it('leases that failed for good leave one stream, once', () => {
    const ladder = new Ladder();
    expect(ladder.leavesLeases(error('CHECKSUM_MISMATCH'), true)).equal(false);
    expect(ladder.leavesLeases(error('HTTP_SERVER_ERROR', { retryAfterMs: 9 }), true)).equal(false);
    expect(ladder.leavesLeases(refused(403), true)).equal(true);
    expect(ladder.leavesLeases(refused(403), true)).equal(false);
  });

  it('parts whose bodies cannot be read leave a request without Range; a whole leaves none', () => {
    const ladder = new Ladder();
    expect(ladder.leavesLeases(error('HTTP_MALFORMED'), false)).equal(false);
    expect(ladder.leavesLeases(error('HTTP_MALFORMED'), true)).equal(true);
    expect(ladder.rung).equal('plain');
    expect(ladder.tried.map(({ code }) => code)).deep.equal(['HTTP_MALFORMED']);
  });
});
