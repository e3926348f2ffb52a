/** The events and the snapshot of a download, made from what is known of it. */
import type { ErrorCode, SluiceError } from '../errors.js';
import { shellCommand } from '../disk/shell.js';
import { namesTheWay } from '../http/intermediary.js';
import { redactUrl } from '../http/redact.js';
import { countPieces } from '../verify/pieces.js';
import { isOfSource } from '../engine/failures.js';
import type { DoneEvent, DownloadSnapshot, ErrorEvent } from './events.js';
import type { Job } from './job.js';
import type { Ending } from './machine.js';

/** The event that ends the download. */
export function lastEvent(job: Job, ending: Ending): DoneEvent | ErrorEvent {
  if (ending.kind === 'failed') return errorEvent(job, ending.error);
  const bytes = job.known?.total ?? 0;
  const { verifiedPieces, digestFields } = job.verification;
  return {
    type: 'done',
    ...job.base,
    outcome: ending.outcome,
    bytes,
    fetched: job.fetched,
    seconds: (performance.now() - job.startedMs) / 1000,
    connections: job.peak,
    limitedBy: job.limitedBy,
    digests: job.verification.digests,
    ...(Object.keys(digestFields).length > 0 && { digestFields }),
    ...sharesOf(job),
    ...(verifiedPieces > 0 && { pieces: verifiedPieces }),
    ...(ending.outcome === 'complete' && job.options.timestamping && { upToDate: true as const }),
  };
}

/** What each source brought, when more than one did. */
function sharesOf(job: Job): Pick<DoneEvent, 'sources'> {
  const sources = Array.from({ length: job.sources }, (_, source) => ({
    url: redactUrl(job.askerAt(source).url),
    bytes: job.suspects.bytesOf(source),
  })).filter(({ bytes }) => bytes > 0);
  return sources.length > 1 ? { sources } : {};
}

function errorEvent(job: Job, error: SluiceError): ErrorEvent {
  const { httpStatus } = error.details;
  const next = nextSentence(job, error);
  const kept = keptSentence(job);
  return {
    type: 'error',
    ...job.base,
    code: error.code,
    exitStatus: error.exitStatus,
    message: messageOf(job, error),
    ...(kept === null ? {} : { kept }),
    ...(next === undefined ? {} : { next }),
    ...(httpStatus === undefined ? {} : { httpStatus }),
  };
}

/** With several sources the event's URL does not tell which one failed last, nor what it came through. */
function messageOf({ sources, asker, way }: Job, error: SluiceError): string {
  const { code, message } = error;
  const isTold = !MAY_BE_A_COPY.has(code) || namesTheWay(message);
  const whole = isTold ? message : `${message}${way}`;
  if (sources === 1 || !isOfSource(error)) return whole;
  return `${whole} (${redactUrl(asker.url)}, the last of ${sources} sources)`;
}

/** What comes of a cache that has another version, or of a proxy that changes what passes through it. */
const MAY_BE_A_COPY: ReadonlySet<ErrorCode> = new Set([
  'CHANGED',
  'CHECKSUM_MISMATCH',
  'SIZE_MISMATCH',
  'RESUME_UNPROVEN',
  'HTTP_RANGE_IGNORED',
  'HTTP_RANGE_MISMATCH',
]);

/**
 * What is fetched again after a comparison with the digests of the pieces.
 * @param bad the wrong pieces; null when only what is right is known
 */
export function repairSentence(
  { verification: { pieces }, asker }: Job,
  bad: ReadonlyArray<{ start: number; end: number }> | null,
  error: SluiceError,
): string {
  const url = redactUrl(asker.url);
  if (pieces === null || bad === null)
    return `${error.message}. Only pieces that are proven are kept; fetching the rest from ${url}`;
  const count = bad.reduce((sum, range) => sum + countPieces(pieces, range), 0);
  const what = `${count} of ${pieces.hexes.length} pieces are wrong`;
  return `${what} (${error.message}); fetching them again from ${url}`;
}

