import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { crc32 } from 'node:zlib';
import path from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { Checkpointer } from '../../../src/disk/checkpoint.js';
import type { SyncWatch } from '../../../src/disk/checkpoint.js';
import type { DurableExtent } from '../../../src/disk/durable-extents.js';
import { MAX_EXTENT } from '../../../src/disk/durable-extents.js';
import { writeFully } from '../../../src/disk/io.js';
import { Journal, readJournal } from '../../../src/disk/journal.js';
import { PartFile } from '../../../src/disk/part-file.js';
import { verifyExtents } from '../../../src/disk/verify-extents.js';
import { SluiceError } from '../../../src/errors.js';
import { silentLog } from '../../../src/log.js';
import { ExtentSet } from '../../../src/schedule/extents.js';
import { expectCode, someIdentity, temporaryDirectory } from './files.js';
import { mountSmallDisk } from './small-disk.js';

interface Run {
  part: PartFile;
  journal: Journal;
  written: ExtentSet;
  checkpointer: Checkpointer;
  /** CRCs that came with the bytes since the last checkpoint. */
  checks: DurableExtent[];
  write(data: Uint8Array, offset: number): void;
  end(): Promise<void>;
}

async function begin(partPath: string, journalPath: string): Promise<Run> {
  const part = PartFile.create(partPath);
  const journal = await Journal.create(journalPath, someIdentity());
  const written = new ExtentSet();
  const source = (): ReturnType<ExtentSet['toArray']> => written.toArray();
  const checks: DurableExtent[] = [];
  const watch = (): SyncWatch => ({
    isFull: false,
    begins: () => () => undefined,
    takeChecks: () => checks.splice(0),
  });
  const checkpointer = new Checkpointer({ part, journal, source, log: silentLog, watch });
  return {
    checks,
    part,
    journal,
    written,
    checkpointer,
    write(data, offset): void {
      writeFully(part.fd, data, 0, data.length, offset);
      written.add(offset, offset + data.length);
    },
    async end(): Promise<void> {
      part.close();
      await journal.close();
    },
  };
}

