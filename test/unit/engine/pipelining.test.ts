/** When to send a request behind another one (RFC 9112 section 9.3.2). */
import { expect } from 'chai';
import type { Out } from '../../../src/engine/connections.js';
import { Pipelining } from '../../../src/engine/pipelining.js';
import type { LeaseOutcome } from '../../../src/lease/task.js';

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
  validators: null,
  address: null,
  pipelined,
  keeps: true,
  result: { kind: 'done' },
});

const OUT: Out = {
  lease: 1,
  slot: 0,
  connection: 0,
  span: { start: 0, end: 1 },
  headSeam: 0,
  isBehind: true,
  excused: false,
  isFirst: false,
  generation: 0,
  askedMs: 0,
  heardMs: null,
};

/** One that was tried with these results. */
function tried(...what: Array<LeaseOutcome['pipelined']>): Pipelining {
  const pipelining = new Pipelining();
  for (const each of what) pipelining.ended(outcome(each), OUT);
  return pipelining;
}

describe('requests behind another one', () => {
  it('go to half of the connections until one was answered, then to all', () => {
    const fresh = new Pipelining();
    expect([1, 2, 3, 4, 16].map((count) => fresh.most(count))).deep.equal([1, 1, 1, 2, 8]);
    expect(tried('answered').most(4)).equal(Infinity);
    expect(tried(null, null).most(4), 'others say nothing').equal(2);
  });

  it('P16: are sent no more when the first was in vain', () => {
    expect(tried('in-vain').most(4)).equal(0);
  });

  it('are sent again when the connection was taken away from one', () => {
    const pipelining = new Pipelining();
    pipelining.ended(outcome('in-vain'), { ...OUT, excused: true });
    expect(pipelining.most(4)).equal(2);
  });

  it('P16: are sent no more after three in vain in a row', () => {
    expect(tried('answered', 'in-vain', 'in-vain').most(4)).equal(Infinity);
    expect(tried('answered', 'in-vain', 'in-vain', 'answered', 'in-vain').most(4)).equal(Infinity);
    expect(tried('answered', 'in-vain', 'in-vain', 'in-vain').most(4)).equal(0);
  });

  it('P16: are to be answered within a second, or five usual answers', () => {
    const pipelining = new Pipelining();
    expect(pipelining.dueMs).equal(1000);
    for (let times = 0; times < 40; times++) pipelining.ended(outcome(null, 300), OUT);
    expect(pipelining.dueMs).closeTo(1500, 1);
  });
});
