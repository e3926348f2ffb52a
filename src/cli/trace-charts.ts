/** The charts of a trace as SVG. All have the same axis of time. Colours are classes of `trace-page.ts`. */
import { byConnection, ratesOf, stretchesOf } from '../app/trace.js';
import type { Traced, TracedFile, TracedLease } from '../app/trace.js';
import { showText } from '../http/redact.js';
import { bytes, delay, rate } from './format.js';
import { LIMITS } from './trace-lines.js';

/** Units of the drawing: of all of it, and to the left of the charts. */
const WIDTH = 1000;
const LEFT = 70;
const RIGHT = 10;
const INNER = WIDTH - LEFT - RIGHT;

/** Slices of time for which a rate is drawn. */
const SLICES = 300;

/** What would be narrower is drawn together with what is beside it. */
const LEAST = 0.5;

/** Rows, and lines in the picture of the file; more would be a blot. */
const MOST_ROWS = 96;
const MOST_LINES = 4000;

const ROW = 12;
const RATE_HEIGHT = 160;
const MAP_HEIGHT = 220;

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** A text from outside, as HTML. */
export const html = (text: string): string =>
  showText(text).replace(/[&<>"]/g, (character) => ESCAPES[character] as string);

const n = (value: number): string => String(Math.round(value * 100) / 100);

/** From a time to its place. */
type Place = (ms: number) => number;

const placeIn = (ms: number): Place => {
  const whole = Math.max(1, ms);
  return (at) => LEFT + (Math.min(at, whole) / whole) * INNER;
};

/** One chart. */
function svg(label: string, height: number, parts: readonly string[]): string {
  return `<svg role="img" aria-label="${html(label)}" viewBox="0 0 ${WIDTH} ${n(height)}">\n${parts.join('\n')}\n</svg>`;
}

/** A step of 1, 2 or 5 times a power of ten, so that there are at most `most` of them. */
function stepOf(whole: number, most: number): number {
  const least = whole / most;
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((times) => times * power).find((step) => step >= least) ?? 10 * power;
}

/** The axis of time: lines from the top, and what they say below. */
function timeAxis(ms: number, height: number): string[] {
  const place = placeIn(ms);
  const step = stepOf(Math.max(1, ms), 10);
  const parts: string[] = [];
  for (let at = 0; at <= ms; at += step) {
    const x = n(place(at));
    parts.push(`<line class="grid" x1="${x}" x2="${x}" y1="0" y2="${n(height)}"/>`);
    parts.push(`<text class="axis" x="${x}" y="${n(height + 14)}">${html(delay(at))}</text>`);
  }
  return parts;
}

/** Bytes per second over time, and below it what held the download back. */
export function rateChart({ files, ms }: Traced): string {
  const rates = ratesOf(files, ms, SLICES);
  const most = Math.max(1, ...rates);
  const y = (value: number): number => RATE_HEIGHT - (value / most) * (RATE_HEIGHT - 10);
  const steps = rates.flatMap((value, at) => {
    const [from, to] = [at, at + 1].map((slice) => n(LEFT + (slice / SLICES) * INNER));
    return [`${from},${n(y(value))}`, `${to},${n(y(value))}`];
  });
  const area = `M${LEFT},${RATE_HEIGHT} L${steps.join(' ')} L${LEFT + INNER},${RATE_HEIGHT} Z`;
  const bandTop = RATE_HEIGHT + 20;
  return svg('Bytes per second over time', bandTop + 18, [
    ...timeAxis(ms, RATE_HEIGHT),
    `<path class="rate" d="${area}"/>`,
    ...[0.5, 1].map(
      (part) =>
        `<text class="side" x="${LEFT - 6}" y="${n(y(most * part) + 4)}">${html(rate(most * part))}</text>`,
    ),
    `<text class="side" x="${LEFT - 6}" y="${bandTop + 11}">limited by</text>`,
    ...limitBand(files, ms, bandTop),
  ]);
}

/** Of several files at the same time, the one that was begun last says it. */
function limitBand(files: readonly TracedFile[], ms: number, top: number): string[] {
  const place = placeIn(ms);
  return files.flatMap(({ levels, leases }) => {
    const endMs = leases.reduce((last, { endedMs }) => Math.max(last, endedMs ?? ms), 0);
    return levels.flatMap(({ ms: fromMs, target, limitedBy }, at) => {
      const toMs = Math.min(endMs, levels[at + 1]?.ms ?? endMs);
      const width = place(toMs) - place(fromMs);
      if (width < LEAST) return [];
      const name = LIMITS[limitedBy] ?? limitedBy;
      const what = `${delay(fromMs)} to ${delay(toMs)}: ${target} connections wanted, limited by ${name}`;
      const known = Object.hasOwn(LIMITS, limitedBy) ? limitedBy : 'unknown';
      const shape = `<rect class="limit ${known}" x="${n(place(fromMs))}" y="${top}" width="${n(width)}" height="14"><title>${html(what)}</title></rect>`;
      const text = `<text class="in" x="${n(place(fromMs) + 4)}" y="${top + 11}">${html(`${target}: ${limitedBy}`)}</text>`;
      return width > 90 ? [shape, text] : [shape];
    });
  });
}

/** What one connection of a file did, as a row or a part of one. */
interface Life {
  file: TracedFile;
  connection: number;
  leases: TracedLease[];
  fromMs: number;
  toMs: number;
}

function livesOf({ files, ms }: Traced): Life[] {
  const lives = files.flatMap((file) =>
    [...byConnection(file)].map(([connection, leases]): Life => {
      const fromMs = leases[0]?.askedMs ?? 0;
      const toMs = leases.reduce((last, { endedMs }) => Math.max(last, endedMs ?? ms), fromMs);
      return { file, connection, leases, fromMs, toMs };
    }),
  );
  return lives.sort((a, b) => a.fromMs - b.fromMs || a.connection - b.connection);
}

/** One connection a row; of several files, what is over makes room for what begins later. */
function rowsOf(traced: Traced): Life[][] {
  const rows: Life[][] = [];
  const isOne = traced.files.length === 1;
  for (const life of livesOf(traced)) {
    const free = isOne ? undefined : rows.find((row) => (row.at(-1) as Life).toMs <= life.fromMs);
    if (free === undefined) rows.push([life]);
    else free.push(life);
  }
  if (isOne) rows.sort((a, b) => (a[0] as Life).connection - (b[0] as Life).connection);
  return rows;
}

interface Shape {
  state: string;
  from: number;
  to: number;
  title: string;
}

/** What each connection did when. */
export function connectionsChart(traced: Traced): string {
  const rows = rowsOf(traced);
  const shown = rows.slice(0, MOST_ROWS);
  const place = placeIn(traced.ms);
  const height = shown.length * ROW;
  const left = rows.length - shown.length;
  const parts = shown.flatMap((row, at) => {
    const top = at * ROW;
    const [first] = row;
    const name = traced.files.length === 1 ? String(first?.connection ?? 0) : String(at);
    return [
      `<text class="side" x="${LEFT - 6}" y="${top + 9}">${name}</text>`,
      ...row.flatMap((life) => lifeShapes(life, place, traced, top)),
    ];
  });
  const more =
    left > 0
      ? [`<text class="axis start" x="${LEFT}" y="${height + 28}">and ${left} more rows</text>`]
      : [];
  return svg('What each connection did when', height + 34, [
    ...timeAxis(traced.ms, height),
    ...parts,
    ...more,
  ]);
}

function lifeShapes({ file, leases }: Life, place: Place, traced: Traced, top: number): string[] {
  const shapes: Shape[] = [];
  const marks: string[] = [];
  let freeMs = 0;
  for (const lease of leases) {
    const title = leaseTitle(lease, file, traced);
    for (const { state, fromMs, toMs } of stretchesOf(lease, freeMs, traced.ms))
      add(shapes, {
        state: lease.hedges !== null && state === 'receiving' ? 'twice' : state,
        from: place(fromMs),
        to: place(toMs),
        title,
      });
    freeMs = lease.endedMs ?? traced.ms;
    const isBad = lease.abandoned === 'slow' || isFailure(lease);
    if (isBad && marks.length < MOST_LINES)
      marks.push(
        `<rect class="bad" x="${n(place(freeMs) - 1)}" y="${top}" width="2" height="${ROW - 1}"><title>${html(title)}</title></rect>`,
      );
  }
  const drawn = shapes.map(
    ({ state, from, to, title }) =>
      `<rect class="${state}" x="${n(from)}" y="${top + 1}" width="${n(Math.max(to - from, LEAST))}" height="${ROW - 3}"><title>${html(title)}</title></rect>`,
  );
  return [...drawn, ...marks];
}

/** What is too narrow to be seen is drawn as one with what is before it, if that is alike. */
function add(shapes: Shape[], next: Shape): void {
  const before = shapes.at(-1);
  const isNarrow = next.to - next.from < LEAST || (before && before.to - before.from < LEAST);
  if (before !== undefined && isNarrow && next.from - before.to < LEAST) {
    if (next.to - next.from > before.to - before.from) before.state = next.state;
    before.to = Math.max(before.to, next.to);
    before.title = 'several ranges; the drawing is too small for each of them';
  } else shapes.push(next);
}

const isFailure = ({ result }: TracedLease): boolean =>
  result !== null && result !== 'done' && result !== 'cancelled';

function leaseTitle(lease: TracedLease, file: TracedFile, { files, ms }: Traced): string {
  const { connection, start, end, written, askedMs, endedMs, result, address, abandoned } = lease;
  const whose = files.length === 1 ? '' : `${file.path}, `;
  const took = (endedMs ?? ms) - lease.receivingMs;
  const pace = took > 0 ? `, ${rate((lease.received * 1000) / took)}` : '';
  const parts = [
    `${whose}connection ${connection}${address === null ? '' : ` to ${address}`}`,
    `bytes ${start} to ${end} (${bytes(end - start)})`,
    `asked at ${delay(askedMs)}, ${endedMs === null ? 'no end' : `${result ?? ''} at ${delay(endedMs)}`}`,
    `${bytes(Math.max(0, written - start))} written${pace}`,
  ];
  if (abandoned === 'slow') parts.push('given up: too slow');
  if (abandoned === 'superseded') parts.push('given up: another connection was first');
  return parts.join('\n');
}

/** Where in the file the bytes came when: a line a range, from its start to where it ended. */
export function fileChart(file: TracedFile, traced: Traced): string {
  const place = placeIn(traced.ms);
  const size = file.size ?? file.leases.reduce((most, { written }) => Math.max(most, written), 1);
  const whole = Math.max(1, size);
  const y = (offset: number): number => (Math.min(offset, whole) / whole) * MAP_HEIGHT;
  const longest = [...file.leases].sort((a, b) => b.written - b.start - (a.written - a.start));
  const lines = longest.slice(0, MOST_LINES).map((lease) => {
    const x = [lease.receivingMs, lease.endedMs ?? traced.ms].map((ms) => n(place(ms)));
    const hue = (lease.connection * 47) % 360;
    return `<line class="range" stroke="hsl(${hue} 65% 52%)" x1="${x[0]}" x2="${x[1]}" y1="${n(y(lease.start))}" y2="${n(y(lease.written))}"><title>${html(leaseTitle(lease, file, traced))}</title></line>`;
  });
  return svg('Where in the file the bytes came when', MAP_HEIGHT + 20, [
    ...timeAxis(traced.ms, MAP_HEIGHT),
    ...[0, 0.5, 1].map(
      (part) =>
        `<text class="side" x="${LEFT - 6}" y="${n(Math.max(10, MAP_HEIGHT * part))}">${html(bytes(whole * part))}</text>`,
    ),
    ...lines,
  ]);
}
