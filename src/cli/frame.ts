/** One frame of the live display, from snapshots to lines. Pure: no clock, no terminal. */
import type { Lane, LaneState } from '../engine/connections.js';
import type { DownloadSnapshot } from '../transfer/events.js';
import { fileMap, leaseBar, partBar, type BarOptions } from './bars.js';
import { showText } from '../http/redact.js';
import * as format from './format.js';
import { shownName } from './sentences.js';
import { fitLine, lineWidth, paint, span, type Line, type Span, type Style } from './style.js';
import { cutMiddle, padEnd } from './width.js';

export interface FrameOptions {
  /** Columns and rows of the terminal. One of each stays free: no line wraps, nothing scrolls. */
  columns: number;
  rows: number;
  color: boolean;
  unicode: boolean;
  /** Whether each connection has a line. */
  lanes?: boolean;
  /** Milliseconds of any steady clock; moves the spinner. */
  now: number;
  /** All files of the run, when there are several; null or absent for one. */
  run?: RunProgress | null;
}

/** How far a run of several files is. */
export interface RunProgress {
  /** Files of the run. */
  readonly total: number;
  /** Files that have ended, however, and those of them that failed. */
  readonly endedFiles: number;
  readonly failed: number;
  /** Bytes of the files that have ended well. */
  readonly bytes: number;
}

/** Below these the display is one line. */
const MIN_COLUMNS = 40;
const MIN_ROWS = 6;
const MARGIN = 2;
/** Header, map and figures. */
const BLOCK_ROWS = 3;

const SPINNER = '\u280b\u2819\u2839\u2838\u283c\u2834\u2826\u2827\u2807\u280f';
const ASCII_SPINNER = '-\\|/';

const STATE_WORDS: Record<LaneState, { word: string; style: Style }> = {
  idle: { word: 'idle', style: 'dim' },
  connecting: { word: 'connecting', style: 'busy' },
  waiting: { word: 'waiting', style: 'busy' },
  receiving: { word: 'receiving', style: 'good' },
  backoff: { word: 'backing off', style: 'bad' },
  closed: { word: 'closed', style: 'dim' },
};
const STATE_WIDTH = 11;

interface Context extends FrameOptions {
  /** Columns that a line may take. */
  width: number;
  /** The rows that the frame may take. */
  height: number;
  ellipsis: string;
  dot: string;
}

function spinner({ now, unicode }: FrameOptions): string {
  const frames = unicode ? SPINNER : ASCII_SPINNER;
  return frames[Math.floor(now / 100) % frames.length] ?? '';
}

const working = (lanes: Lane[]): Lane[] => lanes.filter(({ state }) => state !== 'closed');

const receiving = ({ lanes }: DownloadSnapshot): number =>
  lanes.filter(({ state }) => state === 'receiving' || state === 'waiting').length;

/** Part of the file that is in place; null when the size is unknown. */
function partOf({ size, bytes, phase }: DownloadSnapshot): number | null {
  if (size === null) return null;
  if (size === 0) return phase === 'asking' ? 0 : 1;
  return bytes / size;
}

/** Percentage and bytes, or the bytes alone. */
function amount(snapshot: DownloadSnapshot): Span[] {
  const part = partOf(snapshot);
  if (part === null || snapshot.size === null)
    return [span(format.bytes(snapshot.bytes), 'strong')];
  return [
    span(format.bytesOf(snapshot.bytes, snapshot.size), 'dim'),
    span(format.percent(part).padStart(6), 'strong'),
  ];
}

/**
 * Pieces in a line of at most `columns`. Where they are too wide, they stand closer together; and if that is not
 * enough, the last ones are left out. None is cut.
 */
function separated(
  pieces: readonly Line[],
  context: Context,
  columns = context.width - MARGIN,
): Line {
  for (const dot of [context.dot, ` ${context.dot.trim()} `]) {
    const line = pieces.flatMap((piece, i) => (i === 0 ? piece : [span(dot, 'dim'), ...piece]));
    if (lineWidth(line) <= columns) return line;
  }
  return pieces.length <= 1 ? pieces.flat() : separated(pieces.slice(0, -1), context, columns);
}

/** What goes on, in one line: rate, time left, connections, or the phase. */
function figures(snapshot: DownloadSnapshot, context: Context): Line {
  const elapsed = [span(`${format.duration(snapshot.elapsedMs / 1000)} elapsed`, 'dim')];
  switch (snapshot.phase) {
    case 'asking':
      return [span(`${spinner(context)} asking the server`, 'busy')];
    case 'verifying': {
      const label = `verifying ${format.percent(snapshot.verified)}`;
      return separated([[span(`${spinner(context)} ${label}`, 'busy')], elapsed], context);
    }
    case 'publishing':
      return [span(`${spinner(context)} publishing`, 'busy')];
    case 'ended':
      return [span('ended', 'dim')];
    case 'transferring': {
      const parts: Line[] = [[span(format.rate(snapshot.rate), 'rate')]];
      if (snapshot.eta !== null) parts.push([span(`${format.duration(snapshot.eta)} left`)]);
      else parts.push(elapsed);
      parts.push([span(format.count(receiving(snapshot), 'connection'), 'dim')]);
      return separated(parts, context);
    }
  }
}

