/**
 * The driver of one download: it does what the state machine's present state asks for, and reports
 * what came of it. Everything that decides is pure and elsewhere; everything that acts is here.
 */
import { SluiceError } from '../errors.js';
import { silentLog } from '../log.js';
import type { Log } from '../log.js';
import type { FileTrace } from '../trace.js';
import { bootId } from '../disk/boot.js';
import { withMissingSpace } from '../disk/errors.js';
import { writeReceipt } from '../disk/receipts.js';
import { redactUrl } from '../http/redact.js';
import { WHOLE, beyondEnd } from '../http/part-of-file.js';
import type { Validators } from '../http/validators.js';
import { ExtentSet } from '../schedule/extents.js';
import type { Span } from '../schedule/types.js';
import { slabBytes } from '../net/slab.js';
import type { Dispatcher } from '../engine/dispatcher.js';
import { underLimit } from '../engine/rate-limit.js';
import { remember } from '../engine/memory.js';
import type { WorkEnd } from '../engine/parts.js';
import { Seams } from '../engine/seams.js';
import { Slots } from '../lease/task.js';
import { stillRefusedError } from '../open/adopt.js';
import type { Asked } from '../open/ask.js';
import { badClaims, takeBack, takeBackBad } from './claims.js';
import { Backlog, LOOK_MS, backlogBound } from './backlog.js';
import type { DoneEvent, DownloadEvent, DownloadSnapshot, ErrorEvent } from './events.js';
import { doubt, doubtMisfit, nameLiar, setPiecesAside } from './doubts.js';
import { firstLeaseOf } from './first-lease.js';
import { Leases, endInTime } from './leases.js';
import type { Place } from './leases.js';
import { FurtherSources } from './further-sources.js';
import { Job } from './job.js';
import type { Work } from './job.js';
import { maxConnections } from './most.js';
import { usefulConnections } from './useful.js';
import { START, next } from './machine.js';
import type { Course, Ending, Event, Limits, State } from './machine.js';
import { isMixed, provingValidators } from '../disk/marks.js';
import { Opening } from './opening.js';
import type { DownloadOptions } from './options.js';
import { Pause } from './pause.js';
import { lastEvent, repairSentence, snapshotOf, tellProgress } from './telling.js';
import { Session, ofOne } from './session.js';
import { sharesOf } from './shares-of.js';
import type { Verdict } from './verification.js';
import type { Workspace } from '../disk/workspace.js';

/** A download shorter than this is not forced to disk at its end under `--sync auto`. */
const WORTH_SYNC_MS = 5000;

/** Time between two checkpoints of the journal, in milliseconds. */
const CHECKPOINT_MS = 1000;

/** How often the hash thread is told how far the file is contiguous, in milliseconds. */
const FOLLOW_MS = 20;

/** No checkpoint is begun when the download will be complete within this many seconds. */
const NEAR_END_S = 2;

/** Rounds in which wrong pieces are fetched again. */
const MAX_REPAIRS = 3;

export interface DownloadHooks {
  emit?: (event: DownloadEvent) => void;
  log?: Log;
  /** Takes down what its connections do. */
  trace?: FileTrace | null;
  /** What it shares with other downloads; default one of its own. */
  session?: Session;
  /** Bytes that may be written and not yet synced; default what suits the machine. */
  backlogBytes?: number;
}

export class Download {
  private state: State = START;
  private readonly job: Job;
  private readonly opening: Opening;
  private readonly backlog: Backlog;
  private readonly leases: Leases;
  private readonly session: Session;
  private readonly ownsSession: boolean;
  private stopped: SluiceError | null = null;
  private transferMs = 0;
  /** Body bytes of sources that were left. */
  private fetchedBefore = 0;
  private dirty = false;
  private spoiled = false;
  private readonly pause: Pause;
  /** What the last transfer taught is kept for later runs. */
  private remembered: Promise<void> | null = null;

  /** @throws SluiceError URL_INVALID, USAGE */
  constructor(
    private readonly options: DownloadOptions,
    hooks: DownloadHooks = {},
  ) {
    const log = hooks.log ?? silentLog;
    this.ownsSession = hooks.session === undefined;
    this.session = hooks.session ?? new Session(ofOne(options, log));
    this.job = new Job(options, hooks.emit ?? (() => undefined), log, this.session);
    this.leases = new Leases(this.job, hooks.trace ?? null);
    this.pause = new Pause(this.job);
    this.opening = new Opening(this.job, hooks.trace === undefined || hooks.trace === null);
    const most = maxConnections(options);
    const slabs = most * slabBytes(most);
    this.backlog = new Backlog(hooks.backlogBytes ?? backlogBound(), slabs);
  }

