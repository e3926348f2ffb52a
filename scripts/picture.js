// Turns captures of a terminal, with SGR colours, into an SVG. `scripts/record.js` makes them.

const CELL = { width: 8.4, height: 18, font: 14 };
const PADDING = 16;
const BAR = 30;
const COLORS = { back: '#16181d', frame: '#2a2e37', text: '#d5d8de' };
const BASIC = [
  '#2a2e37', '#e0626c', '#8cc265', '#d8a657', '#6cb0d8', '#c083d9', '#5fb3b3', '#d5d8de',
  '#5c6370', '#ef7f88', '#a5d67f', '#e8bd74', '#8ac6e8', '#d3a0e8', '#7fcaca', '#ffffff',
]; // prettier-ignore

const hex = (n) => n.toString(16).padStart(2, '0');

/** Colour number of the 256-colour palette as CSS. */
function paletteColor(n) {
  if (n < 16) return BASIC[n];
  if (n >= 232) return `#${hex(8 + (n - 232) * 10).repeat(3)}`;
  const level = (v) => hex(v === 0 ? 0 : 55 + v * 40);
  const cube = n - 16;
  return `#${level(Math.floor(cube / 36))}${level(Math.floor(cube / 6) % 6)}${level(cube % 6)}`;
}

/** Applies the parameters of one SGR sequence to a style. */
function applySgr(style, parameters) {
  const codes = parameters === '' ? [0] : parameters.split(/[;:]/).map(Number);
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i];
    if (code === 0) style = {};
    else if (code === 1) style = { ...style, bold: true };
    else if (code === 2) style = { ...style, faint: true };
    else if (code === 7) style = { ...style, inverse: true };
    else if (code === 22) style = { ...style, bold: false, faint: false };
    else if (code === 27) style = { ...style, inverse: false };
    else if (code === 39) style = { ...style, fore: undefined };
    else if (code === 49) style = { ...style, back: undefined };
    else if (code >= 30 && code <= 37) style = { ...style, fore: BASIC[code - 30] };
    else if (code >= 90 && code <= 97) style = { ...style, fore: BASIC[code - 82] };
    else if (code >= 40 && code <= 47) style = { ...style, back: BASIC[code - 40] };
    else if (code >= 100 && code <= 107) style = { ...style, back: BASIC[code - 92] };
    else if (code === 38 || code === 48) {
      const key = code === 38 ? 'fore' : 'back';
      if (codes[i + 1] === 5) {
        style = { ...style, [key]: paletteColor(codes[i + 2]) };
        i += 2;
      } else {
        style = {
          ...style,
          [key]: `#${codes
            .slice(i + 2, i + 5)
            .map(hex)
            .join('')}`,
        };
        i += 4;
      }
    }
  }
  return style;
}

const isWide = (character) =>
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff01-\uff60]/.test(character);

