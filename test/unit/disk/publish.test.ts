import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { expect } from 'chai';
import { writeFully } from '../../../src/disk/io.js';
import { PartFile } from '../../../src/disk/part-file.js';
import {
  claimNameWithoutLinks,
  finishPublish,
  numberedName,
  publish,
  publishedName,
  syncDirectory,
  undoPublish,
  type PublishMode,
} from '../../../src/disk/publish.js';
import { expectCode, temporaryDirectory } from './files.js';

/** For what must not fail. */
const noWarning = (error: Error): never => {
  throw error;
};

const MODES: PublishMode[] = ['fail', 'overwrite', 'rename'];

describe('disk/publish', () => {
  const at = temporaryDirectory();

  function makePart(text = 'new'): PartFile {
    const part = PartFile.create(at('big.iso.part'));
    writeFully(part.fd, Buffer.from(text), 0, text.length, 0);
    return part;
  }

  for (const mode of MODES) {
    it(`P2: ${mode} gives the file its name and takes the part's away`, async () => {
      const part = makePart();
      const { ino } = part.identity();
      expect(await publish(part, at('big.iso'), mode, { mtimeMs: 1_600_000_000_500 })).to.equal(
        at('big.iso'),
      );
      part.close();
      expect(readdirSync(at())).to.deep.equal(['big.iso']);
      const stats = lstatSync(at('big.iso'), { bigint: true });
      expect(stats.nlink).to.equal(1n);
      expect(String(stats.ino)).to.equal(ino);
      expect(stats.mtimeMs).to.equal(1_600_000_000_500n);
    });

    it(`P2: ${mode} publishes no part that was replaced`, async () => {
      const part = makePart();
      renameSync(at('big.iso.part'), at('away'));
      writeFileSync(at('big.iso.part'), 'foreign');
      await expectCode('TARGET_UNSAFE', () => publish(part, at('big.iso'), mode));
      expect(existsSync(at('big.iso'))).to.equal(false);
      expect(readFileSync(at('big.iso.part'), 'latin1')).to.equal('foreign');
      part.close();
    });
  }

  it('P13: fail leaves whatever has the name', async () => {
    const part = makePart();
    writeFileSync(at('file'), 'old');
    symlinkSync(at('nowhere'), at('dangling'));
    symlinkSync(at('file'), at('link'));
    mkdirSync(at('directory'));
    execFileSync('mkfifo', [at('fifo')]);
    for (const name of ['file', 'dangling', 'link', 'directory', 'fifo']) {
      const error = await expectCode('TARGET_EXISTS', () => publish(part, at(name), 'fail'));
      expect(error.details.next).to.be.a('string');
      expect(await claimNameWithoutLinks(part, at(name))).to.equal(false);
    }
    expect(readFileSync(at('file'), 'latin1')).to.equal('old');
    expect(existsSync(at('nowhere'))).to.equal(false);
    expect(part.isSameAsPath()).to.equal(true);
    part.close();
  });

  it('P13: overwrite replaces a link, and never what it points to', async () => {
    writeFileSync(at('victim'), 'precious');
    symlinkSync(at('victim'), at('link'));
    linkSync(at('victim'), at('hard'));
    for (const name of ['link', 'hard']) {
      const part = makePart();
      await publish(part, at(name), 'overwrite');
      part.close();
      expect(lstatSync(at(name)).isFile()).to.equal(true);
      expect(readFileSync(at(name), 'latin1')).to.equal('new');
    }
    expect(readFileSync(at('victim'), 'latin1')).to.equal('precious');
  });

  it('P13: overwrite refuses a directory, a FIFO and a device', async () => {
    const part = makePart();
    mkdirSync(at('directory'));
    execFileSync('mkfifo', [at('fifo')]);
    for (const target of [at('directory'), at('fifo'), '/dev/null']) {
      await expectCode('TARGET_UNSAFE', () => publish(part, target, 'overwrite'));
    }
    expect(part.isSameAsPath()).to.equal(true);
    part.close();
  });

  it('rename takes the first free name', async () => {
    for (const expected of ['big.iso', 'big.1.iso', 'big.2.iso']) {
      const part = makePart(expected);
      expect(await publish(part, at('big.iso'), 'rename')).to.equal(at(expected));
      part.close();
    }
    expect(readFileSync(at('big.1.iso'), 'latin1')).to.equal('big.1.iso');
  });

  it('P26: rename gives up after 10,000 names, and keeps the part', async () => {
    writeFileSync(at('big.iso'), '');
    for (let number = 1; number < 10_000; number += 1)
      linkSync(at('big.iso'), at(`big.${number}.iso`));
    const part = makePart();
    await expectCode('TARGET_EXISTS', () => publish(part, at('big.iso'), 'rename'));
    part.close();
    expect(readFileSync(at('big.iso.part'), 'latin1')).to.equal('new');
    expect(existsSync(at('big.10000.iso'))).to.equal(false);
  });

  it('numbers names before the extension and within 255 bytes', () => {
    expect(numberedName('/d/a.tar.gz', 3)).to.equal('/d/a.tar.3.gz');
    expect(numberedName('plain', 1)).to.equal('plain.1');
    expect(numberedName('.profile', 2)).to.equal('.profile.2');
    const long = numberedName(`${'\u00e9'.repeat(125)}.iso`, 12);
    expect(Buffer.byteLength(long)).to.be.within(250, 255);
    expect(long).to.match(/^\u00e9+\.12\.iso$/);
  });

  it('P2: without hard links the name is claimed, then replaced', async () => {
    const part = makePart();
    const { ino } = part.identity();
    expect(await claimNameWithoutLinks(part, at('big.iso'))).to.equal(true);
    expect(readdirSync(at())).to.deep.equal(['big.iso']);
    expect(String(statSync(at('big.iso'), { bigint: true }).ino)).to.equal(ino);
    part.close();
    const second = makePart();
    renameSync(at('big.iso.part'), at('away'));
    await expectCode('TARGET_UNSAFE', () => claimNameWithoutLinks(second, at('other.iso')));
    expect(existsSync(at('other.iso'))).to.equal(false);
    second.close();
  });

  it('P2: a link that was made although link(2) failed, its answer lost on the way, is the name', async () => {
    const part = makePart();
    linkSync(at('big.iso.part'), at('big.iso'));
    expect(await publish(part, at('big.iso'), 'fail')).to.equal(at('big.iso'));
    expect(readdirSync(at())).to.deep.equal(['big.iso']);
    expect(statSync(at('big.iso')).nlink).to.equal(1);
    part.close();
  });

  it('P17: publishes nothing after a failed sync', async () => {
    const part = makePart();
    part.close();
    await expectCode('DEFECT', () => part.sync());
    await expectCode('DEFECT', () => publish(part, at('big.iso'), 'fail'));
    expect(existsSync(at('big.iso'))).to.equal(false);
  });

  it('P4: knows its own file by its inode and length, under each name that it may have', () => {
    const part = makePart();
    const { dev, ino } = part.identity();
    const what = { size: 3, part: { dev, ino } };
    const found = (mode: PublishMode, size = 3): string | null =>
      publishedName(at('big.iso'), { ...what, mode, size });
    expect(MODES.map((mode) => found(mode))).to.deep.equal([null, null, null]);
    writeFileSync(at('big.iso'), 'old');
    linkSync(at('big.iso.part'), at('big.1.iso'));
    expect(MODES.map((mode) => found(mode))).to.deep.equal([null, null, at('big.1.iso')]);
    renameSync(at('big.1.iso'), at('away'));
    renameSync(at('big.iso.part'), at('big.iso'));
    expect(MODES.map((mode) => found(mode))).to.deep.equal(MODES.map(() => at('big.iso')));
    expect(found('fail', 4)).to.equal(null);
    part.close();
  });

  it('P4: finishes what died between the two names, and nothing else', async () => {
    const part = makePart();
    const { dev, ino } = part.identity();
    linkSync(at('big.iso.part'), at('big.iso'));
    await finishPublish(at('big.iso'), at('big.iso'), { dev, ino: '1' }, noWarning);
    expect(readdirSync(at())).to.deep.equal(['big.iso', 'big.iso.part']);
    await finishPublish(at('big.iso'), at('big.iso'), { dev, ino }, noWarning);
    expect(readdirSync(at())).to.deep.equal(['big.iso']);
    await finishPublish(at('big.iso'), at('big.iso'), { dev, ino }, noWarning);
    expect(readdirSync(at())).to.deep.equal(['big.iso']);
    part.close();
  });

  it('P2: takes a name back only while the file has the other one', () => {
    const part = makePart();
    const { dev, ino } = part.identity();
    linkSync(at('big.iso.part'), at('big.iso'));
    expect(undoPublish(at('big.iso'), at('big.iso'), { dev, ino: '1' })).to.equal(false);
    expect(undoPublish(at('big.iso'), at('big.iso'), { dev, ino })).to.equal(true);
    expect(readdirSync(at())).to.deep.equal(['big.iso.part']);
    renameSync(at('big.iso.part'), at('big.iso'));
    expect(undoPublish(at('big.iso'), at('big.iso'), { dev, ino })).to.equal(false);
    expect(readdirSync(at())).to.deep.equal(['big.iso']);
    part.close();
  });

  it('syncs a directory, and tells when there is none', async () => {
    await syncDirectory(at());
    await expectCode('USAGE', () => syncDirectory(at('nowhere')));
  });
});
