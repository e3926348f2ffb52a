/**
 * The life of a download as one pure function. The driver does what a state asks for and reports
 * what came of it as an event; nothing else decides where a download goes.
 */
import { assert } from '../errors.js';
import type { SluiceError } from '../errors.js';
import { isOfSource } from '../engine/failures.js';

/** How a download ended. */
export type Ending =
  | { kind: 'done'; outcome: 'downloaded' | 'complete' | 'skipped' }
  | { kind: 'failed'; error: SluiceError };

/** How far a download has come through its sources. */
export interface Course {
  /** How often the next source was taken; with n sources the present one is number turn modulo n. */
  turn: number;
  /** Sources that failed for good, since the start or the last repair. */
  failures: number;
  /** Repairs that were begun. */
  repairs: number;
}

/** `attempt` counts failures in a row without a byte between them. */
export type State =
  | { phase: 'asking'; attempt: number; course: Course }
  | { phase: 'waiting'; attempt: number; error: SluiceError; course: Course }
  | { phase: 'transferring'; attempt: number; course: Course }
  /** The source has failed for good, and the next one is taken. */
  | { phase: 'switching'; error: SluiceError; course: Course }
  | { phase: 'syncing'; course: Course }
  | { phase: 'verifying'; course: Course }
  /** Bytes that are wrong are forgotten, and it is known which these are. */
  | { phase: 'repairing'; error: SluiceError; course: Course }
  | { phase: 'publishing' }
  | { phase: 'closing'; ending: Ending }
  | { phase: 'ended'; ending: Ending };

export type Event =
  /** The server answered, and there are bytes to fetch. */
  | { type: 'answered' }
  /** Every byte is in place. */
  | { type: 'received' }
  /** The whole file came with the answer, was verified and has its name. */
  | { type: 'placed' }
  /** There is nothing to do. */
  | { type: 'settled'; outcome: 'complete' | 'skipped' }
  /** It can go on only by asking again. */
  | { type: 'broken'; error: SluiceError; progressed: boolean }
  /** Leases failed for good; one stream, or a plainer request, may still bring the file. */
  | { type: 'lowered'; error: SluiceError }
  | { type: 'waited' }
  | { type: 'switched' }
  | { type: 'synced' }
  | { type: 'verified' }
  /** Bytes are wrong, and the digests of the pieces tell which. */
  | { type: 'spoiled'; error: SluiceError }
  | { type: 'repaired' }
  /** A digest refused what an earlier run left, and no server was asked: it may have another file now. */
  | { type: 'doubted' }
  | { type: 'published' }
  /** No further try of this source can help, or the user stopped it. */
  | { type: 'failed'; error: SluiceError }
  | { type: 'closed' };

/** Bounds that the machine keeps. */
export interface Limits {
  /** Failures in a row that are tried again. */
  retries: number;
  /** Sources of the file, at least one. */
  sources: number;
  /** Repairs at most. */
  repairs: number;
}

export const START: State = {
  phase: 'asking',
  attempt: 0,
  course: { turn: 0, failures: 0, repairs: 0 },
};

/**
 * The state after an event.
 * @throws SluiceError DEFECT when the event cannot happen in the state
 */
export function next(state: State, event: Event, limits: Limits): State {
  assert(state.phase !== 'ended', 'nothing happens after the end');
  if (event.type === 'failed') return failed(state, event.error, limits);
  switch (state.phase) {
    case 'asking':
      return asking(state, event, limits);
    case 'waiting':
      assert(event.type === 'waited', `waiting, not ${event.type}`);
      return { phase: 'asking', attempt: state.attempt, course: state.course };
    case 'transferring':
      return transferring(state, event, limits);
    case 'switching':
      assert(event.type === 'switched', `switching, not ${event.type}`);
      return { phase: 'asking', attempt: 0, course: state.course };
    case 'syncing':
      assert(event.type === 'synced', `syncing, not ${event.type}`);
      return { phase: 'verifying', course: state.course };
    case 'verifying':
      if (event.type === 'spoiled') return spoiled(state.course, event.error, limits);
      if (event.type === 'doubted') return { phase: 'asking', attempt: 0, course: state.course };
      assert(event.type === 'verified', `verifying, not ${event.type}`);
      return { phase: 'publishing' };
    case 'repairing':
      assert(event.type === 'repaired', `repairing, not ${event.type}`);
      return { phase: 'asking', attempt: 0, course: state.course };
    case 'publishing':
      assert(event.type === 'published', `publishing, not ${event.type}`);
      return close({ kind: 'done', outcome: 'downloaded' });
    case 'closing':
      assert(event.type === 'closed', `closing, not ${event.type}`);
      return { phase: 'ended', ending: state.ending };
  }
}

/** A state in which a server is asked or sends. */
interface Tried {
  attempt: number;
  course: Course;
}

function asking({ attempt, course }: Tried, event: Event, limits: Limits): State {
  if (event.type === 'answered') return { phase: 'transferring', attempt, course };
  if (event.type === 'received') return { phase: 'syncing', course };
  if (event.type === 'placed') return close({ kind: 'done', outcome: 'downloaded' });
  if (event.type === 'settled') return close({ kind: 'done', outcome: event.outcome });
  assert(event.type === 'broken', `asking, not ${event.type}`);
  return broken({ attempt, course }, event.error, limits);
}

function transferring({ attempt, course }: Tried, event: Event, limits: Limits): State {
  if (event.type === 'received') return { phase: 'syncing', course };
  if (event.type === 'spoiled') return spoiled(course, event.error, limits);
  if (event.type === 'lowered') return { phase: 'asking', attempt: 0, course };
  assert(event.type === 'broken', `transferring, not ${event.type}`);
  return broken({ attempt: event.progressed ? 0 : attempt, course }, event.error, limits);
}

function broken({ attempt, course }: Tried, error: SluiceError, limits: Limits): State {
  if (attempt >= limits.retries) return giveUp(course, error, limits);
  return { phase: 'waiting', attempt: attempt + 1, error, course };
}

/** The next source repairs what this one, or one before it, sent: each has the same pieces. */
function spoiled(course: Course, error: SluiceError, limits: Limits): State {
  if (course.repairs >= limits.repairs) return close({ kind: 'failed', error });
  const { turn, repairs } = course;
  const after = { turn: turn + 1, failures: 0, repairs: repairs + 1 };
  return { phase: 'repairing', error, course: after };
}

/** A source has failed for good: the next one, if that may help and there is one. */
function giveUp(course: Course, error: SluiceError, limits: Limits): State {
  const failures = course.failures + 1;
  if (failures >= limits.sources || !isOfSource(error)) return close({ kind: 'failed', error });
  return { phase: 'switching', error, course: { ...course, turn: course.turn + 1, failures } };
}

/** The first failure is the one that counts; one while closing does not undo a published file. */
function failed(
  state: Exclude<State, { phase: 'ended' }>,
  error: SluiceError,
  limits: Limits,
): State {
  if (state.phase === 'closing') return { phase: 'ended', ending: state.ending };
  if (state.phase === 'publishing') return close({ kind: 'failed', error });
  return giveUp(state.course, error, limits);
}

const close = (ending: Ending): State => ({ phase: 'closing', ending });
