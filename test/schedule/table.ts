/**
 * How long the named worlds take: what a change of the scheduler changes. The table is checked in, so
 * that a review sees it; `npm run worlds` writes it anew.
 */
import { readFileSync } from 'node:fs';
import type { Decide } from './decider.js';
import { NAMED } from './named.js';
import { play } from './player.js';
import type { World } from './world.js';

/** Connections: the numbers that `auto` is held against, and `auto`. */
export const COLUMNS = [1, 2, 4, 8, 16, 'auto'] as const;

/** Milliseconds, one for each of {@link COLUMNS}; null where the download failed. */
export type Row = Array<number | null>;

/** Where the table is kept, beside the sources. */
export const TABLE = new URL('../../../test/schedule/worlds.json', import.meta.url);

export function rowOf(world: World, decide: Decide): Row {
  return COLUMNS.map((connections) => {
    const { ms } = play(world, decide, { connections });
    return Number.isFinite(ms) ? Math.round(ms) : null;
  });
}

/** One line for each world, so that a diff shows which ones changed. */
export function writeTable(decide: Decide): string {
  const lines = NAMED.map(
    (world) => `    ${JSON.stringify(world.name)}: ${JSON.stringify(rowOf(world, decide))}`,
  );
  const columns = JSON.stringify(COLUMNS);
  return `{\n  "columns": ${columns},\n  "ms": {\n${lines.join(',\n')}\n  }\n}\n`;
}

export function readTable(): Record<string, Row> {
  return (JSON.parse(readFileSync(TABLE, 'utf8')) as { ms: Record<string, Row> }).ms;
}
