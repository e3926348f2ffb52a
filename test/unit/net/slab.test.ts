/** The memory that connections receive into. */
import { expect } from 'chai';
import { SLAB_BYTES, Slab } from '../../../src/net/slab.js';

describe('net/slab', () => {
  /** Whatever tests before this one gave back is taken. */
  beforeEach(() => {
    for (let count = 0; count < 100; count++) new Slab(1);
  });

  it('P15: what a connection gave back is the next one’s, as far as that needs it', () => {
    const first = new Slab(SLAB_BYTES);
    const { buffer } = first.bytes;
    first.release();
    first.release();
    const second = new Slab(SLAB_BYTES / 2);
    expect(second.bytes.buffer).equal(buffer);
    expect(second.bytes.length).equal(SLAB_BYTES / 2);
    // It was given back once.
    expect(new Slab(SLAB_BYTES / 2).bytes.buffer).not.equal(buffer);
    second.release();
    expect(new Slab(SLAB_BYTES).bytes.buffer).equal(buffer);
  });

  it('P15: no more is kept than the connections of a thread share', () => {
    const slabs = Array.from({ length: 20 }, () => new Slab(SLAB_BYTES));
    for (const slab of slabs) slab.release();
    const known = new Set(slabs.map(({ bytes }) => bytes.buffer));
    const again = Array.from({ length: 20 }, () => new Slab(SLAB_BYTES));
    const reused = again.filter(({ bytes }) => known.has(bytes.buffer)).length;
    expect(reused).within(1, 8);
    for (const slab of again) slab.release();
  });
});