describe('disk/checkpoint', () => {
  const at = temporaryDirectory();

  it('P3: claims what is written, with the CRC of what the file holds', async () => {
    const run = await begin(at('x.part'), at('x.sluice'));
    run.write(Buffer.from('hello'), 0);
    run.write(Buffer.from('world'), 2 ** 33);
    expect(await run.checkpointer.run()).to.equal(10);
    expect(await run.checkpointer.run()).to.equal(0);
    run.write(Buffer.from('!'), 5);
    expect(await run.checkpointer.run()).to.equal(1);
    const expected = [
      { start: 0, end: 5, crc: crc32('hello') },
      { start: 5, end: 6, crc: crc32('!') },
      { start: 2 ** 33, end: 2 ** 33 + 5, crc: crc32('world') },
    ];
    expect(run.checkpointer.durable()).to.deep.equal(expected);
    expect(readJournal(at('x.sluice')).extents).to.deep.equal(expected);
    await run.end();
  });

  it('P2: says that the part was taken away, whatever failed because of that', async () => {
    mkdirSync(at('sub'));
    const run = await begin(at('sub/x.part'), at('sub/x.sluice'));
    run.write(Buffer.from('hello'), 0);
    const sync = run.part.sync.bind(run.part);
    // The sync of the directory fails, for it has another name by now.
    run.part.sync = async (): Promise<void> => {
      await sync();
      renameSync(at('sub'), at('other'));
    };
    const { message } = await expectCode('TARGET_UNSAFE', () => run.checkpointer.run());
    expect(message).to.contain('was removed or replaced');
    await run.end();
  });

  it('P3: nothing is claimed before the data is synced, nor what is written meanwhile', async () => {
    const run = await begin(at('x.part'), at('x.sluice'));
    const sync = run.part.sync.bind(run.part);
    const seen: number[] = [];
    run.part.sync = async (): Promise<void> => {
      seen.push(readJournal(at('x.sluice')).extents.length);
      run.write(Buffer.from('later'), 100);
      await sync();
      seen.push(readJournal(at('x.sluice')).extents.length);
    };
    run.write(Buffer.from('first'), 0);
    expect(await run.checkpointer.run()).to.equal(5);
    expect(seen).to.deep.equal([0, 0]);
    expect(readJournal(at('x.sluice')).extents.map(({ start }) => start)).to.deep.equal([0]);
    expect(await run.checkpointer.run()).to.equal(5);
    await run.end();
  });

  it('P3: claims by the CRC that came with the bytes; what the disk has made of them is found later', async () => {
    const run = await begin(at('x.part'), at('x.sluice'));
    run.write(Buffer.from('what the disk made of it'), 0);
    run.checks.push({ start: 0, end: 24, crc: crc32('what the disk was given!') });
    await run.checkpointer.run();
    const { extents } = readJournal(at('x.sluice'));
    expect(extents).to.deep.equal([{ start: 0, end: 24, crc: crc32('what the disk was given!') }]);
    expect(await verifyExtents(run.part.fd, extents, () => undefined)).to.deep.equal(extents);
    await run.end();
  });

  it('P3: reads back only what it is told to, and claims nothing else', async () => {
    const run = await begin(at('x.part'), at('x.sluice'));
    const claims = (): Array<[number, number]> =>
      run.checkpointer.durable().map(({ start, end }) => [start, end]);
    run.write(Buffer.alloc(30, 'x'), 0);
    run.checks.push({ start: 0, end: 10, crc: crc32('x'.repeat(10)) });
    // The last two bytes are not to be claimed yet.
    run.write(Buffer.alloc(10, 'y'), 30);
    run.written.remove(38, 40);
    run.checks.push({ start: 30, end: 40, crc: crc32('y'.repeat(10)) });
    expect(await run.checkpointer.run('nothing')).to.equal(10);
    expect(claims()).to.deep.equal([[0, 10]]);
    expect(await run.checkpointer.run('unknown')).to.equal(20);
    expect(claims()).to.deep.equal([
      [0, 10],
      [10, 30],
    ]);
    run.written.add(38, 40);
    expect(await run.checkpointer.run('nothing')).to.equal(10);
    run.write(Buffer.alloc(10, 'z'), 50);
    run.written.remove(50, 51);
    run.checks.push({ start: 50, end: 60, crc: 0 });
    expect(await run.checkpointer.run('unknown')).to.equal(0);
    expect(await run.checkpointer.run()).to.equal(9);
    const { extents } = readJournal(at('x.sluice'));
    expect(await verifyExtents(run.part.fd, extents, () => undefined)).to.deep.equal([]);
    await run.end();
  });

  it('P3: what is taken back and written anew is claimed by what it is now', async () => {
    const run = await begin(at('x.part'), at('x.sluice'));
    run.write(Buffer.from('old'), 0);
    run.checks.push({ start: 0, end: 3, crc: crc32('old') });
    run.checkpointer.forget([{ start: 0, end: 3 }]);
    run.write(Buffer.from('new'), 0);
    await run.checkpointer.run();
    expect(run.checkpointer.durable()).to.deep.equal([{ start: 0, end: 3, crc: crc32('new') }]);
    await run.end();
  });

  it('never runs twice at a time, and covers what was written before each call', async () => {
    const run = await begin(at('x.part'), at('x.sluice'));
    const sync = run.part.sync.bind(run.part);
    let active = 0;
    let runs = 0;
    run.part.sync = async (): Promise<void> => {
      active += 1;
      runs += 1;
      expect(active).to.equal(1);
      await sync();
      active -= 1;
    };
    run.write(Buffer.from('a'), 0);
    const results = [run.checkpointer.run()];
    run.write(Buffer.from('b'), 1);
    for (let count = 0; count < 5; count += 1) results.push(run.checkpointer.run());
    results.push(
      (results[0] as Promise<number>).then(() => {
        run.write(Buffer.from('c'), 2);
        return run.checkpointer.run();
      }),
    );
    await Promise.all(results);
    expect(run.checkpointer.durable().at(-1)?.end).to.equal(3);
    expect(runs).to.be.within(2, 3);
    await run.end();
  });

  it('P17: after a failed sync nothing more is ever claimed', async () => {
    const run = await begin(at('x.part'), at('x.sluice'));
    run.write(Buffer.from('good'), 0);
    await run.checkpointer.run();
    run.write(Buffer.from('lost'), 4);
    const waiting = [];
    closeSync(run.part.fd);
    waiting.push(run.checkpointer.run(), run.checkpointer.run());
    for (const outcome of await Promise.allSettled(waiting)) {
      expect(outcome.status).to.equal('rejected');
    }
    expect(openSync(at('x.part'), 'r+')).to.equal(run.part.fd);
    const error = await expectCode('DISK_IO', () => run.checkpointer.run());
    expect(error.details.errno).to.equal('EBADF');
    expect(readJournal(at('x.sluice')).extents).to.deep.equal([
      { start: 0, end: 4, crc: crc32('good') },
    ]);
    await run.end();
  });

  it('P3: a part that was made shorter is not claimed', async () => {
    const run = await begin(at('x.part'), at('x.sluice'));
    run.write(Buffer.alloc(5000), 0);
    truncateSync(at('x.part'), 4999);
    await expectCode('DISK_IO', () => run.checkpointer.run());
    expect(readJournal(at('x.sluice')).extents).to.deep.equal([]);
    await run.end();
  });

  it('P3: what is left of an extent that was taken back is claimed again', async () => {
    const run = await begin(at('x.part'), at('x.sluice'));
    run.write(Buffer.alloc(100, 'a'), 0);
    await run.checkpointer.run();
    await run.journal.forget([{ start: 40, end: 60 }]);
    run.written.remove(40, 60);
    expect(run.checkpointer.durable()).to.deep.equal([]);
    expect(await run.checkpointer.run()).to.equal(80);
    run.write(Buffer.alloc(20, 'b'), 40);
    expect(await run.checkpointer.run()).to.equal(20);
    const { extents } = readJournal(at('x.sluice'));
    expect(await verifyExtents(run.part.fd, extents, () => undefined)).to.deep.equal([]);
    await run.end();
  });

  it('cuts long claims into pieces of at most 64 MiB', async () => {
    const run = await begin(at('x.part'), at('x.sluice'));
    run.part.setSize(MAX_EXTENT + 1);
    run.written.add(0, MAX_EXTENT + 1);
    await run.checkpointer.run();
    expect(run.checkpointer.durable().map(({ end }) => end)).to.deep.equal([
      MAX_EXTENT,
      MAX_EXTENT + 1,
    ]);
    await run.journal.compact();
    expect(run.checkpointer.durable().length).to.equal(2);
    await run.end();
  });

  it('P17: on a full disk what is durable stays claimed', async function () {
    const disk = mountSmallDisk(48 * 1024);
    if (disk === null) return this.skip();
    const partPath = path.join(disk.dir, 'x.part');
    const journalPath = path.join(disk.dir, 'x.sluice');
    try {
      const run = await begin(partPath, journalPath);
      const block = Buffer.alloc(4096, 'x');
      await expectCode('DISK_FULL', async () => {
        for (let offset = 0; ; offset += 2 * block.length) {
          run.write(block, offset);
          await run.checkpointer.run();
        }
      });
      const durable = run.checkpointer.durable();
      expect(durable.length).to.be.at.least(10);
      // The journal's own last page is full before long; what it said before must still be said.
      await expectCode('DISK_FULL', async () => {
        for (let start = 10; ; start += 10) {
          await run.journal.append([{ start: 2 ** 40 + start, end: 2 ** 40 + start + 5, crc: 0 }]);
        }
      });
      await expectCode('DISK_FULL', () => run.journal.markClean(run.part.identity()));
      const read = readJournal(journalPath);
      expect(read.damaged).to.equal(false);
      expect(read.extents).to.deep.equal(run.checkpointer.durable());
      expect(read.extents.slice(0, durable.length)).to.deep.equal(durable);
      await run.end();
    } finally {
      disk.remove();
    }
  });
});

