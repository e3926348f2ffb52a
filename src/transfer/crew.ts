/**
 * The connections of one download at work. Each idle connection gets a lease from the gaps or from
 * the lease that would end last; failures cost their own remainder only. Runs until everything is
 * written, or until it cannot go on.
 */
import { SluiceError } from '../errors.js';
import { chooseMove, firstShare } from '../plan/choice.js';
import { stragglers } from '../plan/grant.js';
import type { ActiveLease, Costs, Span } from '../plan/moves.js';
import { Meter, fastest, median } from '../plan/meter.js';
import { Few, enoughFor } from '../plan/few.js';
import { FAR_MS } from '../plan/ramp.js';
import { backoffMs } from '../plan/retry.js';
import { seamsLeft } from '../plan/seam-budget.js';
import { slabBytes } from '../net/connection.js';
import { measureRoundTrip } from '../net/round-trip.js';
import { SEAM_BYTES, slotsOf } from '../../workers/protocol.js';
import type { ChangedResult, LeaseOutcome, LeaseTask, Source } from '../../workers/protocol.js';
import { Addresses } from './addresses.js';
import { Busy } from './busy.js';
import { Coverage } from './coverage.js';
import type { CrewEnd, CrewParts, Grant } from './crew-parts.js';
import type { Lane } from './events.js';
import {
  activeLeases,
  endsWithin,
  excuse,
  isWarm,
  knownRates,
  newLane,
  put,
  sampleLanes,
  takeOff,
  traceLease,
  viewLanes,
  youngMs,
} from './lane-book.js';
import type { Books, LaneBook, Working } from './lane-book.js';
import { Pipelining } from './pipelining.js';
import { Renewal } from './renewal.js';
import { Streak } from './streak.js';
import { strongValidator } from '../http/validators.js';
import { asksTooMuch, classify, isWorthAsking, redirectedNow, tooShort } from './failures.js';

/** The scheduler looks at rates this often, in milliseconds. */
const TICK_MS = 50;

/** One more look, in milliseconds from the start: nearby, slow start is over by then. */
const FIRST_TICK_MS = 25;

/** A round trip longer than this tells nothing. */
const ROUND_TRIP_TIMEOUT_MS = 2000;

/** A connection that is slow however often it is replaced is given up. */
const MAX_REPLACED = 3;

/** Given-up leases may take this long to say so, in milliseconds. */
const DRAIN_MS = 800;

/** Answers with another validator that are tolerated before the representation is taken to have changed. */
const MAX_CHANGED = 2;

/** Tries of a server that claims to serve ranges before its first answer is read to the end. */
const MAX_TRIALS = 2;

export class Crew {
  private readonly lanes: LaneBook[] = [];
  private readonly coverage: Coverage;
  private readonly total: Meter;
  private readonly pipelining: Pipelining;
  private readonly few: Few;
  private readonly busy = new Busy();
  /** What the slots had received before this crew. */
  private readonly receivedBefore: number;
  private nextLease: number;
  private source: Source;
  private addresses: Addresses;
  private gateMs = 0;
  private readonly streak: Streak;
  private changes = 0;
  private requestMs: number;
  private roundTripMs: number;
  private usualRate: number | null = null;
  private readonly renewal: Renewal;
  private fatal: SluiceError | null = null;
  private lastError: SluiceError | null = null;
  private timers: NodeJS.Timeout[] = [];
  private finish!: (end: CrewEnd) => void;
  private readonly ended: Promise<CrewEnd>;
  private over = false;
  private trial: number | null = null;
  private trialsFailed = 0;
  private openLease: number | null = null;
  private proven: boolean;
  private shared = false;
  private singleStream = false;
  private alone = false;
  /** The most connections that received at the same time. */
  peak = 0;
  /** Two requests brought bytes that do not fit together: nothing that is written can be believed. */
  spoiled = false;

