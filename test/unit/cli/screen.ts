import { expect } from 'chai';

/**
 * A terminal's screen, as far as the live display uses one: printable text, CR, LF, cursor up,
 * clear to the end of line and of screen, SGR, and the cursor's visibility. Anything else is an
 * error, so that a test sees every control byte that should not be there.
 */
export class Screen {
  columns: number;
  rows: number;
  readonly lines: string[] = [''];
  cursorVisible = true;
  /** All that was written, for counting. */
  written = '';
  #row = 0;
  #column = 0;
  readonly #listeners = new Set<() => void>();

  constructor(columns = 80, rows = 24) {
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string): void {
    this.written += text;
    for (const [token, escape] of text.matchAll(/(\x1b\[[?0-9;]*[A-Za-z])|[^]/gu)) {
      if (escape !== undefined) this.#sequence(escape);
      else if (token === '\n') this.#moveTo(this.#row + 1, 0);
      else if (token === '\r') this.#column = 0;
      else this.#put(token);
    }
  }

  on(_event: 'resize', listener: () => void): void {
    this.#listeners.add(listener);
  }

  off(_event: 'resize', listener: () => void): void {
    this.#listeners.delete(listener);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  resize(columns: number, rows: number): void {
    this.columns = columns;
    this.rows = rows;
    for (const listener of this.#listeners) listener();
  }

  /** The lines with text, without trailing space. */
  text(): string[] {
    const lines = this.lines.map((line) => line.trimEnd());
    while (lines.at(-1) === '') lines.pop();
    return lines;
  }

  #put(character: string): void {
    expect(character, 'a raw control byte').not.to.match(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
    const line = (this.lines[this.#row] ?? '').padEnd(this.#column);
    this.lines[this.#row] = line.slice(0, this.#column) + character + line.slice(this.#column + 1);
    this.#column++;
  }

  #moveTo(row: number, column: number): void {
    expect(row, 'above the top').to.be.at.least(0);
    this.#row = row;
    this.#column = column;
    while (this.lines.length <= row) this.lines.push('');
  }

  #sequence(escape: string): void {
    const [, parameters = '', final = ''] = /^\x1b\[([?0-9;]*)([A-Za-z])$/.exec(escape) ?? [];
    if (final === 'm' && /^[0-9;]*$/.test(parameters)) return;
    if (final === 'A') this.#moveTo(this.#row - Number(parameters), this.#column);
    else if (final === 'K' && parameters === '') this.#clearLineEnd();
    else if (final === 'J' && parameters === '') {
      this.#clearLineEnd();
      this.lines.length = this.#row + 1;
    } else if (parameters === '?25' && final === 'l') this.cursorVisible = false;
    else if (parameters === '?25' && final === 'h') this.cursorVisible = true;
    else expect.fail(`unexpected sequence ${JSON.stringify(escape)}`);
  }

  #clearLineEnd(): void {
    this.lines[this.#row] = (this.lines[this.#row] ?? '').slice(0, this.#column);
  }
}