  /** Runs to the end. Never rejects: the last event tells how it ended. */
  async run(): Promise<DoneEvent | ErrorEvent> {
    const advice = 'Run `sluice resume` to go on, or give more time with --max-time.';
    const timer = endInTime(this.job, (error) => this.stop(error), advice);
    for (const warning of this.options.warnings) this.job.warn(warning);
    while (this.state.phase !== 'ended') {
      const event = await this.perform(this.state).catch((thrown: unknown): Event => ({
        type: 'failed',
        error: this.stopped ?? SluiceError.from(thrown),
      }));
      this.job.log.debug({ phase: this.state.phase, event: event.type }, 'step');
      this.state = next(this.state, event, this.limits);
    }
    clearTimeout(timer);
    this.job.phase = 'ended';
    const last = lastEvent(this.job, this.state.ending);
    this.job.emit(last);
    return last;
  }

  /** Ends the download; what is durable is kept. */
  stop(error: SluiceError): void {
    this.stopped ??= error;
    this.job.abort.abort(error);
    this.job.asker.abort(error);
    this.job.dispatcher?.stop(error);
    // Hashing a large file can take minutes: what waits for it is told at once.
    void this.job.verification.stop();
    this.pause.end();
  }

  private get limits(): Limits {
    const { sources } = this.job;
    // A digest of the whole doubts one source after the other, and each of them alone.
    const repairs = sources === 1 ? MAX_REPAIRS : Math.max(MAX_REPAIRS, sources * sources);
    return { retries: this.options.retries, sources, repairs };
  }

  private async perform(state: State): Promise<Event> {
    if (this.stopped !== null && state.phase !== 'closing') throw this.stopped;
    switch (state.phase) {
      case 'asking':
        return this.opening.run(state.attempt);
      case 'waiting':
        return this.wait(state.attempt, state.error);
      case 'transferring':
        return this.transfer();
      case 'switching':
        return this.switchSource(state.error, state.course);
      case 'repairing':
        return this.repair(state.error, state.course);
      case 'syncing':
        return this.sync();
      case 'verifying':
        return this.verify();
      case 'publishing':
        return this.publish();
      case 'closing':
        return this.close(state.ending);
      case 'ended':
        throw new SluiceError('DEFECT', 'nothing is done after the end');
    }
  }

  // Waiting

  private async wait(attempt: number, error: SluiceError): Promise<Event> {
    await this.pause.after(error, attempt);
    return { type: 'waited' };
  }

  // Transferring

  private async transfer(): Promise<Event> {
    const { work, workspace } = this.job;
    if (work === null || workspace === null || work.asked === null)
      throw new SluiceError('DEFECT', 'no work');
    this.job.phase = 'transferring';
    const began = performance.now();
    const asked = work.asked;
    work.asked = null;
    const shares = sharesOf(this.job, asked.source.endpoint, asked.roundTripMs);
    const most = usefulConnections(this.job, work.offer);
    const share = shares.join(most);
    const further = new FurtherSources(this.job);
    const place = this.placeOf(asked, workspace, further);
    const dispatcher = this.leases.dispatcher(work, asked, share, place);
    this.job.dispatcher = dispatcher;
    workspace.setWritten(() => dispatcher.extents());
    this.backlog.follow(work.slots);
    workspace.setSyncWatch(this.backlog);
    const stopCheckpoints = this.runCheckpoints(workspace, dispatcher);
    const progress = setInterval(() => this.tellProgress(), 200);
    const follow = setInterval(() => this.followFront(), FOLLOW_MS);
    const end = await underLimit(this.options.rateLimit, () => {
      const ended = dispatcher.run(firstLeaseOf(this.job, work.offer, asked));
      further.begin(dispatcher);
      return ended;
    });
    further.end();
    clearInterval(progress);
    clearInterval(follow);
    await stopCheckpoints();
    const ms = performance.now() - began;
    this.transferMs += ms;
    const { roundTripMs } = asked;
    const { lesson } = shares;
    shares.leave(share);
    const told = { ms, bytes: dispatcher.received, roundTripMs };
    // What syncs the file goes first: it takes longer, and elsewhere.
    this.remembered = afterThis(() => remember(asked.source.endpoint, lesson, told));
    this.leases.ended(dispatcher);
    this.job.fetched = this.fetchedBefore + work.slots.receivedByAll();
    const lost = await this.takeBackBad(end);
    if (lost !== null) return lost;
    if (end.kind === 'complete') return this.received(work);
    if (dispatcher.spoiled) this.spoiled = true;
    if (dispatcher.spoiled && end.error.code === 'CHANGED') {
      const { error } = end;
      const mayMend = (await doubtMisfit(this.job, error)) || this.canProve(work);
      if (mayMend || doubt(this.job, error, work.ledger.total)) return { type: 'spoiled', error };
    }
    if (end.kind === 'failed') {
      const { error } = end;
      const mayLower = this.stopped === null && !this.spoiled;
      if (mayLower && this.job.ladder.leavesLeases(error, work.offer.kind === 'range'))
        return this.lower(error);
      const told = this.stopped ?? withMissingSpace(error, workspace.partPath, needed(work));
      return { type: 'failed', error: told };
    }
    this.job.alone ||= end.alone;
    const isFurther = this.job.reaches(work.ledger.written.total());
    const progressed = isFurther && end.error.code !== 'LOW_SPEED';
    return { type: 'broken', error: end.error, progressed };
  }

