/** Digests that services give without being asked: verified, told, and what each is of. */
import { expect } from 'chai';
import { inspectUrl } from '../../src/app/inspect.js';
import { startHash } from '../../src/verify/checksum.js';
import type { ChecksumAlgorithm } from '../../src/verify/checksum.js';
import { benchPerTest, expectDone, expectFailed } from '../helpers/engine.js';
import { contentAt } from '../helpers/content.js';

const MIB = 1024 * 1024;
const SIZE = 5 * MIB;
const BYTES = contentAt(1, 0, SIZE);

async function hexOf(algorithm: ChecksumAlgorithm, bytes: Uint8Array = BYTES): Promise<string> {
  const hash = await startHash(algorithm);
  hash.update(bytes);
  return hash.digest();
}

const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');
const WRONG = { crc32c: '00000001', md5: '11'.repeat(16), crc64nvme: '22'.repeat(8) };

describe('digests that services give', () => {
  const bench = benchPerTest();

  const fieldsOf: Array<{
    algorithm: ChecksumAlgorithm;
    field: string;
    write: (hex: string) => string;
  }> = [
    { algorithm: 'crc32c', field: 'x-goog-hash', write: (hex) => `crc32c=${base64(hex)},md5=AAAA` },
    { algorithm: 'md5', field: 'x-goog-hash', write: (hex) => `md5=${base64(hex)}` },
    { algorithm: 'crc32', field: 'x-amz-checksum-crc32', write: base64 },
    { algorithm: 'crc64nvme', field: 'x-amz-checksum-crc64nvme', write: base64 },
    { algorithm: 'sha256', field: 'x-amz-checksum-sha256', write: base64 },
    { algorithm: 'md5', field: 'content-md5', write: base64 },
    { algorithm: 'md5', field: 'x-ms-blob-content-md5', write: base64 },
    { algorithm: 'sha256', field: 'docker-content-digest', write: (hex) => `sha256:${hex}` },
  ];
  for (const { algorithm, field, write } of fieldsOf) {
    it(`P8: ${algorithm} of ${field} is verified and told; a wrong one is exit 9`, async () => {
      const origin = await bench.origin({ size: SIZE, seed: 1 });
      const hex = await hexOf(algorithm);
      origin.set({ fields: { [field]: write(hex) } });
      const engine = bench.engine({ connections: 4 });
      const run = await engine.get(origin.url);
      expectDone(run, { seed: 1, size: SIZE });
      expect(run.last).deep.include({
        digests: { [algorithm]: hex },
        digestFields: { [algorithm]: field },
      });

      origin.set({ fields: { [field]: write('5a'.repeat(hex.length / 2)) } });
      const second = bench.engine({ connections: 4 });
      const error = expectFailed(await second.get(origin.url), 'CHECKSUM_MISMATCH');
      expect(error.exitStatus).equal(9);
      expect(error.message).include(field);
      expect(second.hasPart).equal(true);
    });
  }

  it('P8: a file that is small, and one that is empty, are verified without a thread', async () => {
    for (const size of [0, 1000]) {
      const origin = await bench.origin({ size, seed: 1 });
      const hex = await hexOf('crc64nvme', contentAt(1, 0, size));
      origin.set({ fields: { 'x-amz-checksum-crc64nvme': base64(hex) } });
      const run = await bench.engine().get(origin.url);
      expectDone(run, { seed: 1, size });
      expect(run.last).deep.include({ digests: { crc64nvme: hex } });
    }
  });

  it('P8: what a redirect says of the file is verified: x-linked-etag', async () => {
    const origin = await bench.origin({ size: SIZE, seed: 1 });
    const moved = (hex: string) => ({
      times: 1,
      fault: {
        kind: 'status' as const,
        status: 302,
        fields: { Location: `${origin.url}?at=store`, 'X-Linked-Etag': `"${hex}"` },
      },
    });
    origin.fault(moved(origin.digest()));
    const run = await bench.engine().get(origin.url);
    expectDone(run, { seed: 1, size: SIZE });
    expect(run.last).deep.include({ digestFields: { sha256: 'x-linked-etag' } });
    origin.fault(moved('33'.repeat(32)));
    expectFailed(await bench.engine().get(origin.url), 'CHECKSUM_MISMATCH');
  });

  it('P8: the length that a redirect tells is the length of the file, or it is refused: x-linked-size', async () => {
    const origin = await bench.origin({ size: SIZE, seed: 1 });
    const moved = (size: number) => ({
      times: 1,
      fault: {
        kind: 'status' as const,
        status: 302,
        fields: { Location: `${origin.url}?at=store`, 'X-Linked-Size': String(size) },
      },
    });
    origin.fault(moved(SIZE));
    expectDone(await bench.engine().get(origin.url), { seed: 1, size: SIZE });
    origin.fault(moved(SIZE + 1));
    expectFailed(await bench.engine().get(origin.url), 'SIZE_MISMATCH');
    origin.fault(moved(SIZE + 1));
    expectDone(await bench.engine({ serverDigests: false }).get(origin.url), {
      seed: 1,
      size: SIZE,
    });
  });

  it('P8: a digest that is not of these bytes is passed over', async () => {
    const origin = await bench.origin({ size: SIZE, seed: 1 });
    const others = [
      { 'x-amz-checksum-crc32c': `${base64(WRONG.crc32c)}-3` },
      { 'x-amz-checksum-crc32c': base64(WRONG.crc32c), 'x-amz-checksum-type': 'COMPOSITE' },
      { 'x-goog-hash': `crc32c=${base64(WRONG.crc32c)}`, 'x-goog-stored-content-encoding': 'gzip' },
      { 'content-md5': 'not base64' },
      { 'docker-content-digest': 'sha256:abc' },
    ];
    for (const fields of others) {
      origin.set({ fields });
      const run = await bench.engine({ connections: 2 }).get(origin.url);
      expectDone(run, { seed: 1, size: SIZE });
      expect(run.last).deep.include({ digests: {} });
    }
  });

  it('serverDigests: false turns them off, and info does not tell them', async () => {
    const origin = await bench.origin({ size: SIZE, seed: 1 });
    origin.set({ fields: { 'content-md5': base64(WRONG.md5) } });
    const engine = bench.engine({ serverDigests: false });
    expectDone(await engine.get(origin.url), { seed: 1, size: SIZE });
    const off = await inspectUrl(bench.engine({ serverDigests: false }).options(origin.url));
    expect(off.digests).deep.equal([]);
    const on = await inspectUrl(bench.engine().options(origin.url));
    expect(on.digests).deep.equal([{ algorithm: 'md5', hex: WRONG.md5, field: 'content-md5' }]);
  });
});