describe('disk/journal compaction', () => {
  const at = temporaryDirectory();

  it('joins neighbours under the CRC of all their bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 500 }), fc.boolean()), { maxLength: 20 }),
        async (spans) => {
          const run = await begin(at(`${Math.random()}.part`), at(`${Math.random()}.sluice`));
          let offset = 0;
          for (const [length, gap] of spans) {
            run.write(Buffer.alloc(length, length), offset);
            await run.checkpointer.run();
            offset += length + (gap ? 1 : 0);
          }
          await run.journal.compact();
          const read = readJournal(run.journal.path);
          expect(read.extents.map(({ start, end }) => ({ start, end }))).to.deep.equal(
            run.written.toArray(),
          );
          expect(await verifyExtents(run.part.fd, read.extents, () => undefined)).to.deep.equal([]);
          await run.end();
        },
      ),
      { numRuns: 20 },
    );
  });

  it('P12: happens by itself, keeps the mode, and appends go on', async () => {
    const journal = await Journal.create(at('x.sluice'), someIdentity());
    const many = Array.from({ length: 60_000 }, (_, n) => ({ start: n, end: n + 1, crc: 0 }));
    await journal.append(many);
    expect(statSync(at('x.sluice')).size).to.be.below(1000);
    expect(statSync(at('x.sluice')).mode & 0o777).to.equal(0o600);
    await journal.append([{ start: 70_000, end: 70_001, crc: 5 }]);
    await journal.close();
    const read = readJournal(at('x.sluice'));
    expect(read.damaged).to.equal(false);
    expect(read.identity).to.deep.equal(someIdentity());
    expect(read.extents.map(({ start, end }) => [start, end])).to.deep.equal([
      [0, 60_000],
      [70_000, 70_001],
    ]);
  });

  it('P3: keeps what was taken back taken back', async () => {
    const journal = await Journal.create(at('x.sluice'), someIdentity());
    await journal.append([{ start: 0, end: 100_000, crc: 3 }]);
    const { size } = statSync(at('x.sluice'));
    const many = Array.from({ length: 70_000 }, (_, n) => ({ start: n, end: n + 1 }));
    await journal.forget(many);
    expect(statSync(at('x.sluice')).size).to.be.below(size);
    await journal.close();
    expect(readJournal(at('x.sluice')).extents).to.deep.equal([]);
  });

  it('does not come again and again where nothing can be joined', async () => {
    const journal = await Journal.create(at('x.sluice'), someIdentity());
    const sparse = Array.from({ length: 60_000 }, (_, n) => ({
      start: 2 * n,
      end: 2 * n + 1,
      crc: 0,
    }));
    await journal.append(sparse);
    const { ino } = statSync(at('x.sluice'));
    await journal.append([{ start: 1, end: 2, crc: 0 }]);
    expect(statSync(at('x.sluice')).ino).to.equal(ino);
    await journal.close();
    expect(readJournal(at('x.sluice')).extents.length).to.equal(60_001);
  });

  it('P17: that finds no space leaves the journal as it is', async function () {
    const disk = mountSmallDisk(64 * 1024);
    if (disk === null) return this.skip();
    try {
      const file = path.join(disk.dir, 'x.sluice');
      const journal = await Journal.create(file, someIdentity());
      await journal.append([{ start: 0, end: 1, crc: 9 }]);
      const part = PartFile.create(path.join(disk.dir, 'filler'));
      await expectCode('DISK_FULL', () =>
        writeFully(part.fd, Buffer.alloc(100_000), 0, 100_000, 0),
      );
      const before = readFileSync(file);
      await expectCode('DISK_FULL', () => journal.compact());
      expect(readFileSync(file)).to.deep.equal(before);
      await journal.append([{ start: 1, end: 2, crc: 9 }]);
      await journal.close();
      part.close();
      expect(readJournal(file).extents.length).to.equal(2);
    } finally {
      disk.remove();
    }
  });
});

