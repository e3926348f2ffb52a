/** A journal, whoever wrote it, is read in a time that is linear in its length (P26). */
import { statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { expect } from 'chai';
import {
  cleanFrame,
  decodeJournal,
  extentFrames,
  forgetFrames,
  identityFrame,
  MAX_CLAIMS,
  type DurableExtent,
  type Frame,
} from '../../src/disk/journal-format.js';
import { expectStatus, runIn } from '../helpers/command.js';
import { contentAt } from '../helpers/content.js';
import { tempDirPerTest } from '../helpers/files.js';
import { journalBytes as journal } from '../helpers/journal-bytes.js';
import { Origin } from '../helpers/origin.js';
import { spawnSluice } from '../helpers/run-sluice.js';
import { someIdentity } from '../unit/disk/files.js';

const STEP = 10;

/** Claims of half of the bytes, in as many pieces as can be. */
const claims = (count: number): DurableExtent[] =>
  Array.from({ length: count }, (_, at) => ({ start: at * STEP, end: at * STEP + 5, crc: 1 }));

/** The same, each far from the one before it. */
const scattered = (count: number): DurableExtent[] => {
  const sorted = claims(count);
  return sorted.map((_, at) => sorted[(at * 7919) % count] as DurableExtent);
};

const ORDERS: Record<string, (count: number) => Frame[]> = {
  ascending: (count) => extentFrames(claims(count)),
  descending: (count) => extentFrames(claims(count).reverse()),
  scattered: (count) => extentFrames(scattered(count)),
  'taken back one by one': (count) => [
    ...extentFrames(claims(count)),
    ...forgetFrames(claims(count)),
  ],
};

/** Milliseconds of the processor, for others may have it meanwhile; the least of some tries. */
function quickest(bytes: Buffer): number {
  const times = [1, 2, 3].map(() => {
    const started = process.cpuUsage();
    decodeJournal(bytes);
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1000;
  });
  return Math.min(...times);
}

/** On a machine that is busy; alone it is some seconds, and was minutes. */
const SOON_MS = 90_000;

describe('security/journals', () => {
  const dir = tempDirPerTest();
  const first = identityFrame(someIdentity({ size: Number.MAX_SAFE_INTEGER }));

  for (const [order, frames] of Object.entries(ORDERS)) {
    it(`P26: 200,000 claims, ${order}: read in a time that grows with their number`, () => {
      const short = quickest(journal([first, ...frames(50_000)]));
      const long = quickest(journal([first, ...frames(200_000)]));
      // Four times as many: 4 is linear, 16 is quadratic. A short time has noise of its own.
      expect(long / Math.max(short, 20), `${short} ms, ${long} ms`).below(10);
    });
  }

  it('P26: an address that is none of ours is not even parsed: a host of marks takes the square of them', () => {
    const good = JSON.parse(Buffer.from(first.payload).toString()) as Record<string, unknown>;
    const frame = (url: string): Frame => ({
      type: first.type,
      payload: Buffer.from(JSON.stringify({ ...good, url })),
    });
    expect(decodeJournal(journal([frame('http://h/%CC%95')])).identity.url).equal(
      'http://h/%CC%95',
    );
    const started = performance.now();
    for (const url of [
      `http://a${'\u0315\u0300'.repeat(200_000)}/`,
      `http://a${'%CC%95%CC%80'.repeat(80_000)}/`,
      'http://h/\u0315',
      'http://h/a b',
      'ftp://h/',
    ])
      expect(() => decodeJournal(journal([frame(url)])), url.slice(0, 20)).throw(/first record/);
    expect(performance.now() - started).below(5_000);
  });

  it('P26: more claims than any download has end the reading, and what came before counts', () => {
    const bytes = journal([first, ...extentFrames(claims(MAX_CLAIMS + 1))]);
    const { extents, damaged } = decodeJournal(bytes);
    expect(damaged).equal(true);
    expect(extents.length).within(MAX_CLAIMS / 2, MAX_CLAIMS);
  });

  it('P26: a part of 300,000 ranges: --max-time and signals end what resume makes of it', async function () {
    this.timeout(300_000);
    const count = 300_000;
    const size = count * STEP;
    const origin = await Origin.start({ size, seed: 4, rate: 20_000 });
    try {
      const part = path.join(dir(), 'x.part');
      writeFileSync(part, contentAt(4, 0, size));
      const stats = statSync(part, { bigint: true });
      const [dev, ino] = [String(stats.dev), String(stats.ino)];
      const clean = cleanFrame({ dev, ino, size, mtimeNs: String(stats.mtimeNs) });
      const identity = someIdentity({
        size,
        url: origin.url,
        finalUrl: null,
        part: { dev, ino },
        validators: null,
      });
      const frames = [identityFrame(identity), ...extentFrames(scattered(count)), clean];
      const put = (): void =>
        writeFileSync(path.join(dir(), 'x.sluice'), journal(frames), { mode: 0o600 });
      put();
      const late = await runIn(dir(), ['resume', 'x', '--insist', '--max-time', '1']);
      expectStatus(late, 4);
      expect(late.ms).below(SOON_MS);
      put();
      // What the run before asked says nothing of whether this one listens to signals yet.
      const asked = origin.requests.length;
      const run = spawnSluice(['resume', 'x', '--insist'], { cwd: dir() });
      await Promise.race([
        origin.server.until(({ requests }) => requests.length > asked + 1),
        run.ended.then(({ stderr }) => expect.fail(`it has ended: ${stderr}`)),
      ]);
      const signalled = performance.now();
      run.kill('SIGINT');
      expectStatus(await run.ended, 130);
      expect(performance.now() - signalled).below(SOON_MS);
    } finally {
      await origin.close();
    }
  });
});
