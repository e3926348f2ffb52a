import { expect } from 'chai';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Slots } from '../../../src/lease/task.js';

const PROTOCOL = new URL('../../../src/lease/task.js', import.meta.url).href;

describe('lease/checks', () => {
  it('gives each record once, in order, and keeps the slots apart', () => {
    const slots = Slots.allocate(2);
    slots.checks.put(0, 2 ** 40, 1024, 0xffffffff);
    slots.checks.put(3, 7, 1, 0);
    slots.checks.put(0, 2 ** 40 + 1024, 10, 5);
    expect(slots.takeChecks()).to.deep.equal([
      { start: 2 ** 40, end: 2 ** 40 + 1024, crc: 0xffffffff },
      { start: 2 ** 40 + 1024, end: 2 ** 40 + 1034, crc: 5 },
      { start: 7, end: 8, crc: 0 },
    ]);
    expect(slots.takeChecks()).to.deep.equal([]);
  });

  it('touches nothing else of the slots', () => {
    const slots = Slots.allocate(1);
    slots.begin(0, 1, 10, 20);
    slots.begin(1, 2, 20, 30);
    slots.wantChecks(true);
    for (let n = 0; n < 5000; n++) slots.checks.put(n % 2, n, 1, n);
    slots.takeChecks();
    expect([slots.position(0), slots.end(0), slots.position(1), slots.end(1)]).to.deep.equal([
      10, 20, 20, 30,
    ]);
    expect(slots.wantsChecks).to.equal(true);
    expect(slots.isHeld).to.equal(false);
    expect(slots.writtenPages).to.equal(0);
  });

  it('what finds no room is dropped, and what comes after that is not', () => {
    const slots = Slots.allocate(1);
    for (let n = 0; n < 3000; n++) slots.checks.put(0, n, 1, n);
    const taken = slots.takeChecks();
    expect(taken.length).to.be.within(1000, 2999);
    expect(taken.every(({ start, crc }, n) => start === n && crc === n)).to.equal(true);
    slots.checks.put(0, 9, 1, 9);
    expect(slots.takeChecks()).to.deep.equal([{ start: 9, end: 10, crc: 9 }]);
  });

  it('no record is seen half written while another thread adds them', async () => {
    const slots = Slots.allocate(1);
    const enough = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(
      `import(${JSON.stringify(PROTOCOL)}).then(({ Slots }) => {
        const { memory, enough } = require('node:worker_threads').workerData;
        const { checks } = new Slots(memory);
        for (let n = 1; Atomics.load(enough, 0) === 0; n++) checks.put(1, n * 2 ** 20, n, n);
      });`,
      { eval: true, workerData: { memory: slots.memory, enough } },
    );
    const exit = once(worker, 'exit');
    let last = 0;
    for (let seen = 0; seen < 20_000;) {
      for (const { start, end, crc } of slots.takeChecks()) {
        expect([start, end - start]).to.deep.equal([crc * 2 ** 20, crc]);
        expect(crc).to.be.above(last);
        last = crc;
        seen += 1;
      }
      await new Promise(setImmediate);
    }
    Atomics.store(enough, 0, 1);
    await exit;
  });
});
