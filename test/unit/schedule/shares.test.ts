/** How the files of one origin share its connections. */
import { expect } from 'chai';
import { Concurrency } from '../../../src/schedule/concurrency.js';
import type { Present } from '../../../src/schedule/concurrency.js';
import { Shares } from '../../../src/schedule/shares.js';
import type { Share } from '../../../src/schedule/shares.js';
import { TUNING } from '../../../src/schedule/tuning.js';

const MOST = 16;

const fixed = (most = MOST): Shares => new Shares(new Concurrency(most, 5, TUNING), most);
const auto = (): Shares => new Shares(new Concurrency('auto', 5, TUNING), MOST);
const targets = (shares: Share[]): number[] => shares.map(({ target }) => target);

const present = (busy: number, bytes = 0, more: Partial<Present> = {}): Present => ({
  bytes,
  receiving: busy,
  busy,
  held: false,
  processor: 0,
  lastsMs: 60_000,
  ...more,
});

describe('schedule/shares', () => {
  it('one file has what the controller gives', () => {
    const shares = auto();
    const only = shares.join(MOST);
    expect(only.target).equal(TUNING.startNear);
    expect(only.surplus).equal(0);
    expect(fixed().join(8).target).equal(8);
  });

  it('divides evenly, the rest to those that came first, nothing to who cannot use it', () => {
    const shares = fixed();
    const files = [shares.join(MOST), shares.join(MOST), shares.join(MOST)];
    expect(targets(files)).deep.equal([6, 5, 5]);
    const small = shares.join(1);
    expect(targets([...files, small])).deep.equal([5, 5, 5, 1]);
    shares.leave(files[0] as Share);
    expect(targets([...files.slice(1), small])).deep.equal([8, 7, 1]);
  });

  it('together they never have more than the bound, whoever asks beside them', () => {
    const shares = fixed(4);
    const files = Array.from({ length: 3 }, () => shares.join(8));
    expect(targets(files)).deep.equal([2, 1, 1]);
    shares.setClaims(2);
    // Each keeps one; what asks for further files waits for what they leave.
    expect(targets(files)).deep.equal([1, 1, 1]);
  });

  it('`auto` gives each file one, as far as the server lets', () => {
    const shares = auto();
    const files = Array.from({ length: 8 }, () => shares.join(1));
    expect(targets(files)).deep.equal(Array(8).fill(1));
    (files[7] as Share).sample(present(1), 0);
    shares.controller.objected(0, 5);
    expect(targets(files)).deep.equal([1, 1, 1, 1, 1, 0, 0, 0]);
  });

  it('what a server objects to counts for all files: those that it serves are counted together', () => {
    const shares = fixed();
    const [one, two] = [shares.join(8), shares.join(8)];
    one.sample(present(3), 0);
    two.sample(present(3), 0);
    two.objected(0, 2);
    expect(shares.controller.allowed).equal(5);
    expect(targets([one, two])).deep.equal([3, 2]);
  });

  it('a file gives up what it has too many only while others have too few', () => {
    const shares = fixed(8);
    const one = shares.join(8);
    one.sample(present(8), 0);
    expect(one.surplus).equal(0);
    shares.setClaims(1);
    expect(one.surplus).equal(1);
    shares.setClaims(0);
    const two = shares.join(8);
    two.sample(present(1), 0);
    expect(one.surplus).equal(4);
    expect(two.surplus).equal(0);
    one.sample(present(4), 25);
    two.sample(present(4), 25);
    expect(one.surplus).equal(0);
  });

  it('the controller sees all files as one', () => {
    const shares = auto();
    const [one, two] = [shares.join(MOST), shares.join(MOST)];
    // Both together receive on exactly the target all through some windows.
    let nowMs = 0;
    for (; nowMs < 2000; nowMs += 25) {
      shares.controller.roundTrip(5, nowMs);
      const busy = targets([one, two]);
      two.sample(present(busy[1] ?? 0, nowMs * 10_000 * (busy[1] ?? 0)), nowMs);
      one.sample(present(busy[0] ?? 0, nowMs * 10_000 * (busy[0] ?? 0)), nowMs);
    }
    // Twice as many brought twice as much: it went on to the most.
    expect(one.target + two.target).equal(MOST);
    shares.leave(one);
    expect(two.target).equal(MOST);
  });

  it('remembers nothing of a number that the files could not use', () => {
    const shares = auto();
    const only = shares.join(1);
    for (let nowMs = 0; nowMs < 2000; nowMs += 25) only.sample(present(1, nowMs * 1000), nowMs);
    expect(shares.lesson.connections).equal(null);
  });
});
