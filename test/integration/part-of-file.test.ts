/** `--range`: a part of a file is a download of its own, and never taken for the whole. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { partOptions, readPartOption } from '../../src/app/part.js';
import { parsePart } from '../../src/http/part-of-file.js';
import { StreamDownload } from '../../src/transfer/stream.js';
import { contentAt } from '../helpers/content.js';
import { benchPerTest, expectDone, expectFailed, interrupt, told } from '../helpers/engine.js';
import type { EngineRun } from '../helpers/engine.js';
import type { OriginOptions } from '../helpers/origin.js';

const MIB = 1024 * 1024;
const SIZE = 6 * MIB;
const REFERENCE = { seed: 1, size: SIZE };
const PART = { start: 1_000_001, end: 5_000_000 };

function expectPart(run: EngineRun, start: number, end: number): void {
  expect(run.status, told(run)).equal(0);
  const same = readFileSync(run.file).equals(contentAt(1, start, end - start));
  expect(same, 'the bytes of the part').equal(true);
}

describe('a part of a file', () => {
  const bench = benchPerTest();

  for (const [text, part] of [
    ['0-0', { start: 0, end: 1 }],
    ['5-', { start: 5, end: null }],
    ['-7', { last: 7 }],
    ['-0', null],
    ['9-8', null],
    ['-', null],
    ['1-2,4-5', null],
    ['a-b', null],
    ['1234567890123456-', null],
  ] as const)
    it(`reads ${text}`, () => expect(parsePart(text)).deep.equal(part));

  for (const [text, start, end] of [
    ['1000001-4999999', PART.start, PART.end],
    ['3000000-', 3_000_000, SIZE],
    ['-2500000', SIZE - 2_500_000, SIZE],
    ['0-99', 0, 100],
    ['6291000-99999999', 6_291_000, SIZE],
  ] as const)
    it(`P9: ${text} is fetched in parallel, and nothing else is`, async () => {
      const origin = await bench.origin(REFERENCE);
      const run = await bench.engine({ range: parsePart(text) }).get(origin.url);
      expectPart(run, start, end);
      for (const { range } of origin.requests) {
        if (range?.start === 0 && range.end === 1) continue;
        expect(range?.start).at.least(start);
        expect(Math.min(range?.end ?? end, SIZE)).at.most(end);
      }
    });

  const plainServers: Array<[string, OriginOptions]> = [
    ['ignores Range', { ranges: false }],
    ['ignores Range and tells no length', { ranges: false, framing: 'chunked' }],
    ['tells no length but closes', { ranges: false, framing: 'close' }],
  ];
  for (const [what, options] of plainServers)
    for (const range of [
      { start: PART.start, end: PART.end },
      { start: PART.start, end: null },
    ])
      it(`P22: of a server that ${what} only the part is written (${range.end})`, async () => {
        const origin = await bench.origin({ ...REFERENCE, ...options });
        const run = await bench.engine({ range }).get(origin.url);
        expectPart(run, PART.start, range.end ?? SIZE);
      });

  it('P22: a server that refuses every Range is asked without', async () => {
    const origin = await bench.origin(REFERENCE);
    origin.fault({
      times: Infinity,
      when: ({ range }) => range !== null,
      fault: { kind: 'status', status: 403 },
    });
    expectPart(await bench.engine({ range: PART }).get(origin.url), PART.start, PART.end);
  });

  it('P4: goes on where it stopped, by get and by resume', async () => {
    for (const how of ['get', 'resume'] as const) {
      const origin = await bench.origin({ ...REFERENCE, rate: 12 * MIB });
      const engine = bench.engine({ range: PART });
      origin.allow(2 * MIB);
      await interrupt(engine.start(origin.url), MIB, origin);
      origin.allow(Infinity);
      origin.set({ rate: Infinity });
      const run = how === 'get' ? await engine.get(origin.url) : await engine.resume();
      expectPart(run, PART.start, PART.end);
      expect((run.last as { fetched: number }).fetched).below(PART.end - PART.start - MIB / 2);
    }
  });

  it('P22: a break in the middle of a whole answer begins again', async () => {
    const origin = await bench.origin({ ...REFERENCE, ranges: false });
    origin.fault({ fault: { kind: 'reset', at: 3 * MIB } });
    expectPart(await bench.engine({ range: PART }).get(origin.url), PART.start, PART.end);
  });

  it('P6: a file of another length half way is another file', async () => {
    const origin = await bench.origin({
      ...REFERENCE,
      etag: 'none',
      lastModified: null,
      rate: 6 * MIB,
    });
    origin.fault({
      times: Infinity,
      when: ({ number }) => number > 0,
      fault: { kind: 'total', total: SIZE + 5 },
    });
    const run = await bench.engine({ range: PART }).get(origin.url);
    expectFailed(run, 'CHANGED');
  });

  it('a finished part is not fetched again, and is not the whole; nor is the whole a part', async () => {
    const origin = await bench.origin(REFERENCE);
    const engine = bench.engine();
    await engine.get(origin.url, { range: PART });
    const asked = origin.requests.length;
    const again = await engine.get(origin.url, { range: PART });
    expect(again.last).include({ type: 'done', outcome: 'complete' });
    expect(origin.requests.length - asked, 'one request').equal(1);
    for (const range of [null, { start: 0, end: null }, { last: 5 }])
      expect((await engine.get(origin.url, { range })).last).include({ code: 'TARGET_EXISTS' });
    const whole = bench.engine();
    expectDone(await whole.get(origin.url), REFERENCE);
    const part = await whole.get(origin.url, { range: { start: 0, end: SIZE } });
    expect(part.last).include({ code: 'TARGET_EXISTS' });
  });

  it('an unfinished part is not gone on with as the whole', async () => {
    const origin = await bench.origin({ ...REFERENCE, rate: 12 * MIB });
    const engine = bench.engine();
    origin.allow(2 * MIB);
    await interrupt(engine.start(origin.url, { range: PART }), MIB, origin);
    origin.allow(Infinity);
    expectFailed(await engine.get(origin.url), 'TARGET_EXISTS');
    expect(engine.hasPart).equal(true);
  });

  it('has a name of its own', async () => {
    const origin = await bench.origin(REFERENCE);
    const engine = bench.engine({ output: null });
    const names = [{ start: 0, end: 100 }, { start: 6_000_000, end: null }, { last: 9 }, null];
    for (const range of names) await engine.get(origin.url, { range, dir: engine.dir });
    expect(readdirSync(engine.dir).sort()).deep.equal([
      'file.bin',
      'file.bin.bytes-0-99',
      'file.bin.bytes-6000000-',
      'file.bin.bytes-last-9',
    ]);
    expect(readFileSync(path.join(engine.dir, 'file.bin.bytes-0-99')).length).equal(100);
  });

  for (const [what, options] of [
    ['a server with ranges', {}],
    ['a server without', { ranges: false }],
    ['one that tells no length', { ranges: false, framing: 'chunked' }],
  ] as Array<[string, OriginOptions]>)
    it(`beyond the end there is nothing, says ${what}`, async () => {
      const origin = await bench.origin({ ...REFERENCE, ...options });
      const engine = bench.engine({ range: { start: SIZE, end: null } });
      const run = await engine.get(origin.url);
      const last = expectFailed(run, 'RANGE_BEYOND_END');
      expect(last.exitStatus).equal(6);
      expect(existsSync(`${engine.file}.part`)).equal(false);
    });

  it("P8: the server's digest of the whole says nothing of a part; the user's is refused", async () => {
    const fields = { 'Repr-Digest': 'sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:' };
    const origin = await bench.origin({ ...REFERENCE, fields });
    expectPart(await bench.engine({ range: PART }).get(origin.url), PART.start, PART.end);
    const given = bench.engine().options(origin.url);
    const checksums = [{ algorithm: 'sha256', hex: '0'.repeat(64) } as const];
    expect(() => partOptions({ ...given, checksums }, PART, true)).throws('--checksum');
    expect(partOptions({ ...given, checksums }, PART, false).checksums).deep.equal([]);
    expect(() => readPartOption('3-2')).throws('--range takes');
  });

  for (const options of [{}, { ranges: false }] as OriginOptions[])
    it(`P23: goes to a reader as well (${JSON.stringify(options)})`, async () => {
      const origin = await bench.origin({ ...REFERENCE, ...options });
      const chunks: Buffer[] = [];
      const write = (bytes: Uint8Array): Promise<void> => {
        chunks.push(Buffer.from(bytes));
        return Promise.resolve();
      };
      const given = bench.engine({ range: PART }).options(origin.url);
      const output = { write, close: () => undefined };
      const last = await new StreamDownload(given, output, 4 * MIB).run();
      expect(last.type).equal('done');
      const same = Buffer.concat(chunks).equals(contentAt(1, PART.start, PART.end - PART.start));
      expect(same).equal(true);
    });
});
