/** Proxies that hold back the end of each answer while they look at it, and servers that serve one connection. */
import { expect } from 'chai';
import { benchPerTest, expectDone, expectFailed } from '../helpers/engine.js';
import type { Origin } from '../helpers/origin.js';
import { together } from '../helpers/together.js';

const MIB = 1024 * 1024;
const SIZE = 4 * MIB;
const REFERENCE = { seed: 1, size: SIZE };
const HELD_BACK = 16 * 1024;
const STALL_MS = 250;

describe('a scanner that holds back the end of each answer', () => {
  const bench = benchPerTest();

  async function scanner(ms: number, ranges = true): Promise<Origin> {
    const origin = await bench.origin(REFERENCE);
    origin.server.handle(async ({ range }, reply) => {
      const isPart = ranges && range !== null;
      const [start, end] = isPart ? [range.start, Math.min(range.end, SIZE)] : [0, SIZE];
      const fields = { 'Content-Length': end - start, ETag: '"one"' };
      const label = { 'Content-Range': `bytes ${start}-${end - 1}/${SIZE}` };
      await reply.head(isPart ? 206 : 200, isPart ? { ...fields, ...label } : fields);
      const at = Math.max(start, end - HELD_BACK);
      if (at > start) await reply.body(origin.content(start, at));
      await reply.wait(ms);
      await reply.body(origin.content(at, end));
    });
    return origin;
  }

  const deadlines = { stallMs: STALL_MS };

  it('P16: is waited for longer at the same place, with 1 and 4 connections, and without ranges', () =>
    together(
      [
        [4, true],
        [1, true],
        [4, false],
      ] as const,
      String,
      async ([connections, ranges]) => {
        const origin = await scanner(2.5 * STALL_MS, ranges);
        expectDone(
          await bench.engine({ connections, deadlines, retries: 5 }).get(origin.url),
          REFERENCE,
        );
        const wholes = origin.requests.filter(({ bodyBytes }) => bodyBytes > SIZE / 2);
        expect(wholes.length, 'whole files').most(ranges ? 1 : 4);
      },
      3,
    ));

  it('P16: that never lets it through ends it, no later than others do, and names the flag', async () => {
    const origin = await scanner(60_000);
    const run = await bench.engine({ connections: 1, deadlines, retries: 2 }).get(origin.url);
    const { next, message } = expectFailed(run, 'STALLED');
    expect(next).include('--stall-timeout');
    // The last one was given more time.
    expect(message).include(`for ${(2 * STALL_MS) / 1000} s`);
    expect(origin.requests.length).most(3);
  });
});

describe('a server that serves one connection, and answers no other', () => {
  const bench = benchPerTest();

  it('P16: the first answer takes back what others wait for', async () => {
    const origin = await bench.origin({ ...REFERENCE, size: 24 * MIB });
    origin.server.admit((connection) => (connection === 0 ? 'serve' : 'silent'));
    const deadlines = { firstByteMs: 60_000, connectMs: 60_000 };
    const run = await bench.engine({ connections: 4, deadlines }).get(origin.url);
    expectDone(run, { ...REFERENCE, size: 24 * MIB });
    expect(run.ms - run.lateMs).below(30_000);
  });
});
