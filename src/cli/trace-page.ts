/** A trace as one page of HTML: no script, nothing from elsewhere, light and dark. */
import { openLogFile } from '../app/files.js';
import type { Traced, TracedFile, TraceReport } from '../app/trace.js';
import { SluiceError } from '../errors.js';
import { delay } from './format.js';
import { connectionsChart, fileChart, html, rateChart } from './trace-charts.js';
import { traceRows } from './trace-lines.js';

/** How a page begins. A file that does not begin so is not written over. */
export const PAGE_BEGINS = '<!DOCTYPE html><!-- sluice trace -->';

/** Rows of a table. */
const MOST_EVENTS = 200;

const STYLE = `
:root { color-scheme: light dark; --bg: #fff; --fg: #1b1f24; --dim: #667080; --grid: #e3e6ea;
  --receiving: #2f6fde; --waiting: #b9a5ee; --connecting: #e8a33d; --twice: #17a398; --bad: #d1242f;
  --rate: #9dbdf3; --server: #c98a1b; --link: #2f6fde; --processor: #a34fc9; --disk: #b5532a;
  --asked: #17a398; --none: #9aa3ad; }
@media (prefers-color-scheme: dark) { :root { --bg: #11151a; --fg: #e4e8ed; --dim: #98a2b0; --grid: #262d36;
  --receiving: #5c93f0; --waiting: #7d69bd; --connecting: #d9952f; --twice: #2cc2b5; --bad: #ff6b6b;
  --rate: #2f558f; --server: #b9811c; --link: #3d6fc4; --processor: #9450b5; --disk: #b5603a;
  --asked: #1d8f85; --none: #5b6470; } }
body { background: var(--bg); color: var(--fg); font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto;
  max-width: 72rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p, figcaption { color: var(--dim); margin: .3rem 0; } figure { margin: 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem; }
dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--fg); font-size: 11px; }
svg .axis { fill: var(--dim); text-anchor: middle; } svg .side { fill: var(--dim); text-anchor: end; }
svg .start { text-anchor: start; } svg .in { fill: #fff; font-size: 10px; } svg .grid { stroke: var(--grid); }
.rate { fill: var(--rate); } .range { stroke-width: 2; }
.receiving { fill: var(--receiving); } .waiting { fill: var(--waiting); } .connecting { fill: var(--connecting); }
.twice { fill: var(--twice); } .bad { fill: var(--bad); }
.server { fill: var(--server); } .link { fill: var(--link); } .processor { fill: var(--processor); }
.disk { fill: var(--disk); } .connections, .limit.rate { fill: var(--asked); } .unknown { fill: var(--none); }
.key { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em; }
table { border-collapse: collapse; width: 100%; } td { border-top: 1px solid var(--grid); padding: .25rem .8rem .25rem 0;
  vertical-align: top; overflow-wrap: anywhere; } td:first-child { white-space: nowrap; color: var(--dim); }
`;

/** Characters that are written at once. */
const STEP = 64 * 1024;

/**
 * Writes the page to a file. A page of a trace that is there is replaced.
 * @throws SluiceError TARGET_EXISTS when the file is something else; DISK_IO and the like
 */
export function writePage(path: string, report: TraceReport, traced: Traced): void {
  const text = tracePage(report, traced);
  const lost: string[] = [];
  const kind = { name: 'page', flag: '--html', begins: PAGE_BEGINS };
  const file = openLogFile(path, (what) => lost.push(what), kind);
  for (let at = 0; at < text.length; at += STEP) file.write(text.slice(at, at + STEP));
  file.close();
  const [why] = lost;
  if (why !== undefined)
    throw new SluiceError('DISK_IO', `${path}: ${why}`, {
      path,
      next: 'Name a file elsewhere with --html.',
    });
}

/** The page. */
export function tracePage(report: TraceReport, traced: Traced): string {
  const largest = largestOf(traced.files);
  const title = report.files.length === 1 ? (report.files[0]?.path ?? '') : 'several files';
  return `${PAGE_BEGINS}
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
<title>${html(`sluice: ${title}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${html(title)}</h1>
<dl>
${traceRows(report)
  .map(([label, value]) => `<dt>${label}</dt><dd>${html(value)}</dd>`)
  .join('\n')}
</dl>
<section id="rate">
<h2>How fast the bytes came</h2>
<figure>${rateChart(traced)}<figcaption>The band says how many connections were wanted, and what held the download back.</figcaption></figure>
</section>
<section id="connections">
<h2>What each connection did</h2>
<figure>${connectionsChart(traced)}<figcaption>${LEGEND}</figcaption></figure>
</section>
${largest === null ? '' : fileSection(largest, traced)}
${eventsSection(traced.files)}
</body>
</html>
`;
}

const key = (name: string, text: string): string =>
  `<svg class="key" viewBox="0 0 10 10"><rect class="${name}" width="10" height="10"/></svg>${text}`;

const LEGEND = [
  key('connecting', 'connecting'),
  key('waiting', 'waiting for an answer'),
  key('receiving', 'receiving'),
  key('twice', 'receiving what another connection fetches as well'),
  key('bad', 'failed, or given up as too slow'),
].join('');

function largestOf(files: readonly TracedFile[]): TracedFile | null {
  const asked = files.filter(({ leases }) => leases.length > 0);
  if (asked.length === 0) return null;
  return asked.reduce((a, b) => ((b.size ?? 0) > (a.size ?? 0) ? b : a));
}

function fileSection(file: TracedFile, traced: Traced): string {
  const which = traced.files.length === 1 ? '' : ` (${html(file.path)})`;
  return `<section id="file">
<h2>Where in the file they came${which}</h2>
<figure>${fileChart(file, traced)}<figcaption>Each line is a range: it begins at its first byte and ends at its last one. A colour is a connection.</figcaption></figure>
</section>`;
}

function eventsSection(files: readonly TracedFile[]): string {
  const all = files
    .flatMap(({ path, events }) => events.map((event) => ({ ...event, path })))
    .filter(({ type }) => type === 'retry' || type === 'warning' || type === 'error')
    .sort((a, b) => a.ms - b.ms);
  if (all.length === 0) return '';
  const isOne = files.length === 1;
  const rows = all.slice(0, MOST_EVENTS).map(({ ms, type, code, text, path }) => {
    const what = code === null ? type : `${type}: ${code}`;
    return `<tr><td>${html(delay(ms))}</td><td>${html(what)}</td><td>${html(isOne ? text : `${path}: ${text}`)}</td></tr>`;
  });
  const more = all.length > MOST_EVENTS ? `<p>and ${all.length - MOST_EVENTS} more</p>` : '';
  return `<section id="events">
<h2>What went wrong</h2>
<table>${rows.join('\n')}</table>${more}
</section>`;
}
