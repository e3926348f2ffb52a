/** What is quoted from outside is an excerpt: in every message, event, line and log (P15). */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { MAX_DETAIL, MAX_MESSAGE, SluiceError, shortened } from '../../src/errors.js';
import { redactUrl, showText } from '../../src/http/redact.js';
import { filesIn, runIn } from '../helpers/command.js';
import { FaultServer } from '../helpers/fault-server.js';
import { tempDirPerTest } from '../helpers/files.js';
import { metalink } from '../helpers/hostile-documents.js';

/** Long, but within the bound of a head. */
const LENGTH = 50_000;
/** Harmless characters, and such as take four to be shown. */
const FILLINGS = { letters: 'x', 'control characters': '\xc2\x9b' };

const OK = 'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-3/4\r\nContent-Length: 4\r\n';
const BODY = '\r\nabcd';

/** Heads of an answer with a long text in each place that has room for one. */
const HEADS: Record<string, (long: string) => string> = {
  'the reason of a 404': (long) => `HTTP/1.1 404 ${long}\r\nContent-Length: 0\r\n\r\n`,
  'the reason of a 503': (long) => `HTTP/1.1 503 ${long}\r\nContent-Length: 0\r\n\r\n`,
  'the reason of a 206': (long) => OK.replace('Partial Content', long) + BODY,
  'the version': (long) => `HTTP/${long} 200 OK\r\n\r\n`,
  'the status': (long) => `HTTP/1.1 ${long}\r\n\r\n`,
  'a line without a colon': (long) => `HTTP/1.1 200 OK\r\n${long}\r\n\r\n`,
  'the name of a field': (long) => `HTTP/1.1 200 OK\r\n(${long}: x\r\n\r\n`,
  'a field that nobody knows': (long) => `${OK}X-Any: ${long}\r\n${BODY}`,
  'Content-Range of a 206': (long) => `HTTP/1.1 206 OK\r\nContent-Range: ${long}\r\n\r\n`,
  'Content-Range of a 200': (long) =>
    `HTTP/1.1 200 OK\r\nContent-Range: bytes ${long}\r\nContent-Length: 4\r\n${BODY}`,
  'Content-Range of a 416': (long) => `HTTP/1.1 416 No\r\nContent-Range: bytes ${long}\r\n\r\n`,
  'the unit of Content-Range': (long) =>
    `HTTP/1.1 206 OK\r\nContent-Range: ${long} 0-3/4\r\nContent-Length: 4\r\n${BODY}`,
  'Content-Length': (long) => `HTTP/1.1 200 OK\r\nContent-Length: ${long}\r\n\r\n`,
  'Transfer-Encoding': (long) => `HTTP/1.1 200 OK\r\nTransfer-Encoding: ${long}\r\n\r\n`,
  'Content-Encoding': (long) => `${OK}Content-Encoding: ${long}\r\n${BODY}`,
  'Content-Encoding of a 200': (long) =>
    `HTTP/1.1 200 OK\r\nContent-Encoding: ${long}\r\nContent-Length: 4\r\n${BODY}`,
  'Content-Type': (long) => `${OK}Content-Type: multipart/byteranges; boundary=${long}\r\n${BODY}`,
  'another Content-Type': (long) =>
    `${OK}Content-Type: ${long}\r\nServer: ${long.slice(9)}\r\n${BODY}`,
  ETag: (long) => `${OK}ETag: "${long}"\r\n${BODY}`,
  'a weak ETag': (long) => `${OK}ETag: W/"${long}"\r\n${BODY}`,
  'Last-Modified': (long) => `${OK}Last-Modified: ${long}\r\n${BODY}`,
  'Retry-After': (long) => `HTTP/1.1 503 Busy\r\nRetry-After: ${long}\r\nContent-Length: 0\r\n\r\n`,
  'WWW-Authenticate': (long) =>
    `HTTP/1.1 401 No\r\nWWW-Authenticate: ${long}\r\nContent-Length: 0\r\n\r\n`,
  'the name of Content-Disposition': (long) =>
    `${OK}Content-Disposition: attachment; filename="${long}.iso"\r\n${BODY}`,
  'the type of Content-Disposition': (long) => `${OK}Content-Disposition: ${long}\r\n${BODY}`,
  'a digest': (long) =>
    `${OK}Repr-Digest: sha-256=:${long}:\r\nDigest: ${long.slice(9)}\r\n${BODY}`,
  'a Location that is no URL': (long) => redirect(`http://[${long}`),
  'the scheme of a Location': (long) => redirect(`${long}://x/`),
  'the host of a Location': (long) => redirect(`http://${long.slice(0, 16_000)}/`),
  'the path of a Location': (long) => redirect(`/${long.slice(0, 16_000)}`),
  'the query of a Location': (long) => redirect(`?${long.slice(0, 16_000)}`),
  'a Location beyond the bound of a URL': (long) => redirect(`/${long}`),
};

