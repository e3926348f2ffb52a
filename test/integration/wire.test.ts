/** What goes wrong on the wire, with several connections: once, and for ever. */
import { expect } from 'chai';
import { filesIn } from '../helpers/command.js';
import { benchPerTest, checkOracle, told } from '../helpers/engine.js';
import type { Fault } from '../helpers/origin.js';
import { together } from '../helpers/together.js';

const MIB = 1024 * 1024;
const SIZE = 4 * MIB;
const PAGE = 'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>';

/** A fault of leases; `once` and `ever` are the exit statuses after one of it and after many. */
interface Case {
  what: string;
  fault: Fault;
  once: number;
  ever: number;
}

const status = (code: number, ever: number, retryAfter?: string): Case => ({
  what: `${code} ${retryAfter ?? ''}`,
  fault: { kind: 'status', status: code, ...(retryAfter !== undefined && { retryAfter }) },
  once: 0,
  ever,
});

const range = (value: string | null | string[]): Case => ({
  what: `Content-Range ${JSON.stringify(value)}`,
  fault: { kind: 'content-range', value },
  once: 0,
  ever: 7,
});

const CASES: Case[] = [
  { what: 'reset in the head', fault: { kind: 'reset-head', at: 30 }, once: 0, ever: 4 },
  { what: 'reset at 0', fault: { kind: 'reset', at: 0 }, once: 0, ever: 4 },
  { what: 'reset at 100,000', fault: { kind: 'reset', at: 100_000 }, once: 0, ever: 0 },
  { what: 'stall', fault: { kind: 'stall', at: 0 }, once: 0, ever: 4 },
  { what: 'silence before the head', fault: { kind: 'stall-head', at: 0 }, once: 0, ever: 4 },
  { what: 'early end', fault: { kind: 'early-end', at: 100_000 }, once: 0, ever: 0 },
  { what: 'over-long', fault: { kind: 'overlong', extra: 5000 }, once: 0, ever: 0 },
  { what: 'one byte a second', fault: { kind: 'rate', bytesPerSecond: 1 }, once: 0, ever: -1 },
  range(null),
  range('bytes 0-9/10'),
  range(`bytes */${SIZE}`),
  range([`bytes 0-9/${SIZE}`, `bytes 10-19/${SIZE}`]),
  { what: 'no total', fault: { kind: 'total', total: '*' }, once: 0, ever: 0 },
  { what: 'another total', fault: { kind: 'total', total: SIZE + 1 }, once: 0, ever: 7 },
  { what: 'several parts', fault: { kind: 'multipart' }, once: 0, ever: 7 },
  { what: '200, same validator', fault: { kind: 'full-200' }, once: 0, ever: 7 },
  { what: 'part as 200', fault: { kind: 'part-200', says: false }, once: 0, ever: 7 },
  { what: 'to the end', fault: { kind: 'to-the-end' }, once: 0, ever: 0 },
  { what: 'login page', fault: { kind: 'raw', bytes: PAGE, then: 'keep' }, once: 0, ever: 7 },
  { what: 'other ETag', fault: { kind: 'etag', value: '"other"' }, once: 0, ever: -1 },
  { what: 'gzip', fault: { kind: 'encoding', encoding: 'gzip' }, once: 0, ever: 7 },
  { what: 'other bytes', fault: { kind: 'wrong-bytes' }, once: 8, ever: 8 },
  { what: 'other place', fault: { kind: 'shifted', by: 1 }, once: 8, ever: 8 },
  ...[401, 403, 404, 410, 416].map((code) => status(code, 6)),
  ...[408, 429, 500, 502, 503, 504].map((code) => status(code, 6)),
  ...['0', '-5', 'Mon, 01 Jan 2001 00:00:00 GMT', '86400'].map((after) => status(503, 6, after)),
];

describe('what goes wrong on the wire', () => {
  const bench = benchPerTest();

  /** @param broken the first answer breaks off, so that it cannot bring what the leases do not */
  async function run(one: Case, times: number, broken = false): Promise<void> {
    const expected = times === 1 ? one.once : one.ever;
    const origin = await bench.origin({ size: SIZE, seed: 1, rate: 2 * MIB });
    origin.fault({ when: ({ number }) => number > 0, times, fault: one.fault });
    if (broken) origin.fault({ request: 0, fault: { kind: 'reset', at: MIB } });
    const engine = bench.engine({ retries: 1 });
    const ended = await engine.get(origin.url, { maxTimeMs: expected === -1 ? 4000 : 60_000 });
    const { status, last } = ended;
    // On a busy machine another connection may be quicker with the bytes of that one lease.
    const isOvertaken = times === 1 && expected === 8 && status === 0;
    // While no lease brings anything the first answer goes on to the end of the file.
    const isAlone = times > 1 && !broken && expected !== 8 && status === 0;
    // Another total, or a page, may count as a change before one answer is asked for.
    const isChange = ['another total', 'login page'].includes(one.what) && status === 8;
    // Where only ranges are spoilt, a plain request brings the file (P22); a page in its place does not.
    const isPlain = broken && [0, 8].includes(status);
    if (expected >= 0 && !isOvertaken && !isAlone && !isChange && !isPlain)
      expect(status, told(ended)).to.equal(expected);
    checkOracle(ended, { seed: 1, size: SIZE });
    if (status === 0) expect(filesIn(engine.dir)).to.deep.equal(['file.bin']);
    else expect(last).to.have.property('next');
    expect(origin.requests.length, 'no storm').to.be.below(150);
  }

  it(`P1, P9, P21: once, to a lease: ${CASES.map(({ what }) => what).join('; ')}`, () =>
    together(
      CASES,
      ({ what }) => what,
      (one) => run(one, 1),
      6,
    ));

  for (const broken of [false, true])
    it(`P1, P9, P21: the same to every lease, and the first answer ${broken ? 'breaks off' : 'goes on'}`, () =>
      together(
        CASES,
        ({ what }) => what,
        (one) => run(one, Infinity, broken),
        6,
      ));
});
