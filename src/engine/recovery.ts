/**
 * What a lease that did not end as asked means for the others: which is tried again and when, when
 * the server objects to one connection more, when the address is asked for anew (P20), when ranges do
 * not work after all, and when nothing can go on.
 *
 * Two cases are told apart. While others are served, a failure is this connection's: it costs that
 * connection. While nothing is served, a failure says nothing of the number of connections: all wait
 * together, and names are looked up again.
 */
import { SluiceError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import { mixedError } from '../lease/sink.js';
import type { ChangedResult, LeaseOutcome, Source } from '../lease/task.js';
import type { Scheduler } from '../schedule/scheduler.js';
import type { Span } from '../schedule/types.js';
import { compareValidators, joinValidators } from '../http/validators.js';
import type { Validators } from '../http/validators.js';
import { Addresses } from './addresses.js';
import { LONGEST_RETRY_AFTER_MS, backoffMs } from './backoff.js';
import type { Connections, Numbers, Out } from './connections.js';
import type { Coverage } from './coverage.js';
import { asksTooMuch, classify, isWorthAsking, redirectedNow, tooShort } from './failures.js';
import { Outage } from './outage.js';
import type { DispatcherParts, WorkEnd } from './parts.js';
import { Renewal } from './renewal.js';

/** Answers with another validator that are tolerated before the representation is taken to have changed. */
const MAX_CHANGED = 2;

/** Tries of a server that claims to serve ranges before its first answer is read to the end. */
const MAX_TRIALS = 2;

/** Connections while one lease tries whether ranges work: the first answer's, and the trial's. */
const WITH_TRIAL = 2;

/** A body, or a whole answer, that did not come in time. */
const SILENT: ReadonlySet<ErrorCode> = new Set(['STALLED', 'FIRST_BYTE_TIMEOUT']);

/** What recovery has the dispatcher do. */
export interface Remedies {
  cancelAll(): void;
  /** Gives the first answer all that is missing behind it. */
  extendFirst(): void;
  /** Hands out leases anew. */
  pump(): void;
  /** The source has failed for good. */
  giveUp(error: SluiceError): void;
  /** Leaves the source to the others; false when there is no other one. */
  leave(error: SluiceError): boolean;
}

/** Which of the sources it looks after. */
export interface Mine extends Numbers {
  source: number;
}

export class Recovery {
  /** Where the leases are asked for now. */
  source: Source;
  /** Two requests brought bytes that do not fit together. */
  spoiled = false;
  private addresses: Addresses;
  private readonly renewal: Renewal;
  private readonly outage: Outage;
  private changes = 0;
  private lastError: SluiceError | null = null;
  private firstLease: number | null = null;
  private proven: boolean;
  private trial: number | null = null;
  private trialsFailed = 0;
  private single = false;
  /** Nothing is served, as far as is known. */
  private isDown = false;
  private alone = false;
  /** What all answers have said together; null before a second one. */
  private learned: Validators | null = null;
  /** Why the original URL did not tell where the bytes are now, the last time; null when it did. */
  private notRenewedFor: SluiceError | null = null;

  constructor(
    private readonly parts: DispatcherParts,
    private readonly scheduler: Scheduler,
    private readonly connections: Connections,
    private readonly coverage: Coverage,
    private readonly remedies: Remedies,
    private readonly mine: Mine,
    /** Bytes in place, as far as the source tells by them that it goes on. */
    private readonly inPlace: () => number,
  ) {
    const { source, log, redirected, retries, proven, ledger, clock } = parts;
    this.source = source;
    this.addresses = new Addresses(source, log);
    this.renewal = new Renewal(redirected);
    this.outage = new Outage(retries, ledger.written.total(), clock.now());
    this.proven = proven;
  }

  /** @param first the range of the first answer's lease, which is the first of all; null without one */
  begin(first: Span | null): void {
    const { alone, ledger } = this.parts;
    if (first === null) return;
    const isWhole = first.end - first.start === ledger.total - ledger.written.total();
    this.single =
      (alone && isWhole) || (!this.proven && this.scheduler.targetOf(this.mine.source) === 1);
  }

  /** Only the first answer is read on, to its end. */
  get isSingle(): boolean {
    return this.single;
  }

  /** Nothing is handed out: the address is being asked for, or only the first answer is read. */
  get isWaiting(): boolean {
    return this.renewal.isUnderWay || this.single;
  }

  /** Its leases that are out. */
  private get leasesOut(): number {
    return this.connections.of(this.mine).length;
  }

  /** Body bytes that it sent. */
  private get received(): number {
    const { first, count } = this.mine;
    return this.parts.slots.receivedBy(first, count);
  }

  /** How often the source was renewed. */
  get generation(): number {
    return this.renewal.generation;
  }

  /** How the work of a single answer ended that did not bring everything. */
  get broken(): WorkEnd {
    const error = this.lastError ?? new SluiceError('CONNECTION_LOST', 'the body ended early');
    return { kind: 'broken', error, alone: this.alone };
  }

  /** Tells the scheduler how many connections may work while ranges are not proven, or nothing is served. */
  allow(): void {
    const nowMs = this.parts.clock.now();
    if (this.isDown && this.connections.served(nowMs, this.mine) > 0) this.isDown = false;
    const most = this.proven ? Infinity : this.trial === null ? WITH_TRIAL : 1;
    const allowed = this.isWaiting ? 0 : this.isDown ? 1 : most;
    const { source } = this.mine;
    this.scheduler.observe({ kind: 'allowed', most: allowed, source }, nowMs);
  }

  /** A lease was asked for. */
  asked({ lease, isFirst }: Out): void {
    if (isFirst) this.firstLease = lease;
    else if (!this.proven) this.trial = lease;
    this.allow();
  }

  /** The source for a lease on a connection, with the address that it is to go to in front. */
  sourceFor(connection: number): Source {
    if (!this.proven) return this.source;
    return this.addresses.sourceFor(this.source, connection, this.parts.clock.now());
  }

  /** A connection was far slower than its peers, or silent while they were served. */
  replaced({ connection, heardMs }: Out): void {
    const how = heardMs === null ? 'giving up a silent connection' : 'replacing a slow connection';
    this.parts.log.info({ connection }, how);
    this.addresses.slow(connection, this.parts.clock.now());
  }

  /** @throws SluiceError CHANGED */
  compareSeams(): void {
    try {
      this.parts.seams.check((from, to) => this.coverage.has(from, to));
    } catch (error) {
      this.spoiled = true;
      throw error;
    }
  }

  /**
   * Decides on what came of a lease.
   * @throws SluiceError when nothing can go on
   */
  judge(out: Out, outcome: LeaseOutcome): void {
    const { result } = outcome;
    const isTrial = this.trial === outcome.lease;
    const progressed = outcome.written > out.span.start;
    if (isTrial) this.trial = null;
    this.learnAddress(out, outcome);
    if (progressed && outcome.validators !== null) this.learnValidators(outcome.validators);
    switch (result.kind) {
      case 'done':
      case 'short':
        if (isTrial) this.proven = true;
        if (!progressed && this.source.total !== null) return this.failed(out, tooShort(), false);
        return this.connections.succeeded(out.connection);
      case 'cancelled':
        return;
      case 'redirected':
        return this.renew(out, redirectedNow(result.status));
      case 'ignored':
        return this.ignored(out, isTrial, result.why, progressed);
      case 'changed':
        // The first answer, which is a whole in itself, is still the one that it was.
        if (isTrial && result.by === 'validator' && this.leasesOut > 0) return this.rangesFailed();
        return this.changed(out, outcome, result);
      case 'failed': {
        const error = SluiceError.fromRecord(result.error);
        const tries = this.triesOf(error, outcome.written);
        if (isTrial) this.trialFailed(progressed);
        // The answer that told the length is longer than it said: that length cannot be believed either.
        if (out.lease === this.firstLease && error.code === 'HTTP_RANGE_MISMATCH') throw error;
        return this.failed(out, error, progressed, tries, outcome.written);
      }
    }
  }

  /**
   * What the first answer did not say of its representation, others may say, and must then agree in. Later ones
   * are compared before a byte of theirs is written; those that came at the same time, here.
   * @throws SluiceError CHANGED
   */
  private learnValidators(seen: Validators): void {
    const { source } = this;
    if (source.expected.digest) return;
    if (compareValidators(source.validators, seen) === 'different') {
      this.spoiled = true;
      const message = 'the server answered with two representations: their validators differ';
      throw mixedError(this.parts.path, message);
    }
    this.learned = joinValidators(source.validators, seen);
    this.source = { ...source, validators: this.learned };
  }

  /** What a failure counts for: one that was given more time for as much as it took. */
  private triesOf({ code }: SluiceError, offset: number): number {
    if (!SILENT.has(code)) return 1;
    const { patience } = this.parts;
    const tries = patience.factor(offset);
    patience.fellSilent(offset);
    return tries;
  }

  private learnAddress(out: Out, outcome: LeaseOutcome): void {
    this.addresses.ended(out.connection, outcome, this.parts.clock.now());
    for (const { connection } of this.connections.working())
      if (connection === out.connection) this.addresses.goesOn(connection);
  }

  private trialFailed(progressed: boolean): void {
    if (progressed) this.proven = true;
    else if (++this.trialsFailed >= MAX_TRIALS) this.rangesFailed();
    else this.remedies.extendFirst();
  }

  private ignored(out: Out, isTrial: boolean, why: string, progressed: boolean): void {
    if (this.source.ifRange !== null) {
      // Some servers answer 200 to If-Range although the validator is theirs; the 206's own is compared instead.
      this.source = { ...this.source, ifRange: null };
      return;
    }
    if (isTrial) return this.rangesFailed();
    const next = 'Try --connections 1, or another source of the file.';
    this.failed(out, new SluiceError('HTTP_RANGE_IGNORED', why, { next }), progressed);
  }

  /**
   * Ranges do not work after all: the first answer, which is the whole, goes on to the end. When it
   * is over already, the whole has to be asked for again.
   */
  private rangesFailed(): void {
    const why = 'the server does not serve ranges after all';
    if (this.remedies.leave(new SluiceError('HTTP_RANGE_IGNORED', why))) return;
    this.single = this.alone = true;
    this.remedies.extendFirst();
  }

  private changed(out: Out, outcome: LeaseOutcome, { by, error: record }: ChangedResult): void {
    const error = SluiceError.fromRecord(record);
    if (by === 'seam') {
      this.spoiled = true;
      throw error;
    }
    const progressed = outcome.written > out.span.start;
    // Concurrent leases all see the same change of validator. Count it once: ignore leases that were
    // requested before the last refresh.
    if (out.generation !== this.renewal.generation)
      return this.parts.hooks.retry(error, 1, 0, out.connection);
    if (this.addresses.isForeign(outcome.address)) return this.failed(out, error, progressed);
    if (++this.changes > MAX_CHANGED) return this.endAlone(error);
    this.renewal.generation++;
    // Nodes behind one name may give one representation different ETags: stay with the first node.
    this.addresses.pin();
    this.failed(out, error, progressed);
  }

  /** The validator is another one at each request: only one answer as a whole can be believed. */
  private endAlone(error: SluiceError): void {
    if (this.remedies.leave(error)) return;
    this.alone = this.single = true;
    this.lastError = error;
    this.remedies.cancelAll();
  }

  /** @param offset where the body ended; null when there was none */
  private failed(
    out: Out,
    error: SluiceError,
    hasWritten: boolean,
    tries = 1,
    offset: number | null = null,
  ): void {
    // What trickles in is no progress, or a download that is always too slow would never end.
    const progressed = hasWritten && error.code !== 'LOW_SPEED';
    const { clock, hooks } = this.parts;
    const nowMs = clock.now();
    const served = this.connections.served(nowMs, this.mine);
    const { received } = this;
    const kind = classify(error, {
      redirected: this.renewal.isRedirected,
      refreshed: this.renewal.isInVain(received) && !this.renewal.isStale(out.generation),
      others: this.leasesOut,
      served: received > 0,
    });
    if (kind === 'renew') return this.renew(out, error);
    if (!progressed && this.addresses.takesOver(out.connection, error, nowMs))
      return hooks.retry(error, 1, 0, out.connection);
    if (kind === 'fatal') throw error;
    // While others are served it may be one machine of several that does so.
    const isMeant = offset !== null && served === 0 && this.parts.defects.isAgain(error, offset);
    if (isMeant) throw error;
    this.lastError = error;
    const attempt = this.connections.failed(out.connection, progressed);
    if (error.code === 'LOW_SPEED' && this.isTooSlow(out, attempt)) throw error;
    const pauseMs = error.details.retryAfterMs ?? null;
    const delayMs = backoffMs(attempt, pauseMs, clock.random());
    this.rest(out.connection, nowMs + delayMs);
    if (served > 0 && !progressed) this.objected(out, kind === 'objection', pauseMs);
    else if (served === 0) this.nothingServed(out, error, progressed, tries);
    if (!this.single) hooks.retry(error, attempt, delayMs, out.connection);
  }

  /** A connection was too slow time and again, and no other one is faster. */
  private isTooSlow({ connection }: Out, attempt: number): boolean {
    const { retries, deadlines } = this.parts;
    const least = deadlines.lowSpeed?.bytesPerSecond ?? 0;
    return attempt > retries && this.connections.fastest(connection) < least;
  }

  private rest(connection: number, untilMs: number): void {
    this.connections.restUntil(connection, untilMs);
    this.scheduler.observe({ kind: 'rested', connection, untilMs }, this.parts.clock.now());
  }

  /** Others are served: the server wants fewer connections, or this one met an accident. */
  private objected({ connection }: Out, isObjection: boolean, pauseMs: number | null): void {
    if (!isObjection) return;
    const asked = { kind: 'objected', connection, pauseMs: pauseMs ?? 0 } as const;
    this.scheduler.observe(asked, this.parts.clock.now());
  }

  /** Nothing is served: the next try, of whichever connection, is one for all of them. */
  private nothingServed(out: Out, error: SluiceError, progressed: boolean, tries: number): void {
    const { clock } = this.parts;
    const nowMs = clock.now();
    const others = this.leasesOut;
    this.outage.failed(out.askedMs, progressed, this.inPlace(), nowMs, tries);
    if (!this.single && this.outage.isOver(others, nowMs)) throw error;
    if (progressed) return;
    // One connection finds out for all when the server is back.
    this.isDown = true;
    // Nobody waits for hours: while other leases are out, such an answer is that connection's.
    const pauseMs = asksTooMuch(error) ? null : (error.details.retryAfterMs ?? null);
    const delayMs = backoffMs(this.outage.length, pauseMs, clock.random());
    this.pause(Math.min(delayMs, this.outage.longestPauseMs(pauseMs)));
    // The name may lead elsewhere by now.
    if (this.outage.mayHaveMoved(error) && !this.single)
      this.ask(this.parts.refresh(), out.connection);
  }

  private pause(delayMs: number): void {
    const nowMs = this.parts.clock.now();
    const { source } = this.mine;
    this.scheduler.observe({ kind: 'paused', untilMs: nowMs + delayMs, source }, nowMs);
  }

  /** Asks the original URL again for where the bytes are now; once for all leases of one address. */
  private renew(out: Out, error: SluiceError): void {
    const { clock, hooks } = this.parts;
    const nowMs = clock.now();
    this.lastError = error;
    const attempt = this.connections.failed(out.connection, false);
    const delayMs = attempt === 1 ? 0 : backoffMs(attempt - 1, null, clock.random());
    this.rest(out.connection, nowMs + delayMs);
    hooks.retry(error, attempt, delayMs, out.connection);
    if (this.renewal.isStale(out.generation)) return;
    this.outage.failed(out.askedMs, false, this.inPlace(), nowMs);
    // What the original URL answered says more than that it is to be asked.
    if (!this.single && this.outage.isOver(this.leasesOut, nowMs))
      throw this.notRenewedFor ?? error;
    this.ask(this.parts.refresh(), out.connection);
  }

  private ask(refreshed: Promise<Source>, connection: number): void {
    this.renewal.isUnderWay = true;
    refreshed.then(
      (source) => this.renewed(source),
      (failure: unknown) => this.notRenewed(SluiceError.from(failure), connection),
    );
  }

  private renewed(source: Source): void {
    this.notRenewedFor = null;
    this.renewal.done(this.received);
    const validators = joinValidators(source.validators, this.learned ?? source.validators);
    this.source = { ...source, validators };
    this.addresses = new Addresses(source, this.parts.log);
    this.remedies.pump();
  }

  /** What may pass is tried again when the next lease is refused; the outage's bounds hold for it. */
  private notRenewed(error: SluiceError, connection: number): void {
    const { clock, hooks } = this.parts;
    const nowMs = clock.now();
    this.renewal.isUnderWay = false;
    this.notRenewedFor = error;
    // Others still receive: the server refused one more connection, not the address.
    const isObjection = error.code === 'HTTP_REFUSED' && this.leasesOut > 0;
    if (isObjection) this.scheduler.observe({ kind: 'objected', connection, pauseMs: 0 }, nowMs);
    else if (!isWorthAsking(error) || this.outage.isOver(0, nowMs))
      return this.remedies.giveUp(error);
    const pauseMs = error.details.retryAfterMs ?? null;
    const delayMs = backoffMs(this.outage.length, pauseMs, clock.random());
    this.pause(Math.min(delayMs, LONGEST_RETRY_AFTER_MS));
    hooks.retry(error, this.outage.length, delayMs, connection);
  }
}
