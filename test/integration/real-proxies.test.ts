/** The command through real proxies, and which of them it takes beside curl. */
import { execFile } from 'node:child_process';
import { expect } from 'chai';
import { promisify } from 'node:util';
import path from 'node:path';
import { writeFileSync } from 'node:fs';
import { proxyRules } from '../../src/app/proxies.js';
import { chooseProxy } from '../../src/net/proxies.js';
import { certificateFor, certificates } from '../helpers/certificates.js';
import { expectStatus, filesIn, runIn } from '../helpers/command.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import { ForwardSquid, Microsocks, PROXY_USER, TlsFront } from '../helpers/proxy-servers.js';
import { requireServer } from '../helpers/real-server.js';
import { SmallProxy } from '../helpers/small-proxy.js';

const SIZE = 6 * 1024 * 1024;
const USERINFO = `${PROXY_USER.user}:${PROXY_USER.password}@`;

describe('real proxies', () => {
  const dir = tempDirPerTest();
  let plain: Origin;
  let secure: Origin;
  let ca: string;

  before(async () => {
    const site = await certificateFor(['origin.test', 'localhost', '127.0.0.1']);
    ca = site.ca + (await certificates()).ca;
    plain = await Origin.start({ size: SIZE, rate: 3 * 1024 * 1024 });
    secure = await Origin.start({ size: SIZE, rate: 3 * 1024 * 1024, tls: site });
  });
  after(async () => {
    await plain.close();
    await secure.close();
  });

  /** Fetches a URL by the command; fails unless it is whole, and no password was shown. */
  async function fetches(url: string, args: string[], env: Record<string, string> = {}) {
    const cacert = path.join(dir(), 'ca.pem');
    writeFileSync(cacert, ca);
    const output = path.join(dir(), 'got.bin');
    const run = await runIn(
      dir(),
      [
        'get',
        url,
        '-o',
        output,
        '-n',
        '4',
        '-v',
        '--on-exists',
        'overwrite',
        '--cacert',
        cacert,
        ...args,
      ],
      { env },
    );
    expectStatus(run, 0);
    expect(run.stdout + run.stderr).not.contain(PROXY_USER.password);
    expectSameContent(output, plain.seed, SIZE);
  }

  const under = (origin: Origin, host: string): string => {
    const url = new URL(origin.url);
    return `${url.protocol}//${host}:${url.port}${url.pathname}`;
  };

  describe('Squid with Digest', () => {
    let squid: ForwardSquid;

    before(async function () {
      requireServer('squid', this);
      squid = await ForwardSquid.start('digest');
    });
    after(() => squid?.close());

    it('is answered for http and for CONNECT, and again when a nonce has had its requests', async () => {
      const proxy = `http://${USERINFO}127.0.0.1:${squid.port}`;
      await fetches(under(plain, 'origin.test'), ['-x', proxy]);
      await fetches(under(secure, 'origin.test'), ['-x', proxy]);
      expect(squid.log.filter((line) => line.startsWith('20')).length).greaterThan(8);
    });

    it('a wrong password is exit status 13, and is not sent again and again', async () => {
      const before = squid.log.length;
      const proxy = `http://alice:wrong@127.0.0.1:${squid.port}`;
      for (const origin of [plain, secure]) {
        const run = await runIn(dir(), ['get', under(origin, 'origin.test'), '-x', proxy]);
        expectStatus(run, 13);
      }
      expect(squid.log.length - before).within(4, 8);
    });
  });

  describe('Squid', () => {
    let squid: ForwardSquid;

    before(async function () {
      requireServer('squid', this);
      squid = await ForwardSquid.start();
    });
    after(() => squid?.close());

    it('serves http in absolute form, and https by CONNECT; it looks the name up', async () => {
      const proxy = `http://${USERINFO}127.0.0.1:${squid.port}`;
      await fetches(under(plain, 'origin.test'), ['--proxy', proxy]);
      await fetches(under(secure, 'origin.test'), [], { https_proxy: proxy });
      const { port } = new URL(secure.url);
      expect(squid.log).include(`206 GET ${under(plain, 'origin.test')}`);
      expect(squid.log).include(`200 CONNECT origin.test:${port}`);
    });

    it('is spoken to over TLS that HAProxy takes off', async function () {
      requireServer('haproxy', this);
      const front = await TlsFront.start(squid.port, (await certificates()).server);
      try {
        const proxy = `https://${USERINFO}127.0.0.1:${front.port}`;
        await fetches(under(plain, 'origin.test'), ['-x', proxy]);
        await fetches(under(secure, 'origin.test'), ['-x', proxy]);
      } finally {
        await front.close();
      }
    });

    it('without a password is exit 13 with what to do', async () => {
      for (const origin of [plain, secure]) {
        const proxy = `http://alice:canary-wrong@127.0.0.1:${squid.port}`;
        const url = under(origin, 'origin.test');
        const run = await runIn(dir(), ['get', url, '-x', proxy, '--retries', '0']);
        expectStatus(run, 13);
        expect(run.stderr).contain('PROXY_AUTH').and.contain('USER:PASSWORD@HOST:PORT');
        expect(run.stderr).not.contain('canary');
        expect(filesIn(dir())).deep.equal([]);
      }
    });
  });

  describe('microsocks', () => {
    let socks: Microsocks;

    before(async function () {
      requireServer('microsocks', this);
      socks = await Microsocks.start();
    });
    after(() => socks?.close());

    for (const scheme of ['socks5', 'socks5h'])
      it(`serves http and https over ${scheme}`, async () => {
        const proxy = `${scheme}://${USERINFO}127.0.0.1:${socks.port}`;
        await fetches(under(plain, 'localhost'), [], { all_proxy: proxy });
        await fetches(under(secure, 'localhost'), [], { ALL_PROXY: proxy });
      });

    it('with another password is exit 13', async () => {
      const proxy = `socks5h://alice:canary-wrong@127.0.0.1:${socks.port}`;
      const run = await runIn(dir(), ['get', plain.url, '-x', proxy]);
      expectStatus(run, 13);
      expect(run.stderr).contain('PROXY_AUTH').and.not.contain('canary');
    });
  });

  describe('curl', () => {
    /** Variables, URL; `P` stands for the proxy's address. */
    const cases: Array<[env: Record<string, string>, url: string]> = [
      [{ http_proxy: 'P' }, 'http://a.test/'],
      [{ HTTP_PROXY: 'P' }, 'http://a.test/'],
      [{ http_proxy: 'P' }, 'https://a.test/'],
      [{ https_proxy: 'P' }, 'https://a.test/'],
      [{ HTTPS_PROXY: 'P' }, 'https://a.test/'],
      [{ all_proxy: 'P' }, 'http://a.test/'],
      [{ ALL_PROXY: 'P' }, 'https://a.test/'],
      [{ https_proxy: '', ALL_PROXY: 'P' }, 'https://a.test/'],
      [{ http_proxy: 'P', no_proxy: 'a.test' }, 'http://a.test/'],
      [{ http_proxy: 'P', NO_PROXY: 'a.test' }, 'http://b.a.test/'],
      [{ http_proxy: 'P', no_proxy: '.a.test' }, 'http://a.test/'],
      [{ http_proxy: 'P', no_proxy: 'a.test' }, 'http://ba.test/'],
      [{ http_proxy: 'P', no_proxy: 'b.test, a.test' }, 'http://a.test/'],
      [{ http_proxy: 'P', no_proxy: '*' }, 'http://a.test/'],
      [{ http_proxy: 'P', no_proxy: '127.0.0.0/8' }, 'http://127.0.0.1:1/'],
      [{ http_proxy: 'P', no_proxy: '127.0.0.2' }, 'http://127.0.0.1:1/'],
      [{ http_proxy: 'P', no_proxy: '' }, 'http://a.test/'],
    ];
    for (const [variables, url] of cases)
      it(`takes the same way: ${JSON.stringify(variables)} ${url}`, async () => {
        const proxy = await SmallProxy.start({ instead: () => 'HTTP/1.1 200 OK\r\n\r\n' });
        const env = Object.fromEntries(
          Object.entries(variables).map(([name, text]) => [
            name,
            text === 'P' ? proxy.url('http') : text,
          ]),
        );
        await promisify(execFile)('curl', ['-sk', '-m', '5', '-o', '/dev/null', url], {
          env: { PATH: process.env['PATH'], ...env },
        }).catch(() => undefined);
        const ours = chooseProxy(proxyRules({}, env), new URL(url)).proxy;
        const theirs = proxy.asked.length > 0;
        await proxy.close();
        expect(ours !== null).equal(theirs);
      });
  });
});
