/** The memory of the whole command: with many connections, and against servers that never stop. */
import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expectStatus, runIn } from '../helpers/command.js';
import { FaultServer, type Reply } from '../helpers/fault-server.js';
import { MOST_RECEIVERS } from '../../src/engine/threads.js';
import { MAX_METALINK_BYTES, MAX_PIECES } from '../../src/formats/metalink.js';
import { tempDirPerTest } from '../helpers/files.js';
import { metalink } from '../helpers/hostile-documents.js';
import { Nginx, requireServer } from '../helpers/nginx.js';
import { findProgram } from '../helpers/real-server.js';

const LIMIT_KB = 200 * 1024;
/**
 * Most that 16 connections may take. A later Node takes up to 25 MiB more than Node 20 before it does
 * anything: it is given as much more.
 */
const CONNECTIONS_LIMIT_KB = (nodeMajor() < 22 ? 128 : 160) * 1024;
/** Most that a file eight times as long may take more: less than one byte in ten of it. */
const GROWTH_KB = 40 * 1024;
/** What the digests of as many pieces as may be take, as texts. */
const PIECES_KB = 100 * 1024;
const PIECE = 64 * 1024;
const MIB = 1024 * 1024;
const SIZES = { small: 64 * MIB, large: 512 * MIB };
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

