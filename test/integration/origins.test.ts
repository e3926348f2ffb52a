/** What the user gave, by origin: two ports, several names and addresses, two schemes (P11). */
import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { certificates } from '../helpers/certificates.js';
import type { Certificates } from '../helpers/certificates.js';
import { expectStatus, runIn } from '../helpers/command.js';
import { benchPerTest, expectDone, expectFailed } from '../helpers/engine.js';
import type { Engine, RunOverrides } from '../helpers/engine.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import type { RecordedRequest } from '../helpers/fault-server.js';
import type { Origin, OriginOptions } from '../helpers/origin.js';

const MIB = 1024 * 1024;
const REFERENCE = { seed: 1, size: 12 * MIB };

/** Each stands for one thing that the user gave. */
const GIVEN = ['canary-token', 'canary-cookie', 'canary-authorization', 'canary-referer'];

/** Everything that can be given at once; `-u`, `--bearer` and userinfo take turns below. */
const EVERYTHING: RunOverrides = {
  headers: [
    'X-Token: canary-token',
    'Cookie: id=canary-cookie',
    'Proxy-Authorization: canary-authorization',
  ],
  referer: 'http://canary-referer.example/',
  bearer: 'canary-bearer',
};

/** Whether a request carries anything that was given. */
function carries({ head, tls }: RecordedRequest): string[] {
  const found = [...GIVEN, 'canary-bearer', 'Authorization:'].filter((each) => head.includes(each));
  return tls?.clientCertificate === true ? [...found, 'client certificate'] : found;
}

