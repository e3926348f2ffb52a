/** The connections to one origin: how many may be open, and who waits. */
import { expect } from 'chai';
import { Host } from '../../../src/engine/host.js';
import { SluiceError } from '../../../src/errors.js';

/** Whether something has resolved by now, everything that was ready having had its turn. */
async function isOver(promise: Promise<unknown>): Promise<boolean> {
  let over = false;
  void promise.then(
    () => (over = true),
    () => (over = true),
  );
  await new Promise((resolve) => setImmediate(resolve));
  return over;
}

/** A host of so many connections, of which this thread and others keep some idle. */
function hostWith(most: number): { host: Host; idle: Array<() => void>; dropped: number[] } {
  const idle: Array<() => void> = [];
  const dropped: number[] = [];
  const host = new Host(most, true, {
    dropLocal: () => {
      const close = idle.pop();
      close?.();
      return close !== undefined;
    },
    dropPooled: () => {
      dropped.push(host.open);
      return Promise.resolve();
    },
  });
  return { host, idle, dropped };
}

describe('engine/host', () => {
  it('lets so many open, and the next one when one is closed', async () => {
    const { host } = hostWith(2);
    const first = await host.admitLocal(null);
    await host.admitPooled(7, () => true);
    expect(host.open).equal(2);
    expect(host.tryLocal()).equal(null);
    const third = host.admitLocal(null);
    expect(await isOver(third)).equal(false);
    first();
    first();
    await third;
    expect(host.open).equal(2);
  });

  it('of many who wait at once no more get in than there is room for', async () => {
    const { host } = hostWith(3);
    const closers = await Promise.all([1, 2, 3].map(() => host.admitLocal(null)));
    const waiting = [1, 2, 3, 4].map(() => host.admitLocal(null));
    closers[0]?.();
    closers[1]?.();
    await Promise.race(waiting);
    await new Promise((resolve) => setImmediate(resolve));
    expect(host.open).equal(3);
  });

  it('an idle connection of this thread is closed for a new one', async () => {
    const { host, idle } = hostWith(1);
    idle.push(await host.admitLocal(null));
    await host.admitPooled(1, () => true);
    expect(host.open).equal(1);
    expect(idle).deep.equal([]);
  });

  it('idle connections of other threads are closed for one of this thread', async () => {
    const { host, dropped } = hostWith(2);
    await host.admitPooled(1, () => true);
    await host.admitPooled(2, () => true);
    host.endedPooled(1, true);
    await host.admitLocal(null);
    expect(dropped).deep.equal([2]);
    expect(host.open).equal(2);
    // The number that lost its connection has to be let again.
    host.endedPooled(2, false);
    await host.admitPooled(1, () => true);
    expect(host.open).equal(2);
  });

  it('a lease on a connection that is open needs no room', async () => {
    const { host } = hostWith(1);
    await host.admitPooled(1, () => true);
    host.endedPooled(1, true);
    await host.admitPooled(1, () => true);
    expect(host.open).equal(1);
  });

  it('what a file leaves open counts until it is closed', async () => {
    const { host, dropped } = hostWith(1);
    await host.admitPooled(1, () => true);
    host.endedPooled(1, true);
    host.leftPooled(1);
    expect(host.open).equal(1);
    await host.admitPooled(2, () => true);
    expect(dropped).to.have.length(1);
    expect(host.open).equal(1);
    host.lostPooled();
    expect(host.open).equal(0);
  });

  it('P16: waiting is called off', async () => {
    const { host } = hostWith(1);
    await host.admitLocal(null);
    const stop = new AbortController();
    const waiting = host.admitLocal(stop.signal).catch((thrown: unknown) => thrown);
    let isWanted = true;
    const pooled = host.admitPooled(5, () => isWanted);
    stop.abort(new SluiceError('INTERRUPTED', 'stopped'));
    isWanted = false;
    expect(await waiting).include({ code: 'INTERRUPTED' });
    await pooled;
    expect(host.open).equal(1);
  });
});
