/** Pieces of text with a meaning, and the few colours that meanings have. */
import { cutEnd, visibleWidth } from './width.js';

/** SGR parameters of each meaning; the background of `track*` is the empty part of a bar. */
const STYLES = {
  plain: '',
  name: '1',
  strong: '1',
  dim: '38;5;245',
  rate: '38;5;114',
  good: '38;5;114',
  busy: '38;5;179',
  bad: '38;5;203',
  fill: '38;5;74;48;5;237',
  fillRest: '38;5;237;48;5;74',
  headFill: '38;5;221;48;5;237',
  lane: '38;5;74',
  laneRest: '38;5;238',
} as const;

export type Style = keyof typeof STYLES;

/** A piece of one line. Its text is escaped already. */
export interface Span {
  text: string;
  style: Style;
}

export type Line = readonly Span[];

export const span = (text: string, style: Style = 'plain'): Span => ({ text, style });

/** Columns that a line takes. */
export function lineWidth(line: Line): number {
  return line.reduce((width, { text }) => width + visibleWidth(text), 0);
}

/** The line in at most `columns`: what does not fit is cut at its end. */
export function fitLine(line: Line, columns: number): Line {
  const fitted: Span[] = [];
  let room = columns;
  for (const piece of line) {
    const text = cutEnd(piece.text, room, '');
    fitted.push({ text, style: piece.style });
    room -= visibleWidth(text);
    if (text !== piece.text) break;
  }
  return fitted;
}

/** The line as a string, with SGR sequences when `color` is true. */
export function paint(line: Line, color: boolean): string {
  let text = '';
  let open: Style = 'plain';
  for (const piece of line) {
    if (color && piece.style !== open) {
      text += `\x1b[0${STYLES[piece.style] && `;${STYLES[piece.style]}`}m`;
      open = piece.style;
    }
    text += piece.text;
  }
  return open === 'plain' ? text : `${text}\x1b[0m`;
}
