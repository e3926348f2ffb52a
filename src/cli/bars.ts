/** The filled map of a file and the small bar of a lease. Pure. */
import type { Lane } from '../engine/connections.js';
import type { DownloadSnapshot } from '../transfer/events.js';
import { span, type Line, type Span, type Style } from './style.js';

type Range = readonly [start: number, end: number];

/** What one cell of the map shows. */
interface Cell {
  /** Part of the cell's bytes that is in place, 0 to 1. */
  filled: number;
  /** Whether the bytes at its left, right edge are in place. */
  left: boolean;
  right: boolean;
  /** Whether a connection writes here now. */
  head: boolean;
}

/** Left blocks of one to eight eighths. */
const EIGHTHS = [
  '',
  '\u258f',
  '\u258e',
  '\u258d',
  '\u258c',
  '\u258b',
  '\u258a',
  '\u2589',
  '\u2588',
];
const FULL = '\u2588';
const LIGHT_SHADE = '\u2591';
const MEDIUM_SHADE = '\u2592';
const RIGHT_HALF = '\u2590';

/** Whether a connection in this state works on its lease. */
const works = (lane: Lane): boolean => lane.state !== 'idle' && lane.state !== 'closed';

/** Extents and what the lanes have written beyond them, as ascending disjoint ranges. */
function inPlace({ extents, lanes }: Pick<DownloadSnapshot, 'extents' | 'lanes'>): Range[] {
  const ranges: Range[] = [...extents];
  for (const lane of lanes) {
    if (works(lane) && lane.position > lane.start) ranges.push([lane.start, lane.position]);
  }
  ranges.sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [start, end] of ranges) {
    const last = merged.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}

/** Cuts `[0, size)` into `columns` cells of equal length and says how full each is. */
export function mapCells(
  snapshot: Pick<DownloadSnapshot, 'extents' | 'lanes'>,
  size: number,
  columns: number,
): Cell[] {
  const cells = Array.from({ length: columns }, (): Cell => ({
    filled: 0,
    left: false,
    right: false,
    head: false,
  }));
  const width = size / columns;
  const indexOf = (offset: number): number =>
    Math.min(columns - 1, Math.max(0, Math.floor(offset / width)));
  for (const [start, end] of inPlace(snapshot)) {
    for (let i = indexOf(start); i <= indexOf(end); i++) {
      const cell = cells[i];
      if (!cell) break;
      const from = i * width;
      cell.filled += Math.max(0, Math.min(end, from + width) - Math.max(start, from)) / width;
      cell.left ||= start <= from && end > from;
      // Half a byte: the cell's edge need not be a whole number.
      cell.right ||= start < from + width && end >= from + width - 0.5;
    }
  }
  for (const lane of snapshot.lanes) {
    const cell = works(lane) && lane.position < size ? cells[indexOf(lane.position)] : undefined;
    if (cell) cell.head = true;
  }
  return cells;
}

/** How one cell is drawn; `color` allows a filled right part as an inverted left block. */
function drawCell(cell: Cell, color: boolean): Span {
  const style: Style = cell.head ? 'headFill' : 'fill';
  const empty = color ? ' ' : LIGHT_SHADE;
  const eighths = Math.min(8, Math.floor(cell.filled * 8 + 1e-6));
  if (eighths === 8) return span(FULL, style);
  if (cell.head || cell.left || !cell.right) {
    // A cell where bytes arrive, or where some are in place, never looks empty.
    const shown = cell.filled > 0 || cell.head ? Math.max(1, eighths) : 0;
    if (shown > 0 && !cell.left && !cell.head) return span(MEDIUM_SHADE, style);
    if (cell.left && cell.right && !cell.head) return span(MEDIUM_SHADE, style);
    return span(EIGHTHS[shown] || empty, style);
  }
  if (!color) return span(eighths >= 4 ? RIGHT_HALF : MEDIUM_SHADE, style);
  return span(EIGHTHS[8 - Math.max(1, eighths)] ?? FULL, 'fillRest');
}

function drawAsciiCell(cell: Cell): Span {
  if (cell.head) return span('>', 'headFill');
  if (cell.filled > 1 - 1e-6) return span('#', 'fill');
  return span(cell.filled > 0 ? '-' : '.', 'fill');
}

/** Neighbours of one style as one piece. */
function join(spans: Line): Span[] {
  const joined: Span[] = [];
  for (const piece of spans) {
    const last = joined.at(-1);
    if (last?.style === piece.style) last.text += piece.text;
    else joined.push({ ...piece });
  }
  return joined;
}

export interface BarOptions {
  columns: number;
  color: boolean;
  unicode: boolean;
}

/** The map of a file of known size: what is in place, and where connections write now. */
export function fileMap(snapshot: DownloadSnapshot, size: number, options: BarOptions): Span[] {
  const whole: Pick<DownloadSnapshot, 'extents' | 'lanes'> =
    snapshot.phase === 'transferring' || snapshot.phase === 'asking'
      ? snapshot
      : { extents: [[0, size]], lanes: [] };
  const cells = mapCells(
    size > 0 ? whole : { extents: [[0, 1]], lanes: [] },
    size || 1,
    options.columns,
  );
  return join(
    cells.map((cell) => (options.unicode ? drawCell(cell, options.color) : drawAsciiCell(cell))),
  );
}

/** A bar that is filled from the left: `part` from 0 to 1. */
export function partBar(part: number, options: BarOptions): Span[] {
  const cells = mapCells({ extents: [[0, part]], lanes: [] }, 1, options.columns);
  return join(
    cells.map((cell) => {
      const shown = { ...cell, right: false };
      return options.unicode ? drawCell(shown, options.color) : drawAsciiCell(shown);
    }),
  );
}

/** The thin bar of one lease. */
export function leaseBar(lane: Lane, { columns, unicode }: BarOptions): Span[] {
  const length = lane.end - lane.start;
  const part = length > 0 ? Math.min(1, Math.max(0, (lane.position - lane.start) / length)) : 0;
  const halves = Math.floor(part * columns * 2);
  const full = halves >> 1;
  const half = halves & 1;
  const rest = columns - full - half;
  if (!unicode) {
    return [span('='.repeat(full) + '-'.repeat(half), 'lane'), span('.'.repeat(rest), 'laneRest')];
  }
  return [
    span('\u2501'.repeat(full) + '\u2578'.repeat(half), 'lane'),
    span('\u2500'.repeat(rest), 'laneRest'),
  ];
}
