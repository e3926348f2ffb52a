/** Which of the bytes that are there already belong to what the server has now (P6, P7, P8). */
import { SluiceError } from '../errors.js';
import { compareValidators, keptValidators } from '../http/validators.js';
import { ExtentSet } from '../schedule/extents.js';
import { changedError, judge, stillRefusedError, unprovenError } from '../open/adopt.js';
import type { Verdict } from '../open/adopt.js';
import { shellCommand } from '../disk/shell.js';
import { toldOf } from '../open/ladder.js';
import type { FreshLink } from './fresh-link.js';
import type { Job, Known } from './job.js';
import { isMixed, wasRefused, withMarks } from '../disk/marks.js';
import type { Marks } from '../disk/marks.js';
import type { Offer } from '../open/offer.js';
import { isWhole } from '../disk/workspace.js';
import type { Prior } from '../disk/workspace.js';

/**
 * What is kept: all of it, all of it on the word of a digest that is still to be checked or of the
 * user, only the pieces that are proven, or nothing.
 */
type Kept = 'all' | 'trusted' | 'pieces' | 'nothing';

/** Kept bytes that may not be what the server has. */
type Doubt = Extract<Verdict, { kind: 'changed' | 'unproven' }>;

export class Keeping {
  private hasGrown = false;

  constructor(
    private readonly job: Job,
    private readonly fresh: FreshLink,
  ) {}

  /**
   * What of the kept bytes is gone on with; null for a new start. What is not is taken back.
   * `resume` never starts over by itself.
   * @throws SluiceError CHANGED, RESUME_UNPROVEN; CHECKSUM_MISMATCH when a digest has just refused
   *   what is kept, and the server has nothing else
   */
  async choose(prior: Prior, offer: Offer, seen: Known): Promise<Prior | null> {
    const isFresh = this.fresh.proof !== null && this.job.work === null;
    const kept = isFresh ? this.decideFresh(prior, offer, seen) : this.decide(prior, offer, seen);
    this.job.refusal = null;
    switch (kept) {
      case 'all':
        return prior;
      case 'trusted':
        return {
          ...prior,
          identity: withMarks(prior.identity, { ...marksOf(prior), mixed: true }),
        };
      case 'pieces':
        return this.keepPieces(prior);
      case 'nothing':
        return null;
    }
  }

  /**
   * Whether the user wants what is kept replaced: it is of another URL or length, or `--on-exists
   * overwrite` meets bytes that are all there and that a digest refused.
   */
  startsOver(prior: Prior): boolean {
    const { work, options, verification } = this.job;
    if (work !== null || options.mode !== 'get') return false;
    if (!this.job.isSource(prior.identity.url)) return true;
    if (verification.misfit(prior.identity.size) !== null) return true;
    return options.onExists === 'overwrite' && isWhole(prior) && wasRefused(prior);
  }

  private decide(prior: Prior, offer: Offer, seen: Known): Kept {
    if (this.startsOver(prior)) return 'nothing';
    const again = this.job.work !== null;
    const isForeign = prior.identity.url !== this.job.sourceId;
    if (isForeign) return this.decideForeign(prior, offer, seen);
    const known = again && this.job.known !== null ? this.job.known : factsOf(prior);
    const verdict = this.judge(prior, known, seen);
    if (prior.written.total() === 0) return 'nothing';
    const asksFirst = this.job.options.onExists === 'overwrite' && !again;
    if (offer.kind === 'whole' && !asksFirst) this.checkSameWhole(known, seen, prior.written.end);
    if (verdict.kind === 'changed' && this.mayStartAlone(known, seen, offer)) {
      const what = known.total === seen.total ? 'validator changes' : 'file grows';
      this.job.warn(`The ${what} with each request; starting over on one connection.`);
      return 'nothing';
    }
    const canProve = this.canProve(offer, known, seen);
    if (verdict.kind === 'changed' || verdict.kind === 'unproven') {
      if (again || this.job.options.mode === 'resume') this.refuse(verdict, prior);
      return this.startOver(verdict, canProve);
    }
    if (offer.kind === 'whole' && !isWhole(prior)) return this.withoutRanges();
    if (again) return 'all';
    return verdict.kind === 'trusted' ? 'trusted' : this.keepSame(prior, canProve);
  }

  /** Within a run what is not proven is compared at the seams; across runs only who insists goes on. */
  private judge(prior: Prior, known: Known, seen: Known): Verdict {
    const { work, options, verification, refusal } = this.job;
    if (work !== null) return judge({ known, seen, digest: verification.wanted, insist: true });
    // What a digest has just refused it will refuse again, whoever insists.
    const isOpen = refusal === null;
    return judge({
      known,
      seen,
      mixed: isMixed(prior),
      digest: verification.wanted && isOpen,
      insist: options.insist && isOpen,
    });
  }

  /** The server has still what is kept. If a digest has just refused that, only pieces can be mended. */
  private keepSame(prior: Prior, canProve: boolean): Kept {
    const { refusal } = this.job;
    if (refusal !== null && canProve) return 'pieces';
    if (refusal !== null) throw stillRefusedError(refusal);
    this.job.confirmed = isWhole(prior) || wasRefused(prior);
    return 'all';
  }

  /** The link was compared with what is kept. What it answers now must still be that. */
  private decideFresh(prior: Prior, offer: Offer, seen: Known): Kept {
    const { path, shownUrl } = this.job;
    const known = factsOf(prior);
    if (seen.total !== known.total)
      throw changedError(`its length is now ${seen.total} bytes`, path, shownUrl);
    if (offer.kind === 'whole' && !isWhole(prior)) return this.withoutRanges();
    return this.fresh.proof === 'validator' ? 'all' : 'trusted';
  }

