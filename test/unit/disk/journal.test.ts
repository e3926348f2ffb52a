import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { SluiceError } from '../../../src/errors.js';
import { Journal, cleanMatches, readJournal } from '../../../src/disk/journal.js';
import { ExtentSet } from '../../../src/schedule/extents.js';
import { expectCode, someIdentity, temporaryDirectory } from './files.js';

const CLEAN = { dev: '1', ino: '2', size: 900, mtimeNs: '1700000000000000001' };

describe('disk/journal', () => {
  const at = temporaryDirectory();

  async function written(work: (journal: Journal) => Promise<void>, size = 1000): Promise<string> {
    const path = at('big.iso.sluice');
    const journal = await Journal.create(path, someIdentity({ size }));
    await work(journal);
    await journal.close();
    return path;
  }

  it('gives back what was put in', async () => {
    const path = await written(async (journal) => {
      await journal.append([
        { start: 100, end: 200, crc: 0xffffffff },
        { start: 0, end: 50, crc: 1 },
      ]);
      await journal.setIdentity(someIdentity({ size: 1000, finalUrl: 'https://b.example/' }));
      await journal.markClean(CLEAN);
    });
    const read = readJournal(path);
    expect(read.extents).to.deep.equal([
      { start: 0, end: 50, crc: 1 },
      { start: 100, end: 200, crc: 0xffffffff },
    ]);
    expect(read.identity).to.deep.equal(
      someIdentity({ size: 1000, finalUrl: 'https://b.example/' }),
    );
    expect(read.clean).to.deep.equal(CLEAN);
    expect(read.damaged).to.equal(false);
    expect(read.validBytes).to.equal(statSync(path).size);
    expect(cleanMatches(read.clean, CLEAN)).to.equal(true);
    expect(cleanMatches(read.clean, { ...CLEAN, mtimeNs: '5' })).to.equal(false);
  });

  it('keeps offsets beyond 2^32', async () => {
    const extent = { start: 2 ** 40, end: 2 ** 40 + 2 ** 33, crc: 7 };
    const path = await written((journal) => journal.append([extent]), 2 ** 50);
    expect(readJournal(path).extents).to.deep.equal([extent]);
  });

  it('P12: is readable by its owner only, under any umask', async () => {
    for (const mask of [0o000, 0o022, 0o077]) {
      const before = process.umask(mask);
      try {
        const path = at(`${mask}.sluice`);
        await (await Journal.create(path, someIdentity())).close();
        expect(statSync(path).mode & 0o777).to.equal(0o600);
      } finally {
        process.umask(before);
      }
    }
  });

  it('P12: holds no userinfo', async () => {
    await expectCode('DEFECT', () =>
      Journal.create(at('x.sluice'), someIdentity({ url: 'https://me:pw@files.example/' })),
    );
    expect(existsSync(at('x.sluice'))).to.equal(false);
  });

  it('P3: a journal cut at any byte claims only what its whole records claim', async () => {
    const states: { bytes: number; extents: unknown; clean: boolean }[] = [];
    const path = at('big.iso.sluice');
    const journal = await Journal.create(path, someIdentity({ size: 1000 }));
    const note = (clean: boolean): void => {
      states.push({ bytes: statSync(path).size, extents: journal.extents(), clean });
    };
    note(false);
    await journal.append([{ start: 0, end: 10, crc: 1 }]);
    note(false);
    await journal.append([
      { start: 10, end: 20, crc: 2 },
      { start: 30, end: 40, crc: 3 },
    ]);
    note(false);
    await journal.forget([{ start: 12, end: 13 }]);
    note(false);
    await journal.markClean(CLEAN);
    note(true);
    await journal.close();
    const whole = readFileSync(path);
    for (let length = 0; length < whole.length; length += 1) {
      writeFileSync(at('cut.sluice'), whole.subarray(0, length));
      const expected = states.filter((state) => state.bytes <= length).at(-1);
      if (expected === undefined) {
        const codes = ['JOURNAL_DAMAGED', 'NOTHING_TO_RESUME'];
        try {
          readJournal(at('cut.sluice'));
          expect.fail(`read with ${length} bytes`);
        } catch (thrown) {
          expect((thrown as SluiceError).code).to.be.oneOf(codes);
        }
        continue;
      }
      const read = readJournal(at('cut.sluice'));
      expect(read.extents).to.deep.equal(expected.extents);
      expect(read.clean !== null).to.equal(expected.clean);
      expect(read.validBytes).to.equal(expected.bytes);
      expect(read.damaged).to.equal(length > expected.bytes);
    }
  });

  it('P3: no flipped bit makes a journal claim what was never claimed', async () => {
    const histories = new Set<string>();
    const path = await written(async (journal) => {
      histories.add('[]');
      for (const extent of [
        { start: 5, end: 10, crc: 1 },
        { start: 10, end: 20, crc: 2 },
      ]) {
        await journal.append([extent]);
        histories.add(JSON.stringify(journal.extents()));
      }
      await journal.forget([{ start: 5, end: 6 }]);
      histories.add(JSON.stringify(journal.extents()));
    });
    const whole = readFileSync(path);
    for (let bit = 0; bit < whole.length * 8; bit += 1) {
      const bytes = Buffer.from(whole);
      bytes.writeUInt8((bytes[bit >> 3] as number) ^ (1 << (bit & 7)), bit >> 3);
      writeFileSync(at('bad.sluice'), bytes);
      try {
        const read = readJournal(at('bad.sluice'));
        expect(histories.has(JSON.stringify(read.extents)), `bit ${bit}`).to.equal(true);
        expect(read.damaged, `bit ${bit}`).to.equal(true);
        expect(read.clean).to.equal(null);
        expect(read.identity).to.deep.equal(someIdentity({ size: 1000 }));
      } catch (thrown) {
        expect(thrown).to.be.instanceOf(SluiceError);
        expect((thrown as SluiceError).code).to.equal('JOURNAL_DAMAGED');
      }
    }
  });

  it('P3: no other journal, and no earlier record, can be appended to a journal', async () => {
    const path = await written((journal) => journal.append([{ start: 0, end: 10, crc: 1 }]));
    const first = readFileSync(path);
    const other = at('other.sluice');
    const journal = await Journal.create(other, someIdentity({ size: 1000 }));
    const head = statSync(other).size;
    await journal.append([{ start: 500, end: 600, crc: 2 }]);
    await journal.close();
    const foreign = readFileSync(other).subarray(head);
    for (const tail of [foreign, first.subarray(head), first]) {
      writeFileSync(at('mixed.sluice'), Buffer.concat([first, tail]));
      const read = readJournal(at('mixed.sluice'));
      expect(read.extents).to.deep.equal([{ start: 0, end: 10, crc: 1 }]);
      expect(read.damaged).to.equal(true);
      expect(read.validBytes).to.equal(first.length);
    }
  });

  it('tells another version, another format and a journal that never began apart', async () => {
    const path = await written(() => Promise.resolve());
    const bytes = readFileSync(path);
    bytes.writeUInt32LE(3, 8);
    writeFileSync(path, bytes);
    const error = await expectCode('JOURNAL_DAMAGED', () => readJournal(path));
    expect(error.message).to.contain('format 3');
    expect(error.details.path).to.equal(path);
    writeFileSync(path, 'x'.repeat(100));
    await expectCode('JOURNAL_DAMAGED', () => readJournal(path));
    for (const content of [Buffer.alloc(0), Buffer.alloc(4096)]) {
      writeFileSync(path, content);
      await expectCode('NOTHING_TO_RESUME', () => readJournal(path));
    }
    await expectCode('NOTHING_TO_RESUME', () => readJournal(at('none.sluice')));
  });

  it('P4: a journal of version 1 is read and gone on with, and is of version 2 then', async () => {
    const path = await written(async (journal) => journal.append([{ start: 0, end: 10, crc: 1 }]));
    const bytes = readFileSync(path);
    bytes.writeUInt32LE(1, 8);
    writeFileSync(path, bytes);
    const read = readJournal(path);
    expect(read.version).to.equal(1);
    const journal = await Journal.reopen(path, read);
    await journal.append([{ start: 10, end: 20, crc: 2 }]);
    await journal.close();
    expect(readJournal(path)).to.deep.include({
      version: 2,
      damaged: false,
      extents: [
        { start: 0, end: 10, crc: 1 },
        { start: 10, end: 20, crc: 2 },
      ],
    });
  });

  it('is not read when it is too long to be one, and says so once', async () => {
    const path = await written(async (journal) => journal.append([{ start: 0, end: 9, crc: 1 }]));
    truncateSync(path, 2 ** 40);
    const { message } = await expectCode('JOURNAL_DAMAGED', () => readJournal(path));
    expect(message).to.match(/^[^:]*: the journal is not usable: it is longer than 64 MiB$/);
  });

  it('P13: neither reads nor creates through a link, a FIFO or a directory', async () => {
    const real = await written(() => Promise.resolve());
    symlinkSync(real, at('link.sluice'));
    symlinkSync(at('nowhere'), at('dangling.sluice'));
    mkdirSync(at('directory.sluice'));
    execFileSync('mkfifo', [at('fifo.sluice')]);
    copyFileSync(real, at('copy'));
    linkSync(at('copy'), at('hard.sluice'));
    for (const name of ['link', 'dangling', 'directory', 'fifo', 'hard']) {
      const path = at(`${name}.sluice`);
      await expectCode('JOURNAL_DAMAGED', () => readJournal(path));
      await expectCode('TARGET_UNSAFE', () => Journal.create(path, someIdentity()));
    }
    expect(existsSync(at('nowhere'))).to.equal(false);
  });

  it('P18: of two runs that create a journal, one proceeds', async () => {
    const path = at('big.iso.sluice');
    const results = await Promise.allSettled([
      Journal.create(path, someIdentity()),
      Journal.create(path, someIdentity()),
    ]);
    const won = results.filter((result) => result.status === 'fulfilled');
    const lost = results.filter((result) => result.status === 'rejected');
    expect(won.length).to.equal(1);
    expect((lost[0]?.reason as SluiceError).code).to.equal('TARGET_BUSY');
    await won[0]?.value.close();
  });

  it('goes on after a bad tail and a CLEAN', async () => {
    const path = await written(async (journal) => {
      await journal.append([{ start: 0, end: 10, crc: 1 }]);
      await journal.markClean(CLEAN);
    });
    const size = statSync(path).size;
    writeFileSync(path, Buffer.from('torn record'), { flag: 'a' });
    const read = readJournal(path);
    expect(read).to.include({ damaged: true, clean: null, validBytes: size });
    const journal = await Journal.reopen(path, read);
    expect(readJournal(path)).to.include({ damaged: false, clean: null });
    await journal.append([{ start: 10, end: 20, crc: 2 }]);
    await journal.close();
    const again = readJournal(path);
    expect(again.damaged).to.equal(false);
    expect(again.extents.map(({ end }) => end)).to.deep.equal([10, 20]);
  });

  it('P13: does not reopen a journal that was replaced', async () => {
    const path = await written(() => Promise.resolve());
    const read = readJournal(path);
    copyFileSync(path, at('copy'));
    execFileSync('mv', [at('copy'), path]);
    await expectCode('JOURNAL_DAMAGED', () => Journal.reopen(path, read));
  });

  it('P3: overlaps and taking back never leave more than the truth', async () => {
    const range = fc
      .tuple(fc.nat(98), fc.nat(98))
      .map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) + 1 }));
    const step = fc.record({ forget: fc.boolean(), range });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        const path = at(`${(run += 1)}.sluice`);
        const journal = await Journal.create(path, someIdentity({ size: 100 }));
        const truth = new ExtentSet();
        for (const { forget, range } of steps) {
          if (forget) {
            await journal.forget([range]);
            truth.remove(range.start, range.end);
          } else {
            await journal.append([{ ...range, crc: range.start }]);
            truth.add(range.start, range.end);
          }
        }
        const claimed = journal.extents();
        await journal.close();
        expect(readJournal(path).extents).to.deep.equal(claimed);
        let end = 0;
        for (const extent of claimed) {
          expect(extent.start).to.be.at.least(end);
          expect(truth.has(extent.start, extent.end)).to.equal(true);
          expect(extent.crc).to.equal(extent.start);
          end = extent.end;
        }
      }),
      { numRuns: 30 },
    );
  });

  it('P3: a claim beyond the size does not count', async () => {
    const path = await written(async (journal) => {
      await journal.append([
        { start: 0, end: 10, crc: 1 },
        { start: 10, end: 20, crc: 2 },
      ]);
      await journal.setIdentity(someIdentity({ size: 15 }));
    });
    const read = readJournal(path);
    expect(read.extents).to.deep.equal([{ start: 0, end: 10, crc: 1 }]);
    expect(read.damaged).to.equal(true);
  });

  it('removes its file, and no other that took its name', async () => {
    const path = at('big.iso.sluice');
    const journal = await Journal.create(path, someIdentity());
    await journal.remove();
    expect(existsSync(path)).to.equal(false);
    const second = await Journal.create(path, someIdentity());
    writeFileSync(at('mine'), 'mine');
    execFileSync('mv', [at('mine'), path]);
    await second.remove();
    expect(readFileSync(path, 'latin1')).to.equal('mine');
  });
});
