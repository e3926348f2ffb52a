/** Checksums that a journal keeps. */
import { expect } from 'chai';
import { SluiceError } from '../../../src/errors.js';
import { keptChecksums } from '../../../src/verify/checksum.js';

describe('kept checksums', () => {
  const hex = 'AB'.repeat(32);

  it('P8: are taken over whole', () => {
    expect(keptChecksums(undefined)).deep.equal([]);
    expect(keptChecksums([{ algorithm: 'sha256', hex }])).deep.equal([
      { algorithm: 'sha256', hex: hex.toLowerCase() },
    ]);
  });

  for (const odd of [
    ...[null, 'sha256', { algorithm: 'sha256', hex }, [null], [{}], [7], [{ algorithm: 'sha256' }]],
    ...[[{ algorithm: 'sha3', hex }], [{ algorithm: 'sha256', hex: 'ab' }]],
    [
      { algorithm: 'sha256', hex },
      { algorithm: 'sha256', hex: 7 },
    ],
  ]) {
    it(`P8: ${JSON.stringify(odd)} is a damaged journal, not one without checksums`, () => {
      expect(() => keptChecksums(odd))
        .throw(SluiceError)
        .include({ code: 'JOURNAL_DAMAGED', exitStatus: 12 });
    });
  }
});