  constructor(
    private readonly parts: CrewParts,
    count: number,
    firstLease: number,
  ) {
    this.source = parts.source;
    this.addresses = new Addresses(parts.source, parts.log);
    this.coverage = new Coverage(parts.ledger, parts.slots, parts.seams);
    this.roundTripMs = parts.roundTripMs;
    this.requestMs = 2 * parts.roundTripMs;
    this.streak = new Streak(parts.retries, parts.ledger.written.total());
    this.renewal = new Renewal(parts.redirected);
    this.proven = parts.proven;
    this.nextLease = firstLease;
    this.total = new Meter(2000, performance.now());
    this.pipelining = new Pipelining(parts.roundTripMs);
    const enough = enoughFor(parts.ledger.missing.total(), parts, parts.source.endpoint.scheme);
    this.few = new Few(enough, parts.receivers, performance.now());
    this.receivedBefore = parts.slots.receivedByAll();
    this.ended = new Promise((resolve) => (this.finish = resolve));
    for (let number = 0; number < count; number++) this.lanes.push(newLane(number));
  }

  /** Bytes per second of all connections together. */
  get rate(): number {
    return this.total.rate;
  }

  /** Number that the next lease of this download may have. */
  get leaseNumber(): number {
    return this.nextLease;
  }

  /** Body bytes received so far, seams and repeats included. */
  get received(): number {
    return this.parts.slots.receivedByAll() - this.receivedBefore;
  }

  /** How many connections are to work now. */
  private get target(): number {
    return this.few.of(this.parts.ramp.target);
  }

  /** Every lease that is out: what the connections work on, and what is asked for behind it. */
  private *leases(): Generator<Working> {
    for (const { working, behind } of this.lanes) {
      if (working !== null) yield working;
      if (behind !== null) yield behind;
    }
  }

  /**
   * Works until the end.
   * @param first starts the lease on the body that is already open, in slot 0
   */
  run(
    first: { span: Span; start: (task: LeaseTask) => Promise<LeaseOutcome> } | null,
  ): Promise<CrewEnd> {
    if (first !== null) {
      this.openLease = this.nextLease;
      const isWhole = first.span.end - first.span.start === this.parts.ledger.missing.total();
      this.singleStream = (this.parts.alone && isWhole) || (!this.proven && !this.mayTryRanges());
      this.begin(this.lanes[0] as LaneBook, { span: first.span, doubles: null }, first.start);
    }
    // The first look begins what is measured.
    this.tick();
    const tick = (): void => this.tick();
    this.timers = [setTimeout(tick, FIRST_TICK_MS), setInterval(tick, TICK_MS)];
    return this.ended;
  }

  /** Gives everything up; what is written stays written. */
  stop(error: SluiceError): void {
    this.giveUp(error);
  }

  /** See {@link Coverage.claimable}. */
  extents(): Array<{ start: number; end: number }> {
    return this.coverage.claimable();
  }

  /** The connections as a display shows them. */
  view(): Lane[] {
    return viewLanes(this.lanes, this.parts.ramp.target, this.books);
  }

  /** Bounds the first lease, which asked for everything, as soon as others are to have their share of it. */
  private shareFirst(): void {
    const { target } = this;
    const { ledger } = this.parts;
    const working = this.lanes[0]?.working;
    if (this.shared || !working || !this.proven || target === 1 || this.keepsFirst) return;
    this.shared = true;
    const booked = ledger.lease(working.lease);
    if (working.lease !== this.openLease || booked === undefined) return;
    const position = this.coverage.positionOf(working.slot, working.lease, booked.start);
    const missing = ledger.missing.total();
    const cut = firstShare({ position, end: booked.end }, missing, target, this.costs());
    if (cut !== null) this.cut(working, cut);
  }

  /** Whether the first lease keeps its long answer, and others take their leases off its end. */
  private get keepsFirst(): boolean {
    const { ramp, roundTripMs, inOrder } = this.parts;
    return ramp.isBoosting || (roundTripMs >= FAR_MS && !inOrder && !this.shared);
  }

  private cut(working: Working, end: number): void {
    this.parts.ledger.cut(working.lease, end);
    this.parts.slots.setEnd(working.slot, end);
  }

