/** How much longer `auto` takes than the best fixed number of connections. */
import type { Decide } from './decider.js';
import { rowOf } from './table.js';
import type { Row } from './table.js';
import type { World } from './world.js';

/** What came of one world. */
export interface Regret {
  index: number;
  row: Row;
  /** Time with `auto` over the best fixed number's; Infinity when only `auto` failed. */
  ratio: number;
}

/** Null when nothing can download it. */
export function regretOf(world: World, decide: Decide, index: number): Regret | null {
  const row = rowOf(world, decide);
  const auto = row.at(-1) ?? Infinity;
  const best = Math.min(...row.slice(0, -1).map((ms) => ms ?? Infinity));
  return best === Infinity ? null : { index, row, ratio: auto / best };
}

export interface Summary {
  worlds: number;
  /** Parts of the worlds, 0 to 1. */
  within5: number;
  within10: number;
  worst: number;
  median: number;
}

export function summarise(regrets: readonly Regret[]): Summary {
  const ratios = regrets.map(({ ratio }) => ratio).sort((a, b) => a - b);
  const within = (most: number): number =>
    ratios.filter((ratio) => ratio <= most).length / ratios.length;
  return {
    worlds: ratios.length,
    within5: within(1.05),
    within10: within(1.1),
    worst: ratios.at(-1) ?? 0,
    median: ratios[ratios.length >> 1] ?? 0,
  };
}
