/** Checksums as users give them, and those that a journal keeps. */
import { expect } from 'chai';
import { SluiceError } from '../../../src/errors.js';
import { keptChecksums, parseChecksum, startHash } from '../../../src/verify/checksum.js';

describe('verify/checksum', () => {
  /** Of nothing, from the standards and the programs of each. */
  const EMPTY: Record<string, string> = {
    md5: 'd41d8cd98f00b204e9800998ecf8427e',
    'sha-1': 'da39a3ee5e6b4b0d3255bfef95601890afd80709',
    sha224: 'd14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f',
    'sha512-256': 'c672b8d1ef56ed28ab87c3622c5114069bdd3ad7b8f9737498d0c01ecef0967a',
    'sha3-256': 'a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a',
    'sha3-224': '6b4e03423667dbb73b6e15454f0eb1abd4597f9a1b078e3f5b5a6bc7',
    blake2b:
      '786a02f742015903c6c6fd852552d272912f4740e15847618a86e217f71f5419' +
      'd25e1031afee585313896444934eb04b903a685b1448b755d56f701afe9be2ce',
    'blake2b-512':
      '786a02f742015903c6c6fd852552d272912f4740e15847618a86e217f71f5419' +
      'd25e1031afee585313896444934eb04b903a685b1448b755d56f701afe9be2ce',
    blake3: 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262',
    crc32c: '00000000',
  };
  for (const [name, digest] of Object.entries(EMPTY)) {
    it(`P8: ${name} is computed`, async () => {
      const { algorithm, hex } = parseChecksum(`${name}:${digest}`);
      expect((await startHash(algorithm)).digest())
        .equal(hex)
        .equal(digest);
    });
  }
});

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
