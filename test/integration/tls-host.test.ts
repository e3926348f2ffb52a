/**
 * The certificate is that of the URL's host, whatever address is dialled and however: whole
 * handshakes, resumed ones, and those over a stream of ours.
 */
import { expect } from 'chai';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import { Connection } from '../../src/net/connection.js';
import { urlParts } from '../../src/net/endpoint.js';
import type { Endpoint, TlsSettings } from '../../src/net/endpoint.js';
import { SluiceError } from '../../src/errors.js';
import { parseUserUrl } from '../../src/http/url.js';
import { certificateFor } from '../helpers/certificates.js';
import { expectStatus, filesIn, runIn } from '../helpers/command.js';
import { endpointOf } from '../helpers/endpoint-of.js';
import { benchPerTest, expectDone } from '../helpers/engine.js';
import { tempDirPerTest } from '../helpers/files.js';

/** A server that is dialled at 127.0.0.1, whatever its certificate is for. */
interface Served {
  endpoint(url: string, settings?: Partial<TlsSettings>): Endpoint;
  /** What each client named (RFC 6066 section 3); false for nothing. */
  named: Array<string | false>;
  /** Whether each handshake resumed a session. */
  resumed: boolean[];
}

/** A host in a URL, names of a certificate, and whether the one is among the others. */
const CASES: Array<{ url: string; names: string[]; fits: boolean; sni: string | false }> = [
  { url: 'https://192.0.2.1/', names: ['192.0.2.1'], fits: true, sni: false },
  { url: 'https://192.0.2.1/', names: ['127.0.0.1', 'localhost'], fits: false, sni: false },
  { url: 'https://192.0.2.1/', names: ['dns:192.0.2.1'], fits: false, sni: false },
  { url: 'https://192.0.2.1/', names: ['dns:*.0.2.1', '192.0.2.2'], fits: false, sni: false },
  { url: 'https://192.0.2.1./', names: ['192.0.2.1'], fits: true, sni: false },
  { url: 'https://0xc0.0.513/', names: ['192.0.2.1'], fits: true, sni: false },
  { url: 'https://[2001:db8::1]/', names: ['2001:db8::1'], fits: true, sni: false },
  { url: 'https://[2001:DB8:0:0::1]/', names: ['2001:db8::1'], fits: true, sni: false },
  { url: 'https://[2001:db8::1]/', names: ['127.0.0.1', '::1'], fits: false, sni: false },
  { url: 'https://[::ffff:192.0.2.1]/', names: ['127.0.0.1'], fits: false, sni: false },
  { url: 'https://a.example/', names: ['a.example'], fits: true, sni: 'a.example' },
  { url: 'https://a.example/', names: ['A.Example'], fits: true, sni: 'a.example' },
  { url: 'https://A.EXAMPLE/', names: ['a.example'], fits: true, sni: 'a.example' },
  { url: 'https://a.example/', names: ['127.0.0.1', 'b.example'], fits: false, sni: 'a.example' },
  { url: 'https://a.example./', names: ['a.example'], fits: true, sni: 'a.example' },
  { url: 'https://a.example./', names: ['127.0.0.1', 'localhost'], fits: false, sni: 'a.example' },
  {
    url: 'https://b\u00fccher.example/',
    names: ['xn--bcher-kva.example'],
    fits: true,
    sni: 'xn--bcher-kva.example',
  },
  {
    url: 'https://B\u00dcCHER.example./',
    names: ['xn--bcher-kva.example'],
    fits: true,
    sni: 'xn--bcher-kva.example',
  },
  {
    url: 'https://b\u00fccher.example/',
    names: ['bucher.example'],
    fits: false,
    sni: 'xn--bcher-kva.example',
  },
  { url: 'https://x.a.example/', names: ['*.a.example'], fits: true, sni: 'x.a.example' },
  { url: 'https://x.y.a.example/', names: ['*.a.example'], fits: false, sni: 'x.y.a.example' },
];

