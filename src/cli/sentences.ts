/** Events as sentences for people. All that comes from outside is escaped here. */
import { basename } from 'node:path';
import type {
  DoneEvent,
  DownloadEvent,
  ProgressEvent,
  RetryEvent,
  StartEvent,
} from '../transfer/events.js';
import { showText } from '../http/redact.js';
import * as format from './format.js';

/** The file's name as shown: the last component, escaped; the URL while there is no name. A path `-` is no file. */
export function shownName({ path, url }: { path: string; url: string }): string {
  if (path === '-') return 'standard output';
  return showText(basename(path) || path || url);
}

export function startSentence(event: StartEvent): string {
  const size = event.size === null ? 'unknown size' : format.bytes(event.size);
  const parts = [`${size} from ${showText(event.url)}`];
  if (event.resumed > 0) parts.push(`${format.bytes(event.resumed)} already here`);
  parts.push(`up to ${format.count(event.connections, 'connection')}`);
  if (event.reason) parts.push(showText(event.reason));
  return parts.join(', ');
}

export function progressSentence(event: ProgressEvent): string {
  const parts = [
    event.size === null
      ? format.bytes(event.bytes)
      : `${format.bytesOf(event.bytes, event.size)} (${format.percent(event.size > 0 ? event.bytes / event.size : 1)})`,
    format.rate(event.rate),
  ];
  if (event.eta !== null) parts.push(`${format.duration(event.eta)} left`);
  parts.push(format.count(event.connections, 'connection'));
  return parts.join(', ');
}

/** `503 Service Unavailable; connection 3 tries again in 2 s`. */
export function retrySentence(event: RetryEvent, verbose: boolean): string {
  const who = event.connection === null ? 'trying' : `connection ${event.connection + 1} tries`;
  const detail = verbose ? ` (attempt ${event.attempt}, ${event.code})` : '';
  return `${showText(event.reason)}; ${who} again in ${format.delay(event.delayMs)}${detail}`;
}

/** What a finished download amounts to, as parts: bytes, time, rate, connections, digests. */
export function doneParts(event: DoneEvent, verbose: boolean): string[] {
  const verified = Object.keys(event.digests).map((name) => showText(name));
  const parts: string[] = [];
  if (event.outcome === 'complete') {
    parts.push(
      event.upToDate ? 'already up to date' : 'already complete',
      format.bytes(event.bytes),
    );
  } else if (event.outcome === 'skipped') {
    parts.push('skipped, a file is there already', format.bytes(event.bytes));
  } else {
    // After a resume the rate is of what was fetched, so that is said as well.
    const part = event.fetched < event.bytes ? ` (${format.bytes(event.fetched)} fetched)` : '';
    parts.push(`${format.bytes(event.bytes)}${part} in ${seconds(event.seconds)}`);
    if (event.seconds > 0) parts.push(format.rate(event.fetched / event.seconds));
    parts.push(format.count(event.connections, 'connection'));
    if (verbose) parts.push(`${format.bytes(event.fetched)} received`);
  }
  if (verbose) {
    for (const [name, hex] of Object.entries(event.digests)) {
      parts.push(`${showText(name)} ${showText(hex)}`);
    }
  } else if (verified.length > 0) {
    parts.push(`${verified.join(' and ')} verified`);
  }
  // A digest of the whole says more than those of its pieces.
  if (event.pieces !== undefined && (verbose || verified.length === 0))
    parts.push(`${format.count(event.pieces, 'piece')} verified`);
  return parts;
}

/** Short times keep their tenths: `0.4 s`, then as a clock. */
function seconds(value: number): string {
  return value < 60 ? `${value.toFixed(1)} s` : format.duration(value);
}

/** The file's name as shown in sentences. */
export const nameOf = (event: DownloadEvent): string => shownName(event);
