/**
 * The ladder (P22): a server that does not like how it is asked is asked more plainly, down to what every
 * plain client sends. Bytes that are kept are never thrown away by `resume`.
 */
import { expect } from 'chai';
import { contentAt } from '../helpers/content.js';
import { benchPerTest, expectDone, expectFailed, interrupt } from '../helpers/engine.js';
import type { Engine } from '../helpers/engine.js';
import type { RecordedRequest, Reply } from '../helpers/fault-server.js';
import type { Origin, OriginOptions } from '../helpers/origin.js';
import { together } from '../helpers/together.js';

const MIB = 1024 * 1024;
const SIZE = 8 * MIB;
const REFERENCE = { seed: 1, size: SIZE };
const ETAG = '"one"';

/** How a server answers a request that has a Range, or one that has none. */
type Answers = (request: RecordedRequest, reply: Reply) => unknown;

const bytes = (start: number, end: number): Buffer => contentAt(1, start, end - start);

function whole(reply: Reply, fields: Record<string, string> = {}): unknown {
  void reply.head(200, { 'Content-Length': SIZE, ETag: ETAG, ...fields });
  return reply.body(bytes(0, SIZE));
}

function part(
  reply: Reply,
  [start, end]: [number, number],
  { status = 206, label = `bytes ${start}-${end - 1}/${SIZE}`, length = end - start } = {},
): unknown {
  void reply.head(status, { 'Content-Length': length, 'Content-Range': label, ETag: ETAG });
  return reply.body(bytes(start, end));
}

const refuse = (reply: Reply, status: number): unknown => {
  void reply.head(status, { 'Content-Length': 2 });
  return reply.body('no');
};

/** What was asked for, as `[start, end)`; null without Range. */
function rangeOf({ range }: RecordedRequest): [number, number] | null {
  return range === null ? null : [range.start ?? 0, Math.min(range.end ?? SIZE, SIZE)];
}

/** Answers requests with Range in its own way, and those without as a plain server. */
const ranged =
  (answer: (reply: Reply, range: [number, number], request: RecordedRequest) => unknown): Answers =>
  (request, reply) => {
    const range = rangeOf(request);
    return range === null ? whole(reply) : answer(reply, range, request);
  };

const isLong = ([start, end]: [number, number]): boolean => end - start > 5 * MIB;

/** Servers that serve a plain client well, and what becomes of bytes that are kept. */
const SERVERS: Record<string, { answers: Answers; kept: 'used' | 'restart' }> = {
  'refuses the open range, and serves bounded ones': {
    answers: ranged((reply, range, { range: asked }) =>
      asked?.end === Infinity ? refuse(reply, 403) : part(reply, range),
    ),
    kept: 'used',
  },
  'refuses long ranges and the whole, and serves short ones': {
    answers: (request, reply) => {
      const range = rangeOf(request);
      return range === null || isLong(range) ? refuse(reply, 400) : part(reply, range);
    },
    kept: 'used',
  },
  'labels everything as the whole': {
    answers: (_request, reply) => part(reply, [0, SIZE]),
    kept: 'restart',
  },
  'labels parts in another form, and as ten bytes': {
    answers: ranged((reply, range) => part(reply, range, { label: 'bytes=0-9/10' })),
    kept: 'restart',
  },
  'tells no total': {
    answers: ranged((reply, [start, end]) =>
      part(reply, [start, end], { label: `bytes ${start}-${end - 1}/*` }),
    ),
    kept: 'used',
  },
  'gives parts the length of the whole': {
    answers: ranged((reply, range) => part(reply, range, { length: SIZE })),
    kept: 'restart',
  },
  'labels ends that are off by one': {
    answers: ranged((reply, [start, end]) =>
      part(reply, [start, end], { label: `bytes ${start}-${end}/${SIZE}` }),
    ),
    kept: 'restart',
  },
  'begins some bytes before what was asked': {
    answers: ranged((reply, [start, end]) => part(reply, [Math.max(0, start - 1000), end])),
    kept: 'used',
  },
  'sends the part as 200, with its label': {
    answers: ranged((reply, range) => part(reply, range, { status: 200 })),
    kept: 'used',
  },
  'refuses what asks for a digest': {
    answers: (request, reply) =>
      request.fields['want-repr-digest'] === undefined ? whole(reply) : refuse(reply, 400),
    kept: 'restart',
  },
  'resets what has a range': {
    answers: ranged((reply) => reply.reset()),
    kept: 'restart',
  },
};

/** Refusals of what has a Range, and answers that hold no file. */
const STATUSES = [
  ...[202, 204, 205, 300, 302, 304],
  ...[400, 401, 403, 404, 405, 406, 410, 412, 416, 418, 429, 451, 500, 501, 502, 503, 511],
];

for (const status of STATUSES)
  SERVERS[`answers ${status} to ranges`] = {
    answers: ranged((reply) => refuse(reply, status)),
    kept: 'restart',
  };

