/** What the threads tell of the leases that are out. */
import { expect } from 'chai';
import { Connections } from '../../../src/engine/connections.js';
import type { Out } from '../../../src/engine/connections.js';
import { ExtentSet } from '../../../src/schedule/extents.js';
import { Ledger } from '../../../src/schedule/ledger.js';
import { LANE, Slots } from '../../../src/lease/task.js';

/** Whatever its number. */
const ALL = { first: 0, count: 100 };

describe('the leases that are out', () => {
  /** Four connections on a file of 1000 bytes, and what a thread would write into their slots. */
  function four() {
    const slots = Slots.allocate(4);
    const ledger = new Ledger(1000, new ExtentSet());
    const connections = new Connections(slots);
    let number = 0;
    const put = (connection: number, start: number, more: Partial<Out> = {}): Out => {
      const lease = ++number;
      const slot = 2 * connection + (more.isBehind === true ? 1 : 0);
      ledger.open(lease, slot, { start, end: start + 100 });
      slots.begin(slot, lease, start, start + 100);
      return connections.put({
        lease,
        slot,
        connection,
        span: { start, end: start + 100 },
        headSeam: 0,
        isBehind: false,
        isFirst: false,
        generation: 0,
        askedMs: 0,
        ...more,
      });
    };
    const receive = ({ slot, span }: Out, received: number, written: number): void => {
      slots.setState(slot, LANE.receiving);
      slots.addReceived(slot, received);
      slots.setPosition(slot, span.start + written);
    };
    return { slots, ledger, connections, put, receive };
  }

  it('tell what has come of their range, seams in front apart', () => {
    const { connections, put, receive } = four();
    const first = put(0, 0);
    receive(first, 70, 60);
    expect(connections.progress(first)).deep.equal({ received: 70, written: 60 });
    connections.takeOff(first);
    const second = put(0, 200, { headSeam: 30 });
    expect(connections.progress(second), 'a counter goes on').deep.equal({
      received: 0,
      written: 0,
    });
    receive(second, 20, 0);
    expect(connections.progress(second), 'still the seam').deep.equal({ received: 0, written: 0 });
    receive(second, 60, 40);
    expect(connections.progress(second)).deep.equal({ received: 50, written: 40 });
  });

  it('say nothing of a lease whose slot is at work on another one', () => {
    const { slots, connections, put, receive } = four();
    const out = put(0, 0);
    receive(out, 70, 60);
    slots.begin(out.slot, 99, 500, 600);
    expect(connections.progress(out).written).equal(0);
  });

  it('follow one another on a connection', () => {
    const { connections, put } = four();
    const first = put(1, 0);
    const second = put(1, 100, { isBehind: true });
    expect([...connections.working()]).deep.equal([first]);
    expect(connections.all()).deep.equal([first, second]);
    connections.takeOff(first);
    expect([...connections.working()]).deep.equal([second]);
    expect(connections.out(first.lease)).equal(undefined);
    connections.takeOff(second);
    expect([...connections.working()]).deep.equal([]);
  });

  it('do not blame what was asked for behind one that is given up', () => {
    const { connections, put } = four();
    const first = put(1, 0);
    const second = put(1, 100, { isBehind: true });
    connections.excuseBehind(second);
    expect(second.excused, 'nothing is behind it').equal(false);
    connections.excuseBehind(first);
    expect([first.excused, second.excused]).deep.equal([false, true]);
  });

  it('P21: are served while bytes come, and for two seconds after', () => {
    const { connections, put, receive } = four();
    const [a, b] = [put(0, 0), put(1, 100)];
    connections.hear(a, 1000);
    connections.hear(b, 1000);
    expect(connections.served(1000, ALL), 'nothing has come').equal(0);
    receive(a, 10, 10);
    connections.hear(a, 1100);
    expect(connections.served(1100, ALL)).equal(1);
    expect(connections.served(1100, { first: 1, count: 99 }), 'others than connection 0').equal(0);
    expect(connections.served(3099, ALL)).equal(1);
    expect(connections.served(3100, ALL)).equal(0);
  });

  it('count failures in a row of their connection', () => {
    const { connections } = four();
    expect([1, 2, 3].map(() => connections.failed(2, false))).deep.equal([1, 2, 3]);
    expect(connections.failed(2, true), 'it got on').equal(1);
    expect(connections.failed(2, false)).equal(2);
    expect(connections.failed(3, false), 'each its own').equal(1);
    connections.succeeded(2);
    expect(connections.failed(2, false)).equal(1);
  });

  it('are shown with their present end, their rate, and why the others rest', () => {
    const { ledger, connections, put, receive } = four();
    const out = put(1, 100);
    receive(out, 50, 40);
    ledger.cut(out.lease, 180);
    connections.restUntil(0, 5000);
    const [resting, working, idle, ...more] = connections.view(3, ledger, 1000, ALL);
    expect(resting).include({ connection: 0, state: 'backoff' });
    expect(working).include({ connection: 1, state: 'receiving', start: 100, end: 180 });
    expect(working).include({ position: 140 });
    expect(idle).include({ connection: 2, state: 'idle' });
    expect(more).deep.equal([]);
    expect(connections.view(1, ledger, 6000, ALL).map(({ state }) => state)).deep.equal([
      'idle',
      'receiving',
    ]);
  });
});