  /**
   * Bytes of another source belong to the file if a digest of the whole will tell, or as far as
   * those of the pieces tell now. Nothing else can: validators are of one server only.
   */
  private decideForeign(prior: Prior, offer: Offer, seen: Known): Kept {
    if (prior.written.total() === 0) return 'nothing';
    const known = factsOf(prior);
    const fits = offer.kind === 'range' && known.total !== null && known.total === seen.total;
    if (fits && this.job.proven) return 'trusted';
    if (this.canProve(offer, known, seen)) return 'pieces';
    if (fits && this.job.verification.wanted && this.job.refusal === null) return 'trusted';
    this.job.warn('Nothing proves that the bytes of two sources belong together; starting over.');
    return 'nothing';
  }

  private canProve(offer: Offer, known: Known, seen: Known): boolean {
    if (this.job.verification.pieces === null || offer.kind !== 'range') return false;
    return known.total !== null && known.total === seen.total;
  }

  private refuse(verdict: Doubt, prior: Prior): never {
    const { path, shownUrl, refusal } = this.job;
    if (verdict.kind === 'changed') throw changedError(verdict.how, path, shownUrl);
    throw refusal ?? unprovenError(path, shownUrl, isMixed(prior));
  }

  private startOver(verdict: Doubt, hasPieces: boolean): Kept {
    const why =
      verdict.kind === 'changed'
        ? `The representation changed on the server (${verdict.how})`
        : 'Nothing proves that the kept bytes belong to what the server has now';
    const what = hasPieces ? 'only pieces that are proven are kept' : 'starting over';
    this.job.warn(`${why}; ${what}.`);
    return hasPieces ? 'pieces' : 'nothing';
  }

  /** A whole answer cannot be gone on with. `resume` throws nothing away for it (P7). */
  private withoutRanges(): Kept {
    const { ladder, options, path, shownUrl } = this.job;
    if (options.mode === 'get') {
      this.job.warn('The server does not serve byte ranges of this file; starting over.');
      return 'nothing';
    }
    const why = ladder.tried.map(toldOf).join('; ');
    const message = `the server serves only the whole file${why === '' ? '' : `: ${why}`}`;
    const again = shellCommand('sluice resume', path);
    const next = `Try ${again} again later, or run \`sluice get URL\` to start over.`;
    throw new SluiceError('HTTP_RANGE_IGNORED', message, { url: shownUrl, path, next });
  }

  /**
   * A whole answer replaces kept bytes only if it has their validator or at least their length: a
   * page that somebody puts in front of the server (a login, an error) must not destroy them.
   * @param held offset behind the last kept byte: a representation with the same validator has it too
   */
  private checkSameWhole(known: Known, seen: Known, held: number): void {
    if (known.total === seen.total) return;
    const isSame = compareValidators(known.validators, seen.validators) === 'same';
    if (isSame && (seen.total === null || seen.total >= held)) return;
    const length = seen.total === null ? 'the answer has no length' : `${seen.total} bytes came`;
    const how = `the server answered with the whole of something else (${length})`;
    throw changedError(how, this.job.path, this.job.shownUrl, 'replaced');
  }

  /**
   * The validator changes from answer to answer, but the length does not, or it is a file that is
   * appended to: one answer may do. A second time would be one too many: it grows faster than it comes.
   */
  private mayStartAlone(known: Known, seen: Known, offer: Offer): boolean {
    const { alone, options } = this.job;
    if (!alone || options.mode !== 'get' || offer.kind === 'none') return false;
    if (known.total === seen.total) return true;
    const grew = known.total !== null && seen.total !== null && known.total < seen.total;
    if (!grew || this.hasGrown) return false;
    return (this.hasGrown = true);
  }

  /** Whether this length is that of a file that was found to grow, some time after `before`. */
  mayBeLonger(before: number, now: number | null): boolean {
    return this.hasGrown && now !== null && now > before;
  }

  /** Takes back what the digests of the pieces do not prove. Partly written pieces are such. */
  private async keepPieces(prior: Prior): Promise<Prior> {
    const { workspace, work, options, abort } = this.job;
    if (workspace === null) return prior;
    const space = { how: options.preallocate, signal: abort.signal };
    // What is not proven is forgotten before the journal says that it is of another source.
    if (work === null) await workspace.adopt(prior.identity, space);
    const written = await this.prove(prior.written, prior.identity.size ?? 0);
    this.job.verification.restart();
    // What is fetched beside them may be of another representation.
    const identity = withMarks(prior.identity, { mixed: true });
    return { ...prior, identity, written, unclean: false };
  }

  /** What of `written` is proven by the pieces; the rest is taken back in the journal. */
  private async prove(written: ExtentSet, size: number): Promise<ExtentSet> {
    const { workspace, verification, abort } = this.job;
    if (workspace === null) return new ExtentSet();
    const proven = await verification.proven(workspace.fd, written, size, abort.signal);
    await workspace.forget(proven.gaps(0, size).map(([start, end]) => ({ start, end })));
    return proven;
  }
}

/** What is said of kept bytes that stay, whatever is fetched beside them. */
export function marksOf(prior: Prior): Marks {
  return { refused: wasRefused(prior), mixed: isMixed(prior) };
}

export function factsOf({ identity }: Prior): Known {
  return {
    validators: keptValidators(identity.validators),
    total: identity.size,
    isPage: identity.options['page'] === true,
  };
}