/** `left` at the margin and `right` at the right edge, of which `left` is cut. */
function header(name: string, right: Line, context: Context): Line {
  const room = context.width - MARGIN - 2 - lineWidth(right);
  const shown = cutMiddle(name, Math.max(8, room), context.ellipsis);
  return [span(' '.repeat(MARGIN)), span(padEnd(shown, room + 2), 'name'), ...right];
}

const indented = (line: Line): Line => [span(' '.repeat(MARGIN)), ...line];

/** The map, the bar of the verification, or null when there is nothing to measure against. */
function bar(snapshot: DownloadSnapshot, context: Context): Line | null {
  const options: BarOptions = { ...context, columns: context.width - MARGIN };
  if (snapshot.phase === 'verifying') return partBar(snapshot.verified, options);
  if (snapshot.size === null) return null;
  return fileMap(snapshot, snapshot.size, options);
}

/** Header, map and figures of one file. */
function block(snapshot: DownloadSnapshot, context: Context): Line[] {
  const map = bar(snapshot, context);
  return [
    header(shownName(snapshot), amount(snapshot), context),
    ...(map ? [indented(map)] : []),
    indented(figures(snapshot, context)),
  ];
}

/** How far the lease is, and where in the file: `12.3 of 64.0 MiB at 1.20 GiB`. */
function leaseText(lane: Lane, size: number | null): string {
  const done = Math.max(0, lane.position - lane.start);
  const length = lane.end - lane.start;
  const bounded = size !== null && length > 0 && Number.isFinite(length);
  return `${bounded ? format.bytesOf(done, length) : format.bytes(done)} at ${format.bytes(lane.start)}`;
}

/** Columns of the widest lease text: `1000 KiB of 1000 MiB at 1000 GiB`. */
const LEASE_WIDTH = 32;
const RATE_WIDTH = 10;

/** One line of one connection; the bar goes first when there is too little room, then the text. */
function laneLine(lane: Lane, digits: number, size: number | null, context: Context): Line {
  const { word, style } = STATE_WORDS[lane.state];
  const line: Span[] = [
    span(`${' '.repeat(MARGIN)}${String(lane.connection + 1).padStart(digits)}  `, 'dim'),
    span(padEnd(word, STATE_WIDTH), style),
  ];
  const room = context.width - lineWidth(line) - RATE_WIDTH - 2;
  const barRoom = Math.min(48, room - LEASE_WIDTH - 4);
  const active = lane.state !== 'idle';
  if (barRoom >= 6 && size !== null && active) {
    line.push(span('  '), ...leaseBar(lane, { ...context, columns: barRoom }));
  }
  const text = `  ${leaseText(lane, size)}`;
  if (room >= text.length && active) line.push(span(text, 'dim'));
  if (lane.state === 'receiving') {
    const speed = format.rate(lane.rate);
    const gap = context.width - lineWidth(line) - speed.length;
    line.push(span(' '.repeat(Math.max(2, gap)) + speed));
  }
  return line;
}

/** The lanes in at most `rows` lines; the last one counts those that did not fit. */
function laneLines(snapshot: DownloadSnapshot, rows: number, context: Context): Line[] {
  const lanes =
    context.lanes === true && snapshot.phase === 'transferring' ? working(snapshot.lanes) : [];
  const shown = lanes.length <= rows ? lanes : lanes.slice(0, Math.max(0, rows - 1));
  const digits = String(Math.max(0, ...lanes.map(({ connection }) => connection + 1))).length;
  const lines = shown.map((lane) => laneLine(lane, digits, snapshot.size, context));
  const rest = lanes.length - shown.length;
  if (rest > 0 && rows > 0) {
    const noun = rest === 1 ? 'connection' : 'connections';
    lines.push(indented([span(`${context.ellipsis} and ${rest} more ${noun}`, 'dim')]));
  }
  return lines;
}

function noticeLines(snapshot: DownloadSnapshot, context: Context): Line[] {
  return snapshot.notices.slice(0, 3).map((notice) => {
    const mark = context.unicode ? '\u25b2' : '!';
    const text = cutMiddle(showText(notice), context.width - MARGIN - 2, context.ellipsis);
    return indented([span(`${mark} `, 'busy'), span(text, 'busy')]);
  });
}

