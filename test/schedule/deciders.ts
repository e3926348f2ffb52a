/** Who can decide in a played download. */
import type { Decide } from './decider.js';
import { decideAsToday } from './today.js';

export const DECIDERS: Readonly<Record<string, Decide>> = { today: decideAsToday };

/** Whose decisions the command uses. */
export const PRESENT = 'today';
