/** Servers that refuse, object or are busy: once, for a while, for ever. */
import { expect } from 'chai';
import { benchPerTest, checkOracle, expectDone, expectFailed, told } from '../helpers/engine.js';
import type { ConnectionLimit, Fault } from '../helpers/origin.js';
import { together } from '../helpers/together.js';

const MIB = 1024 * 1024;
const SIZE = 8 * MIB;
const REFERENCE = { seed: 1, size: SIZE };
/** Bytes a second: the first lease is still under way when the others are refused. */
const SLOW = 6 * MIB;
const SMALL = { seed: 1, size: 1000 };
const PASSING = [408, 425, 429, 500, 502, 503, 504];
const FINAL = [400, 401, 403, 404, 410];
const ALL = [...PASSING, ...FINAL];

describe('statuses', () => {
  const bench = benchPerTest();

  it(`P21: once to a lease: ${ALL.join()}`, () =>
    together(ALL, String, async (status) => {
      const origin = await bench.origin({ ...REFERENCE, rate: SLOW });
      origin.fault({ request: 2, fault: { kind: 'status', status } });
      expectDone(await bench.engine({ connections: 4 }).get(origin.url), REFERENCE);
    }));

  it(`P21: to leases for a while: ${ALL.join()}`, () =>
    together(ALL, String, async (status) => {
      const origin = await bench.origin({ ...REFERENCE, rate: SLOW });
      const later = ({ number }: { number: number }): boolean => number > 0;
      origin.fault({ when: later, times: 3, fault: { kind: 'status', status } });
      expectDone(await bench.engine({ connections: 8 }).get(origin.url), REFERENCE);
    }));

  it(`P21: once to the only lease at work, after a good answer broke: ${ALL.join()}`, () =>
    together(ALL, String, async (status) => {
      const origin = await bench.origin(REFERENCE);
      origin.fault({ request: 0, fault: { kind: 'reset', at: 9 * MIB } });
      origin.fault({ request: 1, fault: { kind: 'status', status } });
      expectDone(await bench.engine({ connections: 1 }).get(origin.url), REFERENCE);
    }));

  it(`P1, P21: to every lease for ever, after a good first answer: bounded: ${ALL.join()}`, () =>
    together(ALL, String, async (status) => {
      const origin = await bench.origin({ ...REFERENCE, rate: 40 * MIB });
      const later = ({ number }: { number: number }): boolean => number > 0;
      origin.fault({ when: later, times: Infinity, fault: { kind: 'status', status } });
      const engine = bench.engine({ connections: 16, retries: 1 });
      const run = await engine.get(origin.url);
      // The first answer may still bring the rest; when it is over, the run is.
      checkOracle(run, REFERENCE);
      expect([0, 6], told(run)).include(run.status);
      expect(origin.requests.length, 'no storm').below(60);
      expect(engine.hasPart).equal(run.status !== 0);
    }));

  it(`P21: to the first request, once and for a while: ${PASSING.join()}`, () =>
    together(PASSING, String, async (status) => {
      for (const times of [1, 2]) {
        const origin = await bench.origin(REFERENCE);
        origin.fault({ times, fault: { kind: 'status', status } });
        expectDone(await bench.engine().get(origin.url), REFERENCE);
        expect(origin.requests[times]?.range, 'the first good answer').not.equal(undefined);
      }
    }));

  it(`P21: to the first request, for ever: ${PASSING.join()}`, () =>
    together(PASSING, String, async (status) => {
      const origin = await bench.origin(REFERENCE);
      origin.fault({ times: Infinity, fault: { kind: 'status', status } });
      const run = await bench.engine({ retries: 2 }).get(origin.url);
      expect(expectFailed(run, 'HTTP_SERVER_ERROR').exitStatus).equal(6);
      expect(origin.requests.length).equal(3);
    }));

  it(`P21: to the first request, and final: ${FINAL.join()}`, () =>
    together(FINAL, String, async (status) => {
      const origin = await bench.origin(REFERENCE);
      origin.fault({ times: Infinity, fault: { kind: 'status', status } });
      expectFailed(await bench.engine().get(origin.url), 'HTTP_REFUSED');
      // The ladder: an open range, a bounded one, and no range.
      expect(origin.requests.length).most(3);
    }));
});

/** Two lines of Retry-After. */
const lines = (...value: string[]): Fault => ({ kind: 'field', name: 'Retry-After', value });

/** What a Retry-After says, and how long the download may take. */
const WAITS: Array<[what: string, value: () => Fault, ms: [number, number]]> = [
  ['2 seconds', () => lines('2'), [1900, 5500]],
  ['a date', () => lines(new Date(Date.now() + 3000).toUTCString()), [1500, 6500]],
  ['a date in the past', () => lines('Mon, 01 Jan 2001 00:00:00 GMT'), [100, 3000]],
  ['0', () => lines('0'), [100, 3000]],
  ['a negative number', () => lines('-5'), [100, 3000]],
  ['nonsense', () => lines('soon'), [100, 3000]],
  ['two lines, of which the longer counts', () => lines('1', '2'), [1900, 5500]],
  ['two in one line', () => lines('2, 0'), [1900, 5500]],
  ['nonsense and a number', () => lines('soon', '1'), [900, 4500]],
];

