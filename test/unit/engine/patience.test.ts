import { expect } from 'chai';
import { Outage } from '../../../src/engine/outage.js';
import { Patience } from '../../../src/engine/patience.js';

describe('engine/patience', () => {
  it('bears silence once more for each time that it fell there', () => {
    const patience = new Patience();
    expect(patience.factor(40)).equal(1);
    patience.fellSilent(40);
    patience.fellSilent(40);
    patience.fellSilent(90);
    expect(patience.factor(40)).equal(3);
    expect(patience.within({ start: 0, end: 90 })).deep.equal([{ offset: 40, times: 3 }]);
    expect(patience.within({ start: 41, end: 91 })).deep.equal([{ offset: 90, times: 2 }]);
  });

  it('P16: what waits longer counts for more tries, so that the end comes no later', () => {
    const outage = new Outage(5, 0, 0);
    const patience = new Patience();
    let nowMs = 0;
    while (!outage.isOver(0, nowMs)) {
      const tries = patience.factor(0);
      nowMs += tries;
      outage.failed(nowMs - tries, false, 0, nowMs, tries);
      patience.fellSilent(0);
    }
    expect(nowMs).equal(6);
  });
});
