import os from 'node:os';
import { expect } from 'chai';
import { SluiceError, type ErrorCode } from '../../../src/errors.js';
import { diskError } from '../../../src/disk/errors.js';
import { freeBytes, requireSpace } from '../../../src/disk/space.js';
import { sizeText } from '../../../src/disk/space-left.js';
import { expectCode, temporaryDirectory } from './files.js';

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: some words, write`), { code });
}

describe('disk/errors', () => {
  const at = temporaryDirectory();

  const codes: [errno: string, code: ErrorCode][] = [
    ['ENOSPC', 'DISK_FULL'],
    ['EDQUOT', 'DISK_QUOTA'],
    ['EACCES', 'DISK_PERMISSION'],
    ['EPERM', 'DISK_PERMISSION'],
    ['EROFS', 'DISK_READ_ONLY'],
    ['EFBIG', 'DISK_FILE_TOO_BIG'],
    ['EIO', 'DISK_IO'],
    ['ENAMETOOLONG', 'USAGE'],
    ['ENOTDIR', 'USAGE'],
    ['ENOENT', 'USAGE'],
    ['ELOOP', 'TARGET_UNSAFE'],
  ];
  for (const [errno, code] of codes) {
    it(`P17: ${errno} is ${code}`, () => {
      const error = diskError(systemError(errno), { action: 'write', path: at('x.part') });
      expect(error.code).to.equal(code);
      expect(error.details).to.include({ errno, path: at('x.part') });
      expect(error.message).to.contain('cannot write').and.contain(at('x.part'));
    });
  }

  it('P17: says how much space is missing', () => {
    const needBytes = 2 ** 60;
    const what = { action: 'write', path: at('x.part'), needBytes };
    expect(diskError(systemError('ENOSPC'), what).message).to.match(
      /1 EiB needed, .* free, .* missing/,
    );
    expect(diskError(systemError('ENXIO'), what).message).to.match(/: some words$/);
  });

  it('P17: knows a number that Node has no name for', () => {
    const unknown = Object.assign(new Error('UNKNOWN: unknown error, write'), { code: 'UNKNOWN' });
    const error = (errno: number) =>
      diskError(Object.assign(unknown, { errno }), { action: 'write', path: 'x' });
    expect(error(-os.constants.errno.EDQUOT).code).to.equal('DISK_QUOTA');
    expect(error(-98765).code).to.equal('DISK_IO');
    // What libuv throws at once is named by its number.
    Object.assign(unknown, { code: 'Unknown system error -122' });
    expect(error(-os.constants.errno.EDQUOT).code).to.equal('DISK_QUOTA');
    expect(error(-os.constants.errno.ESTALE).message).to.contain('gone from the file server');
  });

  it('says what to do next, whatever the system said', () => {
    for (const code of ['EMFILE', 'ESTALE', 'ENODEV', 'EBUSY', 'ENOSPC', 'EACCES']) {
      const thrown = Object.assign(new Error(`${code}: words, open`), { code });
      expect(diskError(thrown, { action: 'create', path: 'x' }).details.next, code).to.be.a(
        'string',
      );
    }
    const denied = Object.assign(new Error('EACCES: x'), { code: 'EACCES' });
    const next = (action: string) => diskError(denied, { action, path: 'x' }).details.next;
    expect(next('create')).to.contain('--dir');
    expect(next('read')).to.contain('the user who began it');
  });

  it('leaves errors of ours alone and calls everything else a defect', () => {
    const ours = new SluiceError('CHANGED', 'x');
    expect(diskError(ours, { action: 'write', path: '' })).to.equal(ours);
    const type = Object.assign(new TypeError('bad'), { code: 'ERR_INVALID_ARG_TYPE' });
    expect(diskError(type, { action: 'write', path: '' }).code).to.equal('DEFECT');
    expect(diskError('text', { action: 'write', path: '' }).code).to.equal('DEFECT');
  });

  it('P17: requires space before the start', async () => {
    expect(freeBytes(at())).to.be.above(0);
    expect(freeBytes(at('nowhere'))).to.equal(null);
    requireSpace(at(), 1, at('x'));
    requireSpace(at('nowhere'), 2 ** 60, at('x'));
    const error = await expectCode('DISK_FULL', () => requireSpace(at(), 2 ** 60, at('x')));
    expect(error.message).to.match(/1 EiB needed, .* free, .* missing/);
  });

  it('writes sizes for people', () => {
    expect([0, 1, 1023, 1536, 10 * 2 ** 20, 5 * 2 ** 40].map(sizeText)).to.deep.equal([
      '0 bytes',
      '1 byte',
      '1023 bytes',
      '1.5 KiB',
      '10 MiB',
      '5 TiB',
    ]);
  });
});
