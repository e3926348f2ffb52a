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
    const [first, second] = origin.requests;
    expect(first?.range?.start).equal(0);
    // Not half of the file, which is what is cut off a lease of unknown rate. On a machine so busy
    // that this server seems far, a little is taken off the end first.
    const at = (second?.range?.start ?? 0) / REFERENCE.size;
    expect(at < 1 / 3 || at > 0.9, `not at ${at}`).equal(true);
    expect((run.last as { connections: number }).connections).above(4);
  });
});
