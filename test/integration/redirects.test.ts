/** Redirects: how far they are followed, and what goes with them. */
import { expect } from 'chai';
import { certificates } from '../helpers/certificates.js';
import { benchPerTest, expectDone, expectFailed } from '../helpers/engine.js';
import type { Origin } from '../helpers/origin.js';

const MIB = 1024 * 1024;
const SIZE = 9 * MIB;
const REFERENCE = { seed: 1, size: SIZE };
const SECRETS = ['user-header', 'letmein', 'Basic', 'referrer'];

/** Redirects `/hop-N` to `/hop-N-1`, and `/hop-1` to the file. */
function addHops(origin: Origin, count: number): string {
  for (let i = count; i > 0; i--) {
    const location = i === 1 ? '/file.bin' : `/hop-${i - 1}`;
    const status = [301, 302, 303, 307, 308][i % 5] ?? 302;
    origin.fault({
      target: `/hop-${i}`,
      times: Infinity,
      fault: { kind: 'redirect', location, status },
    });
  }
  return origin.server.url(`/hop-${count}`);
}

describe('redirects', () => {
  const bench = benchPerTest();

  for (const hops of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) {
    it(`P11: ${hops} hops are followed`, async () => {
      const origin = await bench.origin(REFERENCE);
      expectDone(await bench.engine().get(addHops(origin, hops)), REFERENCE);
    });
  }

  it('P11: 11 hops and loops are refused', async () => {
    const origin = await bench.origin(REFERENCE);
    expectFailed(await bench.engine().get(addHops(origin, 11)), 'REDIRECT_LIMIT');
    origin.fault({
      target: '/loop',
      times: Infinity,
      fault: { kind: 'redirect', location: '/loop' },
    });
    const before = origin.requests.length;
    expectFailed(await bench.engine().get(origin.server.url('/loop')), 'REDIRECT_LIMIT');
    expect(origin.requests.length - before).equal(11);
  });

  it('P11: a loop over two origins and two schemes is refused', async () => {
    const { ca, server } = await certificates();
    const plain = await bench.origin(REFERENCE);
    const secure = await bench.origin({ ...REFERENCE, tls: server });
    for (const [from, to] of [
      [plain, secure],
      [secure, plain],
    ] as const) {
      from.fault({ times: Infinity, fault: { kind: 'redirect', location: to.url } });
    }
    const tls = { ca, cert: null, key: null, verify: true };
    const run = await bench.engine({ tls, allowDowngrade: true }).get(plain.url);
    expectFailed(run, 'REDIRECT_LIMIT');
    expect(plain.requests.length + secure.requests.length).equal(11);
  });

  it('P11: each status to every hop, each hop on another origin', async () => {
    const origins = await Promise.all([0, 1, 2, 3, 4].map(() => bench.origin(REFERENCE)));
    for (const [i, status] of [301, 302, 303, 307, 308].entries()) {
      const next = origins[i + 1] ?? origins[0];
      const target = `/hop-${i}`;
      const location = next?.server.url(i === 4 ? '/file.bin' : `/hop-${i + 1}`) ?? '';
      origins[i]?.fault({ target, times: Infinity, fault: { kind: 'redirect', location, status } });
    }
    const url = origins[0]?.server.url('/hop-0') ?? '';
    expectDone(await bench.engine().get(url), REFERENCE);
  });

  it('P11: a redirect that leads nowhere is an error, not a file', async () => {
    for (const location of ['', 'ftp://x/', 'file:///etc/passwd', 'http://[', 'javascript:1']) {
      const origin = await bench.origin(REFERENCE);
      origin.fault({ times: Infinity, fault: { kind: 'redirect', location } });
      expectFailed(await bench.engine().get(origin.url), 'REDIRECT_INVALID');
      expect(origin.requests.length, 'once more without Range').equal(2);
    }
  });

  const others: Record<string, (target: Origin) => string> = {
    'another port': (target) => target.url,
    'another name of the same machine': (target) => target.server.url('/file.bin', 'localhost'),
  };
  for (const [what, locate] of Object.entries(others)) {
    it(`P11: nothing that the user gave goes to ${what}`, async () => {
      // Slow enough that further connections are worth opening.
      const target = await bench.origin({ ...REFERENCE, rate: 8 * MIB });
      const origin = await bench.origin(REFERENCE);
      origin.fault({ times: Infinity, fault: { kind: 'redirect', location: locate(target) } });
      const run = await bench.engine({ connections: 4 }).get(origin.url, {
        headers: ['X-Token: user-header', 'Cookie: letmein=1'],
        user: { user: 'u', password: 'letmein' },
        referer: 'http://referrer.example/',
      });
      expectDone(run, REFERENCE);
      const first = origin.requests[0]?.head ?? '';
      for (const secret of SECRETS) expect(first).include(secret);
      expect(target.requests.length).above(1);
      for (const { head } of target.requests) {
        for (const secret of SECRETS) expect(head).not.include(secret);
      }
    });
  }

  it('300 that names one of its choices is followed, and 305 is not', async () => {
    for (const status of [300, 305]) {
      const origin = await bench.origin(REFERENCE);
      const location = '/chosen';
      origin.fault({
        target: '/file.bin',
        times: Infinity,
        fault: { kind: 'status', status, fields: { Location: location } },
      });
      const run = await bench.engine({ connections: 1 }).get(origin.url);
      if (status === 300) expectDone(run, REFERENCE);
      else expectFailed(run, 'HTTP_UNEXPECTED');
    }
  });

  it('P11: what the user gave goes to every request on its own origin', async () => {
    const origin = await bench.origin(REFERENCE);
    const run = await bench
      .engine({ connections: 4 })
      .get(addHops(origin, 2), { headers: ['X-Token: user-header'] });
    expectDone(run, REFERENCE);
    for (const { head } of origin.requests) expect(head).include('user-header');
  });

  it('P11: from https to http only with a flag', async () => {
    const { ca, server } = await certificates();
    const plain = await bench.origin(REFERENCE);
    const secure = await bench.origin({ ...REFERENCE, tls: server });
    secure.fault({ times: Infinity, fault: { kind: 'redirect', location: plain.url } });
    const tls = { ca, cert: null, key: null, verify: true };
    expectFailed(await bench.engine({ tls }).get(secure.url), 'REDIRECT_DOWNGRADE');
    expect(plain.requests).deep.equal([]);
    const run = await bench.engine({ tls, allowDowngrade: true }).get(secure.url);
    expectDone(run, REFERENCE);
  });

  it('P20: the redirected address expires again and again', async () => {
    const origin = await bench.origin({ seed: 1, size: 48 * MIB, rate: 30 * MIB });
    let generation = 0;
    const used = new Map<string, number>();
    origin.fault({
      target: '/start',
      times: Infinity,
      fault: { kind: 'redirect', location: '/unset' },
    });
    const start = origin.server.url('/start');
    signed(origin, 2, used, () => ++generation);
    const run = await bench.engine({ connections: 4, retries: 4 }).get(start);
    expectDone(run, { seed: 1, size: 48 * MIB });
    expect(generation, 'the original URL was asked again').above(1);
    expect(origin.requests.length, 'no storm').below(80);
  });

  it('P20: what the address leads to now is another file', async () => {
    const origin = await bench.origin({ seed: 1, size: 24 * MIB, rate: 30 * MIB });
    const target = await bench.origin({ seed: 2, size: 24 * MIB + 1 });
    origin.route('/file.bin', {});
    let locate = origin.url;
    origin.fault({
      when: ({ target: asked }) => asked === '/start',
      times: 1,
      fault: { kind: 'redirect', location: locate },
    });
    locate = target.url;
    origin.fault({
      when: ({ target: asked, number }) => asked === '/start' && number > 0,
      times: Infinity,
      fault: { kind: 'redirect', location: locate },
    });
    origin.fault({
      when: ({ target: asked, number }) => asked === '/file.bin' && number > 2,
      times: Infinity,
      fault: { kind: 'status', status: 403 },
    });
    origin.fault({ request: 1, fault: { kind: 'reset', at: MIB } });
    const run = await bench.engine({ connections: 2 }).get(origin.server.url('/start'));
    expectFailed(run, 'CHANGED');
  });
});

/** `/start` leads to a new address each time, and each address serves so many requests. */
function signed(
  origin: Origin,
  uses: number,
  used: Map<string, number>,
  renew: () => number,
): void {
  const size = origin.size;
  origin.server.handle(async ({ target, range }, reply) => {
    if (target === '/start') {
      return void reply.head(302, { Location: `/signed?${renew()}`, 'Content-Length': 0 });
    }
    const times = (used.get(target) ?? 0) + 1;
    used.set(target, times);
    if (times > uses) return void reply.head(403, { 'Content-Length': 0 });
    const start = range?.start ?? 0;
    const end = Math.min(range?.end ?? size, size);
    await reply.head(206, {
      'Content-Range': `bytes ${start}-${end - 1}/${size}`,
      'Content-Length': end - start,
      ETag: '"e"',
    });
    reply.throttle(30 * MIB);
    for (let at = start; at < end && !reply.gone; at += MIB) {
      await reply.body(origin.content(at, Math.min(end, at + MIB)));
    }
  });
}
