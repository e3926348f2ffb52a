/** How `auto` divides a file among the connections that it comes to. */
import { expect } from 'chai';
import { benchPerTest, expectDone } from '../helpers/engine.js';

const MIB = 1024 * 1024;
const REFERENCE = { seed: 6, size: 64 * MIB };

describe('auto', () => {
  const bench = benchPerTest();

  it('the others get their share as soon as one connection turns out slow', async () => {
    const origin = await bench.origin({ ...REFERENCE, rate: 8 * MIB });
    const run = await bench.engine({ connections: 'auto' }).get(origin.url);
    expectDone(run, REFERENCE);
    const [first, ...others] = origin.requests.map(({ range }) => range);
    expect(first?.start).equal(0);
    // All of them end at about the same time, so nobody has much more to fetch than the others.
    const shares = others.map(
      (range) => ((range?.end ?? 0) - (range?.start ?? 0)) / REFERENCE.size,
    );
    expect(Math.max(...shares), 'of the file').below(0.45);
    expect((run.last as { connections: number }).connections).above(4);
  });
});
