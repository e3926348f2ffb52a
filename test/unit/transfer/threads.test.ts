import { expect } from 'chai';
import { MOST_RECEIVERS, receivingThreads } from '../../../src/transfer/threads.js';

describe('transfer/threads', () => {
  it('P15: a machine of many cores takes no more threads, and so no more memory, than four', () => {
    for (const scheme of ['http', 'https'] as const) {
      for (const cores of [1, 2, 4, 8, 64, 256]) {
        for (const isShared of [false, true])
          expect(receivingThreads(scheme, cores, isShared)).to.be.within(1, MOST_RECEIVERS);
      }
    }
    expect(MOST_RECEIVERS).to.equal(4);
  });

  const onCores = (scheme: 'http' | 'https', isShared: boolean): number[] =>
    [1, 2, 3, 4].map((cores) => receivingThreads(scheme, cores, isShared));

  it('TLS has a second thread on every machine, plain HTTP one for two cores', () => {
    expect(onCores('https', false)).to.deep.equal([2, 2, 3, 4]);
    expect(onCores('http', false)).to.deep.equal([1, 1, 2, 2]);
  });

  it('a server on this machine needs as much of the processors as TLS does here', () => {
    expect(onCores('https', true)).to.deep.equal([1, 1, 2, 2]);
    expect(onCores('http', true)).to.deep.equal([1, 1, 2, 2]);
  });
});
