/**
 * The first phase of a download: what is there already, what the server offers now, and whether
 * the two belong together. It ends with the file open and the ledger made.
 */
import { SluiceError } from '../errors.js';
import { bootId } from '../disk/boot.js';
import type { JournalIdentity } from '../disk/journal.js';
import { shellCommand, shellWord } from '../disk/shell.js';
import { MAX_RENAMES, numberedName } from '../disk/publish.js';
import { inspectTarget, resolveOutput } from '../disk/target.js';
import { chooseName, nameFromUrl } from '../http/names.js';
import { redactUrl } from '../http/redact.js';
import { keptValidators, readValidators } from '../http/validators.js';
import type { Validators } from '../http/validators.js';
import { ExtentSet } from '../schedule/extents.js';
import { Ledger } from '../schedule/ledger.js';
import { keptChecksums } from '../verify/checksum.js';
import { SEAM_BYTES, Slots, UNKNOWN_END } from '../lease/task.js';
import type { Source } from '../lease/task.js';
import { toldOf } from '../open/ladder.js';
import { changedError } from '../open/adopt.js';
import type { Asked } from '../open/ask.js';
import { codedSentence } from '../open/coded.js';
import { beginComparing, takeBackBad } from './claims.js';
import { conditionsOf, existingTarget, isKnownFinished } from './existing.js';
import { isOfNumber } from '../engine/failures.js';
import { urlParts } from '../net/endpoint.js';
import type { Job, Known, Work } from './job.js';
import { ListLookup } from './list-lookup.js';
import { FreshLink } from './fresh-link.js';
import { Keeping, factsOf, marksOf } from './keeping.js';
import { maxConnections } from './most.js';
import { SMALL_FILE, usefulConnections } from './useful.js';
import type { Event } from './machine.js';
import { wasRefused, withMarks } from '../disk/marks.js';
import type { Offer } from '../open/offer.js';
import { isPage, pageInstead } from './page.js';
import { Questions } from './questions.js';
import { takeWhole } from './whole.js';
import { KEPT } from './suspects.js';
import * as presence from '../net/exclusive.js';
import { Workspace, isWhole } from '../disk/workspace.js';
import type { Prior, Space } from '../disk/workspace.js';

/** Of a file that is not fetched. */
const NO_VALIDATORS: Validators = {
  etag: null,
  lastModified: null,
  lastModifiedMs: null,
  dateMs: null,
};

export class Opening {
  private announced = false;
  /** What an earlier run left, until the first answer decides on it. */
  private found: Prior | null = null;
  /** The name that the URL lets expect, and where a file of this name goes. */
  private expected: { name: string; target: string } | null = null;
  private readonly keeping: Keeping;
  private readonly fresh: FreshLink;
  private readonly lists: ListLookup;
  private readonly questions: Questions;

  /** @param mayTakeWhole a small file need not go by leases, which somebody watches */
  constructor(
    private readonly job: Job,
    private readonly mayTakeWhole: boolean,
  ) {
    this.fresh = new FreshLink(job, (start, end) => this.askInTurn(start, end));
    this.keeping = new Keeping(job, this.fresh);
    this.lists = new ListLookup(job);
    this.questions = new Questions(
      job,
      () => job.known ?? (this.found === null ? null : factsOf(this.found)),
    );
  }

  /**
   * Asks, and makes the file ready for the answer.
   * @param attempt failures in a row without a byte between them
   */
  async run(attempt: number): Promise<Event> {
    this.job.phase = 'asking';
    this.questions.isLast = attempt >= this.job.options.retries;
    let prior = await this.lookAhead();
    if (prior !== null && 'type' in prior) return prior;
    if (prior !== null && this.job.work === null) {
      prior = this.found = await this.checkWhole(prior);
      if (this.needsNoServer(prior)) return this.finishWhole(prior);
    }
    if (prior === null && this.mayBeFinished()) {
      const settled = await this.compareFinished();
      if (settled !== null) return settled;
    }
    if (prior !== null && this.job.work === null && this.job.options.freshLink) {
      const broken = await this.fresh.prove(prior);
      if (broken !== null) return broken;
    }
    const { start, end } = this.firstRange(prior);
    this.questions.conditions = prior === null ? this.conditions() : [];
    const reply = await this.askInTurn(start, end);
    if (!('type' in reply) && reply.offer.kind === 'unchanged')
      return this.settled('complete', this.job.workspace?.target ?? this.job.path);
    if ('type' in reply) return reply;
    const error = this.pageInstead(reply.asked, reply.offer, prior);
    if (error === null) return this.settle(reply.asked, reply.offer, prior);
    reply.asked.connection.destroy();
    return { type: 'broken', error, progressed: false };
  }

