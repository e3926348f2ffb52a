/** Addresses that a redirect led to, and that stop working while the download goes on (P20). */
import { expect } from 'chai';
import { SluiceError } from '../../src/errors.js';
import { expectStatus, filesIn, runIn } from '../helpers/command.js';
import { benchPerTest, expectDone, expectFailed } from '../helpers/engine.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import type { Bench } from '../helpers/engine.js';
import type { RecordedRequest } from '../helpers/fault-server.js';
import type { Origin, OriginOptions } from '../helpers/origin.js';

const MIB = 1024 * 1024;
const REFERENCE = { seed: 1, size: 16 * MIB };
const REFUSALS = [401, 403, 404, 410];

/** `/start` leads to `/signed?N`, where N is how often {@link expire} was called. */
interface Signed {
  origin: Origin;
  url: string;
  /** No address that was given out so far works any more. */
  expire(status: number): void;
  /** `/start` answers with this from now on. */
  close(status: number): void;
  /** How often `/start` was asked. */
  readonly asked: number;
}

async function signed(bench: Bench, options: OriginOptions = {}): Promise<Signed> {
  const origin = await bench.origin({ ...REFERENCE, rate: 24 * MIB, ...options });
  let generation = 0;
  let refusal = 403;
  let closed: number | null = null;
  const isStart = ({ target }: RecordedRequest): boolean => target === '/start';
  const plain = { times: Infinity } as const;
  const refuse = origin.fault.bind(origin);
  const addRules = (): void => {
    origin.heal();
    const status = refusal;
    refuse({
      ...plain,
      when: ({ target }) => target !== '/start' && target !== `/signed?${generation}`,
      fault: { kind: 'status', status },
    });
    if (closed !== null)
      refuse({ ...plain, when: isStart, fault: { kind: 'status', status: closed } });
    else {
      const location = `/signed?${generation}`;
      refuse({ ...plain, when: isStart, fault: { kind: 'redirect', location } });
    }
  };
  addRules();
  return {
    origin,
    url: origin.server.url('/start'),
    expire: (status) => {
      generation++;
      refusal = status;
      addRules();
    },
    close: (status) => {
      closed = status;
      addRules();
    },
    get asked() {
      return origin.requests.filter(isStart).length;
    },
  };
}

const past =
  (bytes: number) =>
  ({ bodyBytes }: { bodyBytes: number }): boolean =>
    bodyBytes > bytes;

