/**
 * A download that goes to a reader in order, and to no file: fetched in parallel through a window of
 * memory, written from its front (P23). What the reader got is a prefix of the representation at every
 * moment; only the end tells whether it was all of it, and whether the digests hold.
 */
import { SluiceError } from '../errors.js';
import { silentLog } from '../log.js';
import { WHOLE, beyondEnd } from '../http/part-of-file.js';
import { readValidators } from '../http/validators.js';
import { ExtentSet } from '../schedule/extents.js';
import { Ledger } from '../schedule/ledger.js';
import { calledOff, onAbort } from '../net/calling-off.js';
import type { WorkEnd } from '../engine/parts.js';
import { underLimit } from '../engine/rate-limit.js';
import { Seams } from '../engine/seams.js';
import { startHash } from '../verify/checksum.js';
import type { ChecksumAlgorithm, RunningHash } from '../verify/checksum.js';
import { SEAM_BYTES, Slots, UNKNOWN_END } from '../lease/task.js';
import { Window } from '../lease/window.js';
import { changedError, judge } from '../open/adopt.js';
import type { Asked } from '../open/ask.js';
import type { DownloadHooks } from './download.js';
import type { DoneEvent, DownloadSnapshot, ErrorEvent } from './events.js';
import { firstLeaseOf } from './first-lease.js';
import { FurtherSources } from './further-sources.js';
import { Leases, endInTime } from './leases.js';
import type { Place } from './leases.js';
import { Job } from './job.js';
import type { Work } from './job.js';
import type { Offer } from '../open/offer.js';
import type { DownloadOptions } from './options.js';
import { isPage, pageInstead } from './page.js';
import { Pause } from './pause.js';
import { Questions } from './questions.js';
import { lastEvent, snapshotOf, tellProgress } from './telling.js';
import { maxConnections } from './most.js';
import { Session, ofOne } from './session.js';
import { usefulConnections } from './useful.js';

/** How often it is looked whether the front has moved, in milliseconds. */
const LOOK_MS = 5;

/** How often progress is told, in milliseconds. */
const PROGRESS_MS = 200;

/** Bytes that are handed to the reader at once. */
const STEP = 256 * 1024;

/** Where the bytes go. */
export interface Output {
  /**
   * Writes bytes, which may be changed once it has resolved.
   * @throws SluiceError when the reader is gone, or the write fails
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Nothing more is written; what is still being written is given up. */
  close(): void;
}

export class StreamDownload {
  private readonly job: Job;
  private readonly questions: Questions;
  private readonly window: Window;
  private readonly slots: Slots;
  private readonly hashes = new Map<ChecksumAlgorithm, RunningHash>();
  private readonly session: Session;
  private readonly ownsSession: boolean;
  private readonly leases: Leases;
  private stopped: SluiceError | null = null;
  private readonly pause: Pause;
  private draining: Promise<void> | null = null;
  /** Rejects when the download is stopped. */
  private readonly stopping: Promise<never>;

  /**
   * @param windowBytes how far ahead of the reader bytes are fetched
   * @throws SluiceError URL_INVALID, USAGE
   */
  constructor(
    private readonly options: DownloadOptions,
    private readonly output: Output,
    private readonly windowBytes: number,
    hooks: DownloadHooks = {},
  ) {
    const log = hooks.log ?? silentLog;
    this.ownsSession = hooks.session === undefined;
    this.session = hooks.session ?? new Session(ofOne(options, log));
    this.job = new Job(options, hooks.emit ?? (() => undefined), log, this.session);
    this.job.target = '-';
    this.leases = new Leases(this.job, hooks.trace ?? null);
    this.pause = new Pause(this.job);
    this.questions = new Questions(this.job, () => this.job.known);
    this.window = Window.allocate(windowBytes);
    this.slots = Slots.allocate(this.job.atOnce * maxConnections(options));
    const { signal } = this.job.abort;
    this.stopping = new Promise((_, reject) => {
      onAbort(signal, () => reject(calledOff(signal)));
    });
    this.stopping.catch(() => undefined);
  }

  /** Runs to the end. Never rejects: the last event tells how it ended. */
  async run(): Promise<DoneEvent | ErrorEvent> {
    const advice = 'Give more time with --max-time.';
    const timer = endInTime(this.job, (error) => this.stop(error), advice);
    for (const warning of this.options.warnings) this.job.warn(warning);
    const error = await this.fetch().then(
      () => null,
      (thrown: unknown) => this.stopped ?? this.explained(SluiceError.from(thrown)),
    );
    clearTimeout(timer);
    this.output.close();
    await Promise.allSettled([this.job.close(), this.leases.finish()]);
    if (this.ownsSession) await this.session.close();
    this.job.phase = 'ended';
    const last = lastEvent(
      this.job,
      error === null ? { kind: 'done', outcome: 'downloaded' } : { kind: 'failed', error },
    );
    this.job.emit(last);
    return last;
  }

