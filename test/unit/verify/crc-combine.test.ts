import { expect } from 'chai';
import { startHash } from '../../../src/verify/checksum.js';
import { combineCrcs } from '../../../src/verify/crc-combine.js';
import { Sums } from '../../../src/verify/sums.js';

const ALGORITHMS = ['crc32', 'crc32c', 'crc64nvme'] as const;
type Crc = (typeof ALGORITHMS)[number];
/** Of `123456789`, as the catalogues of CRCs have them. */
const CHECK: Record<Crc, string> = {
  crc32: 'cbf43926',
  crc32c: 'e3069283',
  crc64nvme: 'ae8b14860a799888',
};
const TEXT = Buffer.from('123456789');

async function crc(algorithm: Crc, bytes: Uint8Array): Promise<string> {
  const hash = await startHash(algorithm);
  hash.update(bytes);
  return hash.digest();
}

describe('verify/crc-combine', () => {
  for (const algorithm of ALGORITHMS) {
    it(`${algorithm} has its check value, and parts combine to it wherever they are cut`, async () => {
      expect(await crc(algorithm, TEXT)).equal(CHECK[algorithm]);
      for (let cut = 0; cut <= TEXT.length; cut += 1) {
        const [a, b] = [TEXT.subarray(0, cut), TEXT.subarray(cut)];
        const sums = [await crc(algorithm, a), await crc(algorithm, b)] as const;
        expect(combineCrcs(algorithm, ...sums, b.length)).equal(CHECK[algorithm]);
      }
    });
  }

  it('sums parts in any order, and refuses to sum what has a gap', async () => {
    const read = (at: number) => TEXT.subarray(at, at + 1);
    const sums = new Sums(ALGORITHMS);
    for (const [start, end] of [
      [6, 9],
      [0, 2],
      [2, 6],
    ] as const)
      await sums.add(start, end, (at) => read(at));
    expect(await sums.whole(9)).deep.equal(Object.values(CHECK));
    const gap = new Sums(ALGORITHMS);
    await gap.add(0, 2, read);
    await gap.add(3, 9, read);
    expect(await gap.whole(9).catch((error: unknown) => String(error))).match(/once/);
  });
});