  /** A page is waited out, unless the user wants what is kept replaced by whatever comes. */
  private pageInstead(asked: Asked, offer: Offer, prior: Prior | null): SluiceError | null {
    const { known, work, options, asker } = this.job;
    if (prior === null || prior.written.total() === 0 || this.keeping.startsOver(prior))
      return null;
    if (work === null && options.onExists === 'overwrite' && options.mode === 'get') return null;
    const before = work !== null && known !== null ? known : factsOf(prior);
    return pageInstead(asked, offer, before, asker.url);
  }

  /**
   * Asks when the server has room for it, as far as it has shown that. Where it refuses while it serves
   * other files of this run, it is their number that it objects to: that is no failure of this file.
   */
  private async askInTurn(
    from: number,
    end: number | null,
  ): Promise<{ asked: Asked; offer: Offer } | Event> {
    const { abort, asker, session, options } = this.job;
    const host = session.engine.host(urlParts(asker.url));
    const isWanted = (): boolean => !abort.signal.aborted;
    for (let objections = 0; ; objections++) {
      await host.turn(isWanted);
      const isCrowded = host.isServing;
      const reply = await this.questions.ask(from, end);
      if (!('type' in reply) || reply.type !== 'broken') return reply;
      const { error } = reply;
      if (!isCrowded || !isOfNumber(error) || objections >= options.retries) return reply;
      host.objected(error.details.retryAfterMs ?? 0);
      this.job.log.info({ code: error.code }, `${error.message}; waiting for other files`);
    }
  }

  /** Looks at what is there before anything is asked, under the name that is expected. */
  private async lookAhead(): Promise<Prior | Event | null> {
    if (this.job.workspace !== null) return this.currentPrior();
    const { output, dir } = this.job.options;
    this.lists.lookAhead();
    const name = this.job.named(nameFromUrl(this.job.asker.url));
    const target = resolveOutput({ dir, output, name });
    this.expected = { name, target };
    // What has its name already may need no server.
    if (this.job.options.mode === 'get' && inspectTarget(target).kind === 'absent')
      await this.job.asker.dialAhead();
    if (output !== null) this.job.target = target;
    const claimed = await this.claimOwn(target);
    // Another file of the run has that name. The server may choose another one for this.
    if (claimed === null && output === null) return null;
    if (claimed !== null && typeof claimed !== 'string') return claimed;
    const finished = await this.finishedBefore();
    if (finished !== null) return finished;
    const prior = (this.found = this.findPrior());
    if (prior === null && this.job.options.mode === 'resume' && this.job.workspace !== null)
      throw nothingToResume(this.job.workspace);
    if (prior === null && output !== null) {
      const found = await existingTarget(
        claimed ?? target,
        this.job.options,
        null,
        this.job.verification,
      );
      if (found === 'skip' || found === 'complete') return this.settled(found, claimed ?? target);
    }
    return prior;
  }

  /** An earlier run of this URL died after the file got its name: there is nothing left to do. */
  private async finishedBefore(): Promise<Event | null> {
    const finished = this.job.workspace?.finished ?? null;
    if (finished === null || finished.url !== this.job.sourceId) return null;
    if (this.job.verification.canCheck) await this.job.verification.checkFile(finished.path);
    return this.settled('complete', finished.path);
  }

  private settled(found: 'skip' | 'complete', target: string): Event {
    this.job.target = target;
    this.job.known = { validators: NO_VALIDATORS, total: inspectTarget(target).size };
    return { type: 'settled', outcome: found === 'skip' ? 'skipped' : 'complete' };
  }

