/**
 * Heads and bodies as servers in the wild write them: read where a wrong reading could change neither
 * where the body ends nor what the bytes are, and refused at once where it could.
 */
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expectStatus, runIn } from '../helpers/command.js';
import { benchPerTest, expectDone, expectFailed, interrupt, told } from '../helpers/engine.js';
import { expectSameContent, tempDirPerTest } from '../helpers/files.js';
import type { OriginOptions } from '../helpers/origin.js';
import { together } from '../helpers/together.js';

const MIB = 1024 * 1024;
const SIZE = 12 * MIB;
const REFERENCE = { seed: 1, size: SIZE };

type Rewrite = (head: string) => string;

/** Puts lines before the last, empty one. */
const withLines =
  (...lines: string[]): Rewrite =>
  (head) =>
    `${head.slice(0, -2)}${lines.join('\r\n')}\r\n\r\n`;

/** All line ends but that of the status line. */
const bareFields: Rewrite = (head) => {
  const [status, ...fields] = head.split('\r\n');
  return `${status}\r\n${fields.join('\n')}`;
};

/** Heads that cannot mean two things; each is read, and its ranges are used. */
const READ: Record<string, Rewrite> = {
  'bare LF everywhere': (head) => head.replaceAll('\r\n', '\n'),
  'bare LF in all fields': bareFields,
  'bare LF after the status line alone': (head) => head.replace('\r\n', '\n'),
  'a value over several lines, with bare LF': withLines(
    `Content-Security-Policy: default-src 'self';\n    img-src https: data:;\n\tfont-src *`,
  ),
  'the same without blanks before its lines': withLines(
    `Content-Security-Policy: default-src 'self';\nscript-src 'self' https://x.example;\nupgrade-insecure-requests`,
  ),
  'a space before a colon': withLines('X-Powered-By : PHP', 'Vary\t: *'),
  'names that are none': withLines('X Frame Options: DENY', ': no name', '(odd): 1', 'X\xe9: 1'),
  'a line without a colon': withLines('Served by a machine', 'ok'),
  'a line that begins with white space': (head) => head.replace('\r\n', '\r\n X-First: 1\r\n'),
  'more than one blank before the status': (head) => head.replace('HTTP/1.1 ', 'HTTP/1.1 \t '),
  'a minor version that nobody has': (head) => head.replace('HTTP/1.1', 'HTTP/1.7'),
  'HTTP/2 in words': (head) => head.replace('HTTP/1.1', 'HTTP/2'),
  'the protocol in small letters': (head) => head.replace('HTTP', 'http'),
  'a reason right behind the status': (head) => head.replace(/( \d{3}) /, '$1'),
  'control bytes in the reason and in values': (head) =>
    withLines('X-Odd: a\x01b', 'X-Esc: \x1b[31m')(head.replace(/( \d{3}) /, '$1 \x7f')),
  'a plus sign before the length': (head) => head.replace('Content-Length: ', 'Content-Length: +'),
  'more fields than most servers have': withLines(
    ...Array.from({ length: 600 }, (_, i) => `X-${i}: ${'v'.repeat(200)}`),
  ),
  ...Object.fromEntries(
    ['bytes=', 'bytes: ', '', 'bytes  '].map((unit) => [
      `Content-Range with ${JSON.stringify(unit)} for its unit`,
      (head: string) => head.replace(/Content-Range: bytes /i, `Content-Range: ${unit}`),
    ]),
  ),
  'Content-Range with blanks between its numbers': (head) =>
    head.replace(/(Content-Range: bytes \d+)-(\d+)\//i, '$1 - $2 / '),
  'Content-Range twice': (head) => head.replace(/(Content-Range: .*\r\n)/i, '$1$1'),
  'Transfer-Encoding: identity': withLines('Transfer-Encoding: identity'),
  'the same twice, in capitals': withLines('Transfer-Encoding: IDENTITY', 'transfer-encoding:'),
  'several at once': (head) =>
    withLines(
      'X-Powered-By : PHP',
      'Transfer-Encoding: Identity',
      `X-Policy: a\n  b\n c: d`,
      'no colon here',
      'Content-Encoding: none',
    )(head).replaceAll('\r\n', '\n'),
};

/** Heads that mean two things, or hide a field that frames the body. */
const REFUSED: Record<string, Rewrite> = {
  'a space before the colon of Content-Length': (head) =>
    head.replace('Content-Length:', 'Content-Length :'),
  'a tab before the colon of Transfer-Encoding': withLines('Transfer-Encoding\t: chunked'),
  'Content-Range behind a byte that is no token': withLines(`\xa0Content-Range: bytes 0-4/5`),
  'Content-Length without a colon': withLines('Content-Length 5'),
  'Content-Encoding with a space before its colon': withLines('Content-Encoding : gzip'),
  'Content-Length behind a bare LF in a head of CRLF': withLines('X: a\nContent-Length: 5'),
  'Connection behind a bare LF in a head of CRLF': withLines('X: a\nConnection: close'),
  'an empty line of bare LF in a head of CRLF': withLines('X: a\n\nb'),
  'a value that ends in bare LF before CRLF': withLines('X: a\n'),
  'Content-Length in a line that follows white space': (head) =>
    head.replace('\r\n', '\r\n Content-Length: 5\r\n'),
  'identity and chunked': withLines('Transfer-Encoding: identity, chunked'),
  'two lengths': withLines('Content-Length: 5'),
  'a bare CR': withLines('X: a\rb'),
};

describe('heads in the wild', () => {
  const bench = benchPerTest();
  const dir = tempDirPerTest();

  const get = async (options: OriginOptions) => {
    const origin = await bench.origin({ size: SIZE, seed: 1, ...options });
    return { origin, run: await bench.engine({ connections: 4 }).get(origin.url) };
  };

  it(`P9: read, with ranges: ${Object.keys(READ).join('; ')}`, () =>
    together(
      Object.entries(READ),
      ([what]) => what,
      async ([, writeHead]) => {
        const { run } = await get({ writeHead });
        expectDone(run, REFERENCE);
        expect(run.events.find(({ type }) => type === 'start')).include({ ranges: true });
      },
      3,
    ));

  it(`P9: refused when it comes twice, with what to do: ${Object.keys(REFUSED).join('; ')}`, () =>
    together(
      Object.entries(REFUSED),
      ([what]) => what,
      async ([, writeHead]) => {
        const { origin, run } = await get({ writeHead });
        const { next } = expectFailed(run, 'HTTP_MALFORMED');
        expect(next).match(/`[^`]+`/);
        expect(origin.requests.length).equal(2);
      },
      3,
    ));

  it('P9: the command reads a head with everything wrong that cannot matter', async () => {
    const origin = await bench.origin({ ...REFERENCE, writeHead: READ['several at once']! });
    expectStatus(await runIn(dir(), ['get', origin.url, '-n', '4']), 0);
    expectSameContent(path.join(dir(), 'file.bin'), 1, SIZE);
  });

  it('P4: such a download is stopped and gone on with', async () => {
    const origin = await bench.origin({
      ...REFERENCE,
      writeHead: READ['several at once']!,
      rate: 8 * MIB,
    });
    const engine = bench.engine({ connections: 2 });
    origin.allow(6 * MIB);
    await interrupt(engine.start(origin.url), 4 * MIB, origin);
    origin.allow(Infinity);
    const run = await engine.resume();
    expectDone(run, REFERENCE);
    expect((run.last as { fetched: number }).fetched).below(SIZE - 2 * MIB);
  });
});

describe('chunked bodies in the wild', () => {
  const bench = benchPerTest();
  const chunked = { ...REFERENCE, framing: 'chunked' } as const;

  for (const [what, options] of [
    ['blanks behind each size', { chunkPadding: '   ' }],
    ['a tab behind each size', { chunkPadding: '\t' }],
  ] as const) {
    for (const ranges of [true, false]) {
      it(`P9: ${what}, ${ranges ? 'with' : 'without'} ranges: each byte comes once`, async () => {
        const origin = await bench.origin({ ...chunked, ...options, ranges });
        const run = await bench.engine({ connections: 4 }).get(origin.url);
        expectDone(run, REFERENCE);
        expect(origin.server.bodyBytes).below(2 * SIZE);
      });
    }
  }

  const lengthBeside =
    (by: number): Rewrite =>
    (head) => {
      const [, first, last] = /Content-Range: bytes (\d+)-(\d+)/.exec(head) ?? [];
      const length = first === undefined ? SIZE : Number(last) - Number(first) + 1;
      return withLines(`Content-Length: ${length + by}`)(head);
    };

  for (const ranges of [true, false]) {
    it(`P9: Content-Length beside a right chunked body, ${ranges ? 'with' : 'without'} ranges: taken, and its connection closed`, async () => {
      const origin = await bench.origin({ ...chunked, ranges, writeHead: lengthBeside(0) });
      const run = await bench.engine({ connections: 4 }).get(origin.url);
      expectDone(run, REFERENCE);
      for (const { onConnection } of origin.requests) expect(onConnection).equal(0);
    });
  }

  /** What a client with no better idea would call coded twice, or not at all. */
  const ODD: Record<string, OriginOptions> = {
    'chunked twice, in two lines': { writeHead: withLines('transfer-encoding: chunked') },
    'chunked in HTTP/1.0': { writeHead: (head) => head.replace('HTTP/1.1', 'HTTP/1.0') },
    'extensions of any text': { chunkPadding: '; =a "b' },
    'a wrong Content-Length beside each part': { writeHead: withLines('Content-Length: 1') },
  };
  it(`P9: read, with ranges, each byte once: ${Object.keys(ODD).join('; ')}`, () =>
    together(
      Object.entries(ODD),
      ([what]) => what,
      async ([, options]) => {
        const origin = await bench.origin({ ...chunked, ...options });
        const run = await bench.engine({ connections: 4 }).get(origin.url);
        expectDone(run, REFERENCE);
        expect(run.events.find(({ type }) => type === 'start')).include({ ranges: true });
        expect(origin.server.bodyBytes).below(2 * SIZE);
      },
      2,
    ));

  it('P9: complete with its last chunk, though the connection ends before the line behind it', async () => {
    const origin = await bench.origin(REFERENCE);
    origin.server.handle(async (_request, reply) => {
      await reply.raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      await reply.raw(`${SIZE.toString(16)}\r\n`);
      await reply.raw(origin.content());
      await reply.raw('\r\n0\r\n');
      await reply.end();
    });
    expectDone(await bench.engine({ retries: 0 }).get(origin.url), REFERENCE);
    expect(origin.requests.length).equal(1);
  });

  it('P9: lines that end in a bare LF, though not in the head; each byte comes once', async () => {
    const origin = await bench.origin(REFERENCE);
    origin.server.handle(async (_request, reply) => {
      await reply.raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      await reply.raw(`${SIZE.toString(16)}\n`);
      await reply.raw(origin.content());
      await reply.raw('\n0\n\n');
    });
    expectDone(await bench.engine({ retries: 0 }).get(origin.url), REFERENCE);
    expect(origin.requests.length).equal(1);
  });

  /** Chunks of 1 MiB, the first `good` of them right: behind the next one's data no line ends. */
  const broken = (content: Buffer, good: number): Buffer => {
    const pieces: Buffer[] = [];
    for (let at = 0; at < content.length; at += MIB) {
      const data = content.subarray(at, at + MIB);
      const isWrong = at / MIB === good;
      const end = isWrong ? 'x' : '\r\n';
      pieces.push(Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from(end));
    }
    return Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')]);
  };
  const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

  it('P9: a body that cannot be read at the same place twice is refused then, with what to do', async () => {
    const origin = await bench.origin(REFERENCE);
    origin.server.handle(async (_request, reply) => {
      await reply.raw(CHUNKED);
      await reply.raw(broken(origin.content(), 3));
    });
    const run = await bench.engine({ retries: 5 }).get(origin.url);
    expect(expectFailed(run, 'HTTP_MALFORMED').next).match(/another source/);
    // One of the three asked whether a range is served by now.
    expect(origin.requests.length).most(3);
  });

  it('P9: one that cannot be read at another place each time is asked for again', async () => {
    const origin = await bench.origin(REFERENCE);
    origin.server.handle(async (_request, reply) => {
      const good = 2 + origin.requests.length;
      await reply.raw(CHUNKED);
      await reply.raw(broken(origin.content(), good < 6 ? good : Infinity));
    });
    expectDone(await bench.engine({ retries: 5 }).get(origin.url), REFERENCE);
  });

  it('P1: what came in a chunk that does not end where it says is not believed', async () => {
    // Where all bytes are alike no seam shows that some were put between them.
    const bytes = Buffer.alloc(4 * MIB);
    const origin = await bench.origin({ bytes });
    let isFirst = true;
    origin.server.handle(async ({ range }, reply) => {
      const start = range?.start ?? 0;
      const place = `bytes ${start}-${bytes.length - 1}/${bytes.length}`;
      if (!isFirst) {
        void reply.head(206, {
          'Content-Length': bytes.length - start,
          'Content-Range': place,
          ETag: '"1"',
        });
        return reply.body(bytes.subarray(start));
      }
      isFirst = false;
      const fields = `Content-Range: ${place}\r\nETag: "1"\r\nTransfer-Encoding: chunked`;
      await reply.raw(`HTTP/1.1 206 Partial Content\r\n${fields}\r\n\r\n`);
      const size = MIB.toString(16);
      const right = Buffer.concat([
        Buffer.from(`${size}\r\n`),
        bytes.subarray(0, MIB),
        Buffer.from('\r\n'),
      ]);
      // It has a hundred bytes less than it says, and the head of the next one follows.
      const wrong = Buffer.concat([
        Buffer.from(`${size}\r\n`),
        bytes.subarray(0, MIB / 2),
        Buffer.from('\r\n80000\r\n'),
      ]);
      return reply.raw(Buffer.concat([right, wrong, bytes.subarray(0, MIB)]));
    });
    const run = await bench.engine({ connections: 1, retries: 3 }).get(origin.url);
    expect(run.status, told(run)).equal(0);
    expect(readFileSync(run.file).equals(bytes)).equal(true);
    expect(origin.server.bodyBytes).most(3 * MIB + MIB / 16);
  });

  it('P22: parts that cannot be read lead to a request without Range', async () => {
    const origin = await bench.origin(REFERENCE);
    origin.server.handle(async ({ range }, reply) => {
      if (range === null) {
        void reply.head(200, { 'Content-Length': SIZE });
        return reply.body(origin.content());
      }
      const { start } = range;
      const place = `bytes ${start}-${SIZE - 1}/${SIZE}`;
      const fields = `Content-Range: ${place}\r\nTransfer-Encoding: chunked`;
      await reply.raw(`HTTP/1.1 206 Partial Content\r\n${fields}\r\n\r\n=\r\n`);
    });
    expectDone(await bench.engine({ connections: 4, retries: 5 }).get(origin.url), REFERENCE);
    expect(origin.requests.length).below(8);
  });

  for (const by of [-5, 5]) {
    it(`P1: a chunked body ${by > 0 ? 'shorter' : 'longer'} than the Content-Length beside it is not published`, async () => {
      const origin = await bench.origin({ ...chunked, ranges: false, writeHead: lengthBeside(by) });
      const run = await bench.engine({ retries: 1 }).get(origin.url);
      expectFailed(run, 'HTTP_MALFORMED');
    });
  }
});
