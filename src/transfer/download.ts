/**
 * The driver of one download: it does what the state machine's present state asks for, and reports
 * what came of it. Everything that decides is pure and elsewhere; everything that acts is here.
 */
import { availableParallelism } from 'node:os';
import { SluiceError } from '../errors.js';
import { silentLog } from '../log.js';
import type { Log } from '../log.js';
import { bootId } from '../disk/boot.js';
import type { JournalIdentity } from '../disk/journal.js';
import { writeReceipt } from '../disk/receipts.js';
import { resolveOutput } from '../disk/target.js';
import { chooseName, nameFromUrl } from '../http/names.js';
import { redactUrl } from '../http/redact.js';
import { readValidators } from '../http/validators.js';
import type { Validators } from '../http/validators.js';
import { ExtentSet } from '../plan/extents.js';
import { AUTO_MAX, Ramp } from '../plan/ramp.js';
import { Ledger } from '../plan/ledger.js';
import { LONGEST_RETRY_AFTER_MS, backoffMs } from '../plan/retry.js';
import { SEAM_BYTES, Slots, UNKNOWN_END } from '../../workers/protocol.js';
import type { Source } from '../../workers/protocol.js';
import { changedError, judge, unprovenError } from './adopt.js';
import { Asker } from './ask.js';
import type { Asked } from './ask.js';
import { Crew } from './crew.js';
import type { DoneEvent, DownloadEvent, DownloadSnapshot, ErrorEvent } from './events.js';
import { LocalExecutor, PoolExecutor } from './executors.js';
import type { Executor } from './executors.js';
import { existingTarget } from './existing.js';
import { isWorthAsking } from './failures.js';
import { START, next } from './machine.js';
import type { Ending, Event, State } from './machine.js';
import { readOffer } from './offer.js';
import type { Offer } from './offer.js';
import type { DownloadOptions } from './options.js';
import { Seams } from './seams.js';
import { Verification } from './verification.js';
import { Workspace } from './workspace.js';
import type { Prior } from './workspace.js';

/** A download shorter than this is not forced to disk at its end under `--sync auto`. */
const WORTH_SYNC_MS = 5000;

/** Time between two checkpoints of the journal, in milliseconds. */
const CHECKPOINT_MS = 1000;

/** No checkpoint is begun when the download will be complete within this many seconds. */
const NEAR_END_S = 2;

/** Files smaller than this never get a second connection. */
const SMALL_FILE = 1024 * 1024;

/** The file and the connections of a download whose answer is in. */
interface Work {
  offer: Offer;
  asked: Asked | null;
  ledger: Ledger;
  slots: Slots;
}

export interface DownloadHooks {
  emit?: (event: DownloadEvent) => void;
  log?: Log;
}

export class Download {
  private state: State = START;
  private phase: DownloadSnapshot['phase'] = 'asking';
  private readonly local = new LocalExecutor();
  private readonly asker: Asker;
  private readonly log: Log;
  private readonly emit: (event: DownloadEvent) => void;
  private readonly startedMs = performance.now();
  private readonly abort = new AbortController();
  private readonly verification: Verification;
  private workspace: Workspace | null = null;
  private pool: PoolExecutor | null = null;
  private crew: Crew | null = null;
  private work: Work | null = null;
  private target: string | null = null;
  private known: { validators: Validators; total: number | null } | null = null;
  private stopped: SluiceError | null = null;
  private notices: string[] = [];
  private leaseNumber = 1;
  private transferMs = 0;
  private resumed = 0;
  private peak = 0;
  private fetched = 0;
  private announced = false;
  private dirty = false;
  private spoiled = false;
  private published: string | null = null;
  private wake: (() => void) | null = null;

  /** @throws SluiceError URL_INVALID, USAGE */
  constructor(
    private readonly options: DownloadOptions,
    hooks: DownloadHooks = {},
  ) {
    this.log = hooks.log ?? silentLog;
    this.emit = hooks.emit ?? (() => undefined);
    this.asker = new Asker(options, this.local.connections, this.log);
    this.verification = new Verification(options.checksums);
  }

