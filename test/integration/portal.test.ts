/** A login portal, or another web page, that answers where a file came before: waited out, and told apart from a change. */
import { expect } from 'chai';
import { benchPerTest, expectDone, expectFailed } from '../helpers/engine.js';
import { contentAt } from '../helpers/content.js';
import type { RecordedRequest, Reply } from '../helpers/fault-server.js';
import { together } from '../helpers/together.js';

const MIB = 1024 * 1024;
const SIZE = 2 * MIB;
const HELD = MIB;
const REFERENCE = { seed: 1, size: SIZE };
const PAGE = '<!doctype html><title>Please log in</title>';

function page(reply: Reply): Promise<void> {
  void reply.head(200, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Length': PAGE.length,
  });
  return reply.body(PAGE);
}

function part({ range }: RecordedRequest, reply: Reply, most = Infinity): Promise<void> {
  const start = range?.start ?? 0;
  const end = Math.min(range?.end ?? SIZE, SIZE);
  const place = `bytes ${start}-${end - 1}/${SIZE}`;
  void reply.head(206, { 'Content-Length': end - start, 'Content-Range': place, ETag: '"1"' });
  return reply.body(contentAt(1, start, Math.min(end - start, most)));
}

describe('a web page where a file came before', () => {
  const bench = benchPerTest();

  /** A server of which the first answer breaks off; then come so many pages. */
  async function portal(how: string, pages: number) {
    const login = await bench.origin();
    login.server.handle((_request, reply) => page(reply));
    const origin = await bench.origin();
    let left = pages;
    origin.server.handle((request, reply) => {
      if (origin.requests.length === 1) {
        void part(request, reply, HELD);
        return reply.end();
      }
      if (left-- <= 0) return part(request, reply);
      if (how === 'itself') return page(reply);
      return reply.head(302, { Location: login.server.url('/login'), 'Content-Length': 0 });
    });
    const host = how === 'itself' ? 'the server' : new URL(login.url).host;
    return { origin, host, logIn: () => (left = 0) };
  }

  const each = (check: (how: string) => Promise<void>) => () =>
    together(['itself', 'by a redirect to another host'], String, check);

  it(
    'P7: is waited out within the retries',
    each(async (how) => {
      const { origin } = await portal(how, 2);
      const run = await bench.engine({ connections: 1, retries: 4 }).get(origin.url);
      expectDone(run, REFERENCE);
      expect(origin.server.bodyBytes).below(SIZE + MIB / 2);
    }),
  );

  it(
    'P7: else it is told who sends it, and what is kept stays for both commands',
    each(async (how) => {
      const { origin, host, logIn } = await portal(how, Infinity);
      const engine = bench.engine({ connections: 1, retries: 2 });
      const runs = [await engine.get(origin.url), await engine.resume()];
      for (const run of runs) {
        const { message, kept, next } = expectFailed(run, 'HTTP_PAGE');
        expect(message).include(host).and.include('a web page');
        expect(kept).include(`of ${SIZE} bytes`);
        expect(next).include('in a browser');
      }
      expect(engine.keptBytes).above(HELD / 2);
      logIn();
      const run = await engine.resume();
      expectDone(run, REFERENCE);
      expect((run.last as { fetched: number }).fetched).below(SIZE - HELD / 2);
    }),
  );
});
