import { expect } from 'chai';
import fc from 'fast-check';
import { SluiceError } from '../../../src/errors.js';
import {
  cleanFrame,
  decodeJournal,
  encodeHeader,
  extentFrames,
  FRAME,
  HEADER_BYTES,
  identityFrame,
  isUnfinished,
  MAX_PAYLOAD,
  publishFrame,
  type Frame,
  type JournalContents,
} from '../../../src/disk/journal-format.js';
import { journalBytes } from '../../helpers/journal-bytes.js';
import { expectCode, someIdentity } from './files.js';

const SALT = 0xdeadbeef;

const sealed = (frames: Frame[], salt = SALT): Buffer => journalBytes(frames, salt);

function list(type: number, ...numbers: bigint[]): Frame {
  const payload = Buffer.alloc(numbers.length * 8);
  numbers.forEach((number, index) => payload.writeBigUInt64LE(number, index * 8));
  return { type, payload };
}

function json(type: number, value: unknown): Frame {
  return { type, payload: Buffer.from(JSON.stringify(value)) };
}

const FIRST = identityFrame(someIdentity({ size: 1000 }));
const GOOD = extentFrames([{ start: 0, end: 10, crc: 1 }]);

/** What is read of a good journal with one more frame behind it. */
function readWith(frame: Frame): JournalContents {
  return decodeJournal(
    sealed([FIRST, ...GOOD, frame, ...extentFrames([{ start: 20, end: 30, crc: 2 }])]),
  );
}

