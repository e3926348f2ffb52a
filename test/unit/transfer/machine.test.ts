/** The life of a download, through random histories. `SLUICE_HISTORIES` makes it longer. */
import { expect } from 'chai';
import { ERROR_CODES, SluiceError } from '../../../src/errors.js';
import type { ErrorCode } from '../../../src/errors.js';
import { START, next } from '../../../src/transfer/machine.js';
import type { Course, Event, Limits, State } from '../../../src/transfer/machine.js';

const HISTORIES = Number(process.env['SLUICE_HISTORIES'] ?? 20_000);
const ERROR = new SluiceError('CONNECTION_LOST', 'lost');
const COURSE: Course = { turn: 0, failures: 0, repairs: 0 };
const WRONG = new SluiceError('CHECKSUM_MISMATCH', 'wrong');
const STOP = new SluiceError('INTERRUPTED', 'stopped');

/** Events that can happen in each state, as the driver reports them. */
const POSSIBLE: Record<State['phase'], Event[]> = {
  asking: [
    { type: 'answered' },
    { type: 'received' },
    { type: 'placed' },
    { type: 'settled', outcome: 'complete' },
    { type: 'settled', outcome: 'skipped' },
    { type: 'broken', error: ERROR, progressed: false },
  ],
  waiting: [{ type: 'waited' }],
  transferring: [
    { type: 'received' },
    { type: 'lowered', error: ERROR },
    { type: 'spoiled', error: WRONG },
    { type: 'broken', error: ERROR, progressed: false },
    { type: 'broken', error: ERROR, progressed: true },
  ],
  switching: [{ type: 'switched' }],
  syncing: [{ type: 'synced' }],
  verifying: [{ type: 'verified' }, { type: 'spoiled', error: WRONG }, { type: 'doubted' }],
  repairing: [{ type: 'repaired' }],
  publishing: [{ type: 'published' }],
  closing: [{ type: 'closed' }],
  ended: [],
};
const EVERY: Event[] = [...new Set(Object.values(POSSIBLE).flat())];
/** Without another source, and without a repair. */
const ONE: Limits = { retries: 1, sources: 1, repairs: 0 };
const FAILED: Event = { type: 'failed', error: STOP };
const GONE: Event = {
  type: 'failed',
  error: new SluiceError('HTTP_REFUSED', '404 Not Found'),
};
const ALL: readonly Event[] = [...EVERY, FAILED, GONE];

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
function play(seed: number): { limits: Limits; events: Event[]; states: State[] } {
  const pick = numbers(seed);
  const limits = { retries: pick(4), sources: 1 + pick(3), repairs: pick(4) };
  const events: Event[] = [];
  const states: State[] = [START];
  for (let state: State = START; state.phase !== 'ended';) {
    const possible = POSSIBLE[state.phase];
    const chance = pick(24);
    const event: Event =
      chance === 0 ? FAILED : chance === 1 ? GONE : (possible[pick(possible.length)] as Event);
    state = next(state, event, limits);
    events.push(event);
    states.push(state);
    if (events.length > 10_000) throw new Error(`seed ${seed} never ends`);
  }
  return { limits, events, states };
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
        if (tail.at(-1) === 'placed') continue;
        expect(tail, `seed ${seed}`).deep.equal(['received', 'synced', 'verified', 'published']);
      } else {
        expect(types, `seed ${seed}`).not.include('published').and.not.include('placed');
      }
    }
  });

  it('P21: retries in a row are bounded, and any progress starts the count anew', () => {
    for (let seed = 0; seed < Math.min(HISTORIES, 20_000); seed++) {
      const { limits, events, states } = play(seed);
      let row = 0;
      events.forEach((event, i) => {
        const after = states[i + 1];
        // Another source, and another round with this one, begin anew; so does a question after a doubt,
        // and one stream where leases failed.
        if (['switched', 'repaired', 'doubted', 'lowered'].includes(event.type)) row = 0;
        if (event.type !== 'broken') return;
        row = event.progressed ? 1 : row + 1;
        if (row > limits.retries) expect(['closing', 'switching']).include(after?.phase);
        else expect(after, `seed ${seed}`).include({ phase: 'waiting', attempt: row });
      });
    }
  });

  it('P8: sources and repairs are bounded; each begins with a source of its own', () => {
    for (let seed = 0; seed < Math.min(HISTORIES, 20_000); seed++) {
      const { limits, states } = play(seed);
      let [turn, failures, repairs] = [0, 0, 0];
      states.forEach((state) => {
        if (state.phase === 'switching') failures++;
        if (state.phase === 'repairing') [failures, repairs] = [0, repairs + 1];
        if (state.phase === 'switching' || state.phase === 'repairing') turn++;
        expect(failures, `seed ${seed}`).below(limits.sources);
        expect(repairs, `seed ${seed}`).most(limits.repairs);
        if ('course' in state) expect(state.course).deep.equal({ turn, failures, repairs });
      });
    }
  });

  it('P8: only what another server may do better leads to another one', () => {
    const limits = { ...ONE, sources: 2 };
    const asking: State = { phase: 'asking', attempt: 0, course: COURSE };
    const after = (state: State, code: ErrorCode): State['phase'] =>
      next(state, { type: 'failed', error: new SluiceError(code, 'x') }, limits).phase;
    for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
      const status = ERROR_CODES[code];
      const ofServer =
        ([3, 4, 5, 6, 7, 8, 13].includes(status) && !['MAX_TIME', 'TLS_FILES'].includes(code)) ||
        code === 'SIZE_MISMATCH';
      expect(after(asking, code), code).equal(ofServer ? 'switching' : 'closing');
      const last: State = { ...asking, course: { ...COURSE, failures: 1 } };
      expect(after(last, code), code).equal('closing');
      expect(after({ phase: 'publishing' }, code), code).equal('closing');
    }
  });

  it('the first failure is the one that counts', () => {
    const closing = next(
      { phase: 'verifying', course: COURSE },
      { type: 'failed', error: ERROR },
      ONE,
    );
    expect(closing).deep.equal({ phase: 'closing', ending: { kind: 'failed', error: ERROR } });
    expect(next(closing, FAILED, ONE)).deep.equal({
      phase: 'ended',
      ending: { kind: 'failed', error: ERROR },
    });
  });

  it('a failure while closing does not undo a published file', () => {
    const closing = next({ phase: 'publishing' }, { type: 'published' }, { ...ONE, retries: 0 });
    expect(next(closing, FAILED, { ...ONE, retries: 0 })).deep.equal({
      phase: 'ended',
      ending: { kind: 'done', outcome: 'downloaded' },
    });
  });

  it('an event that cannot happen is a defect', () => {
    const states: State[] = [
      START,
      { phase: 'waiting', attempt: 1, error: ERROR, course: COURSE },
      { phase: 'transferring', attempt: 0, course: COURSE },
      { phase: 'switching', error: ERROR, course: COURSE },
      { phase: 'syncing', course: COURSE },
      { phase: 'verifying', course: COURSE },
      { phase: 'repairing', error: WRONG, course: COURSE },
      { phase: 'publishing' },
      { phase: 'closing', ending: { kind: 'failed', error: ERROR } },
      { phase: 'ended', ending: { kind: 'failed', error: ERROR } },
    ];
    for (const state of states) {
      const types = new Set<string>(POSSIBLE[state.phase].map(({ type }) => type));
      for (const event of ALL) {
        if (types.has(event.type) || (event.type === 'failed' && state.phase !== 'ended')) continue;
        expect(() => next(state, event, ONE), `${state.phase} ${event.type}`)
          .throw(SluiceError)
          .include({ code: 'DEFECT' });
      }
    }
  });

  it('a failure in a row counts from where the last wait left it', () => {
    const waiting = next({ phase: 'transferring', attempt: 2, course: COURSE }, brokenBy(false), {
      ...ONE,
      retries: 5,
    });
    expect(waiting).deep.equal({ phase: 'waiting', attempt: 3, error: ERROR, course: COURSE });
    expect(next(waiting, { type: 'waited' }, { ...ONE, retries: 5 })).deep.equal({
      phase: 'asking',
      attempt: 3,
      course: COURSE,
    });
    expect(
      next(
        { phase: 'asking', attempt: 3, course: COURSE },
        { type: 'answered' },
        { ...ONE, retries: 5 },
      ),
    ).deep.equal({
      phase: 'transferring',
      attempt: 3,
      course: COURSE,
    });
    expect(
      next({ phase: 'transferring', attempt: 3, course: COURSE }, brokenBy(true), ONE),
    ).deep.equal({
      phase: 'waiting',
      attempt: 1,
      error: ERROR,
      course: COURSE,
    });
  });
});

const brokenBy = (progressed: boolean): Event => ({ type: 'broken', error: ERROR, progressed });
