/** How many columns a terminal gives to text, and cutting text to columns. */

const ZERO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/u;
const EMOJI = /\p{Emoji_Presentation}/u;

/** Blocks of East Asian wide and fullwidth characters (UAX 11), inclusive. */
const WIDE: ReadonlyArray<readonly [number, number]> = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18dff],
  [0x1aff0, 0x1b2ff],
  [0x1d300, 0x1d376],
  [0x1f200, 0x1f265],
  [0x20000, 0x3fffd],
];

function pointWidth(character: string): number {
  const point = character.codePointAt(0) ?? 0;
  if (point < 0x300) return 1;
  if (ZERO_WIDTH.test(character)) return 0;
  if (WIDE.some(([first, last]) => point >= first && point <= last)) return 2;
  return EMOJI.test(character) ? 2 : 1;
}

/** Columns that text without control characters takes. */
export function visibleWidth(text: string): number {
  let width = 0;
  for (const character of text) width += pointWidth(character);
  return width;
}

/** The longest beginning of `text` that takes at most `columns`. */
function head(text: string, columns: number): string {
  let taken = '';
  let width = 0;
  for (const character of text) {
    width += pointWidth(character);
    if (width > columns) break;
    taken += character;
  }
  return taken;
}

/** The longest end of `text` that takes at most `columns`. */
function tail(text: string, columns: number): string {
  const characters = [...text];
  let from = characters.length;
  let width = 0;
  while (from > 0) {
    width += pointWidth(characters[from - 1] ?? '');
    if (width > columns) break;
    from--;
  }
  // A combining mark would join what stands before it now.
  while (from < characters.length && pointWidth(characters[from] ?? '') === 0) from++;
  return characters.slice(from).join('');
}

/** `text` in at most `columns`, its end cut when it is longer. */
export function cutEnd(text: string, columns: number, ellipsis = '...'): string {
  if (visibleWidth(text) <= columns) return text;
  const room = columns - visibleWidth(ellipsis);
  return room < 1 ? head(text, columns) : head(text, room) + ellipsis;
}

/** `text` in at most `columns`, cut in the middle: the end of a file name tells what it is. */
export function cutMiddle(text: string, columns: number, ellipsis = '...'): string {
  if (visibleWidth(text) <= columns) return text;
  const room = columns - visibleWidth(ellipsis);
  if (room < 2) return head(text, columns);
  const end = tail(text, Math.floor(room / 2));
  return head(text, room - visibleWidth(end)) + ellipsis + end;
}

/** `text` filled with spaces to `columns` at its end. */
export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - visibleWidth(text)));
}
