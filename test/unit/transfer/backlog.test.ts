import { expect } from 'chai';
import { Backlog, backlogBound } from '../../../src/transfer/backlog.js';
import { PAGE_BYTES, Slots } from '../../../src/lease/task.js';

const MIB = 1024 * 1024;

describe('transfer/backlog', () => {
  const begin = (bound: number, slabs = 0): { slots: Slots; backlog: Backlog } => {
    const slots = Slots.allocate(2);
    const backlog = new Backlog(bound, slabs);
    backlog.follow(slots);
    return { slots, backlog };
  };
  const endless = (): number => Infinity;

  it('is a tenth of the memory, 64 MiB at least and room for 1 GiB at most', () => {
    expect(backlogBound(128 * MIB)).to.equal(64 * MIB);
    expect(backlogBound(2000 * MIB)).to.equal(200 * MIB);
    expect(backlogBound(2 ** 40)).to.equal(1280 * MIB);
    expect(backlogBound()).to.be.within(64 * MIB, 1280 * MIB);
  });

  it('nobody is held where nothing is bounded', () => {
    const slots = Slots.allocate(1);
    slots.wrote(2 ** 42);
    expect(slots.isHeld).to.equal(false);
  });

  it('holds before the bound, leaves room for what is in slabs, and lets go after a sync', () => {
    const { slots, backlog } = begin(100 * MIB, 8 * MIB);
    slots.wrote(92 * MIB - PAGE_BYTES);
    expect(slots.isHeld).to.equal(false);
    slots.wrote(1);
    expect(slots.isHeld).to.equal(true);
    const done = backlog.begins();
    slots.wrote(MIB);
    expect(slots.isHeld).to.equal(true);
    done();
    expect(slots.isHeld).to.equal(false);
    expect(backlog.bytes).to.equal(MIB);
  });

  it('a sync that does not succeed lets nobody go', () => {
    const { slots, backlog } = begin(100 * MIB);
    slots.wrote(100 * MIB);
    backlog.begins();
    expect(slots.isHeld).to.equal(true);
    expect(backlog.isFull).to.equal(true);
  });

  it('a sync is due at the half, unless the rest fits, and always when connections are held', () => {
    const { slots, backlog } = begin(100 * MIB);
    slots.wrote(49 * MIB);
    expect(backlog.isDue(endless)).to.equal(false);
    slots.wrote(MIB);
    expect(backlog.isDue(endless)).to.equal(true);
    expect(backlog.isDue(() => 50 * MIB)).to.equal(false);
    expect(backlog.isDue(() => 51 * MIB)).to.equal(true);
    slots.wrote(50 * MIB);
    expect(backlog.isDue(() => 0)).to.equal(true);
  });

  it('new slots go on with what the old ones left', () => {
    const { slots, backlog } = begin(100 * MIB);
    slots.wrote(60 * MIB);
    const late = backlog.begins();
    const next = Slots.allocate(2);
    backlog.follow(next);
    expect(backlog.bytes).to.equal(60 * MIB);
    // A sync of before does not know what these have written.
    late();
    expect(backlog.bytes).to.equal(60 * MIB);
    next.wrote(40 * MIB);
    expect(next.isHeld).to.equal(true);
  });

  it('the counters may wrap', () => {
    const { slots, backlog } = begin(100 * MIB);
    for (let times = 0; times < 5; times++) {
      slots.wrote(2 ** 42);
      backlog.begins()();
      expect(backlog.bytes).to.equal(0);
      expect(slots.isHeld).to.equal(false);
      slots.wrote(100 * MIB);
      expect(slots.isHeld).to.equal(true);
      backlog.begins()();
    }
  });

  it('near the end a sync is begun only when it is over in time, and is worth it', async () => {
    const { slots, backlog } = begin(1000 * MIB);
    slots.wrote(100 * MIB);
    expect(backlog.endsInTime(1e6, true), 'nothing is known of the disk').to.equal(false);
    const done = backlog.begins();
    const began = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 20));
    done();
    const mostMs = performance.now() - began + 1;
    expect(backlog.endsInTime(0, true), 'nothing is written').to.equal(true);
    slots.wrote(100 * MIB);
    expect(backlog.endsInTime(2 * 20, true), 'it would be waited for').to.equal(false);
    expect(backlog.endsInTime(3 * mostMs, true)).to.equal(true);
    expect(backlog.endsInTime(3 * mostMs, false), 'the last that ends in time').to.equal(true);
    expect(backlog.endsInTime(10 * mostMs, false), 'another one will').to.equal(false);
  });
});
