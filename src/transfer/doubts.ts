/** What is done when a digest refuses a file whose bytes may be of several sources (P24). */
import type { SluiceError } from '../errors.js';
import { redactUrl } from '../http/redact.js';
import type { Span } from '../schedule/types.js';
import { mayMix } from './further-sources.js';
import type { Job } from './job.js';
import { KEPT } from './suspects.js';

/**
 * A digest of the whole refused the file, or two sources brought bytes that do not fit together.
 * Whether something can be fetched again from others; it is in `job.bad` then.
 */
export function doubt(job: Job, refusal: SluiceError, total: number): boolean {
  if (!mayMix(job) || total === 0) return false;
  const found = job.suspects.refused(total, job.present);
  if (found === null) return false;
  job.bad = found.again;
  const whose = found.source === KEPT ? 'an earlier run' : shown(job, found.source);
  const bytes = found.again.reduce((sum, { start, end }) => sum + end - start, 0);
  job.warn(`${refusal.message}. Fetching again what ${whose} brought (${bytes} bytes).`);
  return true;
}

/** The sources of wrong pieces are not asked again, as long as there are others. Whether there are any. */
export function setPiecesAside(job: Job, bad: readonly Span[]): boolean {
  if (!mayMix(job)) return false;
  const found = job.suspects.refusedPieces(bad);
  for (const source of found)
    job.warn(`${shown(job, source)} sent wrong pieces and is asked no more.`);
  return found.length > 0;
}

/**
 * Two answers brought bytes that do not fit together. Pieces tell which source was wrong; else the one
 * that brought least is doubted. Whether something can be fetched again from others.
 */
export async function doubtMisfit(job: Job, refusal: SluiceError): Promise<boolean> {
  const { work, verification } = job;
  if (work === null || !mayMix(job) || !job.suspects.isMixed) return false;
  const canProve = verification.pieces !== null && verification.misfit(work.ledger.total) === null;
  if (canProve && setPiecesAside(job, await wrongPieces(job))) return true;
  return doubt(job, refusal, work.ledger.total);
}

/** Pieces that are in place whole, and are not what they must be. */
async function wrongPieces({ work, workspace, verification, abort }: Job): Promise<Span[]> {
  if (work === null || workspace === null || verification.pieces === null) return [];
  const { written, total } = work.ledger;
  const proven = await verification.proven(workspace.fd, written, total, abort.signal);
  const { length, hexes } = verification.pieces;
  return hexes
    .map((_, at) => ({ start: at * length, end: Math.min(total, (at + 1) * length) }))
    .filter(({ start, end }) => written.has(start, end) && !proven.has(start, end));
}

/** The digest agrees once the bytes of a source were replaced: these were wrong. */
export function nameLiar(job: Job): void {
  const { liar } = job.suspects;
  if (liar === null) return;
  job.warn(`${shown(job, liar)} sent bytes that are not the file's; they were replaced.`);
}

const shown = (job: Job, source: number): string => redactUrl(job.askerAt(source).url);
