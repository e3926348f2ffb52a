import { expect } from 'chai';
import { statSync } from 'node:fs';
import path from 'node:path';
import { Journal } from '../../src/disk/journal.js';
import { journalPath, partPath } from '../../src/disk/names.js';
import { PartFile } from '../../src/disk/part-file.js';
import { writeFully } from '../../src/disk/io.js';
import { contentAt } from '../helpers/content.js';
import { expectStatus, filesIn, runIn } from '../helpers/command.js';
import { readRange, tempDirPerTest } from '../helpers/files.js';
import { untilClaimed } from '../helpers/leave.js';
import { Origin } from '../helpers/origin.js';
import { spawnSluice } from '../helpers/run-sluice.js';

const MIB = 1024 * 1024;
const BORDER = 2 ** 32;
const SIZE = BORDER + 8 * MIB;
const KEPT = BORDER - 8 * MIB;
const SEED = 31;
const EXTENT = 64 * MIB;

describe('e2e/large', () => {
  const dir = tempDirPerTest();

  /** What a run leaves that stopped gracefully 8 MiB before 4 GiB; all but its end is a hole. */
  async function craft(target: string, url: string): Promise<void> {
    const part = PartFile.create(partPath(target));
    const { dev, ino } = part.identity();
    const journal = await Journal.create(journalPath(target), {
      version: 1,
      url,
      finalUrl: null,
      size: SIZE,
      validators: {
        etag: { opaque: `"s${SEED}-${SIZE}"`, weak: false },
        lastModified: null,
        lastModifiedMs: null,
        dateMs: null,
      },
      part: { dev, ino },
      bootId: null,
      createdMs: Date.now(),
      options: {},
    });
    part.setSize(SIZE);
    writeFully(part.fd, contentAt(SEED, KEPT - MIB, MIB), 0, MIB, KEPT - MIB);
    for (let start = 0; start < KEPT; start += EXTENT) {
      await journal.append([{ start, end: Math.min(KEPT, start + EXTENT), crc: 0 }]);
    }
    await journal.markClean(part.identity());
    await journal.close();
    part.close();
  }

  it('P1: offsets beyond 2^32 are right, and only what is missing is asked for', async () => {
    const origin = await Origin.start({ size: SIZE, seed: SEED });
    try {
      const target = path.join(dir(), 'x');
      await craft(target, origin.url);
      const run = await runIn(dir(), ['resume', 'x', '-n', '4', '--sync', 'none']);
      expectStatus(run, 0);
      expect(filesIn(dir())).to.deep.equal(['x']);
      expect(statSync(target).size).to.equal(SIZE);
      for (let at = KEPT - MIB; at < SIZE; at += MIB) {
        const same = readRange(target, at, at + MIB).equals(contentAt(SEED, at, MIB));
        expect(same, `the MiB at ${at}`).to.equal(true);
      }
      for (const { range } of origin.requests) {
        expect(range?.start).to.be.at.least(KEPT - 4096);
        expect(range?.end).to.be.at.most(SIZE);
      }
      expect(origin.requests.some(({ range }) => (range?.start ?? 0) > BORDER)).to.equal(true);
    } finally {
      await origin.close();
    }
  });

  it('P15: a planned 1 TiB download is begun, inspected and resumed at the cost of a small one', async () => {
    const size = 2 ** 40;
    const origin = await Origin.start({ size, seed: SEED, rate: 500_000 });
    try {
      const get = spawnSluice(['get', origin.url, '-o', 'x', '-n', '8'], { cwd: dir() });
      const kept = untilClaimed(get, path.join(dir(), 'x'), 1_000_000).then(() => true);
      // Where the disk is too small for it, that is told at once.
      if (!(await kept.catch(() => false))) {
        const refused = await get.ended;
        expectStatus(refused, 10);
        expect(refused.stderr).to.match(/1 TiB needed, .* missing/);
        expect(filesIn(dir())).to.deep.equal([]);
        return;
      }
      get.kill('SIGINT');
      expectStatus(await get.ended, 130);
      const info = await runIn(dir(), ['info', 'x', '--json']);
      const { bytes } = JSON.parse(info.stdout) as { bytes: number };
      expect(bytes).to.be.above(1_000_000);
      const again = spawnSluice(['resume', 'x', '-n', '8', '--json'], { cwd: dir() });
      await again.waitFor(/"type":"progress"/);
      again.kill('SIGINT');
      const resumed = await again.ended;
      expect(resumed.events[0]).to.include({ type: 'start', resumed: bytes });
      expect(statSync(path.join(dir(), 'x.sluice')).size).to.be.below(64 * 1024);
    } finally {
      await origin.close();
    }
  });
});