  /** What leases cannot bring one stream is asked for (P22). */
  private lower(error: SluiceError): Event {
    this.job.alone = true;
    this.job.warn(`${error.message}; going on with one stream.`);
    return { type: 'lowered', error };
  }

  /** A seam that did not fit beside bytes that are not what they were says nothing of the server. */
  private async takeBackBad(end: WorkEnd): Promise<Event | null> {
    if (end.kind !== 'complete' && end.error.code !== 'CHANGED') return null;
    return takeBackBad(this.job);
  }

  private received(work: Work): Event {
    if (work.ledger.total === 0 && this.job.cut !== WHOLE)
      throw beyondEnd(this.options.range, this.job.whole);
    this.job.known = {
      validators: this.job.known?.validators as Validators,
      total: work.ledger.total,
    };
    return { type: 'received' };
  }

  /** Where the bytes go: into the part. */
  private placeOf(
    { source }: Asked,
    { fd, partPath: path }: Workspace,
    further: FurtherSources,
  ): Place {
    return {
      source,
      fd,
      window: null,
      path,
      seams: Seams.ofFile(fd, path),
      inOrder: this.job.verification.isFollowing,
      longest: this.job.ladder.longest,
      hooks: {
        brought: (number, span) => further.brought(number, span),
        left: (number, error) => further.left(number, error),
      },
    };
  }

  /** Checkpoints until stopped; a failing disk ends the download (P17). */
  private runCheckpoints(workspace: Workspace, dispatcher: Dispatcher): () => Promise<void> {
    let running: Promise<void> | null = null;
    const beganMs = performance.now() - this.transferMs;
    let nextMs = performance.now() + CHECKPOINT_MS;
    const again = (): void => {
      this.followFront();
      running = null;
      nextMs = performance.now() + CHECKPOINT_MS;
    };
    const timer = setInterval(() => {
      try {
        workspace.requireLength();
      } catch (error) {
        return dispatcher.stop(SluiceError.from(error));
      }
      const now = performance.now();
      const { eta } = this.snapshot();
      const willClaim = this.willClaim(eta, now - beganMs);
      this.backlog.wantChecks(willClaim);
      if (running !== null) return;
      const isTime = now >= nextMs;
      if (isTime) nextMs += CHECKPOINT_MS;
      if (!this.isBehind() && !this.isWorth(isTime, eta, now - beganMs)) return;
      // After a failure there is no other one: it stays the one that runs.
      running = workspace
        .checkpoint(willClaim ? 'unknown' : 'nothing')
        .then(again, (error: unknown) => dispatcher.stop(SluiceError.from(error)));
    }, LOOK_MS);
    return async () => {
      clearInterval(timer);
      await running;
    };
  }

  /** Whether what is in place is forced to disk before it gets its name, after so long a transfer. */
  private willSync(transferMs: number): boolean {
    const { sync } = this.options;
    return sync === 'full' || (sync === 'auto' && transferMs >= WORTH_SYNC_MS);
  }

  /** Close to the end a sync would only be waited for, unless it is short: then the last one has less to do. */
  private isWorth(isTime: boolean, eta: number | null, elapsedMs: number): boolean {
    if (eta === null || eta >= NEAR_END_S) return isTime;
    return this.willSync(elapsedMs) && this.backlog.endsInTime(eta * 1000, isTime);
  }

  /** Whether what is written now will be claimed before the end: by a checkpoint, or with the last sync. */
  private willClaim(eta: number | null, elapsedMs: number): boolean {
    if (eta === null) return this.job.known?.total === null;
    return eta >= NEAR_END_S || this.willSync(elapsedMs + eta * 1000);
  }