const redirect = (to: string): string =>
  `HTTP/1.1 302 Found\r\nLocation: ${to}\r\nContent-Length: 0\r\n\r\n`;

/** Documents with a long text in each place, as files. */
const METALINKS: Record<string, (long: string) => string> = {
  'a name': (long) => metalink(`<file name="${long}"><url>http://127.0.0.1:9/a</url></file>`),
  'two equal names': (long) =>
    metalink(`<file name="${long}"><url>http://127.0.0.1:9/a</url></file>`.repeat(2)),
  'the path of a URL': (long) =>
    metalink(`<file name="a"><url>http://127.0.0.1:9/${long.slice(0, 16_000)}</url></file>`),
  'the scheme of a URL': (long) => metalink(`<file name="a"><url>${long}://a/b</url></file>`),
  'the host of a URL': (long) =>
    metalink(`<file name="a"><url>http://${long.slice(0, 16_000)}/b</url></file>`),
  'a digest': (long) =>
    metalink(`<file name="a"><hash type="md5">${long}</hash><url>http://h/b</url></file>`),
  'a size': (long) => metalink(`<file name="a"><size>${long}</size><url>http://h/b</url></file>`),
  'a tag': (long) => metalink(`<${long}>`),
  'an attribute': (long) => metalink(`<file ${long}>`),
  'an entity': (long) => metalink(`&${long};`),
  'a prefix': (long) => metalink(`<${long}:a/>`),
};

/** Most characters of one line: a detail, each character of which takes nine to be shown. */
const LINE = 10 * MAX_DETAIL;
/** Of all that one run says. A head of 50,000 characters is said some ten times where it is not cut. */
const ALL = 40_000;
/** Of what it says of each further file. */
const EACH = 5_000;

