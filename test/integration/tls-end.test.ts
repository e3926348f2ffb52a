/** The end of a body under TLS: only close_notify is one (RFC 9112 section 9.8). */
import { expect } from 'chai';
import { certificates } from '../helpers/certificates.js';
import { benchPerTest, checkOracle, expectDone, expectFailed } from '../helpers/engine.js';

const MIB = 1024 * 1024;
const REFERENCE = { seed: 1, size: 3 * MIB + 17 };

describe('the end of a body under TLS', () => {
  const bench = benchPerTest();
  let ca = '';
  let server = { key: '', cert: '' };
  before(async () => ({ ca, server } = await certificates()));
  const tls = (): { ca: string; cert: null; key: null; verify: boolean } => ({
    ca,
    cert: null,
    key: null,
    verify: true,
  });

  it('P1: a body that ends with close_notify is whole', async () => {
    const origin = await bench.origin({
      ...REFERENCE,
      tls: server,
      ranges: false,
      framing: 'close',
    });
    expectDone(await bench.engine({ tls: tls() }).get(origin.url), REFERENCE);
  });

  it('P1: a body of no or of few bytes, whose end comes with its head', async () => {
    for (const size of [0, 1, 100, 20_000]) {
      const options = { seed: 1, size, tls: server, ranges: size > 0, framing: 'close' } as const;
      const origin = await bench.origin(options);
      expectDone(await bench.engine({ tls: tls() }).get(origin.url), { seed: 1, size });
      origin.set({ ranges: false });
      expectDone(await bench.engine({ tls: tls() }).get(origin.url), { seed: 1, size });
    }
  });

  for (const at of [0, 1, 100_000, REFERENCE.size - 1, REFERENCE.size]) {
    it(`P1: a body that ends with TCP alone after ${at} bytes is not`, async () => {
      const origin = await bench.origin({
        ...REFERENCE,
        tls: server,
        ranges: false,
        framing: 'close',
      });
      origin.fault({ times: Infinity, fault: { kind: 'truncate', at } });
      const run = await bench.engine({ tls: tls(), retries: 1 }).get(origin.url);
      expectFailed(run, 'CONNECTION_LOST');
    });
  }

  it('P1: a range without a length that is cut is asked for again', async () => {
    const origin = await bench.origin({ ...REFERENCE, tls: server, framing: 'close' });
    origin.fault({ request: 0, fault: { kind: 'truncate', at: 100_000 } });
    origin.fault({ request: 1, fault: { kind: 'truncate', at: 100_000 } });
    const run = await bench.engine({ tls: tls() }).get(origin.url);
    checkOracle(run, REFERENCE);
    expect(run.status).equal(0);
  });

  it('P1: a body with a length that is cut, TLS and all, goes on elsewhere', async () => {
    const origin = await bench.origin({ ...REFERENCE, size: 12 * MIB, tls: server });
    origin.fault({ request: 0, fault: { kind: 'truncate', at: 100_000 } });
    origin.fault({ request: 1, fault: { kind: 'reset', at: 100_000 } });
    const run = await bench.engine({ tls: tls(), connections: 4 }).get(origin.url);
    expectDone(run, { seed: 1, size: 12 * MIB });
  });
});