  /** Whether a sync cannot wait: the disk is too far behind what is received. */
  private isBehind(): boolean {
    return this.backlog.isDue(() => {
      const { size, bytes } = this.snapshot();
      return size === null ? Infinity : size - bytes;
    });
  }

  private followFront(): void {
    if (!this.job.verification.isReading) return;
    const written = new ExtentSet(this.job.dispatcher?.extents() ?? []);
    if (this.job.claims === null) this.job.verification.advance(written);
  }

  private tellProgress(): void {
    this.followFront();
    tellProgress(this.job);
  }

  // Other sources, and repair

  /** The source has failed for good: what it sent stays only if something proves it later. */
  private async switchSource(error: SluiceError, { turn }: Course): Promise<Event> {
    const { work, workspace } = this.job;
    if (work !== null && workspace !== null) {
      if (!this.spoiled) await workspace.checkpoint();
      await this.endLeases(workspace, work);
      const all = { start: 0, end: work.ledger.total };
      const bad = await badClaims(this.job);
      // The journal may claim what a lease has written that is not in the books.
      await workspace.forget(complementOf(work.ledger.written, work.ledger.total));
      if (this.spoiled || bad.length > 0) await takeBack(this.job, this.spoiled ? [all] : bad);
      this.spoiled = false;
    }
    const from = redactUrl(this.job.asker.url);
    this.job.suspects.failed(this.job.present);
    this.job.takeSource(turn);
    const to = redactUrl(this.job.asker.url);
    this.job.warn(`${from} failed (${error.code}): ${error.message}. Going on with ${to}`);
    return { type: 'switched' };
  }

  /**
   * A lease that was given up may not have noticed yet. Its thread is ended, and its slot is used no
   * more: what it still does reaches neither the books nor the journal.
   */
  private async endLeases(workspace: Workspace, work: Work): Promise<void> {
    await Promise.all([this.leases.finish(), this.job.local.finish()]);
    workspace.setWritten(() => []);
    this.fetchedBefore += work.slots.receivedByAll();
    work.slots = Slots.allocate(this.job.atOnce * maxConnections(this.options));
  }

  private canProve({ ledger }: Work): boolean {
    const { verification } = this.job;
    return verification.pieces !== null && verification.misfit(ledger.total) === null;
  }

  /** Forgets what is wrong, and lets the next source fetch it again. */
  private async repair(error: SluiceError, { turn }: Course): Promise<Event> {
    this.job.phase = 'verifying';
    const { work, workspace } = this.job;
    if (work === null || workspace === null) throw new SluiceError('DEFECT', 'nothing to repair');
    await this.endLeases(workspace, work);
    const found = this.job.bad;
    const bad = found ?? (await this.unproven(work));
    await takeBack(this.job, bad);
    this.spoiled = false;
    this.job.bad = null;
    this.job.proven = true;
    this.job.takeSource(turn);
    if (this.job.verification.pieces !== null)
      this.job.warn(repairSentence(this.job, found, error));
    return { type: 'repaired' };
  }

  /** Everything that no piece proves. */
  private async unproven({ ledger }: Work): Promise<Span[]> {
    const { workspace, verification, abort } = this.job;
    const { written, total } = ledger;
    if (workspace === null) return [];
    const proven = await verification.proven(workspace.fd, written, total, abort.signal);
    return complementOf(proven, total);
  }

  // After the last byte

  private async sync(): Promise<Event> {
    const { workspace, known } = this.job;
    if (workspace === null) throw new SluiceError('DEFECT', 'no workspace');
    if (known?.total !== null && known !== null) workspace.finishSize(known.total);
    await this.leases.finish();
    this.dirty = !this.willSync(this.transferMs);
    if (!this.dirty) await workspace.checkpoint().then(() => workspace.sync());
    return { type: 'synced' };
  }

  private async verify(): Promise<Event> {
    const { job } = this;
    job.phase = 'verifying';
    const verdict = await this.verdict();
    const refusal = verdict.kind === 'right' ? null : verdict.error;
    if (refusal !== null && job.unasked) return this.opening.doubt(refusal);
    if (verdict.kind === 'spoiled') {
      job.bad = verdict.bad;
      setPiecesAside(job, verdict.bad);
      return { type: 'spoiled', error: verdict.error };
    }
    if (refusal !== null && doubt(job, refusal, job.known?.total ?? 0))
      return { type: 'spoiled', error: refusal };
    if (refusal === null) nameLiar(job);
    if (refusal !== null) throw job.confirmed ? stillRefusedError(refusal) : refusal;
    if (job.confirmed && !job.verification.canCheck && job.identity?.options['refused'] === true)
      job.warn(
        'A digest refused these bytes before. The server still has the same file (its validator is the same), and no digest is given now.',
      );
    return { type: 'verified' };
  }