  /** Hands out leases to idle connections, and ends the work when nothing is left to do. */
  private pump(): void {
    if (this.over) return;
    if (this.parts.ledger.leasesOut === 0) {
      if (this.fatal !== null) return this.end({ kind: 'failed', error: this.fatal });
      if (this.parts.ledger.isComplete && this.endComplete()) return;
      if (this.singleStream) return this.endBroken();
    }
    if (this.fatal !== null || this.renewal.isUnderWay || this.singleStream) return;
    const nowMs = performance.now();
    if (nowMs < this.gateMs || this.parts.slots.isHeld) return;
    this.shareFirst();
    this.askBehind();
    for (let idle = this.idleCount(nowMs); idle > 0; idle--) {
      const lane = this.lanes.find((each) => each.working === null && this.isReady(each, nowMs));
      const grant = lane === undefined ? null : this.grant(lane);
      if (lane === undefined || grant === null) return;
      this.begin(lane, grant, (task) => this.parts.executor.run(task));
    }
  }

  private idleCount(nowMs: number): number {
    let ready = 0;
    let busy = 0;
    for (const lane of this.lanes) {
      if (lane.working !== null) busy++;
      else if (this.isReady(lane, nowMs)) ready++;
    }
    const allowed = this.proven ? this.target : this.mayTryRanges() ? 2 : 1;
    return Math.min(ready, allowed - busy);
  }

  /** A lane that stayed slow however often its connection was replaced is done, unless it is the last. */
  private isReady(lane: LaneBook, nowMs: number): boolean {
    if (lane.notBeforeMs > nowMs) return false;
    return lane.replaced < MAX_REPLACED || this.parts.ledger.leasesOut === 0;
  }

  /** Before ranges are proven, a single lease finds out whether they work. */
  private mayTryRanges(): boolean {
    return this.target > 1 && this.trial === null;
  }

  private grant(lane: LaneBook): Grant | null {
    const { ledger, ramp } = this.parts;
    const isBusy = lane.working !== null;
    if (ramp.isBoosting && !ramp.mayBoost(lane.idleSinceMs, isBusy)) return null;
    const books = { gaps: ledger.gaps(), missing: ledger.missing.total(), active: this.active() };
    const costs = this.costs(lane.rate, isWarm(lane));
    const stage = {
      lanes: this.target,
      isBoosting: ramp.isBoosting,
      open: this.keepsFirst ? this.openLease : null,
      isBusy,
    };
    const move = chooseMove(books, stage, costs);
    if (move === null) return null;
    if (move.kind === 'take') return { span: move.span, doubles: null };
    const victim = [...this.leases()].find(({ lease }) => lease === move.lease);
    if (victim === undefined) return null;
    if (move.kind === 'give-up') {
      this.cancelLease(victim);
      return null;
    }
    if (move.kind === 'double') return { span: move.span, doubles: victim };
    this.cut(victim, move.span.start);
    return { span: move.span, doubles: null };
  }

  /** Ends leases whose rest another one has brought. */
  private endSuperseded(): void {
    const { ledger } = this.parts;
    for (const working of this.leases()) {
      const booked = ledger.lease(working.lease);
      if (booked === undefined) continue;
      const position = this.coverage.positionOf(working.slot, working.lease, booked.start);
      if (ledger.isSuperseded(booked, position)) this.cancelLease(working);
    }
  }

  private cancelLease({ slot, lease }: Working): void {
    const behind = this.lanes.find(({ working }) => working?.lease === lease)?.behind ?? null;
    if (behind !== null) behind.excused = true;
    this.parts.ledger.giveUp(lease);
    this.parts.slots.cancel(slot, lease);
  }

  /** Gives up leases on connections far below their peers: others fetch the rest of them. */
  private replaceStragglers(): void {
    if (!this.proven || this.singleStream) return;
    const slow = new Set(stragglers(this.active(), this.costs()));
    for (const lane of this.lanes) {
      if (lane.working === null || !slow.has(lane.working.lease)) continue;
      lane.replaced++;
      this.parts.log.info({ connection: lane.number }, 'replacing a slow connection');
      this.addresses.slow(lane.number, performance.now());
      this.cancelLease(lane.working);
    }
  }

