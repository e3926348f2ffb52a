import { expect } from 'chai';
import { MOST_RECEIVERS, receivingThreads } from '../../../src/engine/threads.js';

describe('engine/threads', () => {
  it('P15: a machine of many cores takes no more threads, and so no more memory, than four', () => {
    for (const scheme of ['http', 'https'] as const) {
      for (const cores of [1, 2, 4, 8, 64, 256])
        expect(receivingThreads(scheme, cores)).to.be.within(1, MOST_RECEIVERS);
    }
    expect(MOST_RECEIVERS).to.equal(4);
  });

  it('TLS has a second thread on every machine, plain HTTP one for two cores', () => {
    const onCores = (scheme: 'http' | 'https'): number[] =>
      [1, 2, 3, 4].map((cores) => receivingThreads(scheme, cores));
    expect(onCores('https')).to.deep.equal([2, 2, 3, 4]);
    expect(onCores('http')).to.deep.equal([1, 1, 2, 2]);
  });
});