  /** Runs to the end. Never rejects: the last event tells how it ended. */
  async run(): Promise<DoneEvent | ErrorEvent> {
    const timer = this.armMaxTime();
    while (this.state.phase !== 'ended') {
      const event = await this.perform(this.state).catch(
        (thrown: unknown): Event => ({ type: 'failed', error: this.stopped ?? SluiceError.from(thrown) }),
      );
      this.log.debug({ phase: this.state.phase, event: event.type }, 'step');
      this.state = next(this.state, event, { retries: this.options.retries });
    }
    clearTimeout(timer);
    this.phase = 'ended';
    const last = this.lastEvent(this.state.ending);
    this.emit(last);
    return last;
  }

  /** Ends the download; what is durable is kept. */
  stop(error: SluiceError): void {
    this.stopped ??= error;
    this.abort.abort(error);
    this.asker.abort(error);
    this.crew?.stop(error);
    this.wake?.();
  }

  private armMaxTime(): NodeJS.Timeout | undefined {
    const { maxTimeMs } = this.options;
    if (maxTimeMs === null) return undefined;
    return setTimeout(() => {
      const message = `the download took longer than ${maxTimeMs / 1000} s`;
      const next = 'Run `sluice resume` to go on, or give more time with --max-time.';
      this.stop(new SluiceError('MAX_TIME', message, { next }));
    }, maxTimeMs);
  }

