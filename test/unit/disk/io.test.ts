import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { withMissingSpace } from '../../../src/disk/errors.js';
import { readFully, writeFully } from '../../../src/disk/io.js';
import { PartFile } from '../../../src/disk/part-file.js';
import { expectCode, temporaryDirectory } from './files.js';
import { mountSmallDisk } from './small-disk.js';

const IO = pathToFileURL(path.resolve(import.meta.dirname, '../../../src/disk/io.js')).href;

describe('disk/io', () => {
  const at = temporaryDirectory();

  it('writes and reads a part of a buffer at an offset', () => {
    const part = PartFile.create(at('x.part'));
    writeFully(part.fd, Buffer.from('..abc..'), 2, 5, 4);
    const buffer = Buffer.alloc(6, '-');
    expect(readFully(part.fd, buffer, 1, 4, 4)).to.equal(3);
    expect(buffer.toString()).to.equal('-abc--');
    expect(readFully(part.fd, buffer, 0, 6, 5)).to.equal(2);
    expect(readFully(part.fd, buffer, 0, 6, 100)).to.equal(0);
    expect(readFileSync(at('x.part'), 'latin1')).to.equal('\0\0\0\0abc');
    part.close();
  });

  it('writes what one write does not take in several', () => {
    const part = PartFile.create(at('x.part'));
    const data = Buffer.alloc(2 * 8192 + 4097, 'some bytes of which each has its place ');
    writeFully(part.fd, data, 1, data.length, 3, 8192);
    const back = Buffer.alloc(data.length - 1);
    expect(readFully(part.fd, back, 0, back.length, 3)).to.equal(back.length);
    expect(back.equals(data.subarray(1))).to.equal(true);
    part.close();
  });

  it('refuses spans that are not within the buffer or the file', async () => {
    const part = PartFile.create(at('x.part'));
    const buffer = Buffer.alloc(4);
    for (const [from, to, offset] of [
      [0, 5, 0],
      [3, 2, 0],
      [0, 4, -1],
      [0, 4, NaN],
      [0, 4, 2 ** 53],
    ] as const) {
      await expectCode('DEFECT', () => writeFully(part.fd, buffer, from, to, offset));
      await expectCode('DEFECT', () => readFully(part.fd, buffer, from, to, offset));
    }
    part.close();
  });

  it('P17: a full device is DISK_FULL', async () => {
    const fd = openSync('/dev/full', 'r+');
    const error = await expectCode('DISK_FULL', () => writeFully(fd, Buffer.alloc(9), 0, 9, 0));
    expect(error.details.errno).to.equal('ENOSPC');
    closeSync(fd);
  });

  it('P17: a full disk is DISK_FULL, keeps what went in, and says what is missing', async function () {
    const disk = mountSmallDisk(64 * 1024);
    if (disk === null) return this.skip();
    try {
      const file = path.join(disk.dir, 'big.part');
      const part = PartFile.create(file);
      const data = Buffer.alloc(100_000, 'x');
      const error = await expectCode('DISK_FULL', () =>
        writeFully(part.fd, data, 0, data.length, 0),
      );
      expect(readFileSync(file).length).to.equal(64 * 1024);
      const explained = withMissingSpace(error, file, 34_464);
      expect(explained.message).to.contain('33.7 KiB needed, 0 bytes free, 33.7 KiB missing');
      expect(explained.details).to.include({ errno: 'ENOSPC', path: file });
      part.close();
    } finally {
      disk.remove();
    }
  });

  it('P17: goes on after a short write, and a limit on the size is DISK_FILE_TOO_BIG', () => {
    // The kernel writes up to the limit (a short write), and refuses the rest with EFBIG.
    const script = at('limited.mjs');
    writeFileSync(
      script,
      `import { openSync } from 'node:fs';
       import { writeFully } from ${JSON.stringify(IO)};
       process.on('SIGXFSZ', () => {});
       const fd = openSync(process.argv[2], 'w');
       try { writeFully(fd, Buffer.alloc(6000, 'x'), 0, 6000, 0); }
       catch (error) { console.log(error.code, error.details.errno); }`,
    );
    const { stdout, stderr } = spawnSync(
      'bash',
      ['-c', 'ulimit -f 4; exec "$0" "$1" "$2"', process.execPath, script, at('out')],
      { encoding: 'utf8' },
    );
    expect(stdout.trim(), stderr).to.equal('DISK_FILE_TOO_BIG EFBIG');
    expect(readFileSync(at('out')).length).to.equal(4096);
  });

  it('P17: a descriptor that is not for writing is an error with its name', async () => {
    writeFileSync(at('x'), '');
    const fd = openSync(at('x'), 'r');
    const error = await expectCode('DISK_IO', () => writeFully(fd, Buffer.alloc(1), 0, 1, 0));
    expect(error.details.errno).to.equal('EBADF');
    closeSync(fd);
  });
});
