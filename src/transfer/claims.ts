/** Bytes of an earlier run count only if they are still what they were. */
import { SluiceError } from '../errors.js';
import type { Span } from '../schedule/types.js';
import type { Job } from './job.js';
import type { Event } from './machine.js';

/** After an unclean death: what the journal claims is compared with the disk while new bytes come in. */
export function beginComparing(job: Job): void {
  const { workspace, abort } = job;
  job.claims = workspace?.findBad(abort.signal) ?? null;
  job.claims?.catch(() => undefined);
}

/** What of an earlier run's bytes is not what it was. It is asked for once. */
export async function badClaims(job: Job): Promise<Span[]> {
  const bad = (await job.claims) ?? [];
  job.claims = null;
  return bad;
}

/** Takes ranges back: they are fetched again, and hashed again. */
export async function takeBack(
  { workspace, work, verification, suspects }: Job,
  ranges: Span[],
): Promise<void> {
  await workspace?.forget(ranges);
  for (const range of ranges) {
    work?.ledger.forget(range);
    suspects.forget(range);
  }
  verification.restart();
}

/** Takes back what is not what it was, and asks for it; null when all is as it was. */
export async function takeBackBad(job: Job): Promise<Event | null> {
  const bad = await badClaims(job);
  if (bad.length === 0) return null;
  await takeBack(job, bad);
  const message = 'kept bytes were changed or lost and are fetched again';
  return { type: 'broken', error: new SluiceError('DISK_IO', message), progressed: true };
}
