/** The live display: draws frames in place at the bottom of a terminal. */
import type { DownloadSnapshot } from '../transfer/events.js';
import { MAX_DETAIL } from '../errors.js';
import { showText } from '../http/redact.js';
import { renderFrame, type RunProgress } from './frame.js';
import { beforeExit } from './signals.js';
import { isInBackground } from '../app/files.js';
import { paint, span, type Line } from './style.js';
import { visibleWidth } from './width.js';

export { renderFrame } from './frame.js';

/** Something that a display can look at. Reading it must cost next to nothing. */
export interface DisplayHandle {
  snapshot(): DownloadSnapshot;
}

/** The part of a terminal stream that the display uses. */
export interface Terminal {
  columns?: number | undefined;
  rows?: number | undefined;
  writableNeedDrain?: boolean;
  write(text: string): unknown;
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
}

export interface DisplayOptions {
  stream: Terminal;
  color: boolean;
  unicode: boolean;
  /** Whether each connection has a line. */
  lanes?: boolean;
  /** Whether another process group has the terminal. */
  isBehind?: () => boolean;
  /** Stops the process until it is told to go on. */
  suspend?: () => void;
}

const FRAME_MS = 100;
const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const CLEAR_LINE_END = '\x1b[K';
const CLEAR_SCREEN_END = '\x1b[J';