describe('the ladder', () => {
  const bench = benchPerTest();

  async function start(answers: Answers): Promise<Origin> {
    const origin = await bench.origin(REFERENCE);
    origin.server.handle(answers as never);
    return origin;
  }

  for (const connections of ['auto', 1, 4] as const)
    it(`P22: a new download comes with ${connections} connections, however a server objects`, () =>
      together(
        Object.entries(SERVERS),
        ([name]) => name,
        async ([, { answers }]) => {
          const origin = await start(answers);
          expectDone(await bench.engine({ connections }).get(origin.url), REFERENCE);
          expect(origin.requests.length, 'no storm').below(200);
        },
        4,
      ));

  /** Keeps the first third of the file from a server that serves ranges, which then changes its ways. */
  async function keepSome(answers: Answers): Promise<[Engine, Origin]> {
    const options: OriginOptions = { ...REFERENCE, etag: ETAG, rate: 12 * MIB, lastModified: null };
    const origin = await bench.origin(options);
    const engine = bench.engine({ connections: 2 });
    origin.allow(3 * MIB);
    await interrupt(engine.start(origin.url), 2 * MIB, origin);
    origin.allow(Infinity);
    origin.server.handle(answers as never);
    return [engine, origin];
  }

  it('P22: get goes on from kept bytes, or starts over with a word', () =>
    together(
      Object.entries(SERVERS),
      ([name]) => name,
      async ([, { answers, kept }]) => {
        const [engine, origin] = await keepSome(answers);
        const run = await engine.get(origin.url);
        expectDone(run, REFERENCE);
        const { fetched } = run.last as { fetched: number };
        const words = run.events.filter(({ type }) => type === 'warning');
        if (kept === 'used') expect(fetched).below(SIZE - MIB);
        else expect(words.length, 'a word').above(0);
      },
      4,
    ));

  it('P7, P22: resume goes on from kept bytes, or refuses and keeps them', () =>
    together(
      Object.entries(SERVERS),
      ([name]) => name,
      async ([, { answers, kept }]) => {
        const [engine] = await keepSome(answers);
        const before = engine.keptBytes;
        const run = await engine.resume();
        if (kept === 'used') {
          expectDone(run, REFERENCE);
          return;
        }
        const last = expectFailed(run);
        expect(engine.keptBytes, `after ${last.code}`).least(before);
        expect(last.next ?? '', 'a next step').contain('sluice get');
      },
      4,
    ));

  it('P22: the first answer breaks off, and only plain requests are served', () =>
    together([403, 404, 416, 500], String, async (status) => {
      let first = true;
      const origin = await start((request, reply) => {
        const range = rangeOf(request);
        if (!first) return range === null ? whole(reply) : refuse(reply, status);
        first = false;
        void reply.head(206, {
          'Content-Length': SIZE,
          'Content-Range': `bytes 0-${SIZE - 1}/${SIZE}`,
          ETag: ETAG,
        });
        void reply.body(bytes(0, 3 * MIB));
        return reply.reset();
      });
      expectDone(await bench.engine({ connections: 4, retries: 1 }).get(origin.url), REFERENCE);
    }));

  it('P7: one 200 where a part came before is asked again', async () => {
    for (const command of ['get', 'resume'] as const) {
      let once = true;
      const [engine, origin] = await keepSome(
        ranged((reply, range) => {
          if (!once) return part(reply, range);
          once = false;
          return whole(reply);
        }),
      );
      const run = command === 'get' ? await engine.get(origin.url) : await engine.resume();
      expectDone(run, REFERENCE);
      expect((run.last as { fetched: number }).fetched, command).below(SIZE - MIB);
    }
  });

  it('P22: what no rung saves ends at once, and names what to do', () =>
    together([400, 401, 403, 404, 410, 451], String, async (status) => {
      const origin = await start((_request, reply) => refuse(reply, status));
      const run = await bench.engine().get(origin.url);
      const last = expectFailed(run, 'HTTP_REFUSED');
      expect(last.next ?? '').not.equal('');
      expect(origin.requests.length).most(3);
      expect(run.ms - run.lateMs).below(2000);
    }));

  it('P22: a link that works once brings the file', () =>
    together([403, 404, 410], String, async (status) => {
      let served = 0;
      const origin = await start((request, reply) => {
        if (served++ > 0) return refuse(reply, status);
        reply.throttle(24 * MIB);
        return part(reply, rangeOf(request) ?? [0, SIZE]);
      });
      expectDone(await bench.engine({ connections: 4 }).get(origin.url), REFERENCE);
    }));

  it('P22: so it does when the refusals come after the first answer has reached what others were asked for', () =>
    together([403, 404, 410], String, async (status) => {
      let served = 0;
      const origin = await start(async (request, reply) => {
        if (served++ === 0) return part(reply, rangeOf(request) ?? [0, SIZE]);
        await reply.wait(500);
        return refuse(reply, status);
      });
      expectDone(await bench.engine({ connections: 4 }).get(origin.url), REFERENCE);
      expect(origin.server.bodyBytes, 'of one answer').below(SIZE + MIB);
    }));
});