  private costs(ownRate: number | null = null, warm = false): Costs {
    const { requestMs, roundTripMs, usualRate } = this;
    const { total, seamBytes: spent, owedSeamBytes } = this.parts.ledger;
    const owed = owedSeamBytes + this.parts.seams.owedBytes;
    const seams = seamsLeft({ total, spent, owed }, this.lanes.length);
    const { inOrder } = this.parts;
    const mayDouble = strongValidator(this.source.validators) !== null;
    const bestRate = fastest(knownRates(this.lanes));
    const known = { requestMs, roundTripMs, usualRate, bestRate, ownRate, isWarm: warm };
    return { ...known, seams, inOrder, mayDouble };
  }

  private active(): ActiveLease[] {
    return activeLeases(this.lanes, this.books, youngMs(this.parts) + this.requestMs);
  }

  private get books(): Books {
    return { ...this.parts, coverage: this.coverage };
  }

  private begin(
    lane: LaneBook,
    { span, doubles }: Grant,
    start: (task: LeaseTask) => Promise<LeaseOutcome>,
  ): void {
    const { ledger, slots } = this.parts;
    const slot = slotsOf(lane.number).find((each) => each !== lane.working?.slot) as number;
    const lease = this.nextLease++;
    const headSeam =
      doubles === null || doubles.start === span.start
        ? this.coverage.headSeam(span.start)
        : Math.min(SEAM_BYTES, span.start - doubles.start);
    if (doubles === null) ledger.open(lease, slot, span, headSeam);
    else ledger.double(lease, slot, doubles.lease, span, headSeam);
    slots.begin(slot, lease, span.start, span.end);
    const how = { headSeam, generation: this.renewal.generation };
    const working = put(lane, { slot, lease, ...span }, slots.received(slot), how);
    if (!this.proven && lease !== this.openLease) this.trial = lease;
    void start(this.task(lane, working, span, headSeam)).then(
      (outcome) => this.settle(lane, outcome),
      (error: unknown) => this.giveUp(SluiceError.from(error)),
    );
  }

  private task(
    { number }: LaneBook,
    { lease, slot, isBehind }: Working,
    span: Span,
    headSeam: number,
  ): LeaseTask {
    const { slots, fd, path, deadlines } = this.parts;
    const total = this.source.total;
    const askEnd = total === null ? span.end : Math.min(total, span.end + SEAM_BYTES);
    if (headSeam > 0) this.parts.seams.headWillCompare(span.start);
    return {
      lease,
      slot,
      memory: slots.memory,
      fd,
      path,
      start: span.start,
      headSeam,
      askEnd,
      pipelinedMs: isBehind ? Math.min(this.pipelining.dueMs, deadlines.firstByteMs) : null,
      slab: slabBytes(this.parts.ramp.target),
      source: this.proven
        ? this.addresses.sourceFor(this.source, number, performance.now())
        : this.source,
      deadlines,
    };
  }

  private settle(lane: LaneBook, outcome: LeaseOutcome): void {
    const working = takeOff(lane, outcome.lease, this.parts.slots);
    if (working === null || this.over) return;
    this.pipelining.ended(outcome, working.isBehind, working.excused);
    const booked = this.parts.ledger.lease(outcome.lease);
    const end = booked?.end ?? outcome.written;
    this.parts.ledger.close(outcome.lease, outcome.written);
    lane.isOpen = outcome.result.kind === 'done' && end >= working.end;
    this.learn(lane, working, outcome);
    traceLease(this.parts.log, working, outcome);
    try {
      this.takeSeam(outcome, end);
      this.judge(lane, working, outcome);
      this.endSuperseded();
      this.compareSeams();
    } catch (error) {
      this.giveUp(SluiceError.from(error));
    }
    this.pump();
  }

