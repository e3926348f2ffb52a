import { createHash } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { expect } from 'chai';
import { certificates } from '../../helpers/certificates.js';
import { contentAt, contentDigest, contentPieces } from '../../helpers/content.js';
import { FaultServer } from '../../helpers/fault-server.js';
import { Lateness } from '../../helpers/lateness.js';
import { Origin, type OriginOptions } from '../../helpers/origin.js';

interface Got {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
  /** Code of the error that ended the body, if one did. */
  error: string | null;
}

/** Asks once, on a connection of its own, with Node's client as the independent witness. */
function ask(
  url: string,
  headers: Record<string, string> = {},
  options: https.RequestOptions = {},
): Promise<Got> {
  return new Promise((resolve) => {
    const client = url.startsWith('https') ? https : http;
    const pieces: Buffer[] = [];
    let head: http.IncomingMessage | null = null;
    const done = (error: string | null): void =>
      resolve({
        status: head?.statusCode ?? 0,
        headers: head?.headers ?? {},
        body: Buffer.concat(pieces),
        error,
      });
    const failed = (error: NodeJS.ErrnoException): void => done(error.code ?? error.message);
    const request = client.request(url, { headers, agent: false, ...options }, (answer) => {
      head = answer;
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.on('error', failed);
      answer.on('end', () => done(null));
    });
    request.on('error', failed);
    request.end();
  });
}

const range = (start: number, end: number): Record<string, string> => ({
  range: `bytes=${start}-${end - 1}`,
});

describe('helpers/content', () => {
  it('is a function of the offset alone, across 2^32 and word borders', () => {
    const whole = contentAt(7, 2 ** 34 - 50, 100);
    for (const [from, length] of [
      [0, 1],
      [1, 7],
      [49, 3],
      [50, 50],
      [99, 1],
    ] as const) {
      const part = contentAt(7, 2 ** 34 - 50 + from, length);
      expect(part.equals(whole.subarray(from, from + length))).to.equal(true);
    }
    expect(contentAt(8, 0, 64).equals(contentAt(7, 0, 64))).to.equal(false);
    expect(contentAt(7, 2 ** 34, 64).equals(contentAt(7, 0, 64))).to.equal(false);
  });

  it('has the digest of its pieces', () => {
    const copies: Buffer[] = [];
    for (const piece of contentPieces(3, 0, 600_001)) copies.push(Buffer.from(piece));
    const bytes = Buffer.concat(copies);
    expect(bytes.equals(contentAt(3, 0, 600_001))).to.equal(true);
    expect(createHash('sha256').update(bytes).digest('hex')).to.equal(contentDigest(3, 600_001));
  });
});

