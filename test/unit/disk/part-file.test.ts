import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { expect } from 'chai';
import { writeFully } from '../../../src/disk/io.js';
import { PartFile } from '../../../src/disk/part-file.js';
import { isRoot } from '../../helpers/command.js';
import { expectCode, temporaryDirectory } from './files.js';

describe('disk/part-file', () => {
  const at = temporaryDirectory();

  it('creates, writes at offsets, and opens again as the same file', async () => {
    const part = PartFile.create(at('big.part'));
    part.setSize(2 ** 33);
    writeFully(part.fd, Buffer.from('end'), 0, 3, 2 ** 33 - 3);
    await part.sync();
    const identity = part.identity();
    expect(identity.size).to.equal(2 ** 33);
    expect(statSync(at('big.part')).blocks * 512).to.be.below(1024 * 1024);
    part.close();
    part.close();
    const again = PartFile.open(at('big.part'));
    expect(again.identity()).to.deep.equal(identity);
    again.close();
  });

  it('P18: of two runs that create a part, one proceeds', async () => {
    const part = PartFile.create(at('big.part'));
    const error = await expectCode('TARGET_BUSY', () => PartFile.create(at('big.part')));
    expect(error.details.next).to.be.a('string');
    part.close();
  });

  it('P13: neither creates nor opens through a link, a FIFO, a device or a directory', async () => {
    writeFileSync(at('victim'), 'precious');
    symlinkSync(at('victim'), at('link.part'));
    symlinkSync(at('nowhere'), at('dangling.part'));
    linkSync(at('victim'), at('hard.part'));
    mkdirSync(at('directory.part'));
    execFileSync('mkfifo', [at('fifo.part')]);
    const names = ['link', 'dangling', 'hard', 'directory', 'fifo'].map((name) =>
      at(`${name}.part`),
    );
    for (const path of [...names, '/dev/null']) {
      // The device is root's.
      const code = isRoot || path !== '/dev/null' ? 'TARGET_UNSAFE' : 'TARGET_FOREIGN';
      const created = await expectCode(code, () => PartFile.create(path));
      const opened = await expectCode(code, () => PartFile.open(path));
      expect(created.details.path).to.equal(path);
      expect(opened.details.next).to.be.a('string');
    }
    expect(readFileSync(at('victim'), 'latin1')).to.equal('precious');
    expect(existsSync(at('nowhere'))).to.equal(false);
  });

  it('says that there is nothing to resume', async () => {
    await expectCode('NOTHING_TO_RESUME', () => PartFile.open(at('none.part')));
    await expectCode('USAGE', () => PartFile.create(at('none/x.part')));
    await expectCode('USAGE', () => PartFile.create(at('n'.repeat(300))));
  });

  it('notices that its name was removed, replaced or moved', () => {
    const part = PartFile.create(at('big.part'));
    expect(part.isSameAsPath()).to.equal(true);
    renameSync(at('big.part'), at('moved'));
    expect(part.isSameAsPath()).to.equal(false);
    writeFileSync(at('big.part'), '');
    expect(part.isSameAsPath()).to.equal(false);
    unlinkSync(at('big.part'));
    symlinkSync(at('moved'), at('big.part'));
    expect(part.isSameAsPath()).to.equal(false);
    part.close();
  });

  it('P17: a sync that failed once fails for ever', async () => {
    const part = PartFile.create(at('big.part'));
    // A real failure: the descriptor is gone, then its number is a healthy file's.
    closeSync(part.fd);
    const error = await expectCode('DISK_IO', () => part.sync());
    expect(error.details.errno).to.equal('EBADF');
    const fd = openSync(at('big.part'), 'r+');
    expect(fd).to.equal(part.fd);
    expect(await expectCode('DISK_IO', () => part.sync())).to.equal(error);
    expect(part.failure).to.equal(error);
    part.close();
  });
});