describe('the host that a certificate is for', () => {
  const open: Connection[] = [];
  const servers: tls.Server[] = [];
  const bench = benchPerTest();
  const dir = tempDirPerTest();

  afterEach(() => {
    for (const connection of open.splice(0)) connection.destroy();
    for (const server of servers.splice(0)) server.close();
  });

  async function serve(names: string[], options: tls.TlsOptions = {}): Promise<Served> {
    const { key, cert, ca } = await certificateFor(names);
    const served: Pick<Served, 'named' | 'resumed'> = { named: [], resumed: [] };
    const server = tls
      .createServer({ key, cert, ...options }, (socket) => {
        served.named.push((socket as tls.TLSSocket & { servername: string | false }).servername);
        served.resumed.push(socket.isSessionReused());
        socket.on('error', () => undefined);
        socket.once('data', () => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
      })
      .listen(0, '127.0.0.1');
    server.on('tlsClientError', () => undefined);
    await once(server, 'listening');
    servers.push(server);
    const endpoint: Served['endpoint'] = (url, settings = {}) => ({
      ...endpointOf(server, {
        host: urlParts(parseUserUrl(url).url).host,
        tls: { ca, cert: null, key: null, verify: true, ...settings },
      }),
    });
    return { ...served, endpoint };
  }

  /**
   * Opens a connection and asks, for the server has taken its notes when it answers; the code of what
   * went wrong, null when nothing did.
   */
  async function dial(endpoint: Endpoint, watched = false): Promise<string | null> {
    try {
      const connection = await Connection.open(endpoint, 10_000, { watched });
      open.push(connection);
      await connection.request(Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'GET', 10_000);
      return null;
    } catch (error) {
      return (error as SluiceError).code;
    }
  }

  /** Dials, and has a session: it comes before the answer. */
  async function dialForSession(endpoint: Endpoint): Promise<void> {
    expect(await dial(endpoint)).equal(null);
    expect(endpoint.session, 'a session').not.equal(undefined);
  }

  for (const watched of [false, true])
    for (const { url, names, fits, sni } of CASES)
      it(`P1: ${url} and a certificate for ${names.join(', ')}: ${fits ? 'good' : 'refused'}${watched ? ', watched' : ''}`, async () => {
        const served = await serve(names);
        expect(await dial(served.endpoint(url), watched)).equal(fits ? null : 'TLS_CERTIFICATE');
        if (fits) expect(served.named).deep.equal([sni]);
        expect(await dial(served.endpoint(url, { verify: false }), watched)).equal(null);
        expect(served.named.at(-1)).equal(sni);
      });

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`a session is resumed where it came from: ${maxVersion}`, async () => {
      const served = await serve(['192.0.2.1'], { maxVersion });
      const endpoint = served.endpoint('https://192.0.2.1/');
      await dialForSession(endpoint);
      expect(await dial({ ...endpoint })).equal(null);
      expect(served.resumed).deep.equal([false, true]);
    });

    it(`P1: a session of another host is not offered: ${maxVersion}`, async () => {
      const served = await serve(['a.example'], { maxVersion });
      const first = served.endpoint('https://a.example/');
      await dialForSession(first);
      const other = { ...served.endpoint('https://b.example/'), session: first.session ?? null };
      expect(await dial(other)).equal('TLS_CERTIFICATE');
      expect(await dial({ ...other, tls: { ...(other.tls as TlsSettings), verify: false } })).equal(
        null,
      );
      expect(served.resumed).not.include(true);
    });

    it(`P1: a session that nobody verified is not offered where it is to be verified: ${maxVersion}`, async () => {
      const served = await serve(['b.example'], { maxVersion });
      const insecure = served.endpoint('https://a.example/', { verify: false });
      await dialForSession(insecure);
      const strict = {
        ...served.endpoint('https://a.example/'),
        session: insecure.session ?? null,
      };
      expect(await dial(strict)).equal('TLS_CERTIFICATE');
      expect(served.resumed).not.include(true);
    });

    it(`P1: nor where other authorities are trusted, or another client certificate is shown: ${maxVersion}`, async () => {
      const served = await serve(['a.example'], { maxVersion });
      const first = served.endpoint('https://a.example/');
      await dialForSession(first);
      const { ca, key, cert } = await certificateFor(['b.example']);
      const session = first.session ?? null;
      expect(await dial({ ...served.endpoint('https://a.example/', { ca }), session })).equal(
        'TLS_CERTIFICATE',
      );
      expect(
        await dial({ ...served.endpoint('https://a.example/', { cert, key }), session }),
      ).equal(null);
      expect(served.resumed).not.include(true);
    });
  }

  it('P1: --resolve makes no certificate of another host valid, and none invalid', async () => {
    const { key, cert, ca } = await certificateFor(['127.0.0.1']);
    const origin = await bench.origin({ size: 1000, seed: 1, tls: { key, cert } });
    writeFileSync(path.join(dir(), 'ca.pem'), ca);
    const { port } = origin.server;
    for (const host of ['192.0.2.1', '[2001:db8::1]', 'a.example', 'a.example.']) {
      const rule = `${host}:${port}:127.0.0.1`;
      const args = ['get', `https://${host}:${port}/x`, '--resolve', rule, '--cacert', 'ca.pem'];
      const run = await runIn(dir(), args);
      expectStatus(run, 5);
      expect(run.stderr).include('certificate');
      expect(origin.requests, host).deep.equal([]);
      expect(filesIn(dir())).deep.equal(['ca.pem']);
    }
    const rule = `127.0.0.1:${port}:127.0.0.1`;
    expectStatus(
      await runIn(dir(), ['get', origin.url, '--resolve', rule, '--cacert', 'ca.pem']),
      0,
    );
  });

  it('P1: every later connection is checked so too, in threads as well', async () => {
    const good = await certificateFor(['192.0.2.1']);
    const bad = await certificateFor(['127.0.0.1']);
    const size = 16 * 1024 * 1024;
    const ca = good.ca + bad.ca;
    for (const threads of [0, 2]) {
      const origin = await bench.origin({ size, seed: 1, tls: good, rate: 6_000_000 });
      origin.server.admit((number) => {
        origin.server.setCertificate(number === 1 ? bad : good);
        return 'serve';
      });
      const { port } = origin.server;
      const resolve = [
        { host: '192.0.2.1', port, addresses: [{ address: '127.0.0.1', family: 4 as const }] },
      ];
      const settings = { ca, cert: null, key: null, verify: true };
      const engine = bench.engine({ connections: 4, threads, resolve, tls: settings });
      const run = await engine.get(`https://192.0.2.1:${port}/x`);
      expectDone(run, { seed: 1, size });
      expect(origin.requests.map(({ connection }) => connection)).not.include(1);
    }
  });

  it('a URL with a zone is refused, and the way to use one is told', async () => {
    const run = await runIn(dir(), ['get', 'http://[fe80::1%25lo]:8080/x']);
    expectStatus(run, 2);
    expect(run.stderr).include("--resolve '[fe80::1]:8080:[fe80::1%lo]'");
    const advised = ['http://[fe80::1]:8080/x', '--resolve', '[fe80::1]:8080:[fe80::1%lo]'];
    expectStatus(await runIn(dir(), ['get', ...advised, '--retries', '0']), 4);
  });

  it('what a message says of the names of a certificate is an excerpt', async () => {
    const many = Array.from({ length: 800 }, (_, i) => `host-number-${i}.of-a-long.example`);
    const served = await serve(many);
    const error = await Connection.open(served.endpoint('https://192.0.2.1/'), 10_000).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).instanceOf(SluiceError);
    expect((error as SluiceError).message.length).below(500);
  });
});
