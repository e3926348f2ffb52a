/** Every connection goes through the proxy, whatever kind it is; and what goes wrong with it is exit 13. */
import { expect } from 'chai';
import { inspectUrl } from '../../src/app/inspect.js';
import { proxyRules } from '../../src/app/proxies.js';
import type { ErrorCode } from '../../src/errors.js';
import type { DownloadOptions } from '../../src/transfer/options.js';
import { certificateFor, certificates } from '../helpers/certificates.js';
import { SHORT_DEADLINES, benchPerTest, expectDone, expectFailed } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';
import { Origin } from '../helpers/origin.js';
import type { OriginOptions } from '../helpers/origin.js';
import { freePorts } from '../helpers/real-server.js';
import { SmallProxy } from '../helpers/small-proxy.js';
import type { SmallProxyOptions } from '../helpers/small-proxy.js';

const SIZE = 6 * 1024 * 1024;
const USER = { user: 'us er', password: 'canary:pä%s' };
const USERINFO = `${encodeURIComponent(USER.user)}:${encodeURIComponent(USER.password)}`;
const NAMES = { 'origin.test': '127.0.0.1' };

describe('proxies', function () {
  const bench = benchPerTest();
  let origin: Origin | null = null;
  let proxy: SmallProxy | null = null;

  afterEach(async () => {
    await proxy?.close();
    await origin?.close();
    origin = proxy = null;
  });

  async function start(
    from: OriginOptions,
    over: SmallProxyOptions,
  ): Promise<{ origin: Origin; proxy: SmallProxy }> {
    origin = await Origin.start({ size: SIZE, ...from });
    proxy = await SmallProxy.start({ names: NAMES, ...over });
    return { origin, proxy };
  }

  const through = (url: string, noProxy = ''): Pick<DownloadOptions, 'proxies'> => ({
    proxies: proxyRules({ proxy: url, noProxy }, {}),
  });
  const named = (url: string): string => url.replace(/127\.0\.0\.1|localhost/, 'origin.test');

  for (const kind of ['http', 'https', 'socks5', 'socks5h'] as const)
    for (const scheme of ['http', 'https'] as const)
      for (const threads of [0, 2])
        it(`fetches ${scheme} over ${kind}, with a password, ${threads} threads`, async () => {
          const own = await certificates();
          const site = await certificateFor(['origin.test', '127.0.0.1']);
          const { origin, proxy } = await start(
            { rate: 3 * 1024 * 1024, ...(scheme === 'https' && { tls: site }) },
            { user: USER, ...(kind === 'https' && { tls: own.server }) },
          );
          const engine: Engine = bench.engine({
            connections: 4,
            threads,
            tls: { ca: own.ca + site.ca, cert: null, key: null, verify: true },
            ...through(proxy.url(kind, USERINFO)),
          });
          // Only the proxy knows the name: who asks the resolver fails.
          const url = kind === 'socks5' ? origin.url : named(origin.url);
          const run = await engine.get(url);
          expectDone(run, origin);
          expect(run.last.type === 'done' && run.last.connections).above(1);
          const opened = new Set(origin.requests.map(({ connection }) => connection)).size;
          const asked = kind.startsWith('socks')
            ? /^SOCKS /
            : scheme === 'http'
              ? /^GET http:\/\//
              : /^CONNECT /;
          expect(proxy.asked.length).least(opened);
          for (const each of proxy.asked) expect(each).match(asked);
          for (const { head } of origin.requests) expect(head).not.match(/proxy-authorization/i);
        });

  it('asks an https proxy and an https server under one name apart', async () => {
    const { server, ca } = await certificates();
    const { origin, proxy } = await start({ tls: server }, { tls: server });
    const tls = { ca, cert: null, key: null, verify: true };
    const run = await bench.engine({ tls, ...through(proxy.url('https')) }).get(origin.url);
    expectDone(run, origin);
  });

  it('sees the end of a body of unknown length through each proxy, and a cut one as cut', async () => {
    const { server, ca } = await certificates();
    const tls = { ca, cert: null, key: null, verify: true };
    for (const kind of ['http', 'https', 'socks5h'] as const) {
      const { origin, proxy } = await start(
        { tls: server, ranges: false, framing: 'close' },
        kind === 'https' ? { tls: server } : {},
      );
      const run = await bench.engine({ tls, ...through(proxy.url(kind)) }).get(origin.url);
      expectDone(run, origin);
      origin.fault({ times: Infinity, fault: { kind: 'truncate', at: SIZE / 2 } });
      const cut = await bench
        .engine({ tls, retries: 0, ...through(proxy.url(kind)) })
        .get(origin.url);
      expectFailed(cut, 'CONNECTION_LOST');
      await proxy.close();
      await origin.close();
    }
  });

  it('auto takes more connections through a proxy too, as long as that pays', async () => {
    const size = 64 * 1024 * 1024;
    const { origin, proxy } = await start({ size, rate: 8 * 1024 * 1024 }, {});
    const engine = bench.engine({ connections: 'auto', ...through(proxy.url('socks5h')) });
    const run = await engine.get(named(origin.url));
    expectDone(run, origin);
    expect(run.last.type === 'done' && run.last.connections).above(4);
  });

  it('goes without for the hosts of --no-proxy, at each redirect anew', async () => {
    const { origin, proxy } = await start({}, {});
    const first = await Origin.start({ size: 1 });
    first.fault({ fault: { kind: 'redirect', location: origin.url }, times: Infinity });
    const { port } = new URL(first.url);
    const engine = bench.engine(through(proxy.url('http'), `127.0.0.1:${port}`));
    const run = await engine.get(first.url);
    await first.close();
    expectDone(run, origin);
    expect(proxy.asked.length).least(1);
    for (const each of proxy.asked) expect(each).equal(`GET ${origin.url}`);
  });

  it('info says which proxy it is, why, and no password', async () => {
    const { origin, proxy } = await start({}, { user: USER });
    const options = bench.engine(through(proxy.url('http', USERINFO))).options(named(origin.url));
    const report = await inspectUrl(options);
    expect(report.proxy).deep.equal({ url: proxy.url('http'), why: '--proxy' });
    expect(report.addresses).deep.equal([]);
    expect(JSON.stringify(report)).not.contain('canary');
    const around = bench.engine(through(proxy.url('http', USERINFO), '127.0.0.0/8'));
    expect((await inspectUrl(around.options(origin.url))).proxy).deep.equal({
      url: null,
      why: '--no-proxy has 127.0.0.0/8',
    });
  });

  const socksReply = (code: number): Buffer => Buffer.from([5, code, 0, 1, 0, 0, 0, 0, 0, 0]);
  const failures: Array<
    [what: string, kind: string, scheme: string, instead: Buffer | string, code: ErrorCode]
  > = [
    ['407', 'http', 'https', 'HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\n\r\n', 'PROXY_AUTH'],
    ['407', 'http', 'http', 'HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n', 'PROXY_AUTH'],
    ['403', 'http', 'https', 'HTTP/1.1 403 Forbidden\r\n\r\n', 'PROXY_REFUSED'],
    ['502', 'http', 'https', 'HTTP/1.1 502 Bad Gateway\r\n\r\n', 'PROXY_FAILED'],
    ['a redirect', 'http', 'https', 'HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n', 'PROXY_FAILED'],
    ['what is no HTTP', 'http', 'https', 'SSH-2.0-x\r\n\r\n', 'PROXY_FAILED'],
    [
      'a head without end',
      'http',
      'https',
      `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(70_000)}`,
      'PROXY_FAILED',
    ],
    ['bytes behind the head', 'http', 'https', 'HTTP/1.1 200 OK\r\n\r\nhello', 'PROXY_FAILED'],
    ['nothing', 'http', 'https', '', 'PROXY_FAILED'],
    ['a rule', 'socks5h', 'http', socksReply(2), 'PROXY_REFUSED'],
    ['no host', 'socks5h', 'http', socksReply(4), 'PROXY_FAILED'],
    ['nothing', 'socks5h', 'https', '', 'PROXY_FAILED'],
  ];
  for (const [what, kind, scheme, instead, code] of failures)
    it(`${kind} proxy, ${scheme}: ${what} is ${code}`, async () => {
      const { proxy } = await start({}, { instead: () => instead });
      const engine = bench.engine({ retries: 0, ...through(proxy.url(kind, USERINFO)) });
      const run = await engine.get(`${scheme}://origin.test/file.bin`);
      expectFailed(run, code);
      expect(run.status).equal(13);
      expect(JSON.stringify(run.events)).not.contain('canary');
    });

  it('a SOCKS5 proxy that does not like the password is PROXY_AUTH', async () => {
    const { proxy } = await start({}, { user: USER });
    for (const userinfo of ['', 'canary:canary']) {
      const run = await bench
        .engine(through(proxy.url('socks5h', userinfo)))
        .get('http://origin.test/file.bin');
      expectFailed(run, 'PROXY_AUTH');
      expect(JSON.stringify(run.events)).not.contain('canary');
    }
  });

  it('one that is not there, has no name, is silent, or has a wrong certificate is exit 13', async () => {
    const [free = 0] = await freePorts(1);
    const { wrongHost, ca } = await certificates();
    const { proxy } = await start({}, { tls: wrongHost });
    const silent = await Origin.start({ admit: () => 'silent' });
    const tls = { ca, cert: null, key: null, verify: true };
    for (const [url, code] of [
      [`http://canary:canary@127.0.0.1:${free}`, 'PROXY_FAILED'],
      ['http://canary:canary@no-such-proxy.invalid:1', 'PROXY_NOT_FOUND'],
      [`socks5://canary:canary@${new URL(silent.url).host}`, 'PROXY_FAILED'],
      [`http://canary:canary@${new URL(silent.url).host}`, 'PROXY_FAILED'],
      [proxy.url('https', 'canary:canary'), 'PROXY_CERTIFICATE'],
      [proxy.url('socks5', 'canary:canary'), 'PROXY_FAILED'],
    ] as const) {
      const deadlines = { ...SHORT_DEADLINES, connectMs: 1000 };
      const engine = bench.engine({ retries: 0, tls, deadlines, ...through(url) });
      const run = await engine.get('https://127.0.0.1:1/file.bin');
      expectFailed(run, code);
      expect(JSON.stringify(run.events)).not.contain('canary:');
    }
    await silent.close();
  });

  it("what the server behind the tunnel does is still the server's", async () => {
    const { wrongHost, ca } = await certificates();
    const { origin, proxy } = await start({ tls: wrongHost }, {});
    const tls = { ca, cert: null, key: null, verify: true };
    const run = await bench.engine({ tls, ...through(proxy.url('http')) }).get(origin.url);
    expectFailed(run, 'TLS_CERTIFICATE');
  });

  it('goes on after a proxy that drops its connections', async () => {
    const { origin, proxy } = await start({ rate: 2 * 1024 * 1024 }, {});
    let dropped = 0;
    origin.fault({
      when: ({ number }) => number >= 1 && dropped++ < 2,
      times: Infinity,
      fault: { kind: 'reset', at: 1000 },
    });
    const run = await bench
      .engine({ connections: 4, ...through(proxy.url('socks5h')) })
      .get(named(origin.url));
    expectDone(run, origin);
  });
});