/** What each server sends first, and then for ever. */
const ENDLESS: Record<string, { first: string; ever: string }> = {
  'a reason phrase': { first: 'HTTP/1.1 200 ', ever: 'x' },
  fields: { first: 'HTTP/1.1 200 OK\r\n', ever: 'A: b\r\n' },
  'one field': { first: 'HTTP/1.1 200 OK\r\nA: ', ever: 'b' },
  'interim answers': { first: '', ever: 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n' },
  'a chunk extension': { first: `${CHUNKED}1;a=`, ever: 'b' },
  'digits of a chunk size': { first: `${CHUNKED}`, ever: '0' },
  'a trailer': { first: `${CHUNKED}1\r\nx\r\n0\r\n`, ever: 'A: b\r\n' },
  'a body of a redirect': {
    first: 'HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 9007199254740991\r\n\r\n',
    ever: 'x',
  },
  'a body of a refusal': { first: `${CHUNKED.replace('200', '404')}`, ever: '1\r\nx\r\n' },
};

async function send(reply: Reply, { first, ever }: { first: string; ever: string }): Promise<void> {
  await reply.raw(first);
  const piece = ever.repeat(Math.floor(PIECE / ever.length));
  while (!reply.gone) await reply.raw(piece);
}

/** Of the Node that runs the command. */
function nodeMajor(): number {
  const node = process.env['SLUICE_NODE'] ?? process.execPath;
  return Number(/^v(\d+)/.exec(execFileSync(node, ['--version'], { encoding: 'utf8' }))?.[1]);
}

/** Runs the command below time(1); the most memory that it had, in KiB. */
async function measure(
  cwd: string,
  args: string[],
): Promise<{ run: Awaited<ReturnType<typeof runIn>>; kilobytes: number }> {
  const measured = path.join(cwd, 'kilobytes');
  const prefix = ['/usr/bin/time', '-f', '%M', '-o', measured];
  const run = await runIn(cwd, args, { prefix });
  const kilobytes = Number(readFileSync(measured, 'utf8').trim().split('\n').at(-1));
  rmSync(measured);
  return { run, kilobytes };
}

describe('e2e/memory', () => {
  const dir = tempDirPerTest();
  let server: FaultServer;

  beforeEach(async () => {
    server = await FaultServer.start({});
  });
  afterEach(() => server.close());

  for (const [what, bytes] of Object.entries(ENDLESS)) {
    it(`P15: ${what} without end: the command refuses it in bounded memory`, async function () {
      if (findProgram('time') === null) return this.skip();
      server.handle((_request, reply) => send(reply, bytes));
      const get = ['get', server.url('/x'), '--retries', '0'];
      const { run, kilobytes } = await measure(dir(), get);
      expect([6, 7], run.stderr).to.include(run.status);
      expect(run.stderr.length).to.be.below(2_000);
      expect(kilobytes).to.be.within(1, LIMIT_KB);
    });
  }
});

describe('e2e/memory of documents', () => {
  const dir = tempDirPerTest();

  for (const [what, flag, text] of [
    ['a Metalink without end', '--metalink', '<!-- -->'],
    ['a list of checksums without end', '--checksum', `${'ab'.repeat(32)}  x\n`],
  ] as const) {
    it(`P15: ${what}: the command refuses it in bounded memory`, async function () {
      if (findProgram('time') === null) return this.skip();
      const server = await FaultServer.start({});
      try {
        const first = 'HTTP/1.1 200 OK\r\n\r\n<metalink xmlns="urn:ietf:params:xml:ns:metalink">';
        server.handle((_request, reply) => send(reply, { first, ever: text }));
        const { run, kilobytes } = await measure(dir(), [
          ...['get', server.url('/x'), flag, server.url('/y'), '--retries', '0'],
        ]);
        expectStatus(run, 7);
        expect(run.stderr)
          .to.match(/longer than \d+ bytes/)
          .and.have.length.below(2_000);
        expect(kilobytes).to.be.within(1, LIMIT_KB);
      } finally {
        await server.close();
      }
    });
  }

  it('P15: a Metalink as long as may be, with as many pieces: bounded memory', async function () {
    if (findProgram('time') === null) return this.skip();
    const hash = `<hash>${'ab'.repeat(32)}</hash>`;
    const pieces = `<pieces type="sha-256" length="1">${hash.repeat(MAX_PIECES)}</pieces>`;
    const inside = `<file name="a">${pieces}<url>http://127.0.0.1:9/a</url></file>`;
    const rest = '<!-- x -->'.repeat((MAX_METALINK_BYTES - inside.length - 200) / 10);
    const file = path.join(dir(), 'x.meta4');
    writeFileSync(file, metalink(inside + rest));
    expect(statSync(file).size).to.be.within(MAX_METALINK_BYTES - 1000, MAX_METALINK_BYTES);
    const get = ['get', '--metalink', file, '--retries', '0'];
    const { run, kilobytes } = await measure(dir(), get);
    expectStatus(run, 4);
    expect(kilobytes).to.be.within(1, LIMIT_KB + PIECES_KB);
  });
});

describe('e2e/memory with nginx', () => {
  const dir = tempDirPerTest();
  let nginx: Nginx;

  before(async function () {
    requireServer('nginx', this);
    if (findProgram('time') === null) return this.skip();
    nginx = await Nginx.start();
    for (const [name, size] of Object.entries(SIZES)) {
      // Holes are enough: what is in a file changes nothing in memory.
      writeFileSync(path.join(nginx.root, name), '');
      truncateSync(path.join(nginx.root, name), size);
    }
  });
  after(() => nginx?.close());

  // As many threads beside the main one as a machine of any size gets (`src/transfer/threads.ts`).
  for (const scheme of ['http', 'https'] as const) {
    it(`P15: 16 connections over ${scheme}: memory is bounded and flat`, async () => {
      const most = async (name: keyof typeof SIZES): Promise<number> => {
        const url = nginx.url(`/${name}`, scheme);
        const how = [
          '-n',
          '16',
          '--threads',
          `${MOST_RECEIVERS - 1}`,
          '--sync',
          'none',
          '--cacert',
          nginx.caFile,
        ];
        const { run, kilobytes } = await measure(dir(), ['get', url, ...how]);
        expectStatus(run, 0);
        const { size } = statSync(path.join(dir(), name));
        rmSync(path.join(dir(), name));
        expect(size).to.equal(SIZES[name]);
        return kilobytes;
      };
      const small = await most('small');
      const large = await most('large');
      expect(large).to.be.within(1, CONNECTIONS_LIMIT_KB);
      expect(large - small).to.be.below(GROWTH_KB);
    });
  }
});
