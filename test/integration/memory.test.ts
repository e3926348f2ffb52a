/** What `auto` remembers of an origin from one run to the next. */
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { benchPerTest, expectDone } from '../helpers/engine.js';
import { tempDirPerTest } from '../helpers/files.js';
import { readOrigin, writeOrigin } from '../../src/disk/origins.js';
import type { Origin } from '../helpers/origin.js';

const MIB = 1024 * 1024;
const SIZE = 20 * MIB;
const REFERENCE = { seed: 1, size: SIZE };

describe('memory of origins', () => {
  const bench = benchPerTest();
  const dir = tempDirPerTest();
  let before: string | undefined;

  beforeEach(() => {
    before = process.env['SLUICE_CACHE_DIR'];
    process.env['SLUICE_CACHE_DIR'] = dir();
  });
  afterEach(() => {
    process.env['SLUICE_CACHE_DIR'] = before;
  });

  const keyOf = ({ server }: Origin): string => `http://127.0.0.1:${server.port}`;
  const notes = (): string[] => {
    try {
      return readdirSync(path.join(dir(), 'origins'));
    } catch {
      return [];
    }
  };

  it('P21: a limit that the server showed is kept by the next run', async () => {
    const origin = await bench.origin({
      size: SIZE,
      seed: 1,
      rate: 8 * MIB,
      maxConnections: { limit: 2, refuse: { status: 503 } },
    });
    const refused = (run: { events: Array<{ type: string }> }): number =>
      run.events.filter(({ type }) => type === 'retry').length;
    const patient = { connectMs: 20_000, firstByteMs: 20_000, stallMs: 20_000 };
    const auto = { connections: 'auto', deadlines: patient } as const;
    const first = await bench.engine(auto).get(origin.url);
    expectDone(first, REFERENCE);
    expect(refused(first)).greaterThan(0);
    expect(readOrigin(keyOf(origin))?.limit?.connections).equal(2);
    const second = await bench.engine(auto).get(origin.url);
    expectDone(second, REFERENCE);
    expect(second.events.filter(({ type }) => type === 'retry')).deep.equal([]);
  });

  it('auto begins with the number that it settled at; a number of the user does not', async () => {
    const size = 48 * MIB;
    const origin = await bench.origin({ size, seed: 1 });
    // The first answer stops in its middle, the others before their first byte.
    for (const [at, isFirst] of [
      [8 * MIB, true],
      [0, false],
    ] as const) {
      const when = ({ number }: { number: number }): boolean => (number === 0) === isFirst;
      origin.fault({ when, times: Infinity, fault: { kind: 'hold', at } });
    }
    // What a busy machine makes of the loopback is the same network still.
    const useful = { connections: 9, roundTripMs: 8 };
    writeOrigin(keyOf(origin), { savedMs: Date.now(), useful, limit: null });
    const { server } = origin;
    const auto = bench.engine({ connections: 'auto' }).start(origin.url);
    await server.until(({ connections }) => connections.open >= 9);
    const answered = server.requests.filter(({ bodyBytes }) => bodyBytes > 0);
    expect(answered.length, 'nothing was measured before').lessThan(2);
    origin.heal();
    origin.release();
    expectDone(await auto.ended, { seed: 1, size });
    const before = server.connections.total;
    expectDone(await bench.engine({ connections: 3 }).get(origin.url), { seed: 1, size });
    expect(server.connections.total - before).lessThan(9);
  });

  it('nothing is kept of a small file, nor of a fixed number', async () => {
    const small = await bench.origin({ size: MIB, seed: 1 });
    expectDone(await bench.engine({ connections: 'auto' }).get(small.url), { seed: 1, size: MIB });
    const origin = await bench.origin({ size: SIZE, seed: 1 });
    expectDone(await bench.engine({ connections: 3 }).get(origin.url), REFERENCE);
    expect(notes()).deep.equal([]);
  });

  it('a cache that cannot be written or read is no obstacle', async () => {
    writeFileSync(path.join(dir(), 'origins'), 'a file in its place');
    const origin = await bench.origin({ size: SIZE, seed: 1 });
    const run = await bench.engine({ connections: 'auto' }).get(origin.url);
    expectDone(run, REFERENCE);
    expect(run.events.filter(({ type }) => type === 'warning')).deep.equal([]);
  });
});
