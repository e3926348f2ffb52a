/** What `--trace` has written is read again: whole, cut off anywhere, damaged, or something else. */
import { expect } from 'chai';
import { reportTrace } from '../../../src/app/trace.js';
import type { TraceReport } from '../../../src/app/trace.js';
import type { SluiceError } from '../../../src/errors.js';
import { parseTrace } from '../../../src/formats/trace.js';
import type { Traced } from '../../../src/formats/trace.js';

const HEAD = { type: 'trace', version: 1, node: 'v22.0.0', startedAt: '2026-11-30T09:00:00.000Z' };
const url = 'https://example.org/a';
const lease = (t: number, number: number, connection: number, start: number, end: number) => ({
  ...{ t, file: 0, type: 'lease', lease: number, connection, start, end },
});
const ended = (t: number, number: number, from: number, written: number, more: object = {}) => ({
  ...{
    t,
    file: 0,
    type: 'ended',
    lease: number,
    result: 'done',
    written,
    received: written - from,
  },
  ...{ address: '192.0.2.1', dialMs: 100, firstByteMs: 100 },
  ...more,
});

/** Two connections for ten seconds: the second one dials, is cut, and asks again on what it kept. */
const RECORDS = [
  HEAD,
  { t: 100, file: 0, type: 'event', event: { type: 'start', url, path: 'a', size: 10_000 } },
  { ...lease(1000, 1, 0, 0, 10_000), first: { dialMs: 500, firstByteMs: 500 } },
  { t: 1000, file: 0, type: 'level', target: 2, limitedBy: 'unknown' },
  { t: 1000, file: 0, type: 'sample', bytes: 0, lanes: [[0, 'r', 0]] },
  { t: 1000, file: 0, type: 'cut', lease: 1, end: 6000 },
  lease(1000, 2, 1, 6000, 10_000),
  { t: 6000, file: 0, type: 'level', target: 2, limitedBy: 'server' },
  { t: 6000, file: 0, type: 'roundTrip', ms: 90 },
  { t: 6000, file: 0, type: 'abandon', lease: 2, why: 'slow' },
  ended(6000, 2, 6000, 8000, { result: 'cancelled' }),
  { t: 6000, file: 0, type: 'sample', bytes: 5000, lanes: [] },
  { ...lease(7000, 3, 1, 8000, 10_000), hedges: 1 },
  ended(11_000, 1, 0, 6000),
  ended(11_000, 3, 8000, 10_000, { dialMs: null, firstByteMs: 1000 }),
  { t: 11_000, file: 0, type: 'sample', bytes: 5000, lanes: [] },
  { t: 11_000, file: 0, type: 'somethingNew', what: [1] },
  {
    t: 11_000,
    file: 0,
    type: 'event',
    event: { type: 'done', outcome: 'downloaded', bytes: 10_000 },
  },
  { t: 11_000, type: 'end' },
];

const textOf = (records: readonly object[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

async function read(text: string, piece = Infinity): Promise<Traced> {
  const bytes = Buffer.from(text);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += piece) pieces.push(bytes.subarray(at, at + piece));
  return parseTrace(pieces, 'run.trace', new AbortController().signal);
}

async function refusal(text: string): Promise<SluiceError> {
  try {
    await read(text);
  } catch (thrown) {
    return thrown as SluiceError;
  }
  throw new Error('it is taken');
}

describe('formats/trace', () => {
  it('is read the same in pieces of any size', async () => {
    const whole = await read(textOf(RECORDS));
    expect(whole).include({ isWhole: true, ms: 11_000, startedAt: HEAD.startedAt });
    for (const piece of [1, 7, 64, 1000])
      expect(await read(textOf(RECORDS), piece), `${piece}`).deep.equal(whole);
  });

  it('comes to figures', async () => {
    const report = reportTrace('run.trace', await read(textOf(RECORDS)));
    const expected: Partial<TraceReport> = {
      seconds: 11,
      whole: true,
      files: [{ url, path: 'a', size: 10_000, outcome: 'downloaded' }],
      received: 10_000,
      meanRate: 10_000 / 11,
      connections: 2,
      dialled: 2,
      requests: 3,
      addresses: [{ address: '192.0.2.1', requests: 3, bytes: 10_000 }],
      ranges: { asked: 3, cut: 1, hedged: 1, replaced: 1, superseded: 0 },
      limitedBy: [
        { by: 'unknown', part: 0.5 },
        { by: 'server', part: 0.5 },
      ],
      failures: [],
    };
    expect(report).deep.include(expected);
    // 500 + 500 + 10,000 ms of the one; 100 + 100 + 4800, 1000 of nothing, 1000 + 3000 of the other.
    const { receiving, waiting, connecting, idle } = report.time;
    expect(receiving).closeTo(17_800 / 21_000, 1e-9);
    expect(waiting).closeTo(1600 / 21_000, 1e-9);
    expect(connecting).closeTo(600 / 21_000, 1e-9);
    expect(idle).closeTo(1000 / 21_000, 1e-9);
    expect(report.peakRate).closeTo(1000, 1);
  });

  it('cut off anywhere behind its first line, it is told as that', async () => {
    const text = textOf(RECORDS);
    const first = textOf([HEAD]).length;
    for (let at = first; at < text.length - 1; at += 13) {
      const traced = await read(text.slice(0, at));
      expect(traced.isWhole, `${at}`).equal(false);
      expect(() => reportTrace('run.trace', traced)).not.throw();
    }
  });

  it('something else is no trace', async () => {
    for (const text of [
      '',
      '\n',
      'hello\n',
      '{"type":"start"}\n',
      '[]\n',
      '\0\0\0\n',
      '{"type":"tra',
    ])
      expect(await refusal(text), text).include({
        code: 'TRACE_INVALID',
        exitStatus: 2,
        message: 'run.trace is no trace of sluice',
      });
    const newer = await refusal(textOf([{ ...HEAD, version: 2 }]));
    expect(newer.message).contain('newer sluice');
  });

  it('the line of a damaged record is named', async () => {
    const damaged: Array<[string, RegExp]> = [
      ['nonsense', /line 3: it is no record/],
      ['[]', /line 3: it is no record/],
      ['{"type":"level"}', /line 3: t is no number/],
      ['{"t":1,"type":"level"}', /line 3: file is no number/],
      ['{"t":1,"file":0,"type":5}', /line 3: type is no text/],
      ['{"t":1,"file":0,"type":"lease","lease":"x"}', /line 3: connection|line 3: lease/],
      ['{"t":1,"file":0,"type":"sample","bytes":-1}', /line 3: bytes is no number/],
      [`{"t":1,"type":"${'x'.repeat(300_000)}"}`, /line 3: it is longer/],
    ];
    for (const [line, message] of damaged) {
      const error = await refusal(`${textOf(RECORDS.slice(0, 2))}${line}\n${textOf(RECORDS)}`);
      expect(error.code, line.slice(0, 60)).equal('TRACE_INVALID');
      expect(error.message).match(message);
    }
  });
});