  /** Connections that are about to end their lease are asked for the next one already. */
  private askBehind(): void {
    const { ledger, executor } = this.parts;
    const isBusy = this.lanes.filter(({ working }) => working !== null).length <= this.target;
    if (!this.proven || !isBusy) return;
    for (const lane of this.lanes) {
      if (!this.pipelining.isOpen(this.target)) return;
      if (ledger.missing.total() === 0 && !this.keepsFirst) return;
      // The answer that goes on to the end of the file has nothing behind it.
      if (lane.working?.lease === this.openLease) continue;
      if (!endsWithin(lane, this.pipelining.leadMs, this.books)) continue;
      if (!executor.mayPipeline(lane.number)) continue;
      const grant = this.grant(lane);
      if (grant === null) return;
      this.pipelining.asked();
      this.begin(lane, grant, (task) => executor.run(task));
    }
  }

  private learn(lane: LaneBook, working: Working, outcome: LeaseOutcome): void {
    const { dialMs, firstByteMs, received, result } = outcome;
    const elapsed = performance.now() - working.beganMs;
    this.addresses.ended(lane.number, outcome, performance.now());
    if (lane.working !== null) this.addresses.goesOn(lane.number);
    if (result.kind === 'done' && elapsed > 0) lane.rate = (received * 1000) / elapsed;
    if (firstByteMs === null) return;
    this.roundTripMs = Math.min(this.roundTripMs, dialMs ?? firstByteMs, firstByteMs);
    this.requestMs += 0.3 * ((dialMs ?? 0) + firstByteMs - this.requestMs);
  }

  /** @throws SluiceError CHANGED */
  private compareSeams(): void {
    try {
      this.parts.seams.check((from, to) => this.coverage.has(from, to));
    } catch (error) {
      this.spoiled = true;
      throw error;
    }
  }

  private judge(lane: LaneBook, working: Working, outcome: LeaseOutcome): void {
    const { result } = outcome;
    const isTrial = this.trial === outcome.lease;
    if (isTrial) this.trial = null;
    switch (result.kind) {
      case 'done':
      case 'short':
        if (isTrial) this.proven = true;
        if (outcome.written === working.start && this.source.total !== null) {
          return this.failed(lane, working, tooShort(), false);
        }
        lane.failures = 0;
        if (working.meter.rate * 2 >= (this.usualRate ?? 0)) lane.replaced = 0;
        return;
      case 'cancelled':
        return;
      case 'redirected':
        return this.renew(lane, working, redirectedNow(result.status));
      case 'ignored':
        return this.ignored(lane, working, isTrial, result.why, outcome);
      case 'changed':
        // The first answer, which is a whole in itself, is still the one that it was.
        if (isTrial && result.by === 'validator' && this.parts.ledger.leasesOut > 0)
          return this.rangesFailed();
        return this.changed(lane, working, outcome, result);
      case 'failed':
        if (isTrial) this.trialFailed(outcome.written > working.start);
        return this.leaseFailed(lane, working, SluiceError.fromRecord(result.error), outcome);
    }
  }

  private leaseFailed(
    lane: LaneBook,
    working: Working,
    error: SluiceError,
    { lease, written }: LeaseOutcome,
  ): void {
    // The answer that told the length is longer than it said: that length cannot be believed either.
    if (lease === this.openLease && error.code === 'HTTP_RANGE_MISMATCH') throw error;
    this.failed(lane, working, error, written > working.start);
  }

  private trialFailed(progressed: boolean): void {
    if (progressed) this.proven = true;
    else if (++this.trialsFailed >= MAX_TRIALS) this.rangesFailed();
    else this.extendFirst();
  }

  /**
   * Keeps the sample of a lease that reached its end, however it ended. Without a whole one, either
   * the lease that begins there compares its own head, or the edge is fetched again before the end.
   */
  private takeSeam({ written, seam, result }: LeaseOutcome, end: number): void {
    const { ledger, seams } = this.parts;
    if (this.source.total === null) {
      if (result.kind === 'done' || result.kind === 'short') ledger.endAt(written);
      return;
    }
    if (written < end || written >= ledger.total) return;
    seams.reached(end, seam, Math.min(SEAM_BYTES, ledger.total - written));
  }

  /** Fetches again the edges that nothing was compared with; whether there were any. */
  private recheckEdges(): boolean {
    const { ledger, seams } = this.parts;
    for (const edge of seams.uncompared()) ledger.forget(edge);
    return ledger.missing.total() > 0;
  }

