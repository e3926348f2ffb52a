import { expect } from 'chai';
import { WRITE_SIZES, WriteSize } from '../../../src/disk/write-size.js';

const SPAN = 1024 * 1024;
const [SMALL, MIDDLE, LARGE] = WRITE_SIZES;

/** What a span takes with a size, in milliseconds. */
type Cost = (size: number, index: number) => number;

/** Writes so many spans; returns the size of each. */
function write(size: WriteSize, spans: number, cost: Cost): number[] {
  return Array.from({ length: spans }, (_, index) => {
    const { bytes } = size;
    size.took(SPAN, cost(bytes, index));
    return bytes;
  });
}

const warm: Cost = (size) => ({ [SMALL]: 0.4, [MIDDLE]: 0.35, [LARGE]: 0.3 })[size] as number;
const cold: Cost = (size) => ({ [SMALL]: 0.4, [MIDDLE]: 1, [LARGE]: 3 })[size] as number;

describe('disk/write-size', () => {
  it('begins with the smallest size, and goes on to the largest where that costs least', () => {
    const sizes = write(new WriteSize(), 100, warm);
    expect(sizes.slice(0, 4)).to.deep.equal([SMALL, SMALL, SMALL, SMALL]);
    // Two spans that agree end a trial.
    expect(sizes.slice(4, 10).every((size) => size === MIDDLE)).to.equal(true);
    expect(sizes.slice(10, 16).every((size) => size === LARGE)).to.equal(true);
    expect(sizes.filter((size) => size !== LARGE).length).to.equal(10 + 2 * 4);
  });

  it('stays with the smallest where larger ones cost more, and tries them ever less often', () => {
    const sizes = write(new WriteSize(), 1024, cold);
    const trials = sizes.flatMap((size, index) => (size === SMALL ? [] : [index]));
    expect(sizes).not.to.include(LARGE);
    expect(trials).to.deep.equal([
      4, 5, 14, 15, 32, 33, 66, 67, 132, 133, 262, 263, 520, 521, 778, 779,
    ]);
  });

  it('finds a size in the middle', () => {
    const best: Cost = (size) => (size === MIDDLE ? 0.3 : 0.4);
    const sizes = write(new WriteSize(), 200, best);
    expect(sizes.slice(12, 20).every((size) => size === MIDDLE)).to.equal(true);
    expect(sizes).to.include(LARGE);
  });

  it('goes back at once when the chosen size has become dear', () => {
    const size = new WriteSize();
    write(size, 600, warm);
    expect(size.bytes).to.equal(LARGE);
    const after = write(size, 20, cold);
    expect(after.slice(0, 10)).to.deep.equal([
      ...[LARGE, LARGE, MIDDLE, MIDDLE, MIDDLE, MIDDLE, MIDDLE, MIDDLE, SMALL, SMALL],
    ]);
    expect(after.slice(10).filter((each) => each !== SMALL).length).to.equal(2);
  });

  it('does not believe one span: its thread may have lost the processor', () => {
    const disturbed: Cost = (size, index) => warm(size, index) + (index % 8 === 4 ? 5 : 0);
    expect(write(new WriteSize(), 200, disturbed).at(-1)).to.equal(LARGE);
    const helped: Cost = (size, index) => (index === 4 ? 0.1 : cold(size, index));
    expect(write(new WriteSize(), 100, helped).filter((size) => size !== SMALL).length).to.equal(9);
  });

  it('compares by the byte, and takes no notice of short spans', () => {
    const size = new WriteSize();
    for (let index = 0; index < 100; index += 1) size.took(SMALL, 1);
    expect(size.bytes).to.equal(SMALL);
    write(size, 4, cold);
    expect(size.bytes).to.equal(MIDDLE);
    size.took(SMALL, 0);
    size.took(SPAN / 2, 0.4);
    size.took(SPAN / 4, 0.2);
    expect(size.bytes).to.equal(SMALL);
  });

  it('knows that everything has become slower, and compares again', () => {
    const size = new WriteSize();
    write(size, 300, cold);
    const slower: Cost = (bytes, index) => 3 * cold(bytes, index);
    const sizes = write(size, 20, slower);
    expect(sizes.filter((each) => each !== SMALL).length).to.equal(2);
  });
});
