/** The window of memory that a download to a reader goes through. */
import { expect } from 'chai';
import { contentAt } from '../../helpers/content.js';
import { Window } from '../../../src/lease/window.js';

const MIB = 1024 * 1024;

describe('the window of a reader', () => {
  it('P23: holds every byte at its offset, whatever its alignment and wherever the ring ends', () => {
    const window = Window.allocate(MIB);
    const seen: Buffer[] = [];
    let at = 0;
    for (let step = 0; at < 8 * MIB; step++) {
      const slab = Buffer.alloc(200_000 + 7 * step);
      const from = step % 13;
      slab.set(contentAt(1, at, slab.length - from), from);
      window.put(slab, from, slab.length, at);
      at += slab.length - from;
      while (window.front < at) {
        const bytes = window.view(window.front, at);
        expect(bytes.length).within(1, at - window.front);
        seen.push(Buffer.from(bytes));
        const again = Buffer.alloc(bytes.length);
        window.copy(again, window.front);
        expect(again.equals(bytes)).equal(true);
        window.pass(window.front + bytes.length);
      }
    }
    expect(Buffer.concat(seen).equals(contentAt(1, 0, at))).equal(true);
  });

  it('gives what lies together as it lies there, without a copy', () => {
    const window = Window.allocate(MIB);
    window.put(Buffer.from('abcdef'), 0, 6, 0);
    const bytes = window.view(1, 4);
    expect(Buffer.from(bytes).toString()).equal('bcd');
    expect(bytes.buffer).equal(window.memory);
  });
});