/** A line of the capture as cells: character, column, width and style. */
function cellsOf(line, start) {
  const cells = [];
  let style = start;
  let column = 0;
  for (const [token, parameters] of line.matchAll(/\x1b\[([0-9;:]*)m|[^\x1b]/gu)) {
    if (parameters !== undefined) {
      style = applySgr(style, parameters);
      continue;
    }
    const width = isWide(token) ? 2 : 1;
    cells.push({ text: token, column, width, style });
    column += width;
  }
  return { cells, style, columns: column };
}

const xml = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const round = (n) => Number(n.toFixed(2));

/** Part of its cell that a block character fills, from the left: drawn, not written. */
function blockPart(character) {
  const code = character.codePointAt(0);
  return code >= 0x2588 && code <= 0x258f ? (0x2590 - code) / 8 : 0;
}

function colorsOf({ fore = COLORS.text, back, inverse }) {
  return inverse ? { fore: back ?? COLORS.back, back: fore } : { fore, back };
}

/** Rectangles for backgrounds and blocks, neighbours of one colour as one. */
function rectangles(cells, y) {
  const rects = [];
  const add = (x, width, fill) => {
    const last = rects.at(-1);
    if (last && last.fill === fill && Math.abs(last.x + last.width - x) < 0.01) last.width += width;
    else rects.push({ x, width, fill });
  };
  for (const { text, column, width, style } of cells) {
    const { fore, back } = colorsOf(style);
    const part = blockPart(text);
    const x = PADDING + column * CELL.width;
    if (part > 0) add(x, width * CELL.width * part, fore);
    if (back && part < 1) add(x + width * CELL.width * part, width * CELL.width * (1 - part), back);
  }
  return rects.map(
    ({ x, width, fill }) =>
      `<rect x="${round(x)}" y="${round(y + 2)}" width="${round(width)}" height="${CELL.height - 4}" fill="${fill}"/>`,
  );
}

/** Runs of one style as text elements; `textLength` keeps the columns whatever the font. */
function texts(cells, y) {
  const runs = [];
  for (const cell of cells) {
    const last = runs.at(-1);
    const drawn = blockPart(cell.text) > 0;
    // Wide gaps end a run: its text stays in place even where textLength is ignored.
    const gap = cell.text === ' ' && last?.text.endsWith(' ');
    if (last && !drawn && !gap && last.style === cell.style && last.end === cell.column) {
      last.text += cell.text;
      last.end += cell.width;
    } else if (!drawn) {
      runs.push({
        text: cell.text,
        style: cell.style,
        start: cell.column,
        end: cell.column + cell.width,
      });
    }
  }
  return runs
    .filter(({ text }) => text.trim() !== '')
    .map(({ text, style, start, end }) => {
      const body = text.trim();
      const lead = text.length - text.trimStart().length;
      const x = PADDING + (start + lead) * CELL.width;
      const columns = end - start - lead - (text.length - text.trimEnd().length);
      const extra =
        (style.bold ? ' font-weight="bold"' : '') + (style.faint ? ' opacity="0.6"' : '');
      return `<text x="${round(x)}" y="${round(y + 13.5)}" fill="${colorsOf(style).fore}"${extra} textLength="${round(columns * CELL.width)}">${xml(body)}</text>`;
    });
}

/** Rows of a capture, each as its SVG, and its columns. */
function rowsOf(capture) {
  let style = {};
  let columns = 0;
  const rows = capture
    .replace(/\s+$/, '')
    .split('\n')
    .map((line, row) => {
      const parsed = cellsOf(line, style);
      style = parsed.style;
      columns = Math.max(columns, parsed.columns);
      const y = BAR + PADDING / 2 + row * CELL.height;
      return [...rectangles(parsed.cells, y), ...texts(parsed.cells, y)].join('\n');
    });
  return { rows, columns };
}

/** When each content of one row is seen: from the frame `from` up to the frame `to`. */
function spansOf(frames, row) {
  const spans = [];
  for (const [at, { rows }] of frames.entries()) {
    const body = rows[row] ?? '';
    const last = spans.at(-1);
    if (last?.body === body) last.to = at + 1;
    else spans.push({ body, from: at, to: at + 1 });
  }
  return spans.filter(({ body }) => body !== '');
}

/** A group that is seen in some of the frames. Without animation the last frame is seen. */
function shownIn({ body, from, to }, count) {
  if (from === 0 && to === count) return body;
  const dur = `${round((count * FRAME_MS) / 1000)}s`;
  const [values, times] = [[], []];
  if (from > 0) (values.push('hidden'), times.push(0));
  (values.push('visible'), times.push(round4(from / count)));
  if (to < count) (values.push('hidden'), times.push(round4(to / count)));
  const animate = `<animate attributeName="visibility" calcMode="discrete" dur="${dur}" repeatCount="indefinite" values="${values.join(';')}" keyTimes="${times.join(';')}"/>`;
  return `<g visibility="${to === count ? 'visible' : 'hidden'}">${animate}${body}</g>`;
}

const round4 = (n) => Number(n.toFixed(4));

/** What one frame takes, in milliseconds; {@link picture} is given one capture for each. */
export const FRAME_MS = 700;

/** Captures of a terminal, in their order, as one SVG; several are an animation. */
export function picture(captures) {
  const frames = captures.map(rowsOf);
  const columns = Math.max(...frames.map((frame) => frame.columns));
  const height = Math.max(...frames.map(({ rows }) => rows.length));
  const body = Array.from({ length: height }, (_, row) =>
    spansOf(frames, row).map((span) => shownIn(span, frames.length)),
  ).flat();
  const size = {
    width: round(columns * CELL.width + 2 * PADDING),
    height: round(BAR + height * CELL.height + PADDING * 1.5),
  };
  const dots = ['#ef7f88', '#e8bd74', '#a5d67f'].map(
    (fill, i) => `<circle cx="${20 + i * 18}" cy="17" r="5.5" fill="${fill}"/>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}" viewBox="0 0 ${size.width} ${size.height}" font-family="ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${CELL.font}" xml:space="preserve">`,
    `<rect width="100%" height="100%" rx="8" fill="${COLORS.back}" stroke="${COLORS.frame}"/>`,
    ...dots,
    ...body,
    '</svg>',
    '',
  ].join('\n');
}