  /** Whether an earlier run finished this URL under the expected name, and the file is untouched. */
  private mayBeFinished(): boolean {
    const { workspace, options, work } = this.job;
    if (workspace === null || work !== null || options.mode === 'resume') return false;
    // The first request itself asks whether there is something new.
    if (options.timestamping) return false;
    return isKnownFinished(workspace.target, options);
  }

  /** What makes the first request conditional. */
  private conditions(): Array<[string, string]> {
    const { workspace, options, verification, work } = this.job;
    if (workspace === null || work !== null) return [];
    return conditionsOf(workspace.target, options, verification);
  }

  /** Asks for a single byte to compare what is finished with what the server has now. */
  private async compareFinished(): Promise<Event | null> {
    const reply = await this.questions.ask(0, 1);
    if ('type' in reply) return reply;
    const { asked, offer } = reply;
    await this.job.asker.release(asked.connection, asked.answer);
    const { head } = asked.answer;
    const target = resolveOutput({
      ...this.place(),
      name: this.job.named(chooseName(head, asked.url)),
    });
    if (target !== this.job.workspace?.target) return null;
    const seen = { validators: readValidators(head), total: offer.total };
    const found = await existingTarget(target, this.job.options, seen, this.job.verification);
    return found === 'skip' || found === 'complete' ? this.settled(found, target) : null;
  }

  /**
   * Takes a target that no other file of this run has.
   * @returns the path; null when another file has it, and the name was not the user's; or the end
   * @throws SluiceError TARGET_EXISTS
   */
  private async claimOwn(target: string): Promise<string | Event | null> {
    const { session, options } = this.job;
    const earlier = options.onExists === 'rename' ? this.renamedBefore(target) : null;
    let own = earlier ?? target;
    if (earlier !== null) this.job.target = earlier;
    else if (!session.takeTarget(target, this.job.taker)) {
      const isExpected = options.output === null && this.job.target === null;
      if (isExpected) return null;
      if (options.onExists === 'skip') return this.settled('skip', target);
      if (options.onExists !== 'rename') throw namedBefore(target);
      own = this.freeName(target);
      this.job.target = own;
    }
    await this.claim(own);
    return own;
  }

  /** The numbered name that an earlier run finished this download under; null for none. */
  private renamedBefore(target: string): string | null {
    const { session, options } = this.job;
    if (options.mode === 'resume' || isKnownFinished(target, options)) return null;
    for (let number = 1; number < MAX_RENAMES; number++) {
      const name = numberedName(target, number);
      if (inspectTarget(name).kind === 'absent') return null;
      if (isKnownFinished(name, options) && session.takeTarget(name, this.job.taker)) return name;
    }
    return null;
  }

  /** A name beside a target that another file of this run has; the one that an earlier run gave it, if any. */
  private freeName(target: string): string {
    const { session, options } = this.job;
    for (let number = 1; number < MAX_RENAMES; number++) {
      const name = numberedName(target, number);
      const isFree = inspectTarget(name).kind === 'absent' || isKnownFinished(name, options);
      if (isFree && session.takeTarget(name, this.job.taker)) return name;
    }
    throw namedBefore(target);
  }

  private async claim(target: string): Promise<void> {
    this.job.workspace = await Workspace.claim(target, this.job.log, {
      presence,
      spares: this.job.session.locks,
      signal: this.job.abort.signal,
      onWait: (ms) =>
        this.job.warn(
          `Another run, perhaps on another machine, left its lock here. Waiting ${ms / 1000} s to see whether it is alive.`,
        ),
    });
  }

  private findPrior(): Prior | null {
    const prior = this.acceptedPrior();
    if (prior !== null) this.job.left = { bytes: prior.written.total(), size: prior.identity.size };
    return prior;
  }

