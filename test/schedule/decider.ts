/**
 * What decides in a played download. The player tells it what a scheduler is told, and does what it
 * answers; the world knows nothing else of it. Two deciders can thus be played side by side.
 */

import type { Action, Observation, Span } from '../../src/schedule/types.js';

/** What is known when the first answer's head is there. */
export interface FirstAnswer {
  nowMs: number;
  total: number;
  /** As the first connection saw it. */
  roundTripMs: number;
  /** What its dial took, TLS included (ms). */
  dialMs: number;
  /** From its request to the head (ms). */
  firstByteMs: number;
  scheme: 'http' | 'https';
  connections: number | 'auto';
}

export interface Decider {
  /** Takes the first answer, which is being received on connection 0; returns its lease. */
  adopt(span: Span, nowMs: number): number;
  observe(observation: Observation, nowMs: number): void;
  /** To be called after observations, and at least each 25 ms. */
  act(nowMs: number): readonly Action[];
  readonly isComplete: boolean;
  /** How many connections it wants now. */
  readonly target: number;
  /** What holds the download back now, and what did for most of the time. */
  readonly limitedBy: string;
  readonly mostlyLimitedBy: string;
  /** Bytes that it spent beside leases. */
  readonly overheadBytes: number;
}

export type Decide = (first: FirstAnswer) => Decider;
