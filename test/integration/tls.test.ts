/** TLS that does not hold: before the first byte, for single leases, and half-way. */
import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import type { TlsSettings } from '../../src/net/endpoint.js';
import { certificates } from '../helpers/certificates.js';
import type { Certificates } from '../helpers/certificates.js';
import { expectStatus, filesIn, runIn } from '../helpers/command.js';
import { benchPerTest, expectDone, expectFailed } from '../helpers/engine.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import type { Origin, OriginOptions } from '../helpers/origin.js';

const MIB = 1024 * 1024;
const REFERENCE = { seed: 1, size: 16 * MIB };

/** A fatal alert (internal_error) as it would be before there are keys: no record of this session. */
const PLAIN_ALERT = Buffer.from([0x15, 3, 3, 0, 2, 2, 80]);

const BAD = [
  'wrongHost',
  'expired',
  'notYetValid',
  'selfSigned',
  'unknownRoot',
  'badUsage',
  'badKeyUsage',
] as const;

/** handshake_failure, before there are keys. */
const FATAL_ALERT = Buffer.from([0x15, 3, 3, 0, 2, 2, 40]);

/** Whether a ClientHello has the extension pre_shared_key (RFC 8446 section 4.2.11). */
function offersSession(hello: Buffer): boolean {
  let at = 5 + 4 + 2 + 32;
  at += 1 + hello.readUInt8(at);
  at += 2 + hello.readUInt16BE(at);
  at += 1 + hello.readUInt8(at);
  const end = at + 2 + hello.readUInt16BE(at);
  for (at += 2; at + 4 <= end; at += 4 + hello.readUInt16BE(at + 2))
    if (hello.readUInt16BE(at) === 41) return true;
  return false;
}