  private acceptedPrior(): Prior | null {
    const { workspace } = this.job;
    if (workspace === null) return null;
    let prior: Prior | null;
    try {
      prior = workspace.prior();
    } catch (error) {
      if (this.job.options.onExists !== 'overwrite' || this.job.options.mode === 'resume')
        throw error;
      workspace.discard();
      return null;
    }
    if (prior === null || this.job.beginWith(prior.identity.url)) return prior;
    if (this.job.options.mode === 'resume') return prior;
    if (this.job.options.onExists === 'overwrite') return prior;
    throw new SluiceError(
      'TARGET_EXISTS',
      'an unfinished download from another URL, or of another part, has this name',
      {
        path: workspace.partPath,
        next: `If the URL leads to the same file, go on with ${goOnFrom(this.job.options.url, workspace.target)}; else choose another name with --output, or start over with --on-exists overwrite.`,
      },
    );
  }

  /** What is in place when this very run has to ask again. */
  private currentPrior(): Prior | null {
    const identity = this.job.identity;
    if (this.job.work === null || identity === null) return this.found;
    const { written } = this.job.work.ledger;
    return { identity, written, unclean: false, verified: false };
  }

  /** Whether what an earlier run left is whole and will not be thrown away unseen. */
  private isKeptWhole(prior: Prior): boolean {
    return this.job.work === null && isWhole(prior) && !this.keeping.startsOver(prior);
  }

  /**
   * Whether what is kept may get its name although no server is asked: a digest will tell now, or all
   * was verified before (P27). Everything else is compared with what the server has.
   */
  private needsNoServer(prior: Prior): boolean {
    const { verification, options, refusal } = this.job;
    if (!this.isKeptWhole(prior) || refusal !== null) return false;
    return verification.canCheck || options.checksumLists.length > 0 || prior.verified;
  }

  /**
   * What is left of a whole file after comparing it with what was written. A digest that refused it
   * may have seen what the file's times do not tell.
   */
  private async checkWhole(prior: Prior): Promise<Prior> {
    const { workspace } = this.job;
    if (workspace === null || !this.isKeptWhole(prior)) return prior;
    if (!prior.unclean && !wasRefused(prior)) return prior;
    await workspace.adopt(markedComplete(prior), this.space);
    const bad = await workspace.findBad(this.job.abort.signal);
    await workspace.forget(bad);
    const written = prior.written.clone();
    for (const { start, end } of bad) written.remove(start, end);
    if (bad.length > 0)
      this.job.warn('Some of the kept bytes were changed or lost; they are fetched again.');
    return { ...prior, written, unclean: false };
  }

  /** Every byte is there: an earlier run died between the last byte and the name. */
  private async finishWhole(prior: Prior): Promise<Event> {
    const { workspace } = this.job;
    if (workspace === null) throw new SluiceError('DEFECT', 'no workspace');
    this.job.target = workspace.target;
    this.lists.require(null, this.job.asker.url);
    const identity = (this.job.identity = markedComplete(prior));
    await workspace.adopt(identity, this.space);
    this.job.unasked = true;
    this.job.known = {
      validators: keptValidators(prior.identity.validators),
      total: prior.identity.size,
    };
    const total = prior.identity.size ?? 0;
    this.job.resumed = total;
    this.job.work = this.makeWork({ kind: 'none', total }, null, prior.written, total);
    this.announce(1, true, null);
    this.job.verification.addKeptDigests(keptChecksums(prior.identity.options['digests']));
    startVerifying(this.job);
    return { type: 'received' };
  }

  /**
   * A digest refused what is kept, and nobody has asked the server yet: that may have another file by
   * now. The journal knows of the refusal before anything else happens.
   */
  async doubt(error: SluiceError): Promise<Event> {
    const { workspace, identity } = this.job;
    if (workspace === null || identity === null || this.found === null)
      throw new SluiceError('DEFECT', 'nothing to doubt');
    const noted = await workspace.note(identity, { ...marksOf(this.found), refused: true });
    this.found = { ...this.found, identity: noted, verified: false };
    this.job.refusal = error;
    this.job.unasked = false;
    this.job.work = this.job.known = null;
    this.job.warn(`What is kept is refused: ${error.message}; asking the server what it has now.`);
    return { type: 'doubted' };
  }