  private ignored(
    lane: LaneBook,
    working: Working,
    isTrial: boolean,
    why: string,
    outcome: LeaseOutcome,
  ): void {
    if (this.source.ifRange !== null) {
      // Some servers answer 200 to If-Range although the validator is theirs; the 206's own is compared instead.
      this.source = { ...this.source, ifRange: null };
      return;
    }
    if (isTrial) return this.rangesFailed();
    const error = new SluiceError('HTTP_RANGE_IGNORED', why, {
      next: 'Try --connections 1, or another source of the file.',
    });
    this.failed(lane, working, error, outcome.written > working.start);
  }

  /**
   * Ranges do not work after all: the first answer, which is the whole, goes on to the end. When it
   * is over already, the whole has to be asked for again.
   */
  private rangesFailed(): void {
    this.singleStream = this.alone = true;
    this.extendFirst();
  }

  /** Gives the first answer, which goes on to the end, all that is missing behind it. */
  private extendFirst(): void {
    const [booked] = this.parts.ledger.leases;
    if (booked === undefined) return;
    this.parts.ledger.extend(booked.lease);
    this.parts.slots.setEnd(booked.slot, booked.end);
  }

  private changed(
    lane: LaneBook,
    working: Working,
    outcome: LeaseOutcome,
    { by, error: record }: ChangedResult,
  ): void {
    const error = SluiceError.fromRecord(record);
    if (by === 'seam') {
      this.spoiled = true;
      throw error;
    }
    const progressed = outcome.written > working.start;
    // Leases that were asked for together meet one change together: only the first one counts.
    if (working.generation !== this.renewal.generation)
      return this.parts.hooks.retry(error, 1, 0, lane.number);
    if (this.addresses.isForeign(outcome.address))
      return this.failed(lane, working, error, progressed);
    if (++this.changes > MAX_CHANGED) return this.endAlone(error);
    this.renewal.generation++;
    // Nodes behind one name may give one representation different ETags: stay with the first node.
    this.addresses.pin();
    this.failed(lane, working, error, progressed);
  }

  /** The validator is another one at each request: only one answer as a whole can be believed. */
  private endAlone(error: SluiceError): void {
    this.alone = this.singleStream = true;
    this.lastError = error;
    this.cancelAll();
  }

  private failed(lane: LaneBook, working: Working, error: SluiceError, progressed: boolean): void {
    const others = this.parts.ledger.leasesOut;
    const { renewal } = this;
    const kind = classify(error, {
      redirected: renewal.isRedirected,
      refreshed: renewal.isInVain(this.received) && !renewal.isStale(working.generation),
      others,
      served: this.received > 0,
    });
    if (kind === 'renew') return this.renew(lane, working, error);
    const nowMs = performance.now();
    if (!progressed && this.addresses.takesOver(lane.number, error, nowMs))
      return this.parts.hooks.retry(error, 1, 0, lane.number);
    if (kind === 'fatal') throw error;
    this.lastError = error;
    lane.failures = progressed ? 1 : lane.failures + 1;
    this.streak.failed(working.beganMs, progressed, this.coverage.inPlace());
    if (!progressed && others > 0 && kind === 'objection') this.parts.ramp.objected(nowMs, others);
    const retryAfterMs = error.details.retryAfterMs ?? null;
    const delayMs = backoffMs(lane.failures, retryAfterMs, Math.random());
    lane.notBeforeMs = nowMs + delayMs;
    if (retryAfterMs !== null && !asksTooMuch(error))
      this.gateMs = Math.max(this.gateMs, nowMs + delayMs);
    // Nothing works: the next try, of whichever connection, is one for all of them.
    if (others === 0 && !progressed)
      this.gateMs = Math.max(
        this.gateMs,
        nowMs + backoffMs(this.streak.length, null, Math.random()),
      );
    if (!this.singleStream && this.streak.isOver(others)) throw error;
    if (!this.singleStream) this.parts.hooks.retry(error, lane.failures, delayMs, lane.number);
  }

