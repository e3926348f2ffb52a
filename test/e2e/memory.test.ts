/** The whole command against servers that never stop: refused, and in bounded memory. */
import { expect } from 'chai';
import path from 'node:path';
import { readFileSync } from 'node:fs';
import { runIn } from '../helpers/command.js';
import { FaultServer, type Reply } from '../helpers/fault-server.js';
import { tempDirPerTest } from '../helpers/files.js';
import { findProgram } from '../helpers/real-server.js';

const LIMIT_KB = 200 * 1024;
const PIECE = 64 * 1024;
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
      const measured = path.join(dir(), 'kilobytes');
      const run = await runIn(dir(), ['get', server.url('/x'), '--retries', '0'], {
        prefix: ['/usr/bin/time', '-f', '%M', '-o', measured],
      });
      expect([6, 7], run.stderr).to.include(run.status);
      expect(run.stderr.length).to.be.below(2_000);
      const kilobytes = Number(readFileSync(measured, 'utf8').trim().split('\n').at(-1));
      expect(kilobytes).to.be.within(1, LIMIT_KB);
    });
  }
});