/** Flags that many errors advise, of which `resume` has none. */
const OF_GET = /--(?:output|dir|on-exists|range)\b/;

/** Stands for the command with the file's path, which is not known where the advice is written. */
const RESUME = '`sluice resume`';

/** What is advised, as far as it holds for this download and its command. */
function nextSentence(job: Job, { code, details: { next } }: SluiceError): string | undefined {
  const { work, options } = job;
  if (code === 'INTERRUPTED' || code === 'TERMINATED') return goOnSentence(job);
  // Without ranges nothing continues where it stopped, whatever the error promises.
  if (work?.offer.kind === 'whole' && !work.offer.ranges)
    return next?.replace('it continues where it stopped', `it starts over, for ${work.offer.why}`);
  if (next?.includes(RESUME) === true && job.kept > 0)
    return next.replace(RESUME, shellCommand('sluice resume', job.path));
  if (next === undefined || options.mode !== 'resume' || !OF_GET.test(next)) return next;
  return `${next} (\`sluice resume\` has no such flag: give it to \`sluice get URL\`.)`;
}

/** How a download goes on that was stopped. */
function goOnSentence({ kept, path, options }: Job): string {
  // `resume` knows the file where its bytes are, and not where it is to be found.
  if (kept === 0 || options.place !== null) return 'Run the same command again.';
  return `Run ${shellCommand('sluice resume', path)}, or the same command again, to go on.`;
}

function keptSentence(job: Job): string | null {
  if (job.kept === 0 || job.workspace === null) return null;
  const size = job.known === null ? job.left?.size : job.known.total;
  const where = `are kept in ${job.workspace.partPath}`;
  if (size === null || size === undefined) return `${job.kept} bytes ${where}`;
  const part = size === 0 ? 1 : job.kept / size;
  return `${job.kept} of ${size} bytes (${Math.floor(100 * part)}%) ${where}`;
}

/** The download as it is now; cheap. */
export function snapshotOf(job: Job): DownloadSnapshot {
  const size = job.known?.total ?? null;
  const extents = job.dispatcher?.extents() ?? job.work?.ledger.written.toArray() ?? [];
  const bytes = extents.reduce((sum, { start, end }) => sum + end - start, 0);
  const rate = job.phase === 'transferring' ? (job.dispatcher?.rate ?? 0) : 0;
  const eta = size !== null && rate > 0 ? (size - bytes) / rate : null;
  return {
    phase: job.phase,
    ...job.base,
    size,
    bytes,
    rate,
    eta,
    elapsedMs: performance.now() - job.startedMs,
    lanes: job.dispatcher?.view() ?? [],
    extents: extents.map(({ start, end }) => [start, end] as const),
    notices: job.notices,
    verified: job.verification.progress(size ?? 0),
  };
}

/** Notices that a display shows at most. */
const MAX_NOTICES = 3;

/**
 * Tells that something failed and is tried again.
 * @param attempt failures in a row
 * @param delayMs until then
 * @param connection null for the download as a whole
 */
export function tellRetry(
  job: Job,
  error: SluiceError,
  attempt: number,
  delayMs: number,
  connection: number | null,
): void {
  const { code, message: reason } = error;
  const seconds = (delayMs / 1000).toFixed(1);
  const who = connection === null ? '' : `connection ${connection}: `;
  job.notices = [`${who}${reason}; again in ${seconds} s`, ...job.notices].slice(0, MAX_NOTICES);
  job.log.warn({ code, attempt, delayMs, connection }, reason);
  job.emit({ type: 'retry', ...job.base, code, reason, attempt, delayMs, connection });
}

export function tellProgress(job: Job): void {
  const { size, bytes, rate, eta, lanes } = snapshotOf(job);
  const connections = lanes.filter(({ state }) => state === 'receiving').length;
  job.emit({ type: 'progress', ...job.base, bytes, size, rate, eta, connections });
}