  /** What went to a reader cannot be fetched again from another source: who has other bytes is not found out. */
  private explained(error: SluiceError): SluiceError {
    const { job } = this;
    const brought = Array.from({ length: job.sources }, (_, source) =>
      job.suspects.bytesOf(source),
    );
    const isMixed = brought.filter((bytes) => bytes > 0).length > 1;
    if (!isMixed || (error.code !== 'CHANGED' && error.code !== 'CHECKSUM_MISMATCH')) return error;
    const next =
      'One of the sources may have other bytes. Run the command again without --mirror, or download to a file: then it is found out which one, and the file is fetched from the others.';
    return new SluiceError(error.code, error.message, { ...error.details, next });
  }

  /** Ends the download. */
  stop(error: SluiceError): void {
    this.stopped ??= error;
    this.job.abort.abort(error);
    this.job.asker.abort(error);
    this.job.dispatcher?.stop(error);
    this.pause.end();
  }

  /** The download as it is now; cheap. */
  snapshot(): DownloadSnapshot {
    return snapshotOf(this.job);
  }

  private async fetch(): Promise<void> {
    const { retries } = this.options;
    for (let attempt = 0; ;) {
      if (this.stopped !== null) throw this.stopped;
      const before = this.window.front;
      const end = await this.ask(attempt >= retries);
      await this.drain();
      if (end === null) break;
      const arePartial = this.job.work?.offer.kind === 'range';
      if (end.kind === 'failed' && !this.job.ladder.leavesLeases(end.error, arePartial))
        throw end.error;
      if (end.kind === 'failed') this.job.alone = true;
      if (this.window.front > before && end.error.code !== 'LOW_SPEED') attempt = 0;
      if (attempt >= retries && end.kind === 'broken') throw end.error;
      if (end.kind === 'broken') await this.pause.after(end.error, ++attempt);
    }
    await this.finish();
  }

  /** Asks for what is missing, and receives it; null when everything has come. */
  private async ask(
    isLast: boolean,
  ): Promise<{ kind: 'broken' | 'failed'; error: SluiceError } | null> {
    const { job } = this;
    const gap = job.work?.ledger.gaps()[0];
    const from = Math.max(0, (gap?.start ?? 0) - SEAM_BYTES);
    const end = gap === undefined || gap.end === UNKNOWN_END ? null : gap.end;
    this.questions.isLast = isLast;
    const reply = await this.questions.ask(from, end);
    if ('type' in reply)
      return reply.type === 'broken' ? { kind: 'broken', error: reply.error } : null;
    const { known, asker } = job;
    const page =
      known === null || this.window.front === 0
        ? null
        : pageInstead(reply.asked, reply.offer, known, asker.url);
    if (page !== null) {
      reply.asked.connection.destroy();
      return { kind: 'broken', error: page };
    }
    const work = await this.settle(reply.asked, reply.offer);
    if (work.ledger.isComplete) {
      reply.asked.connection.destroy();
      return null;
    }
    const ended = await this.transfer(work, reply.asked);
    if (ended.kind === 'complete') {
      if (work.ledger.total === 0 && job.cut !== WHOLE)
        throw beyondEnd(this.options.range, job.whole);
      job.known = { validators: readValidators(reply.asked.answer.head), total: work.ledger.total };
      return null;
    }
    if (ended.kind === 'broken') job.alone ||= ended.alone;
    return ended;
  }

  /** The answer is in: it is of what came before, or the first. */
  private async settle(asked: Asked, offer: Offer): Promise<Work> {
    const { job } = this;
    const seen = { validators: readValidators(asked.answer.head), total: offer.total };
    try {
      job.verification.expectSize(asked.promisedSize);
      const misfit = job.verification.misfit(offer.total);
      if (misfit !== null) throw misfit;
      if (job.work === null || job.known === null) return await this.begin(asked, offer);
      const { known } = job;
      const verdict = judge({ known, seen, digest: job.verification.wanted, insist: true });
      if (verdict.kind === 'changed') throw changedError(verdict.how, job.path, job.shownUrl);
      if (offer.kind === 'whole' && this.window.front > 0) throw cannotGoOn();
      job.work = { ...job.work, offer };
      return job.work;
    } catch (error) {
      asked.connection.destroy();
      throw error;
    }
  }