const SGR = /\x1b\[[0-9;]*m/g;

/**
 * Shows the downloads that were added, ten times a second. Between two frames the cursor stands
 * at the first column of the row below the last line, so that whatever else is written to the
 * terminal starts on a line of its own.
 */
export class LiveDisplay {
  readonly #stream: Terminal;
  readonly #color: boolean;
  readonly #unicode: boolean;
  readonly #lanes: boolean;
  #run: RunProgress | null = null;
  readonly #handles = new Set<DisplayHandle>();
  readonly #isBehind: () => boolean;
  readonly #suspend: () => void;
  /** Whether Ctrl-Z has stopped the process, and SIGCONT has not been heard since. */
  #isSuspended = false;
  /** Whether the cursor is hidden, by us. */
  #hidden = false;
  /** Lines of the last frame. */
  #drawn: string[] = [];
  /** Persistent lines that wait for the next frame. */
  #notes: string[] = [];
  #columns = 0;
  #timer: NodeJS.Timeout | undefined;
  #forgetExit: (() => void) | undefined;
  readonly #onResize = (): void => this.draw();
  readonly #onContinue = (): void => {
    // After Ctrl-Z it begins anew already, and a frame may have come before this signal.
    if (!this.#isSuspended) this.#stepAside();
    this.#isSuspended = false;
    this.draw();
  };
  readonly #onSuspend = (): void => {
    this.#stepBack();
    this.#isSuspended = true;
    this.#suspend();
  };

  constructor({
    stream,
    color,
    unicode,
    lanes = false,
    isBehind = isInBackground,
    suspend = () => void process.kill(process.pid, 'SIGSTOP'),
  }: DisplayOptions) {
    this.#isBehind = isBehind;
    this.#suspend = suspend;
    this.#lanes = lanes;
    this.#stream = stream;
    this.#color = color;
    this.#unicode = unicode;
  }

  add(handle: DisplayHandle): void {
    this.#handles.add(handle);
  }

  /** The run has several files: a line tells how far all of them are. */
  setRun(run: RunProgress): void {
    this.#run = run;
  }

  /** Rows of the terminal. */
  get rows(): number {
    return this.#stream.rows || 24;
  }

  remove(handle: DisplayHandle): void {
    this.#handles.delete(handle);
  }

  /** Hides the cursor and draws from now on. The timer does not keep the process alive. */
  start(): void {
    if (this.#timer) return;
    this.#stream.on('resize', this.#onResize);
    process.on('SIGCONT', this.#onContinue);
    if (process.platform !== 'win32') process.on('SIGTSTP', this.#onSuspend);
    this.#forgetExit = beforeExit(() => this.stop());
    // After a stop a frame is due, and SIGCONT has come. Timers run before signals, so the frame waits for these.
    this.#timer = setInterval(() => setImmediate(() => this.draw()).unref(), FRAME_MS);
    this.#timer.unref();
    this.draw();
  }

  /** Writes a line above the live area; it stays. Text is escaped; a {@link Line} is so already. */
  note(line: string | Line): void {
    const spans = typeof line === 'string' ? [span(showText(line, MAX_DETAIL))] : line;
    this.#notes.push(paint(spans, this.#color));
    if (!this.#timer) this.#flushNotes();
  }

  /** Draws a frame now: the persistent lines that came, then the lines that changed. */
  draw(): void {
    if (!this.#timer || this.#stream.writableNeedDrain) return;
    // The shell, or whatever is in front, has the terminal: it is not drawn over.
    if (this.#isBehind()) return this.#stepBack();
    if (!this.#hidden) this.#stream.write(HIDE_CURSOR);
    this.#hidden = true;
    const columns = this.#stream.columns || 80;
    const lines = renderFrame(
      [...this.#handles].map((handle) => handle.snapshot()),
      {
        columns,
        rows: this.rows,
        color: this.#color,
        unicode: this.#unicode,
        lanes: this.#lanes,
        now: performance.now(),
        run: this.#run,
      },
    );
    const resized = this.#columns !== 0 && this.#columns !== columns;
    const text =
      resized || this.#notes.length > 0 ? this.#replace(lines, columns) : this.#update(lines);
    this.#columns = columns;
    this.#drawn = lines;
    if (text !== '') this.#stream.write(text);
  }

  /** Erases the live area, writes what persistent lines are left and shows the cursor again. */
  stop(): void {
    if (!this.#timer) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#stream.off('resize', this.#onResize);
    process.off('SIGCONT', this.#onContinue);
    process.off('SIGTSTP', this.#onSuspend);
    this.#forgetExit?.();
    if (this.#isBehind()) {
      this.#stepBack();
      this.#flushNotes();
      return;
    }
    const text = this.#replace([], this.#stream.columns || 80);
    this.#drawn = [];
    this.#hidden = false;
    this.#stream.write(text + SHOW_CURSOR);
  }

  /** The cursor belongs to whoever is in front, and what was drawn stays where it is. */
  #stepBack(): void {
    if (this.#hidden) this.#stream.write(SHOW_CURSOR);
    this.#stepAside();
  }

  /** The next frame begins anew, where the cursor is then. */
  #stepAside(): void {
    this.#hidden = false;
    this.#drawn = [];
  }

  #flushNotes(): void {
    const text = this.#notes.map((note) => `${note}\n`).join('');
    this.#notes = [];
    this.#stream.write(text);
  }

  /** Everything anew: needed when the area moves or its lines may have been wrapped. */
  #replace(lines: string[], columns: number): string {
    const rows = this.#drawn.reduce((sum, line) => {
      const width = visibleWidth(line.replace(SGR, ''));
      return sum + Math.max(1, Math.ceil(width / columns));
    }, 0);
    const all = [...this.#notes, ...lines];
    this.#notes = [];
    return `${up(rows)}\r${CLEAR_SCREEN_END}${all.map((line) => `${line}\n`).join('')}`;
  }

  /** Only the lines that differ from those of the last frame. */
  #update(lines: string[]): string {
    const changed = lines.some((line, i) => line !== this.#drawn[i]);
    if (!changed && lines.length === this.#drawn.length) return '';
    let text = up(this.#drawn.length);
    lines.forEach((line, i) => {
      text += line === this.#drawn[i] ? '\n' : `\r${line}${CLEAR_LINE_END}\n`;
    });
    return lines.length < this.#drawn.length ? text + CLEAR_SCREEN_END : text;
  }
}

const up = (rows: number): string => (rows > 0 ? `\x1b[${rows}A` : '');
