import { expect } from 'chai';
import { Pipelining } from '../../../src/transfer/pipelining.js';
import type { LeaseOutcome } from '../../../workers/protocol.js';

/** What came of a lease; only what matters here. */
const outcome = (
  pipelined: LeaseOutcome['pipelined'],
  firstByteMs: number | null = null,
): LeaseOutcome => ({
  lease: 1,
  slot: 0,
  written: 0,
  received: 0,
  seam: null,
  dialMs: null,
  firstByteMs,
  address: null,
  pipelined,
  result: { kind: 'done' },
});

describe('when to send a request behind another one', () => {
  /** One that was answered, unless told. */
  function tried(what: LeaseOutcome['pipelined'] = 'answered'): Pipelining {
    const pipelining = new Pipelining(80);
    pipelining.asked();
    pipelining.ended(outcome(what), true, false);
    return pipelining;
  }

  it('not where answers come at once', () => {
    expect(new Pipelining(4.9).isOpen(4)).equal(false);
    expect(new Pipelining(5).isOpen(4)).equal(true);
  });

  it('where answers turn out slow, though a round trip is short', () => {
    const pipelining = new Pipelining(0.1);
    pipelining.ended(outcome(null, 40), false, false);
    expect(pipelining.isOpen(4)).equal(true);
    expect(pipelining.leadMs).closeTo(0.1 + 0.3 * 39.9 + 75, 1e-9);
  });

  it('to half of the connections until one was answered', () => {
    const pipelining = new Pipelining(80);
    pipelining.asked();
    expect([1, 2, 3, 4].map((count) => pipelining.isOpen(count))).deep.equal([
      false,
      false,
      false,
      true,
    ]);
    pipelining.asked();
    expect(pipelining.isOpen(4)).equal(false);
    pipelining.ended(outcome('answered'), true, false);
    pipelining.asked();
    pipelining.asked();
    expect(pipelining.isOpen(4)).equal(true);
  });

  it('P16: never again when the first was in vain', () => {
    expect(tried('in-vain').isOpen(4)).equal(false);
  });

  it('again when the connection was taken away from it', () => {
    const pipelining = new Pipelining(80);
    pipelining.asked();
    pipelining.ended(outcome('in-vain'), true, true);
    expect(pipelining.isOpen(4)).equal(true);
  });

  it('no more after three in vain in a row', () => {
    const pipelining = tried();
    for (const what of ['in-vain', 'in-vain', 'answered', 'in-vain', 'in-vain'] as const) {
      pipelining.asked();
      pipelining.ended(outcome(what), true, false);
      expect(pipelining.isOpen(4)).equal(true);
    }
    pipelining.asked();
    pipelining.ended(outcome('in-vain'), true, false);
    expect(pipelining.isOpen(4)).equal(false);
  });

  it('P16: an answer is due within a second, or five usual answers', () => {
    expect(new Pipelining(80).dueMs).equal(1000);
    expect(new Pipelining(300).dueMs).equal(1500);
  });
});