  private async verdict(): Promise<Verdict | { kind: 'wrong'; error: SluiceError }> {
    const { verification, known, path } = this.job;
    try {
      return await verification.finish(known?.total ?? 0, path);
    } catch (thrown) {
      const error = SluiceError.from(thrown);
      if (error.exitStatus !== 9 || this.stopped !== null) throw thrown;
      return { kind: 'wrong', error };
    }
  }

  private async publish(): Promise<Event> {
    this.job.phase = 'publishing';
    const { options } = this;
    const { workspace } = this.job;
    if (workspace === null) throw new SluiceError('DEFECT', 'no workspace');
    const mode =
      options.onExists === 'overwrite' || (options.timestamping && options.onExists === 'fail')
        ? 'overwrite'
        : options.onExists === 'rename'
          ? 'rename'
          : 'fail';
    const synced = !this.dirty;
    const { digests } = this.job.verification;
    const size = this.job.known?.total ?? 0;
    const warn = (error: SluiceError): void => this.warnOf(error);
    this.job.published = await workspace.publish(
      { mode, synced, size, digests },
      warn,
      options.timestamping ? (this.job.known?.validators.lastModifiedMs ?? null) : null,
    );
    // Before the journal goes: there is no moment at which nothing knows of the file.
    writeReceipt(this.job.published, {
      url: this.job.sourceId,
      validators: this.job.identity === null ? null : provingValidators(this.job.identity),
      digests,
      bootId: bootId(),
      synced,
    });
    await workspace.finish(warn);
    return { type: 'published' };
  }

  private async close(ending: Ending): Promise<Event> {
    await Promise.allSettled([
      this.remembered,
      this.job.close(),
      this.leases.finish(),
      this.job.verification.stop(),
    ]);
    const { workspace } = this.job;
    if (this.ownsSession) await this.session.close();
    if (workspace === null) return { type: 'closed' };
    try {
      if (ending.kind === 'failed') await this.keepWhatIsSafe(workspace, ending.error);
    } finally {
      await workspace.close({ keep: ending.kind === 'failed' });
      if (this.session.isLasting || (ending.kind === 'failed' && this.job.kept === 0))
        this.session.leaveTarget(workspace.target, this.job.taker);
    }
    return { type: 'closed' };
  }

  private async keepWhatIsSafe(workspace: Workspace, error: SluiceError): Promise<void> {
    if (this.spoiled) await this.forgetUnproven(workspace);
    else if (error.exitStatus !== 10) await workspace.checkpoint();
    const { identity } = this.job;
    if (identity !== null) await this.noteEnd(workspace, identity, error);
    // What was found and never opened is all there.
    this.job.kept = identity === null ? (this.job.left?.bytes ?? 0) : workspace.kept;
    const { refusal } = workspace;
    if (this.job.kept > 0 && refusal !== null) this.warnOf(refusal);
  }

  private warnOf({ message, details }: SluiceError): void {
    this.job.warn(`${message}. ${details.next ?? ''}`);
  }

  /** What the next run has to know of bytes that are all there: they are wrong, or lack only their name. */
  private async noteEnd(
    workspace: Workspace,
    identity: NonNullable<Job['identity']>,
    error: SluiceError,
  ): Promise<void> {
    const { phase } = this.job;
    const mixed = isMixed({ identity });
    if (error.code === 'CHECKSUM_MISMATCH' || (error.exitStatus === 9 && phase === 'verifying'))
      await workspace.note(identity, { mixed, refused: true });
    else if (phase === 'publishing') await workspace.note(identity, { mixed, complete: true });
  }

  /** Bytes may be of two representations: what no piece proves is not kept. */
  private async forgetUnproven(workspace: Workspace): Promise<void> {
    const { work } = this.job;
    if (work === null || !this.canProve(work)) return workspace.forgetAll();
    await workspace.forget(await this.unproven(work));
  }

  /** The download as it is now; cheap. */
  snapshot(): DownloadSnapshot {
    return snapshotOf(this.job);
  }
}

/** Does something when what is under way has begun to wait. */
function afterThis(work: () => void): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => {
      work();
      resolve();
    });
  });
}

/** What of `[0, total)` is not in a set. */
function complementOf(set: ExtentSet, total: number): Span[] {
  return set.gaps(0, total).map(([start, end]) => ({ start, end }));
}

/** Bytes that are still to be written; null while the length is unknown. */
function needed({ ledger, offer }: Work): number | null {
  return offer.total === null ? null : ledger.total - ledger.written.total();
}
