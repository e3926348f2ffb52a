/**
 * The life of a download as one pure function. The driver does what a state asks for and reports
 * what came of it as an event; nothing else decides where a download goes.
 */
import { assert } from '../errors.js';
import type { SluiceError } from '../errors.js';

/** How a download ended. */
export type Ending =
  | { kind: 'done'; outcome: 'downloaded' | 'complete' | 'skipped' }
  | { kind: 'failed'; error: SluiceError };

/** `attempt` counts failures in a row without a byte between them. */
export type State =
  | { phase: 'asking'; attempt: number }
  | { phase: 'waiting'; attempt: number; error: SluiceError }
  | { phase: 'transferring'; attempt: number }
  | { phase: 'syncing' }
  | { phase: 'verifying' }
  | { phase: 'publishing' }
  | { phase: 'closing'; ending: Ending }
  | { phase: 'ended'; ending: Ending };

export type Event =
  /** The server answered, and there are bytes to fetch. */
  | { type: 'answered' }
  /** Every byte is in place. */
  | { type: 'received' }
  /** There is nothing to do. */
  | { type: 'settled'; outcome: 'complete' | 'skipped' }
  /** It can go on only by asking again. */
  | { type: 'broken'; error: SluiceError; progressed: boolean }
  | { type: 'waited' }
  | { type: 'synced' }
  | { type: 'verified' }
  | { type: 'published' }
  /** No further try can help, or the user stopped it. */
  | { type: 'failed'; error: SluiceError }
  | { type: 'closed' };

/** Bounds that the machine keeps. */
export interface Limits {
  /** Failures in a row that are tried again. */
  retries: number;
}

export const START: State = { phase: 'asking', attempt: 0 };

/**
 * The state after an event.
 * @throws SluiceError DEFECT when the event cannot happen in the state
 */
export function next(state: State, event: Event, { retries }: Limits): State {
  assert(state.phase !== 'ended', 'nothing happens after the end');
  if (event.type === 'failed') return fail(state, event.error);
  switch (state.phase) {
    case 'asking':
      return asking(state.attempt, event, retries);
    case 'waiting':
      assert(event.type === 'waited', `waiting, not ${event.type}`);
      return { phase: 'asking', attempt: state.attempt };
    case 'transferring':
      if (event.type === 'received') return { phase: 'syncing' };
      assert(event.type === 'broken', `transferring, not ${event.type}`);
      return broken(event.progressed ? 0 : state.attempt, event.error, retries);
    case 'syncing':
      assert(event.type === 'synced', `syncing, not ${event.type}`);
      return { phase: 'verifying' };
    case 'verifying':
      assert(event.type === 'verified', `verifying, not ${event.type}`);
      return { phase: 'publishing' };
    case 'publishing':
      assert(event.type === 'published', `publishing, not ${event.type}`);
      return close({ kind: 'done', outcome: 'downloaded' });
    case 'closing':
      assert(event.type === 'closed', `closing, not ${event.type}`);
      return { phase: 'ended', ending: state.ending };
  }
}

function asking(attempt: number, event: Event, retries: number): State {
  if (event.type === 'answered') return { phase: 'transferring', attempt };
  if (event.type === 'received') return { phase: 'syncing' };
  if (event.type === 'settled') return close({ kind: 'done', outcome: event.outcome });
  assert(event.type === 'broken', `asking, not ${event.type}`);
  return broken(attempt, event.error, retries);
}

function broken(attempt: number, error: SluiceError, retries: number): State {
  if (attempt >= retries) return close({ kind: 'failed', error });
  return { phase: 'waiting', attempt: attempt + 1, error };
}

/** The first failure is the one that counts; one while closing does not undo a published file. */
function fail(state: Exclude<State, { phase: 'ended' }>, error: SluiceError): State {
  if (state.phase === 'closing') return { phase: 'ended', ending: state.ending };
  return close({ kind: 'failed', error });
}

const close = (ending: Ending): State => ({ phase: 'closing', ending });
