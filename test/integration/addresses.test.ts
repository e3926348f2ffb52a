/** Hosts with several addresses, good and bad ones, on real sockets. */
import { expect } from 'chai';
import { certificateFor, certificates } from '../helpers/certificates.js';
import { benchPerTest, expectDone, expectFailed, expectOnTime } from '../helpers/engine.js';
import type { EngineRun, RunOverrides } from '../helpers/engine.js';
import { HOST, Nodes } from '../helpers/nodes.js';
import type { NodeAt } from '../helpers/nodes.js';

const MIB = 1024 * 1024;
const SIZE = 8 * MIB;
const REFERENCE = { seed: 1, size: SIZE };
const FILE = { seed: 1, size: SIZE, etag: '"one"' as const };
const SLOW = { ...FILE, rate: 4 * MIB };
const PACED = { ...FILE, rate: 6 * MIB };

const [A, B, C] = ['127.0.0.1', '127.0.0.2', '127.0.0.3'] as const;

describe('several addresses of one host', () => {
  const bench = benchPerTest();
  let nodes: Nodes | null = null;

  afterEach(async () => {
    await nodes?.close();
    for (const origin of nodes?.origins.values() ?? [])
      expect(origin?.server.failures ?? []).deep.equal([]);
    nodes = null;
  });

  const start = async (at: Record<string, NodeAt>): Promise<Nodes> =>
    (nodes = await Nodes.start(at));

  const get = ({ url, resolve }: Nodes, overrides: RunOverrides = {}): Promise<EngineRun> =>
    bench.engine({ connections: 6, resolve, ...overrides }).get(url);

  const bodies = (at: Nodes, host: string): number => at.origin(host).server.bodyBytes;
  const dials = (at: Nodes, host: string): number => at.origin(host).server.connections.total;

  it('the connections are spread over all of them', async () => {
    for (const threads of [0, 2]) {
      const order: string[] = [];
      const noting = (host: string): NodeAt => ({
        ...PACED,
        admit: () => (order.push(host), null),
      });
      const at = await start({ [A]: noting(A), [B]: noting(B), [C]: noting(C) });
      expectDone(await get(at, { threads }), REFERENCE);
      // One that falls behind its peers, as on a busy machine, is replaced later.
      const first = order.slice(0, 6).sort();
      expect(first).deep.equal([A, A, B, B, C, C]);
      await at.close();
    }
  });

  it('without a strong validator, and with one connection, there is one address', async () => {
    for (const [etag, connections] of [
      ['none', 6],
      ['strong', 1],
    ] as const) {
      const file = { ...PACED, rate: 24 * MIB, etag, lastModified: null };
      const at = await start({ [A]: file, [B]: file });
      expectDone(await get(at, { connections }), REFERENCE);
      expect(dials(at, B)).equal(0);
      await at.close();
    }
  });

  it('one that refuses is replaced by the others, first or not', async () => {
    for (const order of [
      [B, A, C],
      [A, B, C],
    ]) {
      const all = order.map((host) => [host, host === B ? 'refuses' : PACED] as const);
      const at = await start(Object.fromEntries(all));
      const run = await get(at);
      expectDone(run, REFERENCE);
      expect(run.events.filter(({ type }) => type === 'retry')).deep.equal([]);
      expect(dials(at, A) + dials(at, C)).within(6, 24);
      await at.close();
    }
  });

  it('P16: one that swallows connections costs a head start, not the deadline', async () => {
    const at = await start({ [B]: 'swallows', [A]: PACED, [C]: PACED });
    const run = await get(at, { deadlines: { connectMs: 20_000 } });
    expectDone(run, REFERENCE);
    expect(run.ms).lessThan(20_000);
    expect(run.events.filter(({ type }) => type === 'retry')).deep.equal([]);
  });

  it('P16: when all swallow connections the deadline is kept', async () => {
    const at = await start({ [A]: 'swallows', [B]: 'swallows' });
    const run = await get(at, { deadlines: { connectMs: 900 }, retries: 0 });
    expectFailed(run, 'CONNECT_TIMEOUT');
    expectOnTime(run, 900);
  });

  it('P6: one that serves another file is not asked again', async () => {
    const other = { ...PACED, seed: 2, etag: '"two"' as const };
    const at = await start({ [A]: PACED, [B]: other, [C]: PACED });
    const run = await get(at);
    expectDone(run, REFERENCE);
    expect(at.origin(B).requests.length).within(1, 2);
    expect(dials(at, C), 'it takes over too').within(3, 6);
    expect(run.last).include({ connections: 6 });
  });

  it('P6: when the first one changes too, nothing of the two is mixed', async () => {
    const at = await start({ [A]: SLOW, [B]: SLOW });
    const engine = bench.engine({ connections: 4, resolve: at.resolve });
    const running = engine.start(at.url);
    await Promise.all(
      [A, B].map((host) => at.origin(host).server.until(({ bodyBytes }) => bodyBytes > MIB)),
    );
    for (const host of [A, B]) {
      at.origin(host).set({ seed: 2, etag: '"two"' });
      at.origin(host).server.resetAll();
    }
    // What the other leases met first decides whether one answer may still do.
    const run = await running.ended;
    if (run.last?.type === 'done') expectDone(run, { seed: 2, size: SIZE });
    else expectFailed(run, 'CHANGED');
  });

  it('P21: one that allows fewer connections keeps those, the others take the rest', async () => {
    for (const refuse of ['close', 'reset', { status: 503 }] as const) {
      const few = { ...PACED, maxConnections: { limit: 1, refuse } };
      const at = await start({ [A]: PACED, [B]: few });
      const run = await get(at);
      expectDone(run, REFERENCE);
      expect((run.last as { connections: number }).connections).least(4);
      expect(bodies(at, B)).greaterThan(MIB / 8);
      await at.close();
    }
  });

  it('a slow connection comes back on another address', async () => {
    const at = await start({ [A]: SLOW, [B]: { ...FILE, rate: 20_000 }, [C]: SLOW });
    const run = await get(at, { connections: 5 });
    expectDone(run, REFERENCE);
    expect(bodies(at, B)).lessThan(MIB);
    expect(dials(at, B), 'not asked again and again').lessThan(6);
    expect(dials(at, A) + dials(at, C), 'its connections went to the others').greaterThan(3);
  });

  it('one with errors of its own is done without', async () => {
    for (const status of [404, 500]) {
      const at = await start({ [A]: PACED, [B]: PACED });
      at.origin(B).fault({ times: Infinity, fault: { kind: 'status', status } });
      expectDone(await get(at), REFERENCE);
      expect(at.origin(B).requests.length).within(1, 3);
      await at.close();
    }
  });

  it('one with another certificate is done without, unless it is the first', async () => {
    const { ca, ...server } = await certificateFor([HOST]);
    const { wrongHost } = await certificates();
    const tls = { ca, cert: null, key: null, verify: true };
    const [good, bad] = [
      { ...PACED, tls: server },
      { ...PACED, tls: wrongHost },
    ];
    const at = await start({ [A]: good, [B]: bad, [C]: good });
    expectDone(await get(at, { tls }), REFERENCE);
    expect(at.origin(B).requests).deep.equal([]);
    expect(dials(at, A) + dials(at, C)).within(6, 24);
    await at.close();
    const first = await start({ [B]: bad, [A]: good });
    expectFailed(await get(first, { tls }), 'TLS_CERTIFICATE');
  });

  it('one that dies in the middle loses its work to the others', async () => {
    const at = await start({ [A]: SLOW, [B]: SLOW });
    const engine = bench.engine({ connections: 4, resolve: at.resolve });
    const running = engine.start(at.url);
    await at.origin(B).server.until(({ bodyBytes }) => bodyBytes > MIB);
    await at.origin(B).close();
    expectDone(await running.ended, REFERENCE);
  });

  it('the first request goes to the next address after an error', async () => {
    const at = await start({ [A]: FILE, [B]: FILE });
    at.origin(A).fault({ times: Infinity, fault: { kind: 'status', status: 503 } });
    expectDone(await get(at, { retries: 1 }), REFERENCE);
    expect(at.origin(A).requests.length, 'the first, and one of each connection').within(1, 7);
  });

  it('IPv6 stands in for IPv4, and -4 and -6 choose', async () => {
    const at = await start({ [A]: 'refuses', '::1': FILE });
    expectDone(await get(at), REFERENCE);
    expectDone(await get(at, { family: 6 }), REFERENCE);
    expectFailed(await get(at, { family: 4, retries: 0 }), 'CONNECT_FAILED');
    const [only] = at.resolve;
    const six = [{ ...only!, addresses: [{ address: '::1', family: 6 as const }] }];
    expectFailed(await get(at, { family: 4, resolve: six }), 'NAME_NOT_FOUND');
  });
});