describe('TLS', () => {
  const bench = benchPerTest();
  const dir = tempDirPerTest();
  let all: Certificates;
  let tls: TlsSettings;
  before(async () => {
    all = await certificates();
    tls = { ca: all.ca, cert: null, key: null, verify: true };
  });

  const secure = (options: OriginOptions = {}): Promise<Origin> =>
    bench.origin({ ...REFERENCE, tls: all.server, ...options });

  for (const kind of BAD) {
    it(`P1: ${kind}: nothing is asked, exit status 5; --insecure takes it`, async () => {
      const origin = await secure({ tls: all[kind] });
      writeFileSync(path.join(dir(), 'ca.pem'), all.ca);
      const refused = await runIn(dir(), ['get', origin.url, '--cacert', 'ca.pem', '-n', '4']);
      expectStatus(refused, 5);
      const { total } = origin.server.connections;
      expect(total, 'no certificate gets better by asking again').equal(1);
      expect(origin.requests).deep.equal([]);
      expect(filesIn(dir())).deep.equal(['ca.pem']);
      const taken = await bench.engine({ tls: { ...tls, verify: false } }).get(origin.url);
      expectDone(taken, REFERENCE);
    });
  }

  // Threads of a pool open no connection before the first answer, when there is no session yet.
  for (const threads of [1, 2])
    it(`the session of the first connection is resumed by the others (${threads} threads)`, async () => {
      const origin = await secure({ rate: 4 * MIB });
      const engine = bench.engine({ connections: 4, threads, tls });
      expectDone(await engine.get(origin.url), REFERENCE);
      const first = origin.requests.filter(({ onConnection }) => onConnection === 0);
      expect(first.length).above(2);
      expect(first.map((request) => request.tls?.resumed)).deep.equal(
        first.map((_, connection) => connection > 0),
      );
    });

  it('a server that takes offence at its own session is asked without it', async () => {
    const origin = await secure({ rate: 4 * MIB });
    let refused = 0;
    const proxy = net.createServer((client) => {
      client.on('error', () => undefined);
      client.once('data', (hello: Buffer) => {
        if (offersSession(hello)) {
          refused++;
          client.end(FATAL_ALERT);
          return;
        }
        const server = net.connect(origin.server.port, '127.0.0.1', () => server.write(hello));
        server.on('error', () => client.destroy());
        client.pipe(server).pipe(client);
      });
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = proxy.address() as net.AddressInfo;
      const url = `https://127.0.0.1:${port}/file.bin`;
      const run = await bench.engine({ connections: 4, tls }).get(url);
      expectDone(run, REFERENCE);
      expect(refused).above(0);
      expect(run.events.filter(({ type }) => type === 'retry')).deep.equal([]);
    } finally {
      proxy.close();
    }
  });

  it('P1: --insecure reaches every lease, in threads too', async () => {
    const origin = await secure({ tls: all.selfSigned, rate: 6 * MIB });
    expectStatus(await runIn(dir(), ['get', origin.url, '-k', '-n', '4', '-o', 'x']), 0);
    expectSameContent(path.join(dir(), 'x'), 1, REFERENCE.size);
    expect(origin.server.connections.total).above(1);
  });

  for (const kind of BAD) {
    it(`P1: one connection gets ${kind}: nothing is asked of it, the others go on`, async () => {
      const origin = await secure({ rate: 12 * MIB });
      origin.server.admit((number) => {
        origin.server.setCertificate(number === 1 ? all[kind] : all.server);
        return 'serve';
      });
      const run = await bench.engine({ connections: 4, tls }).get(origin.url);
      expectDone(run, REFERENCE);
      const codes = run.events.flatMap((event) => (event.type === 'retry' ? [event.code] : []));
      expect(codes).include('TLS_CERTIFICATE');
      expect(origin.requests.map(({ connection }) => connection)).not.include(1);
    });
  }

  for (const kind of ['expired', 'wrongHost', 'selfSigned'] as const) {
    it(`P1: every later connection gets ${kind}: the first brings the file, and not a byte is theirs`, async () => {
      const origin = await secure({ rate: 24 * MIB });
      const engine = bench.engine({ connections: 4, tls });
      const running = engine.start(origin.url);
      await origin.server.until(({ requests }) => requests.length === 1);
      origin.server.setCertificate(all[kind]);
      const run = await running.ended;
      expectDone(run, REFERENCE);
      const codes = run.events.flatMap((event) => (event.type === 'retry' ? [event.code] : []));
      expect(codes).include('TLS_CERTIFICATE');
      expect(origin.requests.length).equal(1);
    });
  }

  it('P1: no good connection is left: exit status 5, what came is kept and gone on with', async () => {
    const origin = await secure();
    origin.allow(10 * MIB);
    const engine = bench.engine({ connections: 4, tls, retries: 5 });
    const running = engine.start(origin.url);
    await running.has(6 * MIB, origin);
    origin.server.setCertificate(all.expired);
    const asked = origin.requests.length;
    origin.server.resetAll();
    const run = await running.ended;
    expect(expectFailed(run, 'TLS_CERTIFICATE').exitStatus).equal(5);
    expect(run.ms - run.lateMs, 'without a retry that cannot help').below(4000);
    expect(origin.requests.length).equal(asked);
    expect(engine.hasPart).equal(true);
    expectFailed(await engine.resume(), 'TLS_CERTIFICATE');
    origin.server.setCertificate(all.renewed);
    origin.allow(Infinity);
    const again = await engine.resume();
    expectDone(again, REFERENCE);
    expect((again.last as { fetched: number }).fetched).below(REFERENCE.size - 2 * MIB);
  });

  it('P1: another good certificate half-way is no reason to stop', async () => {
    const origin = await secure({ rate: 16 * MIB });
    const running = bench.engine({ connections: 4, tls }).start(origin.url);
    await origin.server.until(({ bodyBytes }) => bodyBytes > 4 * MIB);
    origin.server.setCertificate(all.renewed);
    origin.server.resetAll();
    expectDone(await running.ended, REFERENCE);
  });

  it('P1: a server that only speaks TLS 1.1 is refused at once', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const;
    const origin = await secure({ tls: { ...all.server, ...old } });
    const run = await bench.engine({ tls, retries: 5 }).get(origin.url);
    expect(expectFailed(run, 'TLS_HANDSHAKE').exitStatus).equal(5);
    expect(origin.server.connections.total).equal(1);
  });

  it('P1: a port that speaks plain http is refused at once', async () => {
    let connections = 0;
    const plain = net.createServer((socket) => {
      connections++;
      socket.on('error', () => undefined);
      socket.once('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    });
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const { port } = plain.address() as net.AddressInfo;
    const run = await bench.engine({ tls, retries: 5 }).get(`https://127.0.0.1:${port}/`);
    plain.close();
    expectFailed(run, 'TLS_HANDSHAKE');
    expect(connections).equal(1);
  });

  for (const admission of ['reset-later', 'close-later', 'reset', 'close'] as const) {
    it(`P1: ${admission} in the handshake: of leases, of the first connection, of all`, async () => {
      const origin = await secure({ rate: 40 * MIB });
      const is = (...numbers: number[]): void =>
        origin.server.admit((number) => (numbers.includes(number) ? admission : 'serve'));
      is(1, 3);
      expectDone(await bench.engine({ connections: 4, tls }).get(origin.url), REFERENCE);
      is(origin.server.connections.total);
      expectDone(await bench.engine({ connections: 4, tls }).get(origin.url), REFERENCE);
      origin.server.admit(() => admission);
      const before = origin.server.connections.total;
      const run = await bench.engine({ connections: 4, tls, retries: 1 }).get(origin.url);
      expect(expectFailed(run, 'CONNECTION_LOST', 'CONNECT_FAILED').exitStatus).equal(4);
      // One more without Range: a broken connection may be how the server refuses it (P22).
      expect(origin.server.connections.total - before).within(2, 3);
    });
  }

  it('P1: an alert in the middle of bodies costs what was left of them', async () => {
    const origin = await secure({ rate: 16 * MIB });
    for (const request of [0, 2, 3]) {
      origin.fault({ request, fault: { kind: 'below-tls', at: 500_000, bytes: PLAIN_ALERT } });
    }
    const run = await bench.engine({ connections: 4, tls }).get(origin.url);
    expectDone(run, REFERENCE);
    expect((run.last as { fetched: number }).fetched).below(REFERENCE.size + 2 * MIB);
  });

  it('P1: an alert in the middle of every body without a length is never an end', async () => {
    const origin = await secure({ ranges: false, framing: 'close' });
    origin.fault({
      times: Infinity,
      fault: { kind: 'below-tls', at: 500_000, bytes: PLAIN_ALERT },
    });
    const run = await bench.engine({ tls, retries: 1 }).get(origin.url);
    expect([4, 5]).include(expectFailed(run).exitStatus);
  });
});