describe('disk/verify-extents', () => {
  const at = temporaryDirectory();

  it('P3: finds the extents whose bytes changed or are missing', async () => {
    const part = PartFile.create(at('x.part'));
    const data = Buffer.alloc(3 * 1024 * 1024 + 7, 'abc');
    writeFully(part.fd, data, 0, data.length, 0);
    const cut = [0, 10, 2 * 1024 * 1024, data.length - 1, data.length];
    const extents = cut.slice(1).map((end, index) => {
      const start = cut[index] as number;
      return { start, end, crc: crc32(data.subarray(start, end)) };
    });
    const found: number[] = [];
    const verify = async (): Promise<number[]> => {
      found.length = 0;
      const bad = await verifyExtents(part.fd, extents, ({ start }) => found.push(start));
      return bad.map(({ start }) => start);
    };
    expect(await verify()).to.deep.equal([]);
    writeFully(part.fd, Buffer.from('X'), 0, 1, 2 * 1024 * 1024 + 5);
    expect(await verify()).to.deep.equal([2 * 1024 * 1024]);
    part.setSize(data.length - 1);
    expect(await verify()).to.deep.equal([2 * 1024 * 1024, data.length - 1]);
    expect(found).to.deep.equal([2 * 1024 * 1024, data.length - 1]);
    part.close();
  });

  it('stops when it is told to', async () => {
    const part = PartFile.create(at('x.part'));
    part.setSize(10);
    const extents = [{ start: 0, end: 10, crc: 0 }];
    const verify = (signal: AbortSignal): Promise<unknown> =>
      verifyExtents(part.fd, extents, () => undefined, signal);
    await expectCode('INTERRUPTED', () => verify(AbortSignal.abort()));
    const why = new SluiceError('TERMINATED', 'x');
    await expectCode('TERMINATED', () => verify(AbortSignal.abort(why)));
    part.close();
  });
});
