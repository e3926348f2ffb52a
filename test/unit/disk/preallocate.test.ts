import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { writeFully } from '../../../src/disk/io.js';
import { PartFile } from '../../../src/disk/part-file.js';
import { preallocate, type Preallocation } from '../../../src/disk/preallocate.js';
import { SluiceError } from '../../../src/errors.js';
import type { Extent } from '../../../src/schedule/extents.js';
import { expectCode, temporaryDirectory } from './files.js';
import { mountSmallDisk } from './small-disk.js';

const MIB = 1024 * 1024;

/** Runs where no program is found by its name. */
const withoutPrograms = <T>(action: () => Promise<T>): Promise<T> =>
  withPath('/nonexistent', action);

/** Runs where programs are looked for there. */
async function withPath<T>(directories: string, action: () => Promise<T>): Promise<T> {
  const { PATH } = process.env;
  process.env['PATH'] = directories;
  try {
    return await action();
  } finally {
    process.env['PATH'] = PATH;
  }
}

function allocate(
  part: PartFile,
  how: Preallocation,
  bytes: number,
  missing: Extent[] = [{ start: 0, end: bytes }],
  signal = new AbortController().signal,
): Promise<void> {
  return preallocate(part, { how, bytes, missing, signal });
}

/** The checks that hold on every filesystem. */
async function checkAll(dir: string): Promise<void> {
  const bytes = 3 * MIB + 17;
  const none = PartFile.create(path.join(dir, 'none.part'));
  await allocate(none, 'none', bytes);
  expect([none.identity().size, none.allocatedBytes()]).to.deep.equal([0, 0]);
  const sparse = PartFile.create(path.join(dir, 'sparse.part'));
  await allocate(sparse, 'sparse', bytes);
  expect([sparse.identity().size, sparse.allocatedBytes()]).to.deep.equal([bytes, 0]);
  const full = PartFile.create(path.join(dir, 'full.part'));
  await allocate(full, 'full', bytes);
  expect(full.identity().size).to.equal(bytes);
  expect(full.allocatedBytes()).to.be.at.least(bytes);
  const zeros = PartFile.create(path.join(dir, 'zeros.part'));
  await withoutPrograms(() => allocate(zeros, 'full', bytes));
  expect(zeros.identity().size).to.equal(bytes);
  await zeros.sync();
  expect(zeros.allocatedBytes()).to.be.at.least(bytes);
  for (const part of [none, sparse, full, zeros]) part.close();
}

describe('disk/preallocate', () => {
  const at = temporaryDirectory();

  it('none takes no length, sparse no space, and full both', () => checkAll(at()));

  it('does the same on a tmpfs', async function () {
    const disk = mountSmallDisk(16 * MIB);
    if (disk === null) return this.skip();
    try {
      await checkAll(disk.dir);
    } finally {
      disk.remove();
    }
  });

  for (const way of ['fallocate', 'zeros'] as const) {
    it(`P3: what is claimed stays what it is, by ${way}`, async () => {
      const part = PartFile.create(at('x.part'));
      writeFully(part.fd, Buffer.from('precious'), 0, 8, MIB);
      const missing = [
        { start: 0, end: MIB },
        { start: MIB + 8, end: 2 * MIB },
      ];
      const fill = (): Promise<void> => allocate(part, 'full', 2 * MIB, missing);
      await (way === 'zeros' ? withoutPrograms(fill) : fill());
      part.close();
      const expected = Buffer.alloc(2 * MIB);
      expected.write('precious', MIB);
      expect(readFileSync(at('x.part')).equals(expected)).to.equal(true);
    });
  }

  it('does nothing for an empty file', async () => {
    const part = PartFile.create(at('x.part'));
    await allocate(part, 'full', 0);
    expect(part.identity().size).to.equal(0);
    part.close();
  });

  it('P17: says how much is missing before it reserves anything', async function () {
    const disk = mountSmallDisk(8 * MIB);
    if (disk === null) return this.skip();
    const part = PartFile.create(path.join(disk.dir, 'x.part'));
    try {
      writeFully(part.fd, Buffer.alloc(2 * MIB), 0, 2 * MIB, 0);
      const error = await expectCode('DISK_FULL', () => allocate(part, 'full', 12 * MIB));
      expect(error.message).to.contain('10 MiB needed, 6 MiB free, 4 MiB missing');
      expect(part.allocatedBytes()).to.equal(2 * MIB);
    } finally {
      part.close();
      disk.remove();
    }
  });

  it('P17: zeros that do not fit say so as well', async function () {
    const disk = mountSmallDisk(8 * MIB);
    if (disk === null) return this.skip();
    const part = PartFile.create(path.join(disk.dir, 'x.part'));
    try {
      // What is promised to be missing is more than what the length says: the check passes, the writes do not.
      const missing = [{ start: 0, end: 12 * MIB }];
      const error = await withoutPrograms(() =>
        expectCode('DISK_FULL', () => allocate(part, 'full', 6 * MIB, missing)),
      );
      expect(error.message).to.contain('reserve space for');
    } finally {
      part.close();
      disk.remove();
    }
  });

  it('P15, P17: of what fallocate(1) says the end is read, in the C locale', async () => {
    const script = [
      '#!/bin/sh',
      'head -c 5000000 /dev/zero | tr "\\0" x >&2',
      '[ "$LC_ALL" = C ] && echo "fallocate: fallocate failed: No space left on device" >&2',
      'exit 1',
    ];
    writeFileSync(at('fallocate'), script.join('\n'), { mode: 0o755 });
    const part = PartFile.create(at('x.part'));
    const error = await withPath(`${at()}:${process.env['PATH']}`, () =>
      expectCode('DISK_FULL', () => allocate(part, 'full', MIB)),
    );
    expect(error.message).to.have.length.below(300);
    expect(part.allocatedBytes()).to.equal(0);
    part.close();
  });

  it('ends with the reason of its signal', async () => {
    const part = PartFile.create(at('x.part'));
    const { signal } = abortedBy(new SluiceError('INTERRUPTED', 'enough'));
    for (const run of [allocate, zerosOnly]) {
      await expectCode('INTERRUPTED', () => run(part, 'full', MIB, undefined, signal));
    }
    part.close();
  });

  it('reserves in the file that is open, whoever has its name', async () => {
    const part = PartFile.create(at('x.part'));
    const { ino } = part.identity();
    renameSync(at('x.part'), at('moved'));
    writeFileSync(at('x.part'), 'another');
    await allocate(part, 'full', MIB);
    expect(part.identity()).to.deep.include({ ino, size: MIB });
    expect(readFileSync(at('x.part'), 'utf8')).to.equal('another');
    part.close();
  });
});

function abortedBy(reason: SluiceError): AbortController {
  const controller = new AbortController();
  controller.abort(reason);
  return controller;
}

const zerosOnly: typeof allocate = (...args) => withoutPrograms(() => allocate(...args));
