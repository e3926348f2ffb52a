import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { describeError, errorEvent, exitTable } from '../../../src/cli/exit.js';
import { ERROR_CODES, EXIT_STATUSES, SluiceError } from '../../../src/errors.js';
import { HOSTILE } from './samples.js';

describe('cli/exit', () => {
  it('prints every status with its meaning', () => {
    const lines = exitTable().split('\n');
    expect(lines).to.have.length(Object.keys(EXIT_STATUSES).length);
    expect(lines[0]).to.equal('0    done: the file is complete and proven');
    expect(lines.at(-1)).to.equal('143  terminated (SIGTERM), everything kept');
  });

  it('says what happened, where, what is kept, what to do and the code', () => {
    const error = new SluiceError('DISK_FULL', 'the disk is full', {
      url: 'https://example.org/a?...',
      path: '/data/a',
      kept: '1 MiB is kept in a.part',
      next: 'free 2 MiB and run the command again',
    });
    expect(describeError(error)).to.deep.equal([
      'sluice: the disk is full',
      '  url: https://example.org/a?...',
      '  file: /data/a',
      '  kept: 1 MiB is kept in a.part',
      '  next: free 2 MiB and run the command again',
      '  (DISK_FULL, exit status 10)',
    ]);
    expect(describeError(new SluiceError('USAGE', 'no URL'))).to.deep.equal([
      'sluice: no URL',
      '  (USAGE, exit status 2)',
    ]);
  });

  it('P14: escapes everything that an error says', () => {
    const details = { url: HOSTILE, path: HOSTILE, kept: HOSTILE, next: HOSTILE };
    for (const line of describeError(new SluiceError('CHANGED', HOSTILE, details))) {
      expect(line).not.to.match(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
    }
  });

  it('makes the error event of a file', () => {
    const error = new SluiceError('HTTP_REFUSED', 'no', { httpStatus: 404, errno: 'X' });
    expect(errorEvent(error, { url: 'u', path: 'p' })).to.deep.equal({
      type: 'error',
      url: 'u',
      path: 'p',
      code: 'HTTP_REFUSED',
      exitStatus: 6,
      message: 'no',
      httpStatus: 404,
    });
  });

  it('has every status and every code in docs/exit-statuses.md', () => {
    const text = readFileSync('docs/exit-statuses.md', 'utf8').replace(/ +/g, ' ');
    for (const [status, meaning] of Object.entries(EXIT_STATUSES)) {
      expect(text).to.include(`| ${status} | ${meaning} |`);
    }
    for (const [code, status] of Object.entries(ERROR_CODES)) {
      const row = text.split('\n').find((line) => line.startsWith(`| ${status} |`));
      expect(row, code).to.include(`\`${code}\``);
    }
  });
});
