import { expect } from 'chai';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
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
import { mountSmallDisk } from '../unit/disk/small-disk.js';
import { findProgram } from '../helpers/real-server.js';
import { spawnSluice } from '../helpers/run-sluice.js';

const MIB = 1024 * 1024;
const BORDER = 2 ** 32;
const SIZE = BORDER + 8 * MIB;
const KEPT = BORDER - 8 * MIB;
const SEED = 31;
const EXTENT = 64 * MIB;

/** The most memory that a running process has had, in KiB. */
function peakOf(pid: number): number {
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

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
    const origin = await Origin.start({ size: SIZE, seed: SEED, rate: 8 * MIB });
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

  it('P15: a planned 1 TiB download is begun, inspected and resumed at the cost of one of 1 GiB', async function () {
    if (findProgram('time') === null || process.platform !== 'linux') return this.skip();
    // A disk with so much room, where one may be mounted; what is never written takes no memory.
    const roomy = mountSmallDisk(2 ** 41);
    try {
      const place = roomy?.dir ?? dir();
      const small = await cost(place, 2 ** 30);
      const large = await cost(place, 2 ** 40);
      // Where the disk is too small for it, that is told at once, and there is nothing to compare.
      if (large === null) return this.skip();
      compareCosts(small, large);
    } finally {
      roomy?.remove();
    }
  });

  function compareCosts(small: Cost | null, large: Cost): void {
    expect(small).to.not.equal(null);
    for (const what of ['get', 'info', 'resume'] as const) {
      const most = (small?.memory[what] ?? 0) + 16 * 1024;
      expect(large.memory[what], `KiB of memory of ${what}`).to.be.within(1, most);
    }
    // It grows with time and with gaps, and not with the size.
    expect(large.journal).to.be.within(1, 64 * 1024);
    expect(small?.journal).to.be.within(1, 64 * 1024);
  }

  interface Cost {
    /** The most memory that each of the three processes had, in KiB. */
    memory: { get: number; info: number; resume: number };
    /** Bytes of the journal at the end. */
    journal: number;
  }

  /** Begins, kills, inspects and resumes a download of this size; null when the disk is too small. */
  async function cost(place: string, size: number): Promise<Cost | null> {
    const cwd = path.join(place, String(size));
    mkdirSync(cwd);
    const target = path.join(cwd, 'x');
    const origin = await Origin.start({ size, seed: SEED, rate: 500_000 });
    try {
      const get = spawnSluice(['get', origin.url, '-o', 'x', '-n', '8'], { cwd });
      const begun = untilClaimed(get, target, 1_000_000).then(() => true);
      if (!(await begun.catch(() => false))) {
        const refused = await get.ended;
        expectStatus(refused, 10);
        expect(refused.stderr).to.match(/1 TiB needed, .* missing/);
        expect(readdirSync(cwd)).to.deep.equal([]);
        return null;
      }
      const memory = { get: peakOf(get.pid), info: 0, resume: 0 };
      get.kill('SIGKILL');
      await get.ended;
      const prefix = ['/usr/bin/time', '-f', '%M', '-o', 'kilobytes'];
      const info = await runIn(cwd, ['info', 'x', '--json'], { prefix });
      memory.info = Number(readFileSync(path.join(cwd, 'kilobytes'), 'utf8'));
      const { bytes, missing } = JSON.parse(info.stdout) as { bytes: number; missing: number };
      expect(bytes).to.be.above(1_000_000);
      expect(bytes + missing).to.equal(size);
      const again = spawnSluice(['resume', 'x', '-n', '8', '--json'], { cwd });
      await again.waitFor(/"type":"progress"/);
      memory.resume = peakOf(again.pid);
      again.kill('SIGINT');
      const resumed = await again.ended;
      expect(resumed.events[0]).to.include({ type: 'start', resumed: bytes });
      return { memory, journal: statSync(`${target}.sluice`).size };
    } finally {
      await origin.close();
    }
  }
});
