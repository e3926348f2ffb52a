/** What `info --trace` prints: ten lines. */
import type { TraceReport } from '../app/trace.js';
import { showText } from '../http/redact.js';
import { bytes, count, delay, percent, rate } from './format.js';

/** Things of which some are named and the others counted. */
const NAMED = 3;

/** Label and value of each line. The values may hold texts from outside. */
export function traceRows(report: TraceReport): Array<[label: string, value: string]> {
  return [
    ['trace', traceText(report)],
    [report.files.length === 1 ? 'file' : 'files', filesText(report)],
    ['from', some(originsOf(report))],
    ['received', `${bytes(report.received)} ${rateText(report)}`],
    ['connections', connectionsText(report)],
    ['addresses', addressesText(report)],
    ['their time', timeText(report)],
    ['ranges', rangesText(report)],
    ['limited by', limitsText(report)],
    ['failures', failuresText(report)],
  ];
}

/** The lines, aligned. */
export function traceLines(report: TraceReport): string[] {
  const rows = traceRows(report);
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `${label.padEnd(width)}  ${showText(value)}`);
}

function traceText({ startedAt, seconds, whole }: TraceReport): string {
  const began = startedAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC');
  const end = whole ? '' : '; it breaks off there: the run was killed, or is still at work';
  return `begun ${began}, ${delay(seconds * 1000)}${end}`;
}

function filesText({ files }: TraceReport): string {
  const [only] = files;
  if (only === undefined) return 'none was begun';
  if (files.length === 1) {
    const size = only.size === null ? 'of unknown length' : bytes(only.size);
    return `${only.path || 'without a name yet'}, ${size}, ${only.outcome ?? 'without an end'}`;
  }
  const ends = new Map<string, number>();
  for (const { outcome } of files) {
    const end = outcome ?? 'without an end';
    ends.set(end, (ends.get(end) ?? 0) + 1);
  }
  return `${files.length}: ${some([...ends].map(([end, times]) => `${times} ${end}`))}`;
}

/** The URL of one file; of several, where they come from. */
function originsOf({ files }: TraceReport): string[] {
  if (files.length === 1) return files.map(({ url }) => url || 'nowhere');
  const origins = new Set(files.map(({ url }) => /^[a-z0-9]+:\/\/[^/]*/i.exec(url)?.[0] ?? url));
  return [...origins];
}

function rateText({ meanRate, peakRate, seconds }: TraceReport): string {
  const best = seconds > 1 ? `, ${rate(peakRate)} in the best second` : '';
  return `at ${rate(meanRate)} on average${best}`;
}

function connectionsText({ connections, dialled, requests }: TraceReport): string {
  return `${connections} at once at most, ${dialled} opened, ${count(requests, 'request')}`;
}

function addressesText({ addresses }: TraceReport): string {
  if (addresses.length === 0) return 'none answered';
  return some(addresses.map((each) => `${each.address} (${bytes(each.bytes)})`));
}

function timeText({ time, requests }: TraceReport): string {
  if (requests === 0) return 'nothing was asked for in ranges';
  const { receiving, waiting, connecting, idle } = time;
  return `${percent(receiving)} receiving, ${percent(waiting)} waiting for answers, ${percent(connecting)} connecting, ${percent(idle)} idle`;
}

function rangesText({ ranges: { asked, cut, hedged, replaced, superseded } }: TraceReport): string {
  const parts = [
    [cut, 'cut short for other connections'],
    [hedged, 'fetched twice to end sooner'],
    [superseded, 'given up because another connection was first'],
    [replaced, 'taken from a slow connection'],
  ] as const;
  const told = parts.filter(([times]) => times > 0).map(([times, what]) => `${times} ${what}`);
  return told.length === 0 ? `${asked} asked for` : `${asked} asked for, ${told.join(', ')}`;
}

/** What holds a download back, as a person says it. */
export const LIMITS: Readonly<Record<string, string>> = {
  link: 'the link',
  server: 'the server',
  processor: 'the processor',
  disk: 'the disk',
  connections: 'the number of connections',
  rate: 'the rate asked for',
  unknown: 'not known (too short to tell)',
};

function limitsText({ limitedBy }: TraceReport): string {
  if (limitedBy.length === 0) return 'not known (too short to tell)';
  return limitedBy.map(({ by, part }) => `${LIMITS[by] ?? by} ${percent(part)}`).join(', ');
}

function failuresText({ failures }: TraceReport): string {
  if (failures.length === 0) return 'none';
  return failures.map(({ code, times }) => `${code} ${times}×`).join(', ');
}

function some(all: readonly string[]): string {
  const rest = all.length - NAMED;
  const named = all.slice(0, NAMED).join(', ');
  return rest > 0 ? `${named} and ${rest} more` : named;
}