  /** What is asked for first: the first gap with its seams, or everything when nothing is kept. */
  private firstRange(prior: Prior | null): { start: number; end: number | null } {
    const all = { start: 0, end: null };
    // One byte is enough to compare.
    if (prior !== null && this.isKeptWhole(prior)) return { ...all, end: 1 };
    if (prior === null || prior.written.total() === 0 || this.keeping.startsOver(prior)) return all;
    const { size } = prior.identity;
    if (size === null) return { ...all, start: seamBefore(prior.written.firstGap(0)) };
    const [gap] = new Ledger(size, prior.written.clone()).gaps();
    if (gap === undefined) return all;
    return { start: seamBefore(gap.start), end: Math.min(size, gap.end + SEAM_BYTES) };
  }

  /** The answer is in: decides on the file, and whether kept bytes may be used. */
  private async settle(asked: Asked, offer: Offer, prior: Prior | null): Promise<Event> {
    const { connection, answer, url } = asked;
    try {
      this.job.verification.expectSize(asked.promisedSize);
      const misfit = this.job.verification.misfit(offer.total);
      if (misfit !== null) throw misfit.with({ url: redactUrl(url) });
      this.lists.require(answer.head, url);
      let found = prior;
      if (this.job.target === null) {
        const named = await this.settleName(this.targetFor(chooseName(answer.head, url)), prior);
        if (named !== null && 'type' in named) {
          await this.job.asker.release(connection, answer);
          return named;
        }
        found = named;
        if (found !== null) found = await this.checkWhole(found);
        this.found = found;
        if (found !== null && this.needsNoServer(found)) {
          await this.job.asker.release(connection, answer);
          return await this.finishWhole(found);
        }
      }
      const total = offer.total;
      const validators = readValidators(answer.head);
      if (found === null) {
        const exists = await existingTarget(
          this.job.path,
          this.job.options,
          { validators, total },
          this.job.verification,
        );
        if (exists !== 'absent') {
          await this.job.asker.release(connection, answer);
          return this.settled(exists === 'skip' ? 'skip' : 'complete', this.job.path);
        }
      }
      const kept =
        found === null ? null : await this.keeping.choose(found, offer, { validators, total });
      if (kept === null && offer.kind === 'range' && offer.start > 0)
        return await this.startAnew(asked, offer.total);
      return await this.open(asked, offer, kept, validators);
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  /**
   * Nothing that is kept is gone on with: an answer from the first byte on is a whole in itself,
   * and the one that begins in the middle would need others that may not belong to it.
   * @throws SluiceError CHANGED when a page, say, comes instead of what has just been seen
   */
  private async startAnew({ connection }: Asked, total: number): Promise<Event> {
    connection.destroy();
    const reply = await this.questions.ask(0, null);
    if ('type' in reply) return reply;
    const { asked, offer } = reply;
    try {
      if (offer.total !== total && !this.keeping.mayBeLonger(total, offer.total))
        throw changedError(
          `${offer.total} bytes came`,
          this.job.path,
          this.job.shownUrl,
          'replaced',
        );
      return await this.open(asked, offer, null, readValidators(asked.answer.head));
    } catch (error) {
      asked.connection.destroy();
      throw error;
    }
  }

  private get space(): Space {
    return { how: this.job.options.preallocate, signal: this.job.abort.signal };
  }

  private place(): { dir: string | null; output: string | null } {
    return { dir: this.job.options.dir, output: this.job.options.output };
  }

  /** Where a file goes whose whole the server gives a name. */
  private targetFor(whole: string): string {
    const name = this.job.named(whole);
    const { expected } = this;
    return expected?.name === name ? expected.target : resolveOutput({ ...this.place(), name });
  }

  /** The server chose another name than the URL let expect: the workspace moves there. */
  private async settleName(target: string, prior: Prior | null): Promise<Prior | Event | null> {
    this.job.target = target;
    if (this.job.workspace?.target === target) return prior;
    // What lies under the expected name belongs to this URL, so it is what is continued.
    if (prior !== null && this.job.workspace !== null) {
      this.job.target = this.job.workspace.target;
      return prior;
    }
    const { workspace, session } = this.job;
    await workspace?.close({ keep: true });
    this.job.workspace = null;
    if (workspace !== null) session.leaveTarget(workspace.target, this.job.taker);
    const claimed = await this.claimOwn(target);
    if (claimed !== null && typeof claimed !== 'string') return claimed;
    return this.findPrior();
  }

  /** Whether the file is a web page: what is continued was one before. */
  private isPage({ answer }: Asked, prior: Prior | null, known: Known | null): boolean {
    return prior === null ? isPage(answer.head) : (known ?? factsOf(prior)).isPage === true;
  }

  private async open(
    asked: Asked,
    offer: Offer,
    prior: Prior | null,
    validators: Validators,
  ): Promise<Event> {
    const again = this.job.work !== null;
    const url = this.job.sourceId;
    const sameSource = again && this.job.identity?.url === url;
    this.hearServer(asked, again ? null : prior, prior === null);
    const total = offer.total;
    const source: Source = { ...asked.source, total };
    const size = total ?? UNKNOWN_END;
    const known = prior !== null && sameSource ? this.job.known : null;
    // What is in place is of what was seen first; a validator that came later does not vouch for it.
    const first = known?.validators ?? validators;
    const page = this.isPage(asked, prior, known);
    const identity = this.describe(asked, first, total, prior, page);
    if (await this.comesWhole(asked, offer, prior, { first, identity })) return { type: 'placed' };
    await this.layOut(identity, prior, again && sameSource);
    this.job.identity = identity;
    this.job.proven = this.job.unasked = false;
    this.job.known = { validators: first, total, isPage: page };
    const written = prior?.written ?? new ExtentSet();
    this.job.reaches(written.total());
    if (!again) this.takeOver(written);
    const work = (this.job.work = this.makeWork(offer, { ...asked, source }, written, size));
    if (prior?.unclean === true) beginComparing(this.job);
    this.announceOffer(offer);
    startVerifying(this.job);
    if (!work.ledger.isComplete) return { type: 'answered' };
    asked.connection.destroy();
    return (await takeBackBad(this.job)) ?? { type: 'received' };
  }

  /** A small file may be done with now. */
  private async comesWhole(
    asked: Asked,
    offer: Offer,
    prior: Prior | null,
    { first, identity }: { first: Validators; identity: Omit<JournalIdentity, 'part'> },
  ): Promise<boolean> {
    if (prior !== null || this.job.work !== null || !this.mayTakeWhole) return false;
    this.job.known = { validators: first, total: offer.total };
    if (!(await takeWhole(this.job, asked, offer, identity))) return false;
    this.announceOffer(offer);
    return true;
  }

  /** Makes part and journal ready for the answer. */
  private async layOut(
    identity: Omit<JournalIdentity, 'part'>,
    prior: Prior | null,
    isAsBefore: boolean,
  ): Promise<void> {
    const { workspace, verification, work, options } = this.job;
    if (workspace === null) throw new SluiceError('DEFECT', 'no workspace');
    if (prior === null) {
      const replace = options.onExists === 'overwrite';
      await workspace.create(identity, { replace, space: this.space });
      verification.restart();
    } else if (work === null) await workspace.adopt(identity, this.space);
    else if (!isAsBefore) await workspace.setIdentity(identity);
  }

  /** Takes up what an earlier run left: nobody knows any more which source it came from. */
  private takeOver(written: ExtentSet): void {
    this.job.resumed = written.total();
    for (const span of written.toArray()) this.job.suspects.brought(KEPT, span);
  }

  /**
   * Takes up what the server says of the representation, now and in an earlier run.
   * @param isNew what it said of another representation says nothing of this one
   */
  private hearServer(
    { answer, promised, promisedSize, mirrors }: Asked,
    earlier: Prior | null,
    isNew: boolean,
  ): void {
    const { verification, sourceId, work } = this.job;
    if (work === null) this.job.addMirrors(mirrors);
    if (isNew) verification.forgetServer();
    verification.addServerDigests(answer.head, promised);
    verification.expectSize(promisedSize);
    // A fresh link is of the same file, or it must not be gone on with: digests tell.
    if (earlier === null || (earlier.identity.url !== sourceId && this.fresh.proof === null))
      return;
    verification.addKeptDigests(keptChecksums(earlier.identity.options['digests']));
  }

  private describe(
    asked: Asked,
    validators: Validators,
    total: number | null,
    prior: Prior | null,
    page: boolean,
  ): Omit<JournalIdentity, 'part'> {
    const { asker, sourceId: url } = this.job;
    const identity = {
      version: 1,
      url,
      finalUrl: asked.url.href === asker.url.href ? null : asked.url.href,
      size: total,
      validators,
      bootId: bootId(),
      createdMs: Date.now(),
      options: {
        checksums: this.job.verification.userChecksums,
        digests: this.job.verification.serverChecksums,
        ...(this.job.options.serverDigests ? {} : { noDigests: true }),
        ...(page ? { page } : {}),
        ...(this.job.givenUrls.length > 1 && { sources: this.job.givenUrls }),
        ...(this.job.options.mirrorAccess.size > 0 && { stores: this.job.givenStores }),
        ...(this.job.options.store === null ? {} : { store: this.job.options.store }),
      },
    } satisfies Omit<JournalIdentity, 'part'>;
    return withMarks<Omit<JournalIdentity, 'part'>>(identity, prior === null ? {} : marksOf(prior));
  }

  private makeWork(offer: Offer, asked: Asked | null, written: ExtentSet, total: number): Work {
    const slots = this.job.work?.slots ?? Slots.allocate(this.slotsFor(offer));
    return { offer, asked, ledger: new Ledger(total, written), slots };
  }

  /** A small file never gets a second connection, whoever serves it. */
  private slotsFor({ total }: Offer): number {
    if (total !== null && total <= SMALL_FILE) return 1;
    return this.job.atOnce * maxConnections(this.job.options);
  }

  private announceOffer(offer: Offer): void {
    const { tried } = this.job.ladder;
    const plain = offer.kind === 'whole' && offer.total !== 0 ? offer.why : null;
    const why = tried.length > 0 ? tried.map(toldOf).join('; ') : plain;
    if (!this.announced && offer.kind === 'whole' && offer.coding !== undefined)
      this.job.warn(codedSentence(offer.coding, this.job.path));
    this.announce(usefulConnections(this.job, offer), offer.kind === 'range', why);
  }

  private announce(connections: number, ranges: boolean, reason: string | null): void {
    if (this.announced) return;
    this.announced = true;
    const size = this.job.known?.total ?? null;
    this.job.emit({
      type: 'start',
      ...this.job.base,
      size,
      resumed: this.job.resumed,
      connections,
      ranges,
      ...(reason === null ? {} : { reason }),
    });
  }
}

/** Begins to hash the part while it is written, if digests are to be checked. */
function startVerifying({ workspace, verification, known }: Job): void {
  if (workspace?.isOpen === true) verification.start(workspace.fd, known?.total ?? null);
}

const seamBefore = (offset: number): number => Math.max(0, offset - SEAM_BYTES);

/** Reopening a journal takes away the word of a run that died as it took the name. */
function markedComplete(prior: Prior): Prior['identity'] {
  return withMarks(prior.identity, { ...marksOf(prior), complete: prior.verified });
}

/** The command that goes on from a link, with the link where nothing in it may be a secret. */
function goOnFrom(url: string, target: string): string {
  const link = redactUrl(url) === url ? shellWord(url) : 'URL';
  return shellCommand(`sluice resume --url ${link}`, target);
}

/** Two files of a run would have one name. */
function namedBefore(target: string): SluiceError {
  return new SluiceError('TARGET_EXISTS', 'another file of this run has this name', {
    path: target,
    next: 'Give it a name of its own: out= below its URL in a list, --output, or --on-exists rename for a number.',
  });
}

/** The journal is there, or `resume` would not have come so far. */
function nothingToResume(workspace: Workspace): SluiceError {
  return new SluiceError('NOTHING_TO_RESUME', `there is a journal, but no ${workspace.partPath}`, {
    path: workspace.target,
    next: 'Run `sluice get URL` to start over.',
  });
}
