/** A cache or proxy that rewrites ranges, or holds another version, is named in what is said. */
import { expect } from 'chai';
import { benchPerTest, expectDone, expectFailed, told } from '../helpers/engine.js';
import type { OriginOptions } from '../helpers/origin.js';

const MIB = 1024 * 1024;
const REFERENCE = { seed: 1, size: 6 * MIB };
const CACHED: OriginOptions = { ...REFERENCE, fields: { Via: '1.1 squid', Age: '42' } };
const NAMED = 'a cache or proxy may be why (Via: 1.1 squid, Age: 42)';

describe('caches and proxies on the way', () => {
  const bench = benchPerTest();

  it('one that drops Range is named as the reason for one stream', async () => {
    const origin = await bench.origin({ ...CACHED, ranges: false });
    const run = await bench.engine().get(origin.url);
    expectDone(run, REFERENCE);
    const start = run.events.find(({ type }) => type === 'start');
    expect((start as { reason?: string }).reason).contain(NAMED);
  });

  it('P6: one that holds another version is named, and nothing of it is mixed in', async () => {
    const origin = await bench.origin({ ...CACHED, rate: 4 * MIB });
    origin.fault({
      times: Infinity,
      when: ({ range }) => range !== null && range.start > 0,
      fault: { kind: 'etag', value: '"old"' },
    });
    const run = await bench.engine({ mode: 'get' }).get(origin.url);
    if (run.status === 0) expectDone(run, REFERENCE);
    else expectFailed(run, 'CHANGED');
    const said = run.events.map((event) => JSON.stringify(event)).join('\n');
    expect(said, told(run)).contain(NAMED);
  });

  it('P9: one that answers with another range is named', async () => {
    const origin = await bench.origin(CACHED);
    const fault = { kind: 'content-range', value: 'bytes 5-9/6291456' } as const;
    origin.fault({ times: Infinity, fault });
    const error = expectFailed(await bench.engine({ retries: 0 }).get(origin.url));
    expect(error.message).contain(NAMED);
  });

  it('without such fields nothing is said of it', async () => {
    const origin = await bench.origin({ ...REFERENCE, ranges: false });
    const run = await bench.engine().get(origin.url);
    expect(JSON.stringify(run.events)).not.contain('cache');
  });
});