describe('security/excerpts', () => {
  const dir = tempDirPerTest();
  let server: FaultServer;

  beforeEach(async () => {
    server = await FaultServer.start({});
  });
  afterEach(() => server.close());

  /** Runs the command and fails when it says too much, on any of its ways, of so many things. */
  async function listen(args: string[], what: string, count = 1): Promise<void> {
    const run = await runIn(dir(), args);
    const log = filesIn(dir()).includes('log') ? readFileSync(path.join(dir(), 'log'), 'utf8') : '';
    const said = run.stdout + run.stderr + log;
    expect(run.status, what).not.equal(null);
    expect(said.length, `${what}: ${args.join(' ').slice(0, 200)}`).within(
      1,
      ALL + (count - 1) * EACH,
    );
    for (const line of said.split('\n')) expect(line.length, what).below(LINE);
    for (const name of filesIn(dir())) rmSync(path.join(dir(), name));
  }

  for (const [filling, piece] of Object.entries(FILLINGS)) {
    const long = piece.repeat(LENGTH / piece.length);

    it(`P15: heads with long ${filling} in every place`, async function () {
      this.timeout(600_000);
      const heads = Object.entries(HEADS);
      server.handle(async (request, reply) => {
        // What a redirect led to is served in peace.
        const [, head] = heads[Number(/^\/x(\d+)$/.exec(request.target)?.[1] ?? NaN)] ?? [];
        await reply.raw(head === undefined ? OK + BODY : head(long));
        await reply.end();
      });
      const urls = heads.map((_, index) => server.url(`/x${index}`));
      const get = ['get', ...urls, '--retries', '1', '--max-time', '20', '-j', '8'];
      await listen([...get, '-v', '--log-file', 'log'], 'heads', urls.length);
      if (filling !== 'letters') return;
      await listen([...get, '--json'], 'heads', urls.length);
      for (const [index, url] of urls.entries())
        if (index % 3 === 0) await listen(['info', url], heads[index]?.[0] ?? '');
    });

    it(`P15: Metalinks and lists with long ${filling} in every place`, async () => {
      const text = Buffer.from(long, 'latin1').toString();
      for (const [what, document] of Object.entries(METALINKS)) {
        for (const args of filling === 'letters' ? [['--json', '-v']] : [['-v']]) {
          writeFileSync(path.join(dir(), 'document'), document(text));
          await listen(['get', '--metalink', 'document', '--retries', '0', ...args], what);
        }
      }
      const hexes = ['a'.repeat(64), 'b'.repeat(64)];
      const name = `${text.slice(0, 8_000)}/x`;
      writeFileSync(path.join(dir(), 'document'), hexes.map((hex) => `${hex}  ${name}`).join('\n'));
      await listen(['get', server.url('/x'), '--checksum', '@document'], 'a list');
    });
  }

  it('P15: a URL, a path, a header and a checksum of the user that are long', async () => {
    const long = 'x'.repeat(60_000);
    for (const args of [
      ['get', long],
      ['get', `${long}://h/`],
      ['get', `http://${long}/`],
      ['get', `http://127.0.0.1:9/${long}`, '--retries', '0'],
      ['get', server.url('/x'), '-o', long],
      ['get', server.url('/x'), '-o', `${'d/'.repeat(3000)}${long.slice(0, 200)}`],
      ['get', server.url('/x'), '-H', long],
      ['get', server.url('/x'), '--checksum', long],
      ['get', server.url('/x'), '--checksum', `${long}:00`],
      ['get', server.url('/x'), '--resolve', long],
      ['get', server.url('/x'), '--max-time', long],
      ['get', server.url('/x'), '--connections', long],
      ['get', server.url('/x'), '--cacert', long],
      ['get', server.url('/x'), '--log-file', long],
      ['get', server.url('/x'), `--${long}`],
      ['get', server.url('/x'), '--sync', long],
      ['resume', long],
      ['info', long],
      [long],
    ])
      await listen(args, 'of the user');
  });

  it('P15: whatever an error quotes, each of its texts is bounded, and keeps its ends', () => {
    const text = fc
      .string({ maxLength: 30 })
      .chain((piece) => fc.nat(2_000).map((count) => piece.repeat(count)));
    fc.assert(
      fc.property(text, text, text, (message, next, url) => {
        const error = new SluiceError('USAGE', message, { next, url }).with({ kept: message });
        const { message: said, ...details } = SluiceError.fromRecord(error.toRecord()).toRecord();
        expect(said.length).most(MAX_MESSAGE);
        for (const detail of Object.values(details)) expect(String(detail).length).most(MAX_DETAIL);
        const cut = shortened(message, 100);
        expect(cut.length).most(100);
        expect(message.startsWith(cut.slice(0, 40)) && message.endsWith(cut.slice(-40))).equal(
          true,
        );
        expect(showText(message).length).most(9 * MAX_MESSAGE);
        expect(redactUrl(`http://h/${message}`).length).most(9 * 2_000);
      }),
    );
  });
});
