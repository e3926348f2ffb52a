/**
 * Small files that come whole in one answer: a list has thousands of them. Such a file is verified in memory and
 * gets its name in one step. It needs no journal, no lease and no thread. Whatever is not that plain is left as it is,
 * and goes the way of every other download.
 */
import { bootId } from '../disk/boot.js';
import type { JournalIdentity } from '../disk/journal.js';
import { provingValidators } from '../disk/marks.js';
import { WHOLE } from '../http/part-of-file.js';
import type { BodySink } from '../net/exchange.js';
import type { Asked } from '../open/ask.js';
import type { Offer } from '../open/offer.js';
import type { Job } from './job.js';
import { sharesOf } from './shares-of.js';

/** A body is waited for so long, in milliseconds: what comes by leases is written as often. */
const WAIT_MS = 500;

/**
 * Takes the body of the first answer, if all of it comes soon, and gives the file its name.
 * @param identity what a journal would say of the file
 * @returns false, with the answer still to be read, when the file goes another way
 */
export async function takeWhole(
  job: Job,
  asked: Asked,
  offer: Offer,
  identity: Omit<JournalIdentity, 'part'>,
): Promise<boolean> {
  if (!mayComeWhole(job, asked, offer)) return false;
  const { connection, source, roundTripMs } = asked;
  const shares = sharesOf(job, source.endpoint, roundTripMs);
  const share = shares.join(1);
  job.phase = 'transferring';
  try {
    const bytes = await connection.whole(WAIT_MS);
    if (bytes === null || job.abort.signal.aborted) return false;
    if (!(await job.verification.accepts(bytes)) || job.abort.signal.aborted) return false;
    job.phase = 'publishing';
    if (!(await putInPlace(job, bytes, identity))) return false;
    job.fetched = bytes.length;
    job.peak = 1;
  } finally {
    shares.leave(share);
  }
  await release(job, asked);
  return true;
}

/** Whether nothing is asked of the file that needs more than its bytes. */
function mayComeWhole({ options, sources, cut }: Job, { answer }: Asked, offer: Offer): boolean {
  const { framing } = answer;
  const isAll =
    (offer.kind === 'range' && offer.start === 0 && offer.end === offer.total) ||
    (offer.kind === 'whole' && offer.coding === undefined);
  return (
    isAll &&
    cut === WHOLE &&
    framing.kind === 'length' &&
    framing.length > 0 &&
    framing.length === offer.total &&
    sources === 1 &&
    options.mode === 'get' &&
    options.sync !== 'full' &&
    options.onExists !== 'rename' &&
    !options.timestamping &&
    (options.rateLimit?.bytesPerSecond ?? null) === null &&
    options.deadlines.lowSpeed === undefined
  );
}

async function putInPlace(
  job: Job,
  bytes: Uint8Array,
  identity: Omit<JournalIdentity, 'part'>,
): Promise<boolean> {
  const { workspace, options } = job;
  if (workspace === null) return false;
  const receipt = {
    url: identity.url,
    validators: provingValidators(identity),
    digests: job.verification.digests,
    bootId: bootId(),
    synced: false,
  };
  const mode = options.onExists === 'overwrite' ? 'overwrite' : 'fail';
  const isThere = await workspace.putWhole(bytes, mode, receipt, ({ message, details }) =>
    job.warn(`${message}. ${details.next ?? ''}`),
  );
  if (isThere) job.published = workspace.target;
  return isThere;
}

/** The body is used already; its connection serves the next file. */
async function release({ session, options }: Job, { connection }: Asked): Promise<void> {
  try {
    await connection.readBody(USED, options.deadlines.stallMs);
    session.engine.connections.keep(connection);
  } catch {
    connection.destroy();
  }
}

const USED: BodySink = {
  isHeld: false,
  isSated: true,
  arrived: () => false,
  room: () => 0,
  take: () => true,
};