describe('origins', () => {
  const bench = benchPerTest();
  const dir = tempDirPerTest();
  let all: Certificates;
  before(async () => (all = await certificates()));

  /** An origin that asks for, and does not need, a client certificate. */
  const start = (scheme: 'http' | 'https', options: OriginOptions = {}): Promise<Origin> =>
    bench.origin({
      ...REFERENCE,
      ...(scheme === 'http'
        ? {}
        : { tls: { ...all.server, requestCert: true, rejectUnauthorized: false } }),
      ...options,
    });

  const engine = (overrides: RunOverrides = {}): Engine =>
    bench.engine({
      connections: 4,
      allowDowngrade: true,
      tls: { ca: all.ca, cert: all.client.cert, key: all.client.key, verify: true },
      ...overrides,
    });

  function redirect(from: Origin, location: string, target = '/start'): void {
    from.fault({ target, times: Infinity, fault: { kind: 'redirect', location } });
  }

  function expectOwn(origin: Origin, scheme: string): void {
    expect(origin.requests.length).above(0);
    for (const request of origin.requests) {
      const found = carries(request);
      expect(found).include.members([...GIVEN, 'canary-bearer']);
      expect(found.includes('client certificate')).equal(scheme === 'https');
    }
  }

  function expectForeign(origin: Origin): void {
    expect(origin.requests.length).above(0);
    for (const request of origin.requests) {
      expect(carries(request), request.head).deep.equal([]);
      expect(request.fields['user-agent'], 'says who it is').equal('named/1');
    }
  }

  const HOSTS = ['127.0.0.1', '127.0.0.2', '::1', 'localhost'] as const;
  const SCHEMES = ['http', 'https'] as const;
  const away: Array<[what: string, from: 'http' | 'https', to: 'http' | 'https', host: string]> =
    [];
  for (const from of SCHEMES) {
    for (const to of SCHEMES)
      for (const host of HOSTS) away.push([`${from} to ${to}://${host}`, from, to, host]);
  }

  for (const [what, from, to, host] of away) {
    // The certificate is for the other three.
    if (host === '127.0.0.2' && to === 'https') continue;
    it(`P11: nothing goes along from ${what} on another port`, async () => {
      const listen = host === 'localhost' ? {} : { host };
      const target = await start(to, listen);
      const origin = await start(from);
      redirect(origin, target.server.url('/file.bin', host));
      const run = await engine(EVERYTHING).get(origin.server.url('/start'), {
        userAgent: 'named/1',
      });
      expectDone(run, REFERENCE);
      expectOwn(origin, from);
      expectForeign(target);
    });
  }

  for (const host of ['127.0.0.2', '::1', 'localhost']) {
    it(`P11: nothing goes along to ${host} on the same port`, async () => {
      const origin = await start('http');
      const { port } = origin.server;
      const target = host === 'localhost' ? origin : await start('http', { host, port });
      redirect(origin, target.server.url('/elsewhere', host));
      const run = await engine(EVERYTHING).get(origin.server.url('/start'), {
        userAgent: 'named/1',
      });
      expectDone(run, REFERENCE);
      const there = target.requests.filter(({ target: asked }) => asked === '/elsewhere');
      expect(there.length).above(0);
      for (const request of there) expect(carries(request)).deep.equal([]);
      expect(carries(origin.requests[0] as RecordedRequest)).include('canary-token');
    });
  }

  it('P11: the default port and another spelling of the host are the same origin', async () => {
    const origin = await start('http');
    redirect(origin, `HTTP://127.1:${origin.server.port}/file.bin`);
    const run = await engine(EVERYTHING).get(origin.server.url('/start'));
    expectDone(run, REFERENCE);
    expectOwn(origin, 'http');
  });

  const ways: Record<string, { options: RunOverrides; userinfo: string; sent: string }> = {
    '-u': { options: { user: { user: 'u', password: 'p' } }, userinfo: '', sent: 'Basic' },
    '--bearer': { options: { bearer: 'canary' }, userinfo: '', sent: 'Bearer canary' },
    userinfo: { options: {}, userinfo: 'u:p@', sent: 'Basic' },
    '-H Authorization': {
      options: { headers: ['Authorization: canary'] },
      userinfo: '',
      sent: 'canary',
    },
    '-H Cookie': { options: { headers: ['Cookie: canary'] }, userinfo: '', sent: 'canary' },
    '-H X-Api-Key': { options: { headers: ['X-Api-Key: canary'] }, userinfo: '', sent: 'canary' },
    '-H Accept': { options: { headers: ['Accept: canary/x'] }, userinfo: '', sent: 'canary/x' },
    '-e': { options: { referer: 'http://canary/' }, userinfo: '', sent: 'http://canary/' },
  };
  for (const [flag, { options, userinfo, sent }] of Object.entries(ways)) {
    it(`P11: ${flag} by itself stays on its origin, and is back on the way back`, async () => {
      const origin = await start('http');
      const target = await start('http');
      redirect(origin, target.server.url('/back'));
      redirect(target, origin.url, '/back');
      const url = origin.server.url('/start').replace('//', `//${userinfo}`);
      expectDone(await engine(options).get(url), REFERENCE);
      expect(origin.requests.length).above(1);
      for (const { head } of origin.requests) expect(head).include(sent);
      expect(target.requests.length).equal(1);
      expect(target.requests[0]?.head).not.include(sent);
    });
  }

  it('P11: a Location with userinfo gives nobody credentials', async () => {
    const origin = await start('http');
    redirect(origin, `http://evil:word@127.0.0.1:${origin.server.port}/file.bin`);
    expectDone(await engine().get(origin.server.url('/start')), REFERENCE);
    for (const { fields } of origin.requests) expect(fields['authorization']).equal(undefined);
  });

  for (const to of SCHEMES) {
    it(`P11, P20: nothing goes along to a renewed address (${to}), and all to where it is asked`, async () => {
      const first = await start('http', { rate: 12 * MIB });
      const second = await start(to);
      const origin = await start(to === 'http' ? 'https' : 'http');
      let expired = false;
      first.fault({
        when: () => expired,
        times: Infinity,
        fault: { kind: 'status', status: 403 },
      });
      origin.server.handle((_request, reply) => {
        const location = expired ? second.url : first.url;
        return reply.head(302, { Location: location, 'Content-Length': 0 });
      });
      const running = engine(EVERYTHING).start(origin.url, { userAgent: 'named/1' });
      await first.server.until(({ bodyBytes }) => bodyBytes > 3 * MIB);
      expired = true;
      first.server.resetAll();
      expectDone(await running.ended, REFERENCE);
      expect(origin.requests.length).above(1);
      expectOwn(origin, origin.server.secure ? 'https' : 'http');
      expectForeign(first);
      expectForeign(second);
    });
  }

  it('P11, P20: an address that is renewed on the origin itself gets what was given', async () => {
    const origin = await start('http', { rate: 12 * MIB });
    let expired = false;
    origin.fault({
      when: ({ target }) => target === '/signed-1' && expired,
      times: Infinity,
      fault: { kind: 'status', status: 410 },
    });
    for (const [when, location] of [
      [() => !expired, '/signed-1'],
      [() => expired, '/signed-2'],
    ] as const) {
      origin.fault({
        when: ({ target }) => target === '/start' && when(),
        times: Infinity,
        fault: { kind: 'redirect', location },
      });
    }
    const running = engine(EVERYTHING).start(origin.server.url('/start'));
    await origin.server.until(({ bodyBytes }) => bodyBytes > 3 * MIB);
    expired = true;
    origin.server.resetAll();
    expectDone(await running.ended, REFERENCE);
    expect(origin.requests.some(({ target }) => target === '/signed-2')).equal(true);
    expectOwn(origin, 'http');
  });

  it('P11: the command: https to http is refused without --allow-downgrade, and bare with it', async () => {
    const target = await start('http');
    const origin = await start('https');
    redirect(origin, target.url);
    writeFileSync(path.join(dir(), 'ca.pem'), all.ca);
    writeFileSync(path.join(dir(), 'me.crt'), all.client.cert);
    writeFileSync(path.join(dir(), 'me.key'), all.client.key);
    const url = origin.server.url('/start');
    const args = ['get', url, '-o', 'x', '-n', '4', '--cacert', 'ca.pem', '-A', 'named/1'].concat(
      ['--cert', 'me.crt', '--key', 'me.key', '-e', 'http://canary-referer.example/'],
      ['--bearer', 'canary-bearer', '-H', 'X-Token: canary-token', '-H', 'Cookie: canary-cookie'],
      ['-H', 'Proxy-Authorization: canary-authorization'],
    );
    const refused = await runIn(dir(), args);
    expectStatus(refused, 7);
    expect(refused.stderr).include('--allow-downgrade');
    expect(target.requests).deep.equal([]);
    expectStatus(await runIn(dir(), [...args, '--allow-downgrade']), 0);
    expectSameContent(path.join(dir(), 'x'), 1, REFERENCE.size);
    expectOwn(origin, 'https');
    expectForeign(target);
  });

  it('P11: the downgrade of a renewed address is refused too, and what came is kept', async () => {
    const plain = await start('http');
    const secure = await start('https', { rate: 12 * MIB });
    let expired = false;
    secure.fault({
      when: ({ target }) => target === '/start' && !expired,
      times: Infinity,
      fault: { kind: 'redirect', location: '/signed' },
    });
    secure.fault({
      when: ({ target }) => target === '/start' && expired,
      times: Infinity,
      fault: { kind: 'redirect', location: plain.url },
    });
    secure.fault({
      when: ({ target }) => target === '/signed' && expired,
      times: Infinity,
      fault: { kind: 'status', status: 403 },
    });
    const client = engine({ allowDowngrade: false });
    const running = client.start(secure.server.url('/start'));
    await secure.server.until(({ bodyBytes }) => bodyBytes > 3 * MIB);
    expired = true;
    secure.server.resetAll();
    expectFailed(await running.ended, 'REDIRECT_DOWNGRADE');
    expect(plain.requests).deep.equal([]);
    expect(client.hasPart).equal(true);
  });
});