const HUGE = ['86400', '9'.repeat(40), 'Fri, 01 Jan 2100 00:00:00 GMT'];

describe('Retry-After', () => {
  const bench = benchPerTest();

  it(`P21: ${WAITS.map(([what]) => what).join('; ')}`, () =>
    together(
      WAITS,
      ([what]) => what,
      async ([, value, [least, most]]) => {
        const origin = await bench.origin(SMALL);
        origin.fault({ request: 0, fault: { kind: 'status', status: 503 } });
        origin.fault({ request: 0, fault: value() });
        const run = await bench.engine().get(origin.url);
        expectDone(run, SMALL);
        expect(run.ms).within(least, most + run.lateMs);
      },
    ));

  it('P21: more than 5 minutes is a refusal', () =>
    together(['301', ...HUGE], String, async (retryAfter) => {
      const origin = await bench.origin(REFERENCE);
      origin.fault({ times: Infinity, fault: { kind: 'status', status: 429, retryAfter } });
      const run = await bench.engine().get(origin.url);
      expectFailed(run, 'HTTP_SERVER_ERROR');
      expect(run.ms - run.lateMs).below(1000);
      expect(origin.requests.length).equal(1);
    }));

  it('P21: a day and more to a lease, while others are served: that connection is done', () =>
    together(HUGE, String, async (retryAfter) => {
      const origin = await bench.origin({ ...REFERENCE, rate: 20 * MIB });
      origin.fault({ request: 2, fault: { kind: 'status', status: 503, retryAfter } });
      const run = await bench.engine({ connections: 4 }).get(origin.url);
      expectDone(run, REFERENCE);
      const refused = origin.requests[2]?.connection;
      expect(origin.requests.filter(({ connection }) => connection === refused).length).equal(1);
    }));

  it('P21: a day and more to every lease, and the first answer breaks off: the end, with what came kept', () =>
    together(HUGE, String, async (retryAfter) => {
      const origin = await bench.origin({ ...REFERENCE, rate: 20 * MIB });
      const when = ({ number }: { number: number }): boolean => number > 0;
      const fault: Fault = { kind: 'status', status: 503, retryAfter };
      origin.fault({ when, times: Infinity, fault });
      origin.fault({ request: 0, fault: { kind: 'reset', at: 4 * MIB } });
      const engine = bench.engine({ connections: 4 });
      const last = expectFailed(await engine.get(origin.url), 'HTTP_SERVER_ERROR');
      expect(last.message).match(/asks to wait \d+ h/);
      expect(origin.requests.length, 'no connection asks twice').most(5);
      expect(engine.hasPart).equal(true);
      origin.heal();
      expectDone(await engine.resume(), REFERENCE);
    }));

  it('P21: of one answer, is honoured by that connection, and the others go on', async () => {
    const origin = await bench.origin({ ...REFERENCE, rate: 20 * MIB });
    origin.fault({ request: 2, fault: { kind: 'status', status: 429, retryAfter: 1 } });
    expectDone(await bench.engine({ connections: 3 }).get(origin.url), REFERENCE);
    const [, , refused, ...later] = origin.requests;
    const within = later.filter(({ time }) => time - (refused?.time ?? 0) < 900);
    const numbers = new Set([refused, ...within].map((request) => request?.connection));
    expect(numbers.size, 'no further connection takes its place').most(3);
  });
});

const REFUSALS: Array<ConnectionLimit['refuse']> = [
  ...(['close', 'reset', 'silent', 'close-later', 'reset-later'] as const),
  ...[{ status: 503 }, { status: 429 }, { status: 503, retryAfter: 1 }, { status: 403 }],
  { status: 429, retryAfter: 3600 },
];

describe('servers that take so many connections', () => {
  const bench = benchPerTest();

  for (const limit of [1, 3]) {
    it(`P21: ${limit}, and the rest get ${JSON.stringify(REFUSALS)}`, () =>
      together(REFUSALS, JSON.stringify, async (refuse) => {
        const maxConnections = { limit, refuse };
        const origin = await bench.origin({ ...REFERENCE, rate: 16 * MIB, maxConnections });
        const run = await bench.engine({ connections: 12 }).get(origin.url);
        expectDone(run, REFERENCE);
        expect(origin.server.connections.total, 'no storm').below(60);
      }));
  }

  it('P21: nobody listens for a while: 16 connections that fail at once are one failure', async () => {
    const origin = await bench.origin({ ...REFERENCE, rate: 4 * MIB });
    const running = bench.engine({ connections: 16, retries: 5 }).start(origin.url);
    await origin.server.until(({ bodyBytes }) => bodyBytes > 8 * MIB);
    const refused = new Promise<void>((resolve, reject) => {
      const timer = setInterval(() => {
        const seen = running.events.filter(
          (e) => e.type === 'retry' && e.code === 'CONNECT_FAILED',
        );
        const over = running.events.some(({ type }) => type === 'error');
        if (seen.length < 3 && !over) return;
        clearInterval(timer);
        if (over) reject(new Error('gave up'));
        else resolve();
      }, 10);
    });
    await origin.server.deafen();
    origin.server.resetAll();
    await refused;
    await origin.server.listenAgain();
    expectDone(await running.ended, REFERENCE);
  });
});