  /** Asks the original URL again for where the bytes are now; once for all leases of one address. */
  private renew(lane: LaneBook, working: Working, error: SluiceError): void {
    this.lastError = error;
    lane.failures++;
    const delayMs = lane.failures === 1 ? 0 : backoffMs(lane.failures - 1, null, Math.random());
    lane.notBeforeMs = performance.now() + delayMs;
    this.parts.hooks.retry(error, lane.failures, delayMs, lane.number);
    if (this.renewal.isStale(working.generation)) return;
    this.streak.failed(working.beganMs, false, this.coverage.inPlace());
    if (!this.singleStream && this.streak.isOver(this.parts.ledger.leasesOut)) throw error;
    this.renewal.isUnderWay = true;
    this.parts.hooks.refresh().then(
      (source) => this.renewed(source),
      (failure: unknown) => this.notRenewed(SluiceError.from(failure), lane),
    );
  }

  private renewed(source: Source): void {
    this.renewal.done(this.received);
    this.source = source;
    this.addresses = new Addresses(source, this.parts.log);
    this.pump();
  }

  /** What may pass is tried again when the next lease is refused; the streak bounds it. */
  private notRenewed(error: SluiceError, lane: LaneBook): void {
    this.renewal.isUnderWay = false;
    const others = this.parts.ledger.leasesOut;
    // Others still receive: the server refused one more connection, not the address.
    const isObjection = error.code === 'HTTP_REFUSED' && others > 0;
    if (isObjection) this.parts.ramp.objected(performance.now(), others);
    else if (!isWorthAsking(error) || this.streak.length > this.parts.retries)
      return this.giveUp(error);
    const delayMs = backoffMs(
      this.streak.length,
      error.details.retryAfterMs ?? null,
      Math.random(),
    );
    this.gateMs = Math.max(this.gateMs, performance.now() + delayMs);
    this.parts.hooks.retry(error, this.streak.length, delayMs, lane.number);
  }

  private tick(): void {
    const nowMs = performance.now();
    const { slots, ramp } = this.parts;
    this.total.sample(nowMs, this.received);
    if (slots.isHeld) return excuse(this.lanes, nowMs);
    const receiving = sampleLanes(this.lanes, slots, nowMs, youngMs(this.parts));
    this.peak = Math.max(this.peak, receiving);
    // What the others last yielded counts too: a slow one that is left alone must not be the usual.
    this.usualRate = median(knownRates(this.lanes));
    this.replaceStragglers();
    this.few.sample(nowMs, this.busy.part(), this.received);
    ramp.sample({ nowMs, bytes: this.received, receiving });
    if (ramp.wantsRoundTrip(nowMs)) this.measureRoundTrip();
    this.pump();
  }

  /** What the link says beside the transfer decides whether more connections may help. */
  private measureRoundTrip(): void {
    const { ramp, log } = this.parts;
    void measureRoundTrip(this.source.endpoint, ROUND_TRIP_TIMEOUT_MS).then((ms) => {
      log.debug({ ms: ms === null ? null : Math.round(ms) }, 'round trip beside the transfer');
      ramp.link?.measured(ms, performance.now());
    });
  }

  private giveUp(error: SluiceError): void {
    this.fatal ??= error;
    this.cancelAll();
    // A thread that does not answer must not keep the download from ending.
    setTimeout(() => this.end({ kind: 'failed', error: this.fatal ?? error }), DRAIN_MS).unref();
    this.pump();
  }

  private cancelAll(): void {
    for (const working of this.leases()) this.cancelLease(working);
  }

  /** Ends the work if every seam agrees; false when edges have to be fetched again first. */
  private endComplete(): boolean {
    try {
      if (this.recheckEdges()) return false;
      this.compareSeams();
      this.end({ kind: 'complete' });
    } catch (error) {
      this.end({ kind: 'failed', error: SluiceError.from(error) });
    }
    return true;
  }

  private endBroken(): void {
    const error = this.lastError ?? new SluiceError('CONNECTION_LOST', 'the body ended early');
    this.end({ kind: 'broken', error, alone: this.alone });
  }

  private end(end: CrewEnd): void {
    if (this.over) return;
    this.over = true;
    for (const timer of this.timers) clearTimeout(timer);
    this.finish(end);
  }
}
