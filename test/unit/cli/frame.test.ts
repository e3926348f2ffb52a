import { expect } from 'chai';
import fc from 'fast-check';
import { renderFrame, type FrameOptions } from '../../../src/cli/frame.js';
import { visibleWidth } from '../../../src/cli/width.js';
import type { LaneState } from '../../../src/engine/connections.js';
import type { DownloadSnapshot } from '../../../src/transfer/events.js';
import { GiB, HOSTILE, MiB, lane, snapshot } from './samples.js';

const plain: FrameOptions = {
  columns: 80,
  rows: 24,
  color: false,
  unicode: false,
  lanes: true,
  now: 0,
};
const SGR = /\x1b\[[0-9;]*m/g;

const busy = snapshot({
  lanes: [
    lane(0, { start: 0, position: 512 * MiB, end: GiB, rate: 60 * MiB }),
    lane(1, { start: 2 * GiB, position: 2.5 * GiB, end: 3 * GiB, rate: 40 * MiB }),
    lane(2, { state: 'backoff', start: 3 * GiB, position: 3 * GiB, end: 4 * GiB }),
    lane(3, { state: 'closed' }),
  ],
  notices: ['503 Service Unavailable; connection 3 tries again in 2 s'],
});

describe('cli/frame', () => {
  it('shows header, map, figures, notices and lanes', () => {
    expect(renderFrame([busy], plain)).to.deep.equal([
      '  big.iso                                                1.00 of 4.00 GiB   25%',
      '  #########>#########-..................-#########>........>...................',
      '  100 MiB/s  |  0:31 left  |  2 connections',
      '  ! 503 Service Unavailable; connection 3 tries again in 2 s',
      '',
      '  1  receiving    =======-.......  0.50 of 1.00 GiB at 0 B           60.0 MiB/s',
      '  2  receiving    =======-.......  0.50 of 1.00 GiB at 2.00 GiB      40.0 MiB/s',
      '  3  backing off  ...............  0.00 of 1.00 GiB at 3.00 GiB',
    ]);
  });

  it('takes three lines, and one for each notice, unless lanes are wanted', () => {
    for (const columns of [40, 80, 120, 200]) {
      const lines = renderFrame([{ ...busy, notices: [] }], { ...plain, columns, lanes: false });
      expect(lines).to.have.length(3);
      for (const line of lines) expect(visibleWidth(line)).below(columns);
    }
    const [, , , notice, ...rest] = renderFrame([busy], { ...plain, lanes: false });
    expect([notice, rest]).to.deep.equal([
      '  ! 503 Service Unavailable; connection 3 tries again in 2 s',
      [],
    ]);
  });

  it('shows each figure whole or not at all, in 40 to 200 columns', () => {
    const lanes = [lane(9, { end: GiB, rate: 1000 * MiB }), lane(63, { state: 'backoff' })];
    const much = { bytes: 1000 * GiB, size: 1023 * GiB, rate: 1000 * MiB, eta: 359_999, lanes };
    const unsized = { ...much, size: null, eta: null, extents: [] };
    const run = { total: 100_000, endedFiles: 99_999, failed: 12_345, bytes: 1000 * GiB };
    const files = [
      busy,
      snapshot({ phase: 'verifying', verified: 0.5 }),
      snapshot(much),
      snapshot(unsized),
    ].map((file) => ({ ...file, notices: [] }));
    const frames: ((columns: number) => string[])[] = [
      ...files.map((file) => (columns: number) => renderFrame([file], { ...plain, columns })),
      (columns) => renderFrame(files, { ...plain, columns, run }),
      (columns) => renderFrame(files, { ...plain, columns, rows: 5, run }),
    ];
    /** Figures stand apart by two spaces at least, or by a stroke; bars and the name's cut do not count. */
    const figures = (lines: string[]): string[] =>
      lines
        .flatMap((line) => line.split(/ {2,}| \| /))
        .filter((text) => /[\da-z]/.test(text) && !/big|\.\.\./.test(text));
    for (const render of frames) {
      const wide = new Set(figures(render(250)));
      for (let columns = 40; columns <= 200; columns++)
        expect(
          figures(render(columns)).filter((figure) => !wide.has(figure)),
          `${columns} columns`,
        ).to.deep.equal([]);
    }
  });

  it('colours with the sixteen colours of the terminal only', () => {
    const text = renderFrame([busy], { ...plain, color: true, unicode: true }).join('');
    for (const [sequence] of text.matchAll(SGR))
      expect(sequence).to.match(/^\x1b\[0?(?:;(?:1|2|3[0-7]|9[0-7]|4[0-7]|10[0-7]))*m$/);
  });

  it('shows bytes, rate and elapsed time while the size is unknown', () => {
    const file = snapshot({
      size: null,
      eta: null,
      extents: [],
      lanes: [lane(0, { end: Infinity, position: 300 * MiB, rate: 9 * MiB })],
      bytes: 300 * MiB,
    });
    expect(renderFrame([file], { ...plain, columns: 60 })).to.deep.equal([
      '  big.iso                                           300 MiB',
      '  100 MiB/s  |  0:10 elapsed  |  1 connection',
      '',
      '  1  receiving    300 MiB at 0 B                 9.00 MiB/s',
    ]);
  });

  it('shows the verification with its progress, and the publishing', () => {
    const verifying = renderFrame(
      [snapshot({ ...busy, phase: 'verifying', verified: 0.5 })],
      plain,
    );
    expect(verifying[1]?.trim()).to.match(/^#{38}-\.{38}$|^#{38,39}\.{38,39}$/);
    expect(verifying[2]).to.equal('  - verifying 50%  |  0:10 elapsed');
    expect(verifying.join('\n')).not.to.include('receiving');
    expect(renderFrame([snapshot({ phase: 'publishing' })], plain)[2]).to.equal('  - publishing');
    expect(renderFrame([snapshot({ phase: 'asking', size: null, path: '' })], plain)).to.deep.equal(
      [`  https://example.org/pub/big.iso${' '.repeat(38)}1.00 GiB`, '  - asking the server'],
    );
  });

  it('counts the connections that do not fit', () => {
    const lanes = Array.from({ length: 16 }, (_, i) => lane(i, { end: GiB }));
    const lines = renderFrame([snapshot({ lanes })], { ...plain, rows: 12 });
    expect(lines).to.have.length(11);
    expect(lines.at(-1)).to.equal('  ... and 9 more connections');
  });

  it('degrades to one line in a small terminal', () => {
    const small = { ...plain, columns: 39 };
    expect(renderFrame([busy], small)).to.deep.equal(['big.iso                25%   100 MiB/s']);
    expect(renderFrame([busy], { ...plain, rows: 3 })).to.have.length(1);
    const run = { total: 400, endedFiles: 12, failed: 1, bytes: 0 };
    expect(renderFrame([busy, busy], { ...small, columns: 60, rows: 4, run })).to.deep.equal([
      '12 of 400 files  |  1 failed  |  2.00 GiB  |  200 MiB/s',
    ]);
  });

  it('shows several files in a line each, and all of them in one more', () => {
    const run = { total: 1000, endedFiles: 12, failed: 0, bytes: 0 };
    const lines = renderFrame([busy, busy, busy], { ...plain, run });
    expect(lines).to.have.length(4);
    expect(lines.at(-1)).to.equal('  12 of 1000 files  |  3.00 GiB  |  300 MiB/s');
    const many = renderFrame(Array<DownloadSnapshot>(64).fill(busy), { ...plain, rows: 10, run });
    expect(many).to.have.length(9);
    expect(many.at(-2)).to.include('and 57 more files');
  });

  it('gives each of many files a line, and counts those that do not fit', () => {
    const files = Array.from({ length: 30 }, () => busy);
    const lines = renderFrame(files, plain);
    expect(lines).to.have.length(23);
    expect(lines[0]).to.equal(`  big.iso${' '.repeat(44)}25%   100 MiB/s  0:31 left`);
    expect(lines.at(-1)).to.equal('  ... and 8 more files');
  });

  it('uses colour only when asked to', () => {
    expect(renderFrame([busy], plain).join('')).not.to.include('\x1b');
    const colored = renderFrame([busy], { ...plain, color: true });
    expect(colored.map((line) => line.replace(SGR, ''))).to.deep.equal(renderFrame([busy], plain));
    for (const line of colored) expect(line).to.match(/^[^\x1b]*$|\x1b\[0m[^\x1b]*$/);
  });

  it('P14: escapes what the server named', () => {
    const file = snapshot({ path: `/data/${HOSTILE}`, notices: [HOSTILE] });
    const text = renderFrame([file], { ...plain, columns: 200 }).join('');
    expect(text).not.to.match(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
    expect(text).to.include('a\\x1b[31mred\\x1b]0;title\\x07\\x0d\\x0a');
  });

  it('never exceeds the terminal and never throws, whatever it is given', () => {
    const states: LaneState[] = ['idle', 'connecting', 'waiting', 'receiving', 'backoff', 'closed'];
    const amount = fc.oneof(fc.nat(10), fc.nat(2 ** 30), fc.maxSafeNat());
    const lanes = fc.array(
      fc.record({
        connection: fc.nat(63),
        state: fc.constantFrom(...states),
        start: amount,
        end: amount,
        position: amount,
        rate: amount,
      }),
      { maxLength: 40 },
    );
    const file: fc.Arbitrary<DownloadSnapshot> = fc.record({
      phase: fc.constantFrom('asking', 'transferring', 'verifying', 'publishing', 'ended'),
      url: fc.string({ unit: 'binary' }),
      path: fc.string({ unit: 'binary' }),
      size: fc.option(amount),
      bytes: amount,
      rate: amount,
      eta: fc.option(amount),
      elapsedMs: amount,
      lanes,
      extents: fc.constant([[0, 5]] as [number, number][]),
      notices: fc.array(fc.string({ unit: 'binary' }), { maxLength: 5 }),
      verified: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    const options = fc.record({
      columns: fc.integer({ min: 1, max: 250 }),
      rows: fc.integer({ min: 1, max: 70 }),
      color: fc.boolean(),
      unicode: fc.boolean(),
      now: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(file, { maxLength: 6 }), options, (files, option) => {
        const lines = renderFrame(files, option);
        expect(lines.length).to.be.at.most(Math.max(1, option.rows - 1));
        for (const line of lines) {
          const text = line.replace(SGR, '');
          expect(text).not.to.match(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
          expect(visibleWidth(text)).to.be.at.most(Math.max(1, option.columns - 1));
        }
      }),
    );
  });
});
