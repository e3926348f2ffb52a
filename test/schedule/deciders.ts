/** Who can decide in a played download. */
import type { Decide } from './decider.js';
import { decideAsScheduled } from './scheduler-decider.js';

export const DECIDERS: Readonly<Record<string, Decide>> = { scheduler: decideAsScheduled };

/** Whose decisions the command uses. */
export const PRESENT = 'scheduler';