describe('disk/journal-format', () => {
  it('is laid out as docs/journal.md says', () => {
    const bytes = sealed([FIRST, ...GOOD]);
    expect(bytes.toString('latin1', 0, 8)).to.equal('SLUICEJ1');
    expect(bytes.readUInt32LE(8)).to.equal(2);
    expect(bytes.readUInt32LE(12)).to.equal(SALT);
    expect(bytes.readUInt32LE(16)).to.equal(FIRST.payload.length);
    expect(bytes.readUInt8(24)).to.equal(1);
    const extents = bytes.subarray(25 + FIRST.payload.length);
    expect(extents.readUInt32LE(0)).to.equal(20);
    expect(extents.readUInt8(8)).to.equal(2);
    expect(extents.readBigUInt64LE(9)).to.equal(0n);
    expect(extents.readBigUInt64LE(17)).to.equal(10n);
    expect(extents.readUInt32LE(25)).to.equal(1);
    expect(extents.length).to.equal(29);
  });

  const nonsense: [what: string, frame: Frame][] = [
    ['an unknown type', { type: 99, payload: Buffer.alloc(4) }],
    ['type 0', { type: 0, payload: Buffer.alloc(0) }],
    ['an empty list', list(FRAME.EXTENTS)],
    ['a list that is cut', { type: FRAME.EXTENTS, payload: Buffer.alloc(19, 1) }],
    ['an empty range', list(FRAME.FORGET, 5n, 5n)],
    ['a range backwards', list(FRAME.FORGET, 6n, 5n)],
    ['a range beyond 2^53', list(FRAME.FORGET, 5n, 2n ** 53n)],
    ['a CLEAN without fields', json(FRAME.CLEAN, {})],
    ['a CLEAN that is a list', json(FRAME.CLEAN, [])],
    [
      'a CLEAN with odd numbers',
      json(FRAME.CLEAN, { size: 1.5, mtimeNs: '1', ino: '1', dev: '1' }),
    ],
    ['a PUBLISH without fields', json(FRAME.PUBLISH, {})],
    [
      'a PUBLISH of an unknown mode',
      json(FRAME.PUBLISH, { size: 1, mode: 'copy', synced: true, bootId: null, digests: {} }),
    ],
    ['a CLEAN that is no JSON', { type: FRAME.CLEAN, payload: Buffer.from('{') }],
    ['an identity of another kind', json(FRAME.IDENTITY, { ...someIdentity(), version: 2 })],
    ['an identity with a negative size', json(FRAME.IDENTITY, { ...someIdentity(), size: -1 })],
    ['an identity without a URL', json(FRAME.IDENTITY, { ...someIdentity(), url: undefined })],
    ['an identity with an odd part', json(FRAME.IDENTITY, { ...someIdentity(), part: { dev: 1 } })],
    ['an identity without options', json(FRAME.IDENTITY, { ...someIdentity(), options: null })],
  ];
  for (const [what, frame] of nonsense) {
    it(`P3: ${what} ends the reading`, () => {
      const read = readWith(frame);
      expect(read.extents).to.deep.equal([{ start: 0, end: 10, crc: 1 }]);
      expect(read.identity).to.deep.equal(someIdentity({ size: 1000 }));
      expect(read).to.include({ damaged: true, clean: null });
    });
    it(`${what} as the first frame is a damaged journal`, async () => {
      await expectCode('JOURNAL_DAMAGED', () => decodeJournal(sealed([frame, ...GOOD])));
    });
  }

  it('P4: PUBLISH counts only as the last word, and what is appended takes its place', () => {
    const record = { size: 3, mode: 'fail', synced: true, bootId: 'b', digests: {} } as const;
    expect(readWith(publishFrame(record))).to.include({ damaged: false, publish: null });
    const without = sealed([FIRST, ...GOOD]);
    const bytes = sealed([FIRST, ...GOOD, publishFrame(record)]);
    const read = decodeJournal(bytes);
    expect(read.publish).to.deep.equal(record);
    expect(read.appendAt.offset).to.equal(without.length);
    expect(decodeJournal(Buffer.concat([bytes, Buffer.alloc(1)])).publish).to.equal(null);
  });

  it('CLEAN counts only as the last frame', () => {
    const clean = { dev: '1', ino: '2', size: 3, mtimeNs: '4' };
    expect(readWith(cleanFrame(clean))).to.include({ damaged: false, clean: null });
    const bytes = sealed([FIRST, cleanFrame(clean)]);
    expect(decodeJournal(bytes).clean).to.deep.equal(clean);
    expect(decodeJournal(Buffer.concat([bytes, Buffer.alloc(1)])).clean).to.equal(null);
  });

  it('P3: frames in another order do not count', () => {
    const [a, b] = [
      extentFrames([{ start: 0, end: 1, crc: 1 }])[0] as Frame,
      extentFrames([{ start: 5, end: 6, crc: 1 }])[0] as Frame,
    ];
    const right = sealed([FIRST, a, b]);
    const at = HEADER_BYTES + 9 + FIRST.payload.length;
    const half = (right.length - at) / 2;
    const swapped = Buffer.concat([
      right.subarray(0, at),
      right.subarray(at + half),
      right.subarray(at, at + half),
    ]);
    const left = Buffer.concat([right.subarray(0, at), right.subarray(at + half)]);
    expect(decodeJournal(right).extents.length).to.equal(2);
    expect(decodeJournal(swapped).extents).to.deep.equal([]);
    expect(decodeJournal(left).extents).to.deep.equal([]);
  });

  it('splits long lists into frames of at most 1 MiB', () => {
    const extents = Array.from({ length: 60_000 }, (_, n) => ({
      start: 2 * n,
      end: 2 * n + 1,
      crc: n,
    }));
    const frames = extentFrames(extents);
    expect(frames.length).to.equal(2);
    for (const { payload } of frames) expect(payload.length).to.be.at.most(MAX_PAYLOAD);
    const whole = identityFrame(someIdentity());
    expect(decodeJournal(sealed([whole, ...frames])).extents).to.deep.equal(extents);
  });

  it('refuses an identity that does not fit', async () => {
    const longer = `https://files.example/${'x'.repeat(64 * 1024)}`;
    for (const change of [
      { url: longer },
      { finalUrl: longer },
      { url: `https://files.example/${'x'.repeat(MAX_PAYLOAD)}` },
      { options: { checksums: [], name: 'x'.repeat(MAX_PAYLOAD) } },
    ]) {
      await expectCode('USAGE', () => identityFrame(someIdentity(change)));
    }
    const longest = longer.slice(0, 64 * 1024);
    expect(identityFrame(someIdentity({ url: longest })).payload.length).to.be.above(64 * 1024);
  });

  it('tells a journal that never began', () => {
    expect(isUnfinished(Buffer.alloc(0))).to.equal(true);
    expect(isUnfinished(encodeHeader(1))).to.equal(true);
    expect(isUnfinished(Buffer.alloc(9000))).to.equal(true);
    expect(isUnfinished(sealed([FIRST]))).to.equal(false);
  });

  for (const change of [
    ...[{ createdMs: 1e300 }, { createdMs: -1 }, { url: 'nonsense' }, { url: 'ftp://h/x' }],
    ...[{ finalUrl: 'http://' }, { finalUrl: 7 }],
  ]) {
    it(`P3: an identity with ${JSON.stringify(change)} is none`, async () => {
      const bytes = sealed([json(FRAME.IDENTITY, { ...someIdentity(), ...change })]);
      await expectCode('JOURNAL_DAMAGED', () => decodeJournal(bytes));
    });
  }

  it('P3: no bytes make the reader throw anything but a SluiceError, or claim beyond the size', () => {
    const good = sealed([FIRST, ...GOOD, ...extentFrames([{ start: 500, end: 600, crc: 3 }])]);
    const edit = fc.record({
      at: fc.nat(good.length - 1),
      bytes: fc.uint8Array({ maxLength: 40 }),
    });
    const mutated = fc.array(edit, { minLength: 1, maxLength: 4 }).map((edits) => {
      const bytes = Buffer.from(good);
      for (const { at, bytes: with_ } of edits) bytes.set(with_.subarray(0, bytes.length - at), at);
      return bytes;
    });
    const frames = fc.array(
      fc.record({ type: fc.nat(6), payload: fc.uint8Array({ maxLength: 64 }) }),
    );
    const random = fc.oneof(
      mutated,
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      frames.map((extra) => sealed([FIRST, ...extra])),
    );
    fc.assert(
      fc.property(random, (bytes) => {
        try {
          const { extents, validBytes } = decodeJournal(bytes);
          expect(validBytes).to.be.at.most(bytes.length);
          let end = 0;
          for (const extent of extents) {
            expect(extent.start).to.be.at.least(end);
            expect(extent.end).to.be.within(extent.start + 1, 1000);
            end = extent.end;
          }
        } catch (thrown) {
          expect(thrown).to.be.instanceOf(SluiceError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