  private async perform(state: State): Promise<Event> {
    if (this.stopped !== null && state.phase !== 'closing') throw this.stopped;
    switch (state.phase) {
      case 'asking':
        return this.ask();
      case 'waiting':
        return this.wait(state.attempt, state.error);
      case 'transferring':
        return this.transfer();
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

  // Asking

  private async ask(): Promise<Event> {
    this.phase = 'asking';
    const prior = await this.lookAhead();
    if (prior === 'settled') return { type: 'settled', outcome: 'skipped' };
    if (prior !== null && this.isWhole(prior)) return this.finishWhole(prior);
    const from = this.firstMissing(prior);
    let asked: Asked;
    let offer: Offer;
    try {
      [asked, offer] = await this.askFor(from);
    } catch (thrown) {
      if (this.stopped !== null) throw this.stopped;
      const error = SluiceError.from(thrown);
      if (!isWorthAsking(error)) throw error;
      return { type: 'broken', error, progressed: false };
    }
    return this.settle(asked, offer, prior);
  }

  /** Asks for the bytes from an offset on; a server that finds none there is asked for everything. */
  private async askFor(from: number): Promise<[Asked, Offer]> {
    const asked = await this.asker.ask({ start: from, end: null });
    const offer = this.read(asked, from);
    if (offer.kind !== 'none') return [asked, offer];
    await this.asker.release(asked.connection, asked.answer);
    if (from > 0) {
      const how = `nothing is left of it at offset ${from}`;
      throw changedError(how, this.target ?? '', redactUrl(this.options.url));
    }
    const whole = await this.asker.ask(null);
    return [whole, this.read(whole, null)];
  }

  private read({ connection, answer, url }: Asked, from: number | null): Offer {
    try {
      return readOffer(answer.head, answer.framing, from, url.pathname);
    } catch (error) {
      connection.destroy();
      throw SluiceError.from(error).with({ url: redactUrl(url) });
    }
  }

  /** Looks at what is there before anything is asked, under the name that is expected. */
  private async lookAhead(): Promise<Prior | 'settled' | null> {
    if (this.workspace !== null) return this.currentPrior();
    const { output, dir } = this.options;
    const name = nameFromUrl(this.asker.url);
    const target = resolveOutput({ dir, output, name });
    if (output !== null) this.target = target;
    await this.claim(target);
    const prior = this.findPrior();
    if (prior === null && this.options.mode === 'resume') throw nothingToResume(target);
    if (prior === null && output !== null) {
      const found = await existingTarget(target, this.options, null, this.verification);
      if (found === 'skip') return 'settled';
    }
    return prior;
  }

  private async claim(target: string): Promise<void> {
    this.workspace = await Workspace.claim(target, this.log);
  }

  private findPrior(): Prior | null {
    const { workspace } = this;
    if (workspace === null) return null;
    let prior: Prior | null;
    try {
      prior = workspace.prior();
    } catch (error) {
      if (this.options.onExists !== 'overwrite' || this.options.mode === 'resume') throw error;
      workspace.discard();
      return null;
    }
    if (prior === null || this.options.mode === 'resume') return prior;
    if (prior.identity.url === this.asker.url.href) return prior;
    if (this.options.onExists === 'overwrite') return prior;
    throw new SluiceError('TARGET_EXISTS', 'an unfinished download from another URL has this name', {
      path: workspace.partPath,
      next: 'Choose another name with --output, or start over with --on-exists overwrite.',
    });
  }

  /** What this very run has in place, when it has to ask again. */
  private currentPrior(): Prior | null {
    const identity = this.identity;
    if (this.work === null || identity === null) return null;
    return { identity, written: this.work.ledger.written, unclean: false };
  }

  private identity: JournalIdentity | null = null;

  private isWhole({ identity, written }: Prior): boolean {
    return identity.size !== null && written.total() === identity.size;
  }

  /** Every byte is there: an earlier run died between the last byte and the name. */
  private async finishWhole(prior: Prior): Promise<Event> {
    const { workspace } = this;
    if (workspace === null) throw new SluiceError('DEFECT', 'no workspace');
    this.target = workspace.target;
    const { part: _, ...identity } = prior.identity;
    await workspace.adopt(identity);
    this.identity = prior.identity;
    this.known = { validators: prior.identity.validators as Validators, total: prior.identity.size };
    if (prior.unclean && (await workspace.findBad(this.abort.signal)).length > 0) {
      await workspace.forgetAll();
      const message = 'the kept bytes are not what was written: they were changed or lost';
      throw new SluiceError('JOURNAL_DAMAGED', message, {
        path: workspace.partPath,
        next: 'Run `sluice get` with the URL to fetch them again.',
      });
    }
    const total = prior.identity.size ?? 0;
    this.resumed = total;
    this.work = this.makeWork({ kind: 'none', total }, null, prior.written, total);
    this.announce(1, true, null);
    this.startVerifying();
    return { type: 'received' };
  }

  private firstMissing(prior: Prior | null): number {
    if (prior === null || this.startsOver(prior)) return 0;
    const first = prior.written.firstGap(0);
    return prior.written.total() === 0 ? 0 : Math.max(0, first - SEAM_BYTES);
  }

  /** The user wants what is there replaced by what the URL has. */
  private startsOver(prior: Prior): boolean {
    return this.work === null && prior.identity.url !== this.asker.url.href && this.options.mode === 'get';
  }

  /** The answer is in: decides on the file, and whether kept bytes may be used. */
  private async settle(asked: Asked, offer: Offer, prior: Prior | null): Promise<Event> {
    const { connection, answer, url } = asked;
    try {
      let found = prior;
      if (this.target === null) {
        found = await this.settleName(resolveOutput({ ...this.place(), name: chooseName(answer.head, url) }), prior);
      }
      const total = offer.total;
      const validators = readValidators(answer.head);
      if (found === null) {
        const exists = await existingTarget(this.path, this.options, { validators, total }, this.verification);
        if (exists !== 'absent') {
          await this.asker.release(connection, answer);
          return { type: 'settled', outcome: exists === 'skip' ? 'skipped' : 'complete' };
        }
      }
      this.verification.addServerDigests(answer.head);
      const keeps = found !== null && this.mayKeep(found, offer, { validators, total });
      return await this.open(asked, offer, keeps ? found : null, validators);
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  private place(): { dir: string | null; output: string | null } {
    return { dir: this.options.dir, output: this.options.output };
  }

  /** The server chose another name than the URL let expect: the workspace moves there. */
  private async settleName(target: string, prior: Prior | null): Promise<Prior | null> {
    this.target = target;
    if (this.workspace?.target === target) return prior;
    // What lies under the expected name belongs to this URL, so it is what is continued.
    if (prior !== null && this.workspace !== null) {
      this.target = this.workspace.target;
      return prior;
    }
    await this.workspace?.close({ keep: true });
    await this.claim(target);
    return this.findPrior();
  }

  private get path(): string {
    return this.target ?? this.options.output ?? nameFromUrl(this.asker.url);
  }

  /** Whether kept bytes are of what the server has now (P6, P7). `resume` never starts over by itself. */
  private mayKeep(
    prior: Prior,
    offer: Offer,
    seen: { validators: Validators; total: number | null },
  ): boolean {
    if (this.startsOver(prior)) return false;
    const again = this.work !== null;
    const known = again && this.known !== null ? this.known : priorFacts(prior);
    const { insist } = this.options;
    const verdict = judge({ known, seen, digest: this.verification.wanted, insist: insist || again });
    const url = redactUrl(this.options.url);
    const keepsNothing = prior.written.total() === 0;
    if (verdict.kind === 'changed' && !keepsNothing) {
      const asksFirst = this.options.onExists === 'overwrite' && !again;
      if (!asksFirst && (this.options.mode === 'resume' || again || offer.kind === 'whole')) {
        throw changedError(verdict.how, this.path, url);
      }
      this.warn(`The representation changed on the server (${verdict.how}); starting over.`);
      return false;
    }
    if (verdict.kind === 'unproven' && !keepsNothing) {
      if (this.options.mode === 'resume') throw unprovenError(this.path, url);
      this.warn('Nothing proves that the kept bytes belong to what the server has now; starting over.');
      return false;
    }
    if (offer.kind === 'whole' && !keepsNothing) {
      this.warn('The server does not serve byte ranges of this file; starting over.');
      return false;
    }
    return !keepsNothing;
  }

  private async open(
    asked: Asked,
    offer: Offer,
    prior: Prior | null,
    validators: Validators,
  ): Promise<Event> {
    const { workspace } = this;
    if (workspace === null) throw new SluiceError('DEFECT', 'no workspace');
    const total = offer.total;
    const source: Source = { ...asked.source, total };
    const size = total ?? UNKNOWN_END;
    const identity = this.describe(asked, validators, total);
    if (prior === null) await workspace.create(identity);
    else if (this.work === null) await workspace.adopt(identity);
    this.identity = { ...identity, part: { dev: '0', ino: '0' } };
    if (prior === null) this.verification.restart();
    this.known = { validators: this.work !== null && this.known ? this.known.validators : validators, total };
    const written = prior === null ? new ExtentSet() : prior.written;
    if (this.work === null) this.resumed = written.total();
    this.work = this.makeWork(offer, { ...asked, source }, written, size);
    if (prior?.unclean === true) this.checkClaims(workspace);
    this.announce(this.lanes(offer), offer.kind === 'range', offer.kind === 'whole' ? offer.why : null);
    this.startVerifying();
    if (this.work.ledger.isComplete) {
      asked.connection.destroy();
      return { type: 'received' };
    }
    return { type: 'answered' };
  }

  /** After an unclean death: claims are compared with the disk while new bytes come in. */
  private checkClaims(workspace: Workspace): void {
    this.claims = workspace.findBad(this.abort.signal);
    this.claims.catch(() => undefined);
  }

  private claims: Promise<Array<{ start: number; end: number }>> | null = null;

  private describe(asked: Asked, validators: Validators, total: number | null): Omit<JournalIdentity, 'part'> {
    const url = this.asker.url.href;
    return {
      version: 1,
      url,
      finalUrl: asked.url.href === url ? null : asked.url.href,
      size: total,
      validators,
      bootId: bootId(),
      createdMs: Date.now(),
      options: { checksums: this.options.checksums },
    };
  }

  private makeWork(offer: Offer, asked: Asked | null, written: ExtentSet, total: number): Work {
    const slots = this.work?.slots ?? Slots.allocate(Math.max(1, this.maxLanes()));
    return { offer, asked, ledger: new Ledger(total, written), slots };
  }

  private maxLanes(): number {
    const { connections } = this.options;
    return connections === 'auto' ? AUTO_MAX : connections;
  }

  /** The most connections that this offer can use. */
  private lanes(offer: Offer): number {
    if (offer.kind === 'none') return 1;
    if (offer.kind === 'whole' && !offer.ranges) return 1;
    const missing = this.work?.ledger.missing.total() ?? 0;
    if (missing <= SMALL_FILE) return 1;
    return this.maxLanes();
  }

  private announce(connections: number, ranges: boolean, reason: string | null): void {
    if (this.announced) return;
    this.announced = true;
    const size = this.known?.total ?? null;
    this.emit({
      type: 'start',
      ...this.base(),
      size,
      resumed: this.resumed,
      connections,
      ranges,
      ...(reason === null ? {} : { reason }),
    });
  }

  // Waiting

  private async wait(attempt: number, error: SluiceError): Promise<Event> {
    const delayMs = backoffMs(attempt, error.details.retryAfterMs ?? null, Math.random());
    if (delayMs > LONGEST_RETRY_AFTER_MS * 1.1) throw error;
    this.tellRetry(error, attempt, delayMs, null);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = null;
    return { type: 'waited' };
  }

  private tellRetry(error: SluiceError, attempt: number, delayMs: number, connection: number | null): void {
    const seconds = (delayMs / 1000).toFixed(1);
    const who = connection === null ? '' : `connection ${connection}: `;
    this.notices = [`${who}${error.message}; again in ${seconds} s`, ...this.notices].slice(0, 3);
    this.log.warn({ code: error.code, attempt, delayMs, connection }, error.message);
    const reason = error.message;
    this.emit({ type: 'retry', ...this.base(), code: error.code, reason, attempt, delayMs, connection });
  }

  private warn(message: string): void {
    this.log.warn({}, message);
    this.notices = [message, ...this.notices].slice(0, 3);
    this.emit({ type: 'warning', ...this.base(), message });
  }

  // Transferring

  private async transfer(): Promise<Event> {
    const { work, workspace } = this;
    if (work === null || workspace === null || work.asked === null) throw new SluiceError('DEFECT', 'no work');
    this.phase = 'transferring';
    const began = performance.now();
    const asked = work.asked;
    work.asked = null;
    const crew = this.makeCrew(work, asked, workspace.fd, workspace.partPath);
    this.crew = crew;
    workspace.setWritten(() => crew.extents());
    const stopCheckpoints = this.runCheckpoints(workspace, crew);
    const progress = setInterval(() => this.tellProgress(), 200);
    const end = await crew.run(this.firstLease(work, asked));
    clearInterval(progress);
    await stopCheckpoints();
    this.transferMs += performance.now() - began;
    this.leaseNumber = crew.leaseNumber;
    this.peak = Math.max(this.peak, crew.peak);
    this.fetched = crew.received;
    if (end.kind === 'complete') return this.received(workspace, work);
    if (end.error.code === 'CHANGED') this.spoiled = true;
    if (end.kind === 'failed') return { type: 'failed', error: this.stopped ?? end.error };
    return { type: 'broken', error: end.error, progressed: end.progressed };
  }

  /** Every byte has come; those of an earlier run count only if they are still what they were. */
  private async received(workspace: Workspace, work: Work): Promise<Event> {
    const bad = (await this.claims) ?? [];
    this.claims = null;
    if (bad.length > 0) {
      await workspace.forget(bad);
      for (const range of bad) work.ledger.forget(range);
      this.verification.restart();
      const error = new SluiceError('DISK_IO', 'kept bytes were changed or lost and are fetched again');
      return { type: 'broken', error, progressed: true };
    }
    this.known = { validators: this.known?.validators as Validators, total: work.ledger.total };
    return { type: 'received' };
  }

  private makeCrew(work: Work, asked: Asked, fd: number, path: string): Crew {
    const lanes = this.lanes(work.offer);
    const { connections, deadlines, retries } = this.options;
    const ramp = new Ramp(lanes === 1 ? 1 : connections, 400);
    return new Crew(
      {
        ledger: work.ledger,
        slots: work.slots,
        executor: this.executor(lanes),
        ramp,
        source: asked.source,
        redirected: asked.hops.length > 0,
        seams: new Seams(fd, path),
        deadlines,
        retries,
        fd,
        path,
        log: this.log,
        hooks: {
          retry: (error, attempt, delayMs, connection) => this.tellRetry(error, attempt, delayMs, connection),
          refresh: () => this.refresh(),
        },
        proven: work.offer.kind === 'range',
      },
      lanes,
      this.leaseNumber,
    );
  }

  private executor(lanes: number): Executor {
    if (lanes === 1) return this.local;
    const threads = Math.min(lanes, this.options.threads ?? availableParallelism());
    this.pool ??= new PoolExecutor(threads, lanes, this.log);
    this.pool.warm();
    return this.pool;
  }

  private firstLease(work: Work, asked: Asked): Parameters<Crew['run']>[0] {
    const { offer, ledger } = work;
    if (offer.kind === 'none') return null;
    const bodyStart = offer.kind === 'range' ? offer.start : 0;
    const gap = ledger.gaps().find(({ start }) => start >= bodyStart);
    const bodyEnd = offer.kind === 'range' ? offer.end : ledger.total;
    if (gap === undefined || gap.start >= bodyEnd || gap.start - bodyStart > SEAM_BYTES) {
      asked.connection.destroy();
      return null;
    }
    const span = { start: gap.start, end: Math.min(gap.end, bodyEnd) };
    const { connection, answer } = asked;
    return { span, start: (task) => this.local.receive(task, { connection, answer, bodyStart }) };
  }

  /** Finds out anew where the original URL leads, and that it is still the same representation (P20). */
  private async refresh(): Promise<Source> {
    const { work, known } = this;
    if (work === null || known === null) throw new SluiceError('DEFECT', 'refresh without work');
    const at = work.ledger.gaps()[0]?.start ?? 0;
    const asked = await this.asker.ask({ start: at, end: at + 1 });
    const offer = this.read(asked, at);
    await this.asker.release(asked.connection, asked.answer);
    const seen = { validators: readValidators(asked.answer.head), total: offer.total };
    const verdict = judge({ known, seen, digest: this.verification.wanted, insist: true });
    if (verdict.kind === 'changed') throw changedError(verdict.how, this.path, redactUrl(this.options.url));
    return { ...asked.source, validators: known.validators, total: known.total };
  }

  /** Checkpoints until stopped; a failing disk ends the download (P17). */
  private runCheckpoints(workspace: Workspace, crew: Crew): () => Promise<void> {
    let timer: NodeJS.Timeout | null = null;
    let running: Promise<void> = Promise.resolve();
    let over = false;
    const arm = (): void => {
      timer = setTimeout(() => {
        // Close to the end a sync would only be waited for: the rest is fetched again as quickly.
        if (this.isNearEnd()) return arm();
        running = workspace.checkpoint().then(
          () => {
            this.followFront();
            if (!over) arm();
          },
          (error: unknown) => crew.stop(SluiceError.from(error)),
        );
      }, CHECKPOINT_MS);
    };
    arm();
    return () => {
      over = true;
      if (timer !== null) clearTimeout(timer);
      return running;
    };
  }

  private isNearEnd(): boolean {
    const { eta } = this.snapshot();
    return eta !== null && eta < NEAR_END_S;
  }

  private startVerifying(): void {
    if (this.workspace?.isOpen === true) this.verification.start(this.workspace.fd);
  }

  private followFront(): void {
    const written = new ExtentSet(this.crew?.extents() ?? []);
    if (this.claims === null) this.verification.advance(written.firstGap(0));
  }

  private tellProgress(): void {
    this.followFront();
    const { size, bytes, rate, eta, lanes } = this.snapshot();
    const connections = lanes.filter(({ state }) => state === 'receiving').length;
    this.emit({ type: 'progress', ...this.base(), bytes, size, rate, eta, connections });
  }

  // After the last byte

  private async sync(): Promise<Event> {
    const { workspace, known } = this;
    if (workspace === null) throw new SluiceError('DEFECT', 'no workspace');
    if (known?.total !== null && known !== null) workspace.setSize(known.total);
    await this.pool?.close();
    this.pool = null;
    const { sync } = this.options;
    this.dirty = sync === 'none' || (sync === 'auto' && this.transferMs < WORTH_SYNC_MS);
    if (!this.dirty) await workspace.checkpoint().then(() => workspace.sync());
    return { type: 'synced' };
  }

  private async verify(): Promise<Event> {
    this.phase = 'verifying';
    await this.verification.finish(this.known?.total ?? 0, this.path);
    return { type: 'verified' };
  }

  private async publish(): Promise<Event> {
    this.phase = 'publishing';
    const { workspace, options } = this;
    if (workspace === null) throw new SluiceError('DEFECT', 'no workspace');
    const mode = options.onExists === 'overwrite' ? 'overwrite' : options.onExists === 'rename' ? 'rename' : 'fail';
    this.published = await workspace.publish(mode);
    writeReceipt(this.published, {
      url: this.asker.url.href,
      validators: this.known?.validators ?? null,
      digests: this.verification.digests,
      bootId: bootId(),
      synced: !this.dirty,
    });
    return { type: 'published' };
  }

  private async close(ending: Ending): Promise<Event> {
    await Promise.allSettled([this.local.close(), this.pool?.close(), this.verification.stop()]);
    const { workspace } = this;
    this.pool = null;
    if (workspace === null) return { type: 'closed' };
    try {
      if (ending.kind === 'failed') await this.keepWhatIsSafe(workspace, ending.error);
    } finally {
      await workspace.close({ keep: ending.kind === 'failed' });
    }
    return { type: 'closed' };
  }

  private async keepWhatIsSafe(workspace: Workspace, error: SluiceError): Promise<void> {
    if (this.spoiled) await workspace.forgetAll();
    else if (error.exitStatus !== 10) await workspace.checkpoint();
    this.kept = workspace.claimed;
  }

  private kept = 0;

  // What is told

  private base(): { url: string; path: string } {
    return { url: redactUrl(this.options.url), path: this.published ?? this.path };
  }

  private lastEvent(ending: Ending): DoneEvent | ErrorEvent {
    if (ending.kind === 'failed') return this.errorEvent(ending.error);
    const bytes = this.known?.total ?? 0;
    return {
      type: 'done',
      ...this.base(),
      outcome: ending.outcome,
      bytes,
      fetched: this.fetched,
      seconds: (performance.now() - this.startedMs) / 1000,
      connections: this.peak,
      digests: this.verification.digests,
    };
  }

  private errorEvent(error: SluiceError): ErrorEvent {
    const { next, httpStatus } = error.details;
    const kept = this.keptSentence();
    return {
      type: 'error',
      ...this.base(),
      code: error.code,
      exitStatus: error.exitStatus,
      message: error.message,
      ...(kept === null ? {} : { kept }),
      ...(next === undefined ? {} : { next }),
      ...(httpStatus === undefined ? {} : { httpStatus }),
    };
  }

  private keptSentence(): string | null {
    if (this.kept === 0 || this.workspace === null) return null;
    const size = this.known?.total;
    const of = size === null || size === undefined ? '' : ` of ${size}`;
    return `${this.kept}${of} bytes are kept in ${this.workspace.partPath}`;
  }

  /** The download as it is now; cheap. */
  snapshot(): DownloadSnapshot {
    const size = this.known?.total ?? null;
    const extents = this.crew?.extents() ?? this.work?.ledger.written.toArray() ?? [];
    const bytes = extents.reduce((sum, { start, end }) => sum + end - start, 0);
    const rate = this.phase === 'transferring' ? (this.crew?.rate ?? 0) : 0;
    const eta = size !== null && rate > 0 ? (size - bytes) / rate : null;
    return {
      phase: this.phase,
      ...this.base(),
      size,
      bytes,
      rate,
      eta,
      elapsedMs: performance.now() - this.startedMs,
      lanes: this.crew?.view() ?? [],
      extents: extents.map(({ start, end }) => [start, end] as const),
      notices: this.notices,
      verified: this.verification.progress(size ?? 0),
    };
  }
}

function priorFacts({ identity }: Prior): { validators: Validators; total: number | null } {
  return { validators: identity.validators as Validators, total: identity.size };
}

function nothingToResume(target: string): SluiceError {
  return new SluiceError('NOTHING_TO_RESUME', 'there is no unfinished download here', {
    path: target,
    next: 'Start one with `sluice get URL`.',
  });
}