  private async begin(asked: Asked, offer: Offer): Promise<Work> {
    const { job } = this;
    const total = offer.total;
    const { head } = asked.answer;
    job.known = { validators: readValidators(head), total, isPage: isPage(head) };
    job.verification.addServerDigests(asked.answer.head, asked.promised);
    for (const algorithm of job.verification.algorithms)
      this.hashes.set(algorithm, await startHash(algorithm));
    const ledger = new Ledger(total ?? UNKNOWN_END, new ExtentSet());
    const work = { offer, asked, ledger, slots: this.slots };
    job.work = work;
    const why = offer.kind === 'whole' && offer.total !== 0 ? { reason: offer.why } : {};
    job.emit({
      type: 'start',
      ...job.base,
      size: total,
      resumed: 0,
      connections: usefulConnections(job, offer),
      ranges: offer.kind === 'range',
      ...why,
    });
    return work;
  }

  private async transfer(work: Work, asked: Asked): Promise<WorkEnd> {
    const { job, window } = this;
    job.phase = 'transferring';
    const { engine } = this.session;
    const host = engine.host(asked.source.endpoint);
    // What a reader takes says nothing of the server: nothing is remembered, nor believed.
    const shares = host.shared(this.options.connections, asked.roundTripMs, () => null);
    const share = shares.join(usefulConnections(job, work.offer));
    const longest = this.longestOf(share.useful);
    const further = new FurtherSources(job, { longest });
    const place = this.placeOf(asked, longest, further);
    const dispatcher = this.leases.dispatcher(work, asked, share, place);
    job.dispatcher = dispatcher;
    const look = setInterval(() => void this.drain().catch(() => undefined), LOOK_MS);
    const progress = setInterval(() => tellProgress(job), PROGRESS_MS);
    const first = firstLeaseOf(job, work.offer, asked);
    const end = await underLimit(this.options.rateLimit, () => {
      const ended = dispatcher.run(first);
      further.begin(dispatcher);
      return ended;
    });
    further.end();
    clearInterval(look);
    clearInterval(progress);
    shares.leave(share);
    this.leases.ended(dispatcher);
    job.fetched = work.slots.receivedByAll();
    // What was fetched ahead and lies behind a gap stays in the window.
    job.log.debug({ front: window.front, end: end.kind }, 'the work of a stream ended');
    return end;
  }

  /** All connections, of all sources, have a lease in the window, and one that is under way. */
  private longestOf(connections: number): number {
    const { job, windowBytes } = this;
    const all = job.atOnce * connections;
    return Math.min(job.ladder.longest, Math.max(2 * STEP, windowBytes / (2 * all)));
  }

  /** Where the bytes go: into the window. */
  private placeOf(asked: Asked, longest: number, further: FurtherSources): Place {
    const { job, window } = this;
    return {
      source: { ...asked.source, total: job.known?.total ?? null },
      fd: -1,
      window,
      path: job.path,
      seams: new Seams((target, offset) => window.copy(target, offset), job.path),
      inOrder: true,
      longest,
      hooks: {
        brought: (number, span) => further.brought(number, span),
        left: (number, error) => further.left(number, error),
      },
    };
  }

  // The reader

  /** Hands on what has come at the front. A reader that has gone ends the download. */
  private drain(): Promise<void> {
    this.draining ??= this.handOn().finally(() => (this.draining = null));
    return this.draining;
  }

  private async handOn(): Promise<void> {
    try {
      for (;;) {
        const { front } = this.window;
        const end = Math.min(front + STEP, this.reached());
        if (end <= front) return;
        // From where they lie: a copy out of shared memory costs more than all else that is done here.
        const bytes = this.window.view(front, end);
        const written = this.output.write(bytes);
        for (const hash of this.hashes.values()) hash.update(bytes);
        // A reader that takes nothing does not keep the download from being stopped.
        await Promise.race([written, this.stopping]);
        this.window.pass(front + bytes.length);
      }
    } catch (thrown) {
      const error = SluiceError.from(thrown);
      this.stop(error);
      throw error;
    }
  }

  /** Everything before it has come, and its seams are compared. */
  private reached(): number {
    const { dispatcher, work } = this.job;
    const extents = dispatcher?.extents() ?? work?.ledger.written.toArray() ?? [];
    return new ExtentSet(extents).firstGap(0);
  }

  private async finish(): Promise<void> {
    const { job } = this;
    job.phase = 'verifying';
    await this.drain();
    const total = job.work?.ledger.total ?? 0;
    if (this.window.front !== total)
      throw new SluiceError('DEFECT', `${this.window.front} of ${total} bytes were handed on`);
    const whole = new Map([...this.hashes].map(([name, hash]) => [name, hash.digest()] as const));
    job.verification.checkStream(total, whole, job.path);
  }
}

function cannotGoOn(): SluiceError {
  const message =
    'the server sends only the whole file, and a part of it went to the reader already';
  const next = 'Run the command again from the start, or download to a file: that goes on later.';
  return new SluiceError('HTTP_RANGE_IGNORED', message, { next });
}