describe('helpers/fault-server', () => {
  let server: FaultServer;
  beforeEach(async () => (server = await FaultServer.start()));
  afterEach(async () => {
    await server.close();
    expect(server.failures).to.deep.equal([]);
  });

  it('records requests and sends what it is told', async () => {
    server.handle((_request, reply) => {
      void reply.head(206, [
        ['Content-Length', '3'],
        ['X-Twice', 'a'],
        ['X-Twice', 'b'],
      ]);
      void reply.body('abc');
    });
    const got = await ask(server.url('/x?y'), range(5, 8));
    expect(got).to.deep.include({ status: 206, error: null });
    expect(got.headers['x-twice']).to.equal('a, b');
    expect(got.body.toString()).to.equal('abc');
    const [request] = server.requests;
    expect(request).to.deep.include({ method: 'GET', target: '/x?y', bodyBytes: 3, connection: 0 });
    expect(request?.range).to.deep.equal({ start: 5, end: 8 });
  });

  it('resets after exactly the bytes asked for', async () => {
    server.handle((_request, reply) => {
      void reply.afterBytes(1000, 'reset');
      void reply.head(200, { 'Content-Length': 5000 });
      void reply.body(Buffer.alloc(5000));
    });
    const got = await ask(server.url());
    expect(got.error).to.equal('ECONNRESET');
    expect(got.body.length).to.equal(1000);
    expect(server.requests[0]?.bodyBytes).to.equal(1000);
  });

  it('stalls until the client goes away, and notices that it does', async () => {
    server.handle((_request, reply) => {
      void reply.head(200, { 'Content-Length': 10 });
      void reply.stall();
    });
    const socket = net.connect(server.port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await new Promise((resolve) => socket.once('data', resolve));
    expect(server.connections.open).to.equal(1);
    socket.destroy();
    await server.until(({ connections }) => connections.open === 0);
    expect(server.connections).to.deep.equal({ open: 0, maximum: 1, total: 1 });
  });

  it('paces a body', async () => {
    server.handle((_request, reply) => {
      reply.throttle(100_000);
      void reply.head(200, { 'Content-Length': 30_000 });
      void reply.body(Buffer.alloc(30_000));
    });
    const start = performance.now();
    const lateness = new Lateness();
    const got = await ask(server.url());
    expect(got.body.length).to.equal(30_000);
    expect(performance.now() - start).to.be.within(250, 1500 + lateness.stop());
  });

  it('serves requests one after another on one connection', async () => {
    server.handle((request, reply) => {
      void reply.head(200, { 'Content-Length': 1 });
      void reply.body(String(request.onConnection));
    });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const first = await ask(server.url(), {}, { agent });
    const second = await ask(server.url(), {}, { agent });
    agent.destroy();
    expect(`${String(first.body)}${String(second.body)}`).to.equal('01');
    expect(server.connections.total).to.equal(1);
  });

  it('refuses connections by number', async () => {
    server.admit((connection) => (connection === 0 ? 'reset' : 'close'));
    expect((await ask(server.url())).error).to.equal('ECONNRESET');
    expect((await ask(server.url())).error).to.equal('ECONNRESET');
    expect(server.requests).to.have.length(0);
  });
});

describe('helpers/fault-server over TLS', () => {
  it('speaks TLS with the test certificates, and truncates without close_notify', async () => {
    const { ca, server: cert, wrongHost, expired, unknownRoot } = await certificates();
    const server = await FaultServer.start({ tls: cert });
    server.handle(async (request, reply) => {
      await reply.head(200, { 'Content-Length': 10 });
      await reply.body('12345');
      await (request.target === '/reset' ? reply.reset() : reply.truncate());
    });
    const got = await ask(server.url('/', 'localhost'), {}, { ca, family: 4 });
    expect(got).to.deep.include({ status: 200, error: 'ECONNRESET' });
    expect(got.body.toString()).to.equal('12345');
    expect((await ask(server.url('/reset'), {}, { ca })).body.toString()).to.equal('12345');
    expect(server.requests[0]?.tls).to.deep.include({
      protocol: 'TLSv1.3',
      servername: 'localhost',
    });
    await server.close();
    for (const [bad, code] of [
      [wrongHost, 'ERR_TLS_CERT_ALTNAME_INVALID'],
      [expired, 'CERT_HAS_EXPIRED'],
      [unknownRoot, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ] as const) {
      const wrong = await FaultServer.start({ tls: bad });
      expect((await ask(wrong.url(), {}, { ca })).error).to.equal(code);
      await wrong.close();
    }
  });
});

describe('helpers/origin', () => {
  const origins: Origin[] = [];
  const start = async (options?: OriginOptions): Promise<Origin> => {
    const origin = await Origin.start(options);
    origins.push(origin);
    return origin;
  };
  afterEach(async () => {
    for (const origin of origins.splice(0)) await origin.close();
  });

  it('serves ranges, whole files, 416, 304 and HEAD', async () => {
    const origin = await start({ size: 100_000, seed: 4 });
    const part = await ask(origin.url, range(70_000, 70_010));
    expect(part.status).to.equal(206);
    expect(part.headers['content-range']).to.equal('bytes 70000-70009/100000');
    expect(part.body.equals(origin.content(70_000, 70_010))).to.equal(true);
    const whole = await ask(origin.url);
    expect(whole.status).to.equal(200);
    expect(createHash('sha256').update(whole.body).digest('hex')).to.equal(origin.digest());
    const beyond = await ask(origin.url, { range: 'bytes=100000-' });
    expect(beyond.headers['content-range']).to.equal('bytes */100000');
    const etag = String(whole.headers.etag);
    expect((await ask(origin.url, { 'if-none-match': etag })).status).to.equal(304);
    const head = await ask(origin.url, {}, { method: 'HEAD' });
    expect(head.headers['content-length']).to.equal('100000');
    expect(head.body.length).to.equal(0);
    expect((await ask(origin.url, { range: 'bytes=-5' })).body.length).to.equal(5);
  });

  it('honours If-Range only for the very same strong validator', async () => {
    const origin = await start();
    const first = await ask(origin.url, range(0, 9));
    const etag = String(first.headers.etag);
    expect((await ask(origin.url, { ...range(0, 9), 'if-range': etag })).status).to.equal(206);
    origin.set({ seed: 2 });
    expect((await ask(origin.url, { ...range(0, 9), 'if-range': etag })).status).to.equal(200);
    origin.set({ etag: 'W/"x"' });
    expect((await ask(origin.url, { ...range(0, 9), 'if-range': 'W/"x"' })).status).to.equal(200);
    const date = 'Tue, 02 Jan 2024 03:04:05 GMT';
    expect((await ask(origin.url, { ...range(0, 9), 'if-range': date })).status).to.equal(206);
  });

  it('frames by chunks, by the close, and by length', async () => {
    for (const framing of ['chunked', 'close', 'length'] as const) {
      const origin = await start({ framing, size: 150_001 });
      const got = await ask(origin.url);
      expect(got.error).to.equal(null);
      expect(got.body.equals(origin.content())).to.equal(true);
      expect(got.headers['content-length']).to.equal(framing === 'length' ? '150001' : undefined);
    }
  });

  it('spoils exactly the answers that a rule names', async () => {
    const origin = await start({
      size: 1000,
      faults: [
        { request: 1, fault: { kind: 'status', status: 503, retryAfter: 7 } },
        { when: ({ range: asked }) => asked?.start === 500, fault: { kind: 'total', total: 9 } },
        { target: '/multi', fault: { kind: 'multipart' } },
        { target: '/early', fault: { kind: 'early-end', at: 10 } },
        { target: '/head', fault: { kind: 'reset-head', at: 20 } },
        { target: '/gzip', fault: { kind: 'encoding', encoding: 'gzip' } },
        { target: '/wrong', fault: { kind: 'wrong-bytes' } },
        { target: '/raw', fault: { kind: 'raw', bytes: 'HTTP/1.1 418 T\r\n\r\nx' } },
      ],
    });
    const at = (target: string): string => origin.server.url(target);
    expect((await ask(origin.url)).status).to.equal(200);
    const refused = await ask(origin.url);
    expect([refused.status, refused.headers['retry-after']]).to.deep.equal([503, '7']);
    const total = await ask(origin.url, range(500, 600));
    expect(total.headers['content-range']).to.equal('bytes 500-599/9');
    expect((await ask(origin.url, range(500, 600))).headers['content-range']).to.match(/1000$/);
    const multi = await ask(at('/multi'), range(0, 100));
    expect(multi.headers['content-type']).to.match(/^multipart\/byteranges/);
    expect((await ask(at('/early'))).body.length).to.equal(10);
    expect((await ask(at('/head'))).error).to.equal('ECONNRESET');
    expect((await ask(at('/gzip'))).headers['content-encoding']).to.equal('gzip');
    expect((await ask(at('/wrong'))).body.equals(origin.content())).to.equal(false);
    expect((await ask(at('/raw'))).status).to.equal(418);
  });

  it('holds an answer until it is released', async () => {
    const origin = await start({ faults: [{ fault: { kind: 'hold', at: 1000 } }] });
    const asked = ask(origin.url);
    await origin.server.until(({ bodyBytes }) => bodyBytes === 1000);
    origin.release();
    expect((await asked).body.equals(origin.content())).to.equal(true);
  });

  it('keeps to its limit of connections', async () => {
    const origin = await start({
      maxConnections: { limit: 1, refuse: { status: 429, retryAfter: 3 } },
      faults: [{ fault: { kind: 'hold', at: 1 } }],
    });
    const first = ask(origin.url);
    await origin.server.until(({ requests }) => requests.length === 1);
    const second = await ask(origin.url);
    expect([second.status, second.headers['retry-after']]).to.deep.equal([429, '3']);
    origin.release();
    expect((await first).status).to.equal(200);
  });
});
