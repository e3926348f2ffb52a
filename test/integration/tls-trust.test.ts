/** Whom TLS trusts: pinned keys, the oldest version, the system's authorities. */
import { X509Certificate, createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { parsePins } from '../../src/net/pins.js';
import { ofSystem } from '../../src/net/system-roots.js';
import type { TlsSettings } from '../../src/net/endpoint.js';
import { certificates } from '../helpers/certificates.js';
import type { Certificates } from '../helpers/certificates.js';
import { expectStatus, runIn } from '../helpers/command.js';
import { benchPerTest, expectDone, expectFailed } from '../helpers/engine.js';
import { tempDirPerTest } from '../helpers/files.js';
import type { Origin } from '../helpers/origin.js';

const REFERENCE = { seed: 1, size: 3 * 1024 * 1024 };

const pinOf = (pem: string): string =>
  createHash('sha256')
    .update(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');

describe('TLS: whom to trust', () => {
  const bench = benchPerTest();
  const dir = tempDirPerTest();
  let all: Certificates;
  let tls: TlsSettings;
  before(async () => {
    all = await certificates();
    tls = { ca: all.ca, cert: null, key: null, verify: true };
  });

  const secure = (): Promise<Origin> => bench.origin({ ...REFERENCE, tls: all.server });

  it('P1: only a pinned key is accepted, also with -k, on all threads', async () => {
    const origin = await secure();
    const right = pinOf(all.server.cert);
    const wrong = pinOf(all.renewed.cert);
    for (const pins of [[right], [wrong, right]])
      expectDone(
        await bench.engine({ tls: { ...tls, pins }, threads: 2 }).get(origin.url),
        REFERENCE,
      );
    for (const verify of [true, false]) {
      const asked = origin.requests.length;
      const run = await bench.engine({ tls: { ...tls, verify, pins: [wrong] } }).get(origin.url);
      expect(expectFailed(run, 'TLS_CERTIFICATE').message).contain(`sha256//${right}`);
      expect(origin.requests.length, 'nothing is asked').equal(asked);
    }
  });

  it('a pin is of the origin that it was given for', async () => {
    const other = await bench.origin({ ...REFERENCE, tls: all.renewed });
    const origin = await secure();
    origin.fault({ times: Infinity, fault: { kind: 'redirect', location: other.url } });
    const pins = [pinOf(all.server.cert)];
    expectDone(await bench.engine({ tls: { ...tls, pins } }).get(origin.url), REFERENCE);
  });

  it('reads pins as curl and openssl write them', () => {
    const hex = 'ab'.repeat(32);
    const base64 = Buffer.from(hex, 'hex').toString('base64');
    expect(parsePins([`sha256//${base64};sha256//${base64}`, hex, base64])).deep.equal(
      Array(4).fill(base64),
    );
    for (const text of ['', 'sha256//', 'ab', 'file.pem'])
      expect(() => parsePins([text])).throw('--pinned-sha256');
  });

  it('P1: a server that speaks only what is older than --tls-min is refused', async () => {
    const origin = await bench.origin({
      ...REFERENCE,
      tls: { ...all.server, maxVersion: 'TLSv1.2' },
    });
    expectDone(await bench.engine({ tls }).get(origin.url), REFERENCE);
    const run = await bench.engine({ tls: { ...tls, minVersion: '1.3' } }).get(origin.url);
    expectFailed(run, 'TLS_HANDSHAKE');
  });

  it('SSL_CERT_FILE and SSL_CERT_DIR count beside Node, on all threads', async () => {
    const origin = await secure();
    const file = path.join(dir(), 'roots.pem');
    const certs = path.join(dir(), 'certs');
    mkdirSync(certs);
    writeFileSync(file, `a comment\n${all.ca}`);
    writeFileSync(path.join(certs, 'one.pem'), all.ca);
    const get = (name: string, env: Record<string, string>) =>
      runIn(dir(), ['get', origin.url, '-o', name, '--threads', '2'], { env });
    expectStatus(await get('none', {}), 5);
    expectStatus(await get('a', { SSL_CERT_FILE: file }), 0);
    expectStatus(await get('b', { SSL_CERT_DIR: certs }), 0);
    expectStatus(await get('c', { SSL_CERT_FILE: path.join(dir(), 'missing') }), 5);
  });

  it('the system has a store, or none: it is never an error', () => {
    expect(ofSystem({})).satisfy((found: string[]) => found.every((pem) => pem.includes('BEGIN')));
    expect(ofSystem({ SSL_CERT_FILE: '/nowhere', SSL_CERT_DIR: '/nowhere:' })).deep.equal([]);
  });
});
