/** What is kept of one connection over its leases. */
import { expect } from 'chai';
import { FlowBook } from '../../../src/schedule/flow-book.js';
import type { Shared, Work } from '../../../src/schedule/flow-book.js';
import { INITIAL_WINDOW } from '../../../src/schedule/forecast.js';

const PATH = { roundTripMs: 50, window: 2_500_000, capacity: null };
const SHARED: Shared = { path: PATH, dialMs: 100, firstByteMs: 50, usual: null };

const work = (more: Partial<Work> = {}): Work => ({
  lease: 1,
  span: { start: 0, end: 100_000_000 },
  askedMs: 0,
  state: 'connecting',
  received: 0,
  written: 0,
  firstMs: null,
  isOpenEnded: false,
  hedges: null,
  dials: true,
  ...more,
});

/** Bytes come in, `rateOf(ms)` a millisecond, from `fromMs` on. */
function receive(
  flow: FlowBook,
  fromMs: number,
  toMs: number,
  rateOf: (ms: number) => number,
): void {
  const { lease } = flow.work as Work;
  let received = flow.work?.received ?? 0;
  for (let ms = fromMs; ms <= toMs; ms += 25) {
    flow.sample({ lease, state: 'receiving', received, written: received }, ms, PATH);
    received += rateOf(ms) * 25;
  }
}

describe('what is known of a connection', () => {
  it('is its rate, without what slow start brought', () => {
    const flow = new FlowBook(0);
    flow.begin(work());
    const slowStart = (ms: number): number => Math.min(2000, 20 * 2 ** ((ms - 150) / 50));
    receive(flow, 150, 900, slowStart);
    expect(flow.rate).within(1000, 2000);
    expect(flow.isSettled(900, PATH)).equal(true);
    receive(flow, 925, 6000, () => 2000);
    expect(flow.rate).closeTo(2000, 20);
  });

  it('is believed after some round trips only', () => {
    const flow = new FlowBook(0);
    expect(flow.isSettled(1e6, PATH)).equal(false);
    flow.begin(work({ dials: false }));
    receive(flow, 100, 400, () => 1000);
    expect(flow.isSettled(400, PATH)).equal(false);
    receive(flow, 425, 500, () => 1000);
    expect(flow.isSettled(500, PATH)).equal(true);
  });

  it('is how long it has been silent, beyond what is usual', () => {
    const flow = new FlowBook(0);
    flow.begin(work());
    expect(flow.silentMs(1e6, PATH), 'nothing has begun').equal(0);
    receive(flow, 100, 1000, () => 1000);
    expect(flow.silentMs(1100, PATH)).equal(0);
    receive(flow, 1025, 1500, () => 0);
    expect(flow.silentMs(1500, PATH)).within(400, 500);
    expect(flow.ahead(1500, SHARED).startMs, 'and may be again').within(400, 500);
  });

  it('is forgotten when it has to be opened anew, and kept for its next lease', () => {
    const flow = new FlowBook(0);
    flow.begin(work());
    receive(flow, 100, 3000, () => 1000);
    flow.end(1, 3000);
    flow.begin(work({ lease: 2, dials: false }));
    expect(flow.rate).closeTo(1000, 10);
    flow.end(2, 3000);
    flow.begin(work({ lease: 3, dials: true }));
    expect(flow.rate).equal(null);
  });
});

describe('the next lease of a connection', () => {
  it('needs a dial and slow start where it is not open', () => {
    const flow = new FlowBook(0);
    expect(flow.next(0, SHARED)).deep.equal({
      startMs: 150,
      window: INITIAL_WINDOW,
      plateau: Infinity,
      path: SHARED.path,
    });
    expect(flow.next(0, { ...SHARED, usual: 700 }).plateau, 'as the others').equal(700);
  });

  it('is warm for a moment where it is open', () => {
    const flow = new FlowBook(0);
    flow.begin(work());
    receive(flow, 100, 3000, () => 1000);
    flow.end(1, 3000);
    flow.isOpen = true;
    expect(flow.next(3100, SHARED).startMs).equal(50);
    expect(flow.next(3100, SHARED).window).closeTo(50_000, 500);
    expect(flow.next(3300, SHARED).window).equal(INITIAL_WINDOW);
  });

  it('begins behind the present one when that ends', () => {
    const flow = new FlowBook(0);
    flow.begin(work());
    receive(flow, 100, 3000, () => 1000);
    expect(flow.next(3000, SHARED, 20_000).startMs).closeTo(20, 1);
    const second = work({ lease: 2, dials: false });
    flow.begin(second);
    expect([flow.work?.lease, flow.behind?.lease]).deep.equal([1, 2]);
    expect(flow.end(1, 3020)?.lease).equal(1);
    expect([flow.work, flow.behind]).deep.equal([second, null]);
    expect(flow.end(7, 3020), 'no lease of it').equal(null);
  });

  it('that has not answered for longer than expected may take as long again', () => {
    const flow = new FlowBook(0);
    flow.begin(work());
    expect(flow.ahead(100, SHARED).startMs).equal(50);
    expect(flow.ahead(150, SHARED).startMs).equal(0);
    expect(flow.ahead(1150, SHARED).startMs).equal(1000);
  });
});
