/**
 * A fresh link for kept bytes (P6, P7): what proves that it leads to the same file. It is asked before
 * anything of the kept is touched, so that a link to another file costs nothing.
 */
import { SluiceError } from '../errors.js';
import { readFully } from '../disk/io.js';
import { shellCommand } from '../disk/shell.js';
import { isWorthAsking } from '../engine/failures.js';
import { compareValidators, keptValidators, readValidators } from '../http/validators.js';
import type { ExtentSet } from '../schedule/extents.js';
import type { Span } from '../schedule/types.js';
import { SEAM_BYTES } from '../lease/task.js';
import type { Asked } from '../open/ask.js';
import { receiveSmall } from './fetch-small.js';
import type { Job } from './job.js';
import type { Event } from './machine.js';
import type { Offer } from '../open/offer.js';
import type { Prior } from '../disk/workspace.js';

/** Runs of kept bytes that are compared; of more, these are spread evenly. */
const MAX_RUNS = 8;

/** Asks for `[start, end)` of the file, or tells why another try may help. */
type Ask = (start: number, end: number) => Promise<{ asked: Asked; offer: Offer } | Event>;

export class FreshLink {
  /** What showed that the kept bytes are of the file that the link leads to; null while nothing has. */
  proof: 'validator' | 'seams' | null = null;

  constructor(
    private readonly job: Job,
    private readonly ask: Ask,
  ) {}

  /**
   * Compares what the link serves with what is kept: the length, then the validator, and where that
   * does not prove it, some of the bytes.
   * @returns null when all fits, or the event that tells why another try may help
   * @throws SluiceError CHANGED when it does not fit; of the requests
   */
  async prove(prior: Prior): Promise<Event | null> {
    if (this.proof !== null) return null;
    for (const span of samplesOf(prior.written)) {
      const reply = await this.ask(span.start, span.end);
      if ('type' in reply) return reply;
      const { asked, offer } = reply;
      try {
        if (this.isProven(prior, asked, offer)) {
          await this.job.asker.release(asked.connection, asked.answer);
          this.proof = 'validator';
          return null;
        }
        await this.compare(span, asked, offer);
      } catch (thrown) {
        asked.connection.destroy();
        const error = SluiceError.from(thrown);
        if (this.job.abort.signal.aborted || !isWorthAsking(error)) throw error;
        return { type: 'broken', error, progressed: false };
      }
    }
    this.proof = 'seams';
    return null;
  }

  /** @throws SluiceError CHANGED when nothing could prove it any more */
  private isProven({ identity }: Prior, { answer }: Asked, offer: Offer): boolean {
    const { size } = identity;
    if (size === null) throw this.other('the length of what is kept is not known');
    if (offer.total !== null && offer.total !== size)
      throw this.other(`it has ${offer.total} bytes, and the file has ${size}`);
    const seen = readValidators(answer.head);
    if (compareValidators(keptValidators(identity.validators), seen) === 'same')
      return identity.options['mixed'] !== true;
    if (offer.kind === 'range') return false;
    throw this.other('the server sends no ranges of it, so that nothing can be compared');
  }

  private async compare({ start, end }: Span, asked: Asked, offer: Offer): Promise<void> {
    const { workspace, options, asker } = this.job;
    if (workspace === null) throw new SluiceError('DEFECT', 'no workspace');
    if (offer.kind !== 'range' || offer.end > end)
      throw this.other('the server sends other ranges than are asked for');
    const sent = Buffer.concat(
      await receiveSmall(asked.connection, end - start, options.deadlines.stallMs),
    );
    await asker.release(asked.connection, { ...asked.answer, framing: { kind: 'none' } });
    const kept = Buffer.alloc(sent.length);
    readFully(workspace.fd, kept, 0, kept.length, start);
    if (sent.length === 0 || !kept.equals(sent))
      throw this.other(`its bytes from offset ${start} on are others`);
  }

  private other(how: string): SluiceError {
    const { path, shownUrl } = this.job;
    const again = shellCommand('sluice resume --url URL', path);
    const message = `nothing proves that the link leads to the same file: ${how}; everything is kept`;
    return new SluiceError('CHANGED', message, {
      path,
      url: shownUrl,
      next: `Give another link with ${again}, or start over: \`sluice get URL\` with --on-exists overwrite.`,
    });
  }
}

/** The beginning, the middle and the end of runs of kept bytes, in order. */
export function samplesOf(written: ExtentSet): Span[] {
  const runs = written.toArray();
  const step = Math.max(1, runs.length / MAX_RUNS);
  const spans: Span[] = [];
  for (let at = 0; at < runs.length; at += step) {
    const { start, end } = runs[Math.floor(at)] as Span;
    const length = Math.min(SEAM_BYTES, end - start);
    const middle = start + Math.floor((end - start - length) / 2);
    const begins = new Set([start, middle, end - length]);
    spans.push(...[...begins].map((from) => ({ start: from, end: from + length })));
  }
  return spans;
}
