/** Whether a link is full, by the round trips beside a transfer. */
import { expect } from 'chai';
import { Link } from '../../../src/plan/link.js';

const PAUSE_MS = 100;

/** Measures as often as the link wants, each 10 ms, until `untilMs`; returns when it was asked for. */
function ask(link: Link, fromMs: number, untilMs: number, ms: number | null): number[] {
  const asked: number[] = [];
  for (let now = fromMs; now < untilMs; now += 10) {
    if (!link.isDue(now, PAUSE_MS)) continue;
    asked.push(now);
    expect(link.isDue(now, 0), 'one at a time').equal(false);
    link.measured(ms, now + (ms ?? 0));
  }
  return asked;
}

describe('the link', () => {
  it('is full when a round trip has waited in a queue', () => {
    const link = new Link(80);
    link.measured(105, 0);
    expect(link.isQueued).equal(false);
    link.measured(106, 0);
    expect(link.isQueued).equal(true);
  });

  it('is clear when two in a row have not', () => {
    const link = new Link(80);
    for (const ms of [80, 200, 80]) link.measured(ms, 0);
    expect(link).include({ isClear: false, isQueued: false });
    link.measured(80, 0);
    expect(link.isClear).equal(true);
  });

  it('a measurement that failed tells nothing', () => {
    const link = new Link(80);
    for (const ms of [200, null]) link.measured(ms, 0);
    expect(link.isQueued).equal(true);
    for (const ms of [80, null, null]) link.measured(ms, 0);
    expect(link.isClear).equal(false);
  });

  it('is measured with a pause before each time, and a hundred times at most', () => {
    const link = new Link(80);
    expect(ask(link, 1000, 1500, 80)).deep.equal([1100, 1280, 1460]);
    expect(ask(link, 1500, 1e5, 80)).length(97);
  });

  it('is clear since a time only by what was measured after it', () => {
    const link = new Link(80);
    expect(link.isClearSince(0)).equal(false);
    ask(link, 0, 170, 80);
    expect(link.isClearSince(100)).equal(true);
    expect(link.isClearSince(101)).equal(false);
    link.measured(200, 400);
    expect(link.isClearSince(0)).equal(false);
  });
});