describe('addresses that expire', () => {
  const bench = benchPerTest();
  const dir = tempDirPerTest();

  for (const status of REFUSALS) {
    it(`P20: ${status} to every lease of a redirected address: asked once again, and it goes on`, async () => {
      const server = await signed(bench);
      const running = bench.engine({ connections: 8 }).start(server.url);
      await server.origin.server.until(past(4 * MIB));
      server.expire(status);
      server.origin.server.resetAll();
      const run = await running.ended;
      expectDone(run, REFERENCE);
      expect(server.asked, 'once at first, once for all leases').equal(2);
      expect((run.last as { fetched: number }).fetched).below(REFERENCE.size + 6 * MIB);
    });

    it(`P20: ${status} where nothing was redirected is final when nothing else works`, async () => {
      const origin = await bench.origin({ ...REFERENCE, rate: 24 * MIB });
      const engine = bench.engine({ connections: 4, retries: 5 });
      const running = engine.start(origin.url);
      await origin.server.until(past(4 * MIB));
      origin.fault({ times: Infinity, fault: { kind: 'status', status } });
      const asked = origin.requests.length;
      origin.server.resetAll();
      const last = expectFailed(await running.ended, 'HTTP_REFUSED');
      expect(last.exitStatus).equal(6);
      expect(origin.requests.length - asked, 'no storm').below(16);
      expect(engine.hasPart).equal(true);
      origin.heal();
      expectDone(await engine.resume(), REFERENCE);
    });

    it(`P20: ${status} from the original URL too: exit status 6, what came is kept`, async () => {
      const server = await signed(bench);
      const engine = bench.engine({ connections: 4, retries: 5 });
      const running = engine.start(server.url);
      await server.origin.server.until(past(4 * MIB));
      server.expire(403);
      server.close(status);
      server.origin.server.resetAll();
      expect(expectFailed(await running.ended, 'HTTP_REFUSED').exitStatus).equal(6);
      // The first time, the renewal, and the ladder's three ways to ask.
      expect(server.asked).most(5);
      expect(engine.hasPart).equal(true);
    });

    it(`P20: ${status} to a single lease of a redirected address`, async () => {
      const server = await signed(bench);
      server.origin.fault({ request: 3, fault: { kind: 'status', status } });
      expectDone(await bench.engine({ connections: 4 }).get(server.url), REFERENCE);
      expect(server.asked).below(5);
    });
  }

  it('P20: the renewed address refuses too: bounded, exit status 6', async () => {
    const server = await signed(bench);
    const engine = bench.engine({ connections: 4, retries: 3 });
    const running = engine.start(server.url);
    await server.origin.server.until(past(4 * MIB));
    server.origin.fault({
      when: ({ target }) => target !== '/start',
      times: Infinity,
      fault: { kind: 'status', status: 403 },
    });
    const asked = server.origin.requests.length;
    server.origin.server.resetAll();
    expectFailed(await running.ended, 'HTTP_REFUSED');
    expect(server.origin.requests.length - asked, 'no storm').below(20);
    expect(engine.hasPart).equal(true);
  });

  it('P20: the original URL fails for a while before it renews', async () => {
    const server = await signed(bench);
    const running = bench.engine({ connections: 4, retries: 4 }).start(server.url);
    await server.origin.server.until(past(4 * MIB));
    server.expire(403);
    server.origin.fault({ target: '/start', times: 2, fault: { kind: 'status', status: 503 } });
    server.origin.server.resetAll();
    expectDone(await running.ended, REFERENCE);
    expect(server.asked).equal(4);
  });

  it('P20: an address that expires before its first lease is asked anew', async () => {
    const server = await signed(bench, { rate: 16 * MIB });
    const engine = bench.engine({ connections: 4 });
    const running = engine.start(server.url);
    await server.origin.server.until(({ requests }) => requests.length === 2);
    server.expire(403);
    const run = await running.ended;
    expectDone(run, REFERENCE);
    expect(server.asked).equal(2);
  });

  for (const change of [{ seed: 2 }, { size: REFERENCE.size + 1 }, { etag: '"other"' as const }]) {
    it(`P20: the renewed address is of another file (${Object.keys(change).join()}): never mixed`, async () => {
      const server = await signed(bench, { etag: '"one"', lastModified: null });
      const engine = bench.engine({ connections: 4 });
      const running = engine.start(server.url);
      await server.origin.server.until(past(4 * MIB));
      server.origin.set(change);
      server.expire(410);
      server.origin.server.resetAll();
      expectFailed(await running.ended, 'CHANGED');
    });
  }

  it('P20: resume asks the original URL, not the address that it led to', async () => {
    const server = await signed(bench);
    const engine = bench.engine({ connections: 4 });
    const running = engine.start(server.url);
    await server.origin.server.until(past(4 * MIB));
    running.stop(new SluiceError('INTERRUPTED', 'stopped'));
    expect((await running.ended).status).equal(130);
    server.expire(403);
    const before = server.origin.requests.length;
    const run = await engine.resume();
    expectDone(run, REFERENCE);
    const [start, data] = server.origin.requests.slice(before);
    expect(start?.target).equal('/start');
    const resumed = run.events.find((event) => event.type === 'start')?.resumed ?? 0;
    expect(resumed).above(0);
    // Not `fetched`: on a busy machine a lease that stalls is fetched by a second connection too.
    expect(data?.target).equal('/signed?1');
    expect(data?.fields.range).match(/^bytes=[1-9]\d*-\d+$/);
  });

  it('P20: the command: an address that serves three requests, with threads', async () => {
    const server = await signed(bench, { rate: 20 * MIB });
    let served = 0;
    server.origin.fault({
      when: ({ target }) => {
        if (target !== '/start' && ++served % 4 === 3) server.expire(403);
        return false;
      },
      times: Infinity,
      fault: { kind: 'status', status: 403 },
    });
    const run = await runIn(dir(), ['get', server.url, '-n', '4', '-o', 'x']);
    expectStatus(run, 0);
    expectSameContent(`${dir()}/x`, 1, REFERENCE.size);
    expect(filesIn(dir())).deep.equal(['x']);
  });
});
