/** Failures in a row while nothing is served. */
import { expect } from 'chai';
import { SluiceError } from '../../../src/errors.js';
import type { ErrorCode } from '../../../src/errors.js';
import { Outage } from '../../../src/engine/outage.js';

const RETRIES = 5;
const MINUTE = 60_000;

/** An outage that has seen so many failures, one after the other. */
function after(failures: number, { retries = RETRIES, ranMs = 0, everyMs = 1000 } = {}): Outage {
  const outage = new Outage(retries, 0, 0);
  for (let at = 0; at < failures; at++) {
    const nowMs = ranMs + at * everyMs;
    outage.failed(nowMs, false, 0, nowMs);
  }
  return outage;
}

describe('an outage', () => {
  it('P16: is over after as many failures in a row as are tried again', () => {
    expect(after(RETRIES).isOver(0, 5000)).equal(false);
    expect(after(RETRIES + 1).isOver(0, 6000)).equal(true);
    expect(after(1, { retries: 0 }).isOver(0, 0)).equal(true);
  });

  it('P16: is over after twice as many where other leases are out, which may all wait in vain', () => {
    expect(after(2 * (RETRIES + 1)).isOver(3, 12_000)).equal(false);
    expect(after(2 * (RETRIES + 1) + 1).isOver(3, 13_000)).equal(true);
  });

  it('begins anew with each byte that is in place', () => {
    const outage = after(RETRIES);
    outage.failed(6000, false, 1, 6000);
    expect(outage.length).equal(1);
    outage.failed(7000, false, 1, 7000);
    expect(outage.length, 'the same byte is no progress twice').equal(2);
    outage.failed(8000, true, 1, 8000);
    expect(outage.length).equal(1);
  });

  it('counts tries that were under way together once', () => {
    const outage = new Outage(RETRIES, 0, 0);
    for (let connection = 0; connection < 16; connection++)
      outage.failed(0, false, 0, 100 + connection);
    expect(outage.length).equal(1);
    outage.failed(200, false, 0, 300);
    expect(outage.length).equal(2);
  });

  it('P16: of a minute is survived by a download that has run for two', () => {
    const outage = after(20, { ranMs: 2 * MINUTE });
    expect(outage.isOver(0, 3 * MINUTE - 1)).equal(false);
    expect(outage.isOver(0, 3 * MINUTE)).equal(true);
  });

  it('P16: is waited out for a minute and a half at most', () => {
    const outage = after(20, { ranMs: 600 * MINUTE });
    expect(outage.isOver(0, 600 * MINUTE + 89_999)).equal(false);
    expect(outage.isOver(0, 600 * MINUTE + 90_000)).equal(true);
  });

  it('is not waited out where the user wants no second try', () => {
    const outage = after(1, { ranMs: 60 * MINUTE, retries: 0 });
    expect(outage.isOver(0, 60 * MINUTE)).equal(true);
  });

  it('is looked at often enough to notice its end, unless the server asks for more', () => {
    const long = after(1, { ranMs: 10 * MINUTE });
    expect(long.longestPauseMs(null)).equal(8000);
    expect(long.longestPauseMs(20_000)).equal(Infinity);
    expect(after(1).longestPauseMs(null), 'the retries are all there is').equal(Infinity);
  });

  it('of the addresses has the name looked up again', () => {
    const mayHaveMoved = (failures: number, code: ErrorCode): boolean =>
      after(failures).mayHaveMoved(new SluiceError(code, 'no'));
    expect(mayHaveMoved(1, 'CONNECT_FAILED')).equal(false);
    expect(mayHaveMoved(2, 'CONNECT_FAILED')).equal(true);
    expect(mayHaveMoved(2, 'CONNECT_TIMEOUT')).equal(true);
    expect(mayHaveMoved(9, 'HTTP_SERVER_ERROR'), 'that one answers').equal(false);
  });
});
