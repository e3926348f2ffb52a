import { expect } from 'chai';
import { MOST_RECEIVERS, receivingThreads } from '../../../src/transfer/threads.js';

describe('transfer/threads', () => {
  it('P15: a machine of many cores takes no more threads, and so no more memory, than four', () => {
    for (const scheme of ['http', 'https'] as const) {
      for (const cores of [1, 2, 4, 8, 64, 256]) {
        expect(receivingThreads(scheme, cores)).to.be.within(1, MOST_RECEIVERS);
      }
    }
    expect(MOST_RECEIVERS).to.equal(4);
  });

  it('TLS has a second thread on every machine, plain HTTP one for two cores', () => {
    expect([1, 2, 3, 4].map((cores) => receivingThreads('https', cores))).to.deep.equal([
      2, 2, 3, 4,
    ]);
    expect([1, 2, 3, 4].map((cores) => receivingThreads('http', cores))).to.deep.equal([
      1, 1, 2, 2,
    ]);
  });
});
