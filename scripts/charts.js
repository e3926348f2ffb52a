// Draws the charts of the README and of docs/performance.md from bench/results, as bench/charts.json says:
//   npm run charts             writes docs/charts/*.svg
//   npm run charts -- --check  writes nothing; fails when one of them is not up to date
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Those that are drawn, in this order. */
const PROGRAMS = ['sluice', 'aria2', 'axel', 'curl', 'wget2', 'lftp', 'rclone', 'node -e 0'];

const WIDTH = 860;
const COLUMNS = 2;
const PANEL = WIDTH / COLUMNS;
const LABEL = 74;
const BAR = 14;
const STEP = 20;
const HEAD = 34;

/** Values of one scenario, by the name of the row. Both forms of results have the same columns. */
function read({ file, scenario, column = 'wall s', ending = '' }) {
  const text = readFileSync(`${root}bench/results/${file}`, 'utf8');
  const rows = file.endsWith('.json')
    ? ofJson(text, scenario, column)
    : ofTable(text, scenario, column);
  const found = PROGRAMS.flatMap((name) => {
    const value = rows.get(name + ending);
    if (typeof value === 'string') return [{ name, value: 0, note: value }];
    return value === undefined || !Number.isFinite(value) ? [] : [{ name, value }];
  });
  if (!found.some(({ name }) => name === 'sluice')) throw new Error(`${file} has no ${scenario}`);
  return found;
}

function ofJson(text, scenario, column) {
  const { rows } = JSON.parse(text).scenarios.find(({ id }) => id === scenario);
  const value = {
    'wall s': ({ wall }) => wall,
    'CPU s': ({ user, sys }) => user + sys,
    'peak MB': ({ mb }) => mb,
  }[column];
  return new Map(rows.map(({ name, median }) => [name, median ? value(median) : NaN]));
}

/** The first table below the heading of the scenario, as `npm run bench` prints it. */
function ofTable(text, scenario, column) {
  const lines = text.split('\n');
  const heading = lines.findIndex((line) => line.startsWith(`## ${scenario}:`));
  if (heading < 0) throw new Error(`there is no ${scenario}`);
  const begin = lines.findIndex((line, at) => at > heading && line.startsWith('| |'));
  const cells = (line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  const at = cells(lines[begin]).indexOf(column);
  const rows = new Map();
  for (let line = begin + 2; lines[line].startsWith('|'); line++) {
    const row = cells(lines[line]);
    // What was given up has a sentence instead of figures.
    rows.set(row[0], row[1].startsWith('longer than') ? row[1] : Number(row[at]));
  }
  return rows;
}

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const shown = (value) => (value >= 20 ? value.toFixed(0) : value.toFixed(value < 0.2 ? 3 : 2));

function panel({ title, ...from }, left, top) {
  const rows = read(from);
  const most = Math.max(...rows.map(({ value }) => value));
  const room = PANEL - LABEL - 70;
  const bars = rows.map(({ name, value, note }, at) => {
    const y = top + HEAD + at * STEP;
    const width = ((value / most) * room).toFixed(1);
    const own = name === 'sluice' ? ' class="own"' : '';
    return [
      `<text class="name" x="${left + LABEL - 8}" y="${y + 11}">${escape(name)}</text>`,
      `<rect${own} x="${left + LABEL}" y="${y}" width="${width}" height="${BAR}" rx="2"/>`,
      `<text x="${(left + LABEL + Number(width) + 6).toFixed(1)}" y="${y + 11}">${note ?? shown(value)}</text>`,
    ].join('');
  });
  const head = `<text class="title" x="${left + 8}" y="${top + 20}">${escape(title)}</text>`;
  return { height: HEAD + rows.length * STEP + 14, text: [head, ...bars].join('\n') };
}

function draw({ title, panels }) {
  const parts = [];
  let top = 34;
  for (let at = 0; at < panels.length; at += COLUMNS) {
    const row = panels
      .slice(at, at + COLUMNS)
      .map((each, column) => panel(each, column * PANEL, top));
    parts.push(...row.map(({ text }) => text));
    top += Math.max(...row.map(({ height }) => height));
  }
  const files = [...new Set(panels.map(({ file }) => file))].map((file) => `bench/results/${file}`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top + 26}" role="img" aria-label="${escape(title)}">
<style>
text { font: 12px system-ui, sans-serif; fill: #1b1f24; }
.heading { font-size: 14px; font-weight: 600; } .title { font-weight: 600; } .name { text-anchor: end; }
.source { fill: #667080; font-size: 11px; } rect { fill: #b6c0cc; } .own { fill: #2f6fde; }
@media (prefers-color-scheme: dark) { text { fill: #e4e8ed; } .source { fill: #98a2b0; } rect { fill: #4a5563; } .own { fill: #5c93f0; } }
</style>
<text class="heading" x="8" y="20">${escape(title)}</text>
${parts.join('\n')}
<text class="source" x="8" y="${top + 14}">Medians on two cores, server on the same machine: ${escape(files.join(', '))}</text>
</svg>
`;
}

const charts = JSON.parse(readFileSync(`${root}bench/charts.json`, 'utf8'));
mkdirSync(`${root}docs/charts`, { recursive: true });
for (const [name, chart] of Object.entries(charts)) {
  const file = `${root}docs/charts/${name}.svg`;
  const text = draw(chart);
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(`docs/charts/${name}.svg is not up to date: npm run charts`);
    process.exitCode = 1;
  }
}