/** One line for one file: for many files, or a small terminal. */
function compactLine(snapshot: DownloadSnapshot, context: Context, margin = MARGIN): Line {
  const part = partOf(snapshot);
  const pieces: Line[] = [
    [
      span(
        part === null ? format.bytes(snapshot.bytes) : format.percent(part).padStart(4),
        'strong',
      ),
    ],
  ];
  if (snapshot.phase === 'transferring') {
    pieces.push([span(format.rate(snapshot.rate).padStart(RATE_WIDTH), 'rate')]);
    if (snapshot.eta !== null) pieces.push([span(`${format.duration(snapshot.eta)} left`, 'dim')]);
  } else {
    const done = snapshot.phase === 'verifying' ? ` ${format.percent(snapshot.verified)}` : '';
    pieces.push([span(`${snapshot.phase}${done}`, 'busy')]);
  }
  while (pieces.length > 1 && lineWidth(pieces.flat()) + pieces.length * 2 + 10 > context.width) {
    pieces.pop();
  }
  const right = pieces.flatMap((piece) => [span('  '), ...piece]);
  const room = Math.max(0, context.width - margin - lineWidth(right));
  const name = padEnd(cutMiddle(shownName(snapshot), room, context.ellipsis), room);
  return [span(' '.repeat(margin)), span(name, 'name'), ...right];
}

/** All files of the run as one. */
function totalLine(
  snapshots: readonly DownloadSnapshot[],
  run: RunProgress,
  context: Context,
  margin = MARGIN,
): Line {
  const sum = (of: (snapshot: DownloadSnapshot) => number): number =>
    snapshots.reduce((total, snapshot) => total + of(snapshot), 0);
  const pieces: Line[] = [[span(`${run.endedFiles} of ${run.total} files`, 'strong')]];
  if (run.failed > 0) pieces.push([span(`${run.failed} failed`, 'bad')]);
  pieces.push([span(format.bytes(run.bytes + sum(({ bytes }) => bytes)), 'dim')]);
  pieces.push([span(format.rate(sum(({ rate }) => rate)), 'rate')]);
  return [span(' '.repeat(margin)), ...separated(pieces, context, context.width - margin)];
}

function compactLines(snapshots: readonly DownloadSnapshot[], context: Context): Line[] {
  const fits = snapshots.length <= context.height;
  const shown = fits ? snapshots : snapshots.slice(0, context.height - 1);
  const lines = shown.map((snapshot) => compactLine(snapshot, context));
  if (!fits) {
    const rest = snapshots.length - shown.length;
    lines.push(indented([span(`${context.ellipsis} and ${rest} more files`, 'dim')]));
  }
  return lines;
}

/** A block for each file, the rows that are left shared by notices and lanes. */
function fullLines(snapshots: readonly DownloadSnapshot[], context: Context): Line[] {
  const airy = context.height >= 16;
  const gaps = snapshots.length - 1;
  let spare = context.height - snapshots.length * BLOCK_ROWS - gaps;
  return snapshots.flatMap((snapshot, i) => {
    let room = Math.floor(spare / (snapshots.length - i));
    const before = room;
    const notices = noticeLines(snapshot, context).slice(0, Math.max(0, room));
    room -= notices.length;
    const gap = airy && room > 2 ? 1 : 0;
    const lanes = laneLines(snapshot, room - gap, context);
    if (lanes.length > 0) room -= lanes.length + gap;
    spare -= before - room;
    return [
      ...(i > 0 ? [[]] : []),
      ...block(snapshot, context),
      ...notices,
      ...(gap > 0 && lanes.length > 0 ? [[]] : []),
      ...lanes,
    ];
  });
}

/**
 * The lines that show these downloads, at most `rows - 1`, each at most `columns - 1` wide. Every
 * string from outside is escaped; with `color` the lines hold SGR sequences and no others.
 */
export function renderFrame(
  snapshots: readonly DownloadSnapshot[],
  options: FrameOptions,
): string[] {
  const context: Context = {
    ...options,
    width: Math.max(1, options.columns - 1),
    height: Math.max(1, options.rows - 1),
    ellipsis: options.unicode ? '\u2026' : '...',
    dot: options.unicode ? '  \u00b7  ' : '  |  ',
  };
  const lines = layOut(snapshots, context);
  return lines.map((line) => paint(fitLine(line, context.width), options.color));
}

/** Without more being said, the run is what is under way. */
const ofItself = ({ length }: readonly DownloadSnapshot[]): RunProgress => ({
  total: length,
  endedFiles: 0,
  failed: 0,
  bytes: 0,
});

function layOut(snapshots: readonly DownloadSnapshot[], context: Context): Line[] {
  const run = context.run ?? ofItself(snapshots);
  const [first] = snapshots;
  const isSmall = context.columns < MIN_COLUMNS || context.rows < MIN_ROWS;
  if (run.total > 1 && isSmall) return [totalLine(snapshots, run, context, 0)];
  if (context.run) {
    const above = { ...context, height: context.height - 1 };
    return [...compactLines(snapshots, above), totalLine(snapshots, run, context)];
  }
  if (!first) return [];
  if (isSmall) return [compactLine(first, context, 0)];
  const needed = snapshots.length * (BLOCK_ROWS + 1) - 1;
  return needed <= context.height
    ? fullLines(snapshots, context)
    : compactLines(snapshots, context);
}
