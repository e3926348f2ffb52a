/** Pieces of text with a meaning, and the few colours that meanings have. */
import { cutEnd, visibleWidth } from './width.js';

/**
 * SGR parameters of each meaning. All are of the sixteen colours that a terminal's owner chose, so that they can be
 * read on light and on dark; the background 100 is the empty part of a bar.
 */
const STYLES = {
  plain: '',
  name: '1',
  strong: '1',
  dim: '2',
  rate: '32',
  good: '32',
  busy: '33',
  bad: '31',
  fill: '36;100',
  fillRest: '90;46',
  headFill: '33;100',
  lane: '36',
  laneRest: '90',
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
