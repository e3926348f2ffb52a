import { expect } from 'chai';
import fc from 'fast-check';
import { fileMap, leaseBar, mapCells, partBar, type BarOptions } from '../../../src/cli/bars.js';
import type { Line } from '../../../src/cli/style.js';
import { lane, snapshot } from './samples.js';

const ascii: BarOptions = { columns: 10, color: false, unicode: false };
const unicode: BarOptions = { columns: 10, color: false, unicode: true };
const text = (line: Line): string => line.map((piece) => piece.text).join('');

describe('cli/bars', () => {
  it('maps what is in place and where connections write', () => {
    const file = snapshot({
      extents: [
        [0, 200],
        [500, 550],
      ],
      lanes: [
        lane(0, { start: 200, position: 330, end: 500 }),
        lane(1, { state: 'idle', start: 900, position: 950, end: 1000 }),
      ],
    });
    expect(text(fileMap(file, 1000, ascii))).to.equal('###>.-....');
    expect(text(fileMap(file, 1000, unicode))).to.equal(
      '\u2588\u2588\u2588\u258e\u2591\u258c\u2591\u2591\u2591\u2591',
    );
  });

  it('marks the position of a connection in a colour of its own', () => {
    const file = snapshot({
      extents: [],
      lanes: [lane(0, { position: 350, start: 300, end: 500 })],
    });
    const styles = fileMap(file, 1000, { ...ascii, color: true }).map(({ style }) => style);
    expect(styles).to.deep.equal(['fill', 'headFill', 'fill']);
  });

  it('shows a cell that is filled at its right as such', () => {
    const file = snapshot({ extents: [[50, 100]] });
    expect(text(fileMap(file, 1000, unicode))[0]).to.equal('\u2590');
    const [first] = fileMap(file, 1000, { ...unicode, color: true });
    expect(first).to.deep.equal({ text: '\u258c', style: 'fillRest' });
  });

  it('shows an empty file, and any file after its transfer, as full', () => {
    expect(text(fileMap(snapshot({ extents: [] }), 0, ascii))).to.equal('##########');
    const ended = snapshot({ phase: 'publishing', extents: [] });
    expect(text(fileMap(ended, 1000, ascii))).to.equal('##########');
  });

  it('loses no byte between the cells, whatever the ranges', () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 0, max: 2 ** 42 }), {
      minLength: 2,
      maxLength: 40,
    });
    fc.assert(
      fc.property(cuts, fc.integer({ min: 1, max: 200 }), (offsets, columns) => {
        const sorted = offsets.sort((a, b) => a - b);
        const size = sorted.at(-1) ?? 1;
        const extents: [number, number][] = [];
        for (let i = 0; i + 1 < sorted.length; i += 2) {
          extents.push([sorted[i] ?? 0, sorted[i + 1] ?? 0]);
        }
        const covered = extents.reduce((sum, [start, end]) => sum + end - start, 0);
        const cells = mapCells({ extents, lanes: [] }, size, columns);
        const filled = cells.reduce((sum, cell) => sum + cell.filled, 0) * (size / columns);
        expect(filled).to.be.closeTo(covered, size * 1e-9);
        for (const cell of cells) expect(cell.filled).to.be.within(0, 1 + 1e-6);
      }),
    );
  });

  it('counts bytes once that a lane has written and the extents hold', () => {
    const file = {
      extents: [[0, 60] as const],
      lanes: [lane(0, { start: 0, position: 80, end: 100 })],
    };
    expect(mapCells(file, 100, 1)[0]?.filled).to.be.closeTo(0.8, 1e-9);
  });

  it('fills a bar from the left', () => {
    expect(text(partBar(0.46, ascii))).to.equal('####-.....');
    expect(text(partBar(0, ascii))).to.equal('..........');
    expect(text(partBar(1, unicode))).to.equal('\u2588'.repeat(10));
  });

  it('draws the bar of a lease in halves', () => {
    const lease = lane(0, { start: 100, position: 135, end: 200 });
    expect(text(leaseBar(lease, ascii))).to.equal('===-......');
    expect(text(leaseBar(lease, unicode))).to.equal(
      '\u2501\u2501\u2501\u2578' + '\u2500'.repeat(6),
    );
    expect(text(leaseBar({ ...lease, end: 100 }, ascii))).to.equal('..........');
  });
});
