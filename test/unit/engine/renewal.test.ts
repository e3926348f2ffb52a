/** How often a source has become another one. */
import { expect } from 'chai';
import { Renewal } from '../../../src/engine/renewal.js';

describe('the renewal of a redirected address', () => {
  it('P20: leases of the old address are stale from the moment that the original URL is asked', () => {
    const renewal = new Renewal(true);
    expect(renewal.isStale(0)).equal(false);
    renewal.isUnderWay = true;
    expect(renewal.isStale(0)).equal(true);
    renewal.done(100);
    expect(renewal).include({ generation: 1, isUnderWay: false, isRedirected: true });
    expect(renewal.isStale(0)).equal(true);
    expect(renewal.isStale(1)).equal(false);
  });

  it('P20: an address that brings less than two seams was renewed in vain', () => {
    const renewal = new Renewal(false);
    expect(renewal.isInVain(0), 'never renewed').equal(false);
    renewal.done(1_000_000);
    expect(renewal.isInVain(1_000_000)).equal(true);
    expect(renewal.isInVain(1_008_192)).equal(true);
    expect(renewal.isInVain(1_008_193)).equal(false);
    expect(renewal.isRedirected, 'where the original URL leads now').equal(true);
  });
});
