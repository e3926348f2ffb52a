/** The life of a download, through random histories. `SLUICE_HISTORIES` makes it longer. */
import { expect } from 'chai';
import { SluiceError } from '../../../src/errors.js';
import { START, next } from '../../../src/transfer/machine.js';
import type { Event, State } from '../../../src/transfer/machine.js';

const HISTORIES = Number(process.env['SLUICE_HISTORIES'] ?? 20_000);
const ERROR = new SluiceError('CONNECTION_LOST', 'lost');
const STOP = new SluiceError('INTERRUPTED', 'stopped');

/** Events that can happen in each state, as the driver reports them. */
const POSSIBLE: Record<State['phase'], Event[]> = {
  asking: [
    { type: 'answered' },
    { type: 'received' },
    { type: 'settled', outcome: 'complete' },
    { type: 'settled', outcome: 'skipped' },
    { type: 'broken', error: ERROR, progressed: false },
  ],
  waiting: [{ type: 'waited' }],
  transferring: [
    { type: 'received' },
    { type: 'broken', error: ERROR, progressed: false },
    { type: 'broken', error: ERROR, progressed: true },
  ],
  syncing: [{ type: 'synced' }],
  verifying: [{ type: 'verified' }],
  publishing: [{ type: 'published' }],
  closing: [{ type: 'closed' }],
  ended: [],
};
const EVERY: Event[] = [...new Set(Object.values(POSSIBLE).flat())];
const FAILED: Event = { type: 'failed', error: STOP };
const ALL: readonly Event[] = [...EVERY, FAILED];

/** Whole numbers below `bound`, the same ones for the same seed. */
function numbers(seed: number): (bound: number) => number {
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x2545f491) >>> 0 || 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

/** Plays one history; returns the events and the states after them. */
function play(seed: number): { retries: number; events: Event[]; states: State[] } {
  const pick = numbers(seed);
  const retries = pick(4);
  const events: Event[] = [];
  const states: State[] = [START];
  for (let state: State = START; state.phase !== 'ended';) {
    const possible = POSSIBLE[state.phase];
    const event: Event = pick(12) === 0 ? FAILED : (possible[pick(possible.length)] as Event);
    state = next(state, event, { retries });
    events.push(event);
    states.push(state);
    if (events.length > 10_000) throw new Error(`seed ${seed} never ends`);
  }
  return { retries, events, states };
}

describe('the life of a download', () => {
  it(`P2: ${HISTORIES} histories: published only after received, synced and verified`, function () {
    this.timeout(300_000);
    for (let seed = 0; seed < HISTORIES; seed++) {
      const { events, states } = play(seed);
      const last = states.at(-1);
      if (last?.phase !== 'ended') throw new Error(`seed ${seed}`);
      const types = events.map(({ type }) => type);
      if (last.ending.kind === 'done' && last.ending.outcome === 'downloaded') {
        const tail = types.filter((type) => type !== 'failed' && type !== 'closed').slice(-4);
        expect(tail, `seed ${seed}`).deep.equal(['received', 'synced', 'verified', 'published']);
      } else {
        expect(types, `seed ${seed}`).not.include('published');
      }
    }
  });

  it('P21: retries in a row are bounded, and any progress starts the count anew', () => {
    for (let seed = 0; seed < Math.min(HISTORIES, 20_000); seed++) {
      const { retries, events, states } = play(seed);
      let row = 0;
      events.forEach((event, i) => {
        if (event.type !== 'broken') return;
        row = event.progressed ? 1 : row + 1;
        const after = states[i + 1];
        if (row > retries) expect(after?.phase, `seed ${seed}`).equal('closing');
        else expect(after, `seed ${seed}`).include({ phase: 'waiting', attempt: row });
      });
    }
  });

  it('the first failure is the one that counts', () => {
    const closing = next({ phase: 'verifying' }, { type: 'failed', error: ERROR }, { retries: 1 });
    expect(closing).deep.equal({ phase: 'closing', ending: { kind: 'failed', error: ERROR } });
    expect(next(closing, FAILED, { retries: 1 })).deep.equal({
      phase: 'ended',
      ending: { kind: 'failed', error: ERROR },
    });
  });

  it('a failure while closing does not undo a published file', () => {
    const closing = next({ phase: 'publishing' }, { type: 'published' }, { retries: 0 });
    expect(next(closing, FAILED, { retries: 0 })).deep.equal({
      phase: 'ended',
      ending: { kind: 'done', outcome: 'downloaded' },
    });
  });

  it('an event that cannot happen is a defect', () => {
    const states: State[] = [
      START,
      { phase: 'waiting', attempt: 1, error: ERROR },
      { phase: 'transferring', attempt: 0 },
      { phase: 'syncing' },
      { phase: 'verifying' },
      { phase: 'publishing' },
      { phase: 'closing', ending: { kind: 'failed', error: ERROR } },
      { phase: 'ended', ending: { kind: 'failed', error: ERROR } },
    ];
    for (const state of states) {
      const types = new Set<string>(POSSIBLE[state.phase].map(({ type }) => type));
      for (const event of ALL) {
        if (types.has(event.type) || (event.type === 'failed' && state.phase !== 'ended')) continue;
        expect(() => next(state, event, { retries: 1 }), `${state.phase} ${event.type}`)
          .throw(SluiceError)
          .include({ code: 'DEFECT' });
      }
    }
  });

  it('a failure in a row counts from where the last wait left it', () => {
    const waiting = next({ phase: 'transferring', attempt: 2 }, brokenBy(false), { retries: 5 });
    expect(waiting).deep.equal({ phase: 'waiting', attempt: 3, error: ERROR });
    expect(next(waiting, { type: 'waited' }, { retries: 5 })).deep.equal({
      phase: 'asking',
      attempt: 3,
    });
    expect(next({ phase: 'asking', attempt: 3 }, { type: 'answered' }, { retries: 5 })).deep.equal({
      phase: 'transferring',
      attempt: 3,
    });
    expect(next({ phase: 'transferring', attempt: 3 }, brokenBy(true), { retries: 1 })).deep.equal({
      phase: 'waiting',
      attempt: 1,
      error: ERROR,
    });
  });
});

const brokenBy = (progressed: boolean): Event => ({ type: 'broken', error: ERROR, progressed });
