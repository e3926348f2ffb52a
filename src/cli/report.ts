/** What `info` prints for people. */
import type { PathReport, UrlReport } from '../app/inspect.js';
import { showText } from '../http/redact.js';
import { bytes, count, percent } from './format.js';

type Row = readonly [label: string, value: string | null];

/** Lines of aligned `label  value` rows; a row without a value is left out. */
export function reportLines(report: UrlReport | PathReport): string[] {
  const rows = report.kind === 'url' ? urlRows(report) : pathRows(report);
  const shown = rows.filter((row): row is readonly [string, string] => row[1] !== null);
  const width = Math.max(...shown.map(([label]) => label.length));
  return shown.map(([label, value]) => `${label.padEnd(width)}  ${showText(value)}`);
}

const sized = (size: number | null): string =>
  size === null ? 'unknown' : `${size} bytes (${bytes(size)})`;

function urlRows(report: UrlReport): Row[] {
  const { tls, plan } = report;
  return [
    ['url', report.url],
    ...report.redirects.map(({ status, location }): Row => [`redirect ${status}`, location]),
    ['name', report.name],
    ['size', sized(report.size)],
    ['ranges', RANGES[report.ranges]],
    ...report.tried.map(({ rung, why }): Row => [`${rung} range`, `in vain: ${why}`]),
    ['etag', report.etag],
    ['last modified', report.lastModified],
    ['resumable', resumable(report)],
    ['type', report.type],
    ['server', report.server],
    ...report.digests.map(({ algorithm, hex, field }): Row => [algorithm, `${hex} (${field})`]),
    ['addresses', report.addresses.length === 0 ? null : report.addresses.join(', ')],
    ['proxy', proxyText(report.proxy)],
    ['tls', tls === null ? null : `${tls.protocol}, ${tls.cipher}`],
    ['certificate', tls === null ? null : `${tls.subject}, by ${tls.issuer}, until ${tls.validTo}`],
    ['plan', planText(plan)],
  ];
}

/** Nothing where nobody said anything of a proxy. */
function proxyText({ url, why }: UrlReport['proxy']): string | null {
  if (why === null) return null;
  return url === null ? `none: ${why}` : `${url}, by ${why}`;
}

const RANGES = {
  yes: 'yes',
  claimed: 'claimed, not shown by the answer',
  no: 'no: one stream, and it cannot be resumed',
};

function resumable({ ranges, strongValidator, unproven }: UrlReport): string {
  if (ranges === 'no') return 'no';
  if (strongValidator === 'etag') return 'yes, proven by the ETag';
  if (strongValidator === 'date') return 'yes, proven by Last-Modified';
  return `only with --checksum or --insist: nothing proves that the file stays the same (${unproven ?? ''})`;
}

function planText({ connections, leaseBytes }: UrlReport['plan']): string {
  const each = leaseBytes === null ? '' : ` of up to ${bytes(leaseBytes)} each`;
  return `${count(connections, 'connection')} to start with, segments${each}`;
}

/** What `sluice resume` will do with it. */
function pathResumable({ running, partPresent, refused, provable }: PathReport): string {
  if (running) return 'not now: wait for the run that is at work on it';
  if (!partPresent) return 'no: the part is missing';
  if (refused)
    return 'no: `sluice get` asks the server for another file, or give the right --checksum';
  return provable ? 'yes' : 'only with --checksum or --insist';
}

/** How the run before ended; while one is at work nothing is told of that. */
function lastRun({ running, clean }: PathReport): string | null {
  if (running) return null;
  return clean ? 'stopped gracefully' : 'died; what it left is compared on resume';
}

function pathRows(report: PathReport): Row[] {
  const { size, bytes: held } = report;
  const part = size === null || size === 0 ? '' : ` (${percent(held / size)})`;
  return [
    ['target', report.target],
    ['part', report.partPresent ? report.part : `${report.part} (missing)`],
    ['url', report.url],
    ['redirected to', report.finalUrl],
    ['size', sized(size)],
    ['held', `${held} bytes${part} in ${count(report.extents.length, 'range')}`],
    ['missing', report.missing === null ? null : sized(report.missing)],
    ['etag', report.etag],
    ['last modified', report.lastModified],
    ['refused', report.refused ? 'by a digest: these bytes are not what they had to be' : null],
    ['resumable', pathResumable(report)],
    ['running', report.running ? 'yes, another run is at work on it' : null],
    ['last run', lastRun(report)],
    ['journal', report.journalDamaged ? 'its damaged end is left out' : null],
    ['started', report.startedAt],
  ];
}
