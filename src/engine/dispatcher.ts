/**
 * The connections of one file at work. The scheduler decides, the executor does; between them the
 * dispatcher turns slots into observations and actions into leases, and ends when every byte is
 * written or nothing can go on.
 */
import { SluiceError } from '../errors.js';
import { slabBytes } from '../net/slab.js';
import { measureRoundTrip } from '../net/round-trip.js';
import { strongValidator } from '../http/validators.js';
import { Scheduler } from '../schedule/scheduler.js';
import type { SourceSetting } from '../schedule/source-book.js';
import type {
  Action,
  LeaseEnding,
  LeaseProgress,
  LeaseState,
  LimitedBy,
  Span,
} from '../schedule/types.js';
import { TUNING } from '../schedule/tuning.js';
import { LANE, SEAM_BYTES } from '../lease/task.js';
import type { Deadlines, LaneCode, LeaseOutcome, LeaseTask } from '../lease/task.js';
import { Connections, isOneOf } from './connections.js';
import type { Lane, Numbers, Out } from './connections.js';
import { Coverage } from './coverage.js';
import { Meter } from './meter.js';
import { isOfSource } from './failures.js';
import type { DispatcherParts, SourceParts, WorkEnd } from './parts.js';
import { Pipelining } from './pipelining.js';
import { Recorder } from './recorder.js';
import { Recovery } from './recovery.js';

/** A round trip longer than this tells nothing, in milliseconds. */
const ROUND_TRIP_TIMEOUT_MS = 2000;

/** Given-up leases may take this long to say so, in milliseconds. */
const DRAIN_MS = 800;

/** The display's rate is smoothed over this time, in milliseconds. */
const SHOWN_RATE_MS = 2000;

/** What a slot says of a lease; one that is idle was not begun yet, or has just ended. */
const STATES: Record<LaneCode, LeaseState> = {
  [LANE.idle]: 'connecting',
  [LANE.connecting]: 'connecting',
  [LANE.waiting]: 'waiting',
  [LANE.receiving]: 'receiving',
};

type Start = (task: LeaseTask) => Promise<LeaseOutcome>;

/** A source at work. */
interface SourceWork extends Numbers {
  parts: DispatcherParts;
  recovery: Recovery;
  pipelining: Pipelining;
  /** Bytes in the file that its leases brought, those that are over. */
  brought: number;
  isLeft: boolean;
}

export class Dispatcher {
  private readonly scheduler: Scheduler;
  private readonly coverage: Coverage;
  private readonly connections: Connections;
  private readonly sources: SourceWork[] = [];
  private readonly shownRate: Meter;
  private readonly recorder: Recorder | null;
  /** What the slots had received before this work. */
  private readonly receivedBefore: number;
  private timer: NodeJS.Timeout | undefined;
  private finish!: (end: WorkEnd) => void;
  private readonly ended: Promise<WorkEnd>;
  private over = false;
  private fatal: SluiceError | null = null;
  /** The most connections that received at the same time. */
  peak = 0;

  /**
   * @param count connections that may be used
   * @param firstLease number that the first lease gets
   */
  constructor(
    private readonly parts: DispatcherParts,
    count: number,
    firstLease: number,
  ) {
    const { ledger, slots, seams, inOrder } = parts;
    this.coverage = new Coverage(ledger, slots, seams);
    this.connections = new Connections(slots);
    this.scheduler = new Scheduler({
      ledger,
      order: inOrder || parts.window !== null ? 'front' : 'any',
      firstLease,
      ...settingOf(parts, count),
    });
    this.sources.push(this.makeWork(parts, { first: 0, count }, ledger.written.total()));
    const nowMs = parts.clock.now();
    this.shownRate = new Meter(SHOWN_RATE_MS, nowMs);
    this.recorder = parts.trace === null ? null : new Recorder(parts.trace, nowMs);
    this.receivedBefore = slots.receivedByAll();
    this.ended = new Promise((resolve) => (this.finish = resolve));
  }

  /** Bytes per second of all connections together. */
  get rate(): number {
    return this.shownRate.rate;
  }

  /** Number that the next lease of this download may have. */
  get leaseNumber(): number {
    return this.scheduler.leaseNumber;
  }

  /** Body bytes received so far, seams and repeats included. */
  get received(): number {
    return this.parts.slots.receivedByAll() - this.receivedBefore;
  }

  /** What has held the download back for most of the time. */
  get limitedBy(): LimitedBy {
    return this.scheduler.mostlyLimitedBy;
  }

  /** Two requests brought bytes that do not fit together: nothing that is written can be believed. */
  get spoiled(): boolean {
    return this.sources.some(({ recovery }) => recovery.spoiled);
  }

  /** Whether a further source may join: the first one serves ranges of a file whose length is known. */
  get mayJoin(): boolean {
    const [first] = this.sources;
    const { proven, alone, source } = this.parts;
    if (this.over || this.fatal !== null || first === undefined) return false;
    return proven && !alone && source.total !== null && !first.recovery.isSingle;
  }

  /**
   * A further source of the same bytes joins. The slots have to have room for its connections.
   * @param count connections that may be used
   * @returns its number
   */
  addSource(parts: SourceParts, count: number): number {
    const { source, first } = this.scheduler.addSource(settingOf(parts, count));
    this.sources.push(this.makeWork({ ...this.parts, ...parts }, { first, count }, 0, source));
    this.allowBehind(this.sources[source] as SourceWork);
    this.pump();
    return source;
  }

  private makeWork(parts: DispatcherParts, numbers: Numbers, base: number, source = 0): SourceWork {
    const work: SourceWork = {
      ...numbers,
      parts,
      pipelining: new Pipelining(),
      brought: base,
      isLeft: false,
      recovery: new Recovery(
        parts,
        this.scheduler,
        this.connections,
        this.coverage,
        {
          cancelAll: () => this.cancelAll(),
          extendFirst: () => this.extendFirst(),
          pump: () => this.pump(),
          giveUp: (error) => this.sourceFailed(work, error),
          leave: (error) => this.leave(work, error),
        },
        { ...numbers, source },
        () => this.inPlaceBy(work),
      ),
    };
    return work;
  }

  /** With one source, what is in place; with several, what this one brought. */
  private inPlaceBy(work: SourceWork): number {
    if (this.sources.length === 1) return this.coverage.inPlace();
    const now = this.connections.of(work).map((out) => this.connections.progress(out).written);
    return now.reduce((sum, written) => sum + written, work.brought);
  }

  private get first(): SourceWork {
    return this.sources[0] as SourceWork;
  }

  private sourceOf({ connection }: Pick<Out, 'connection'>): SourceWork {
    return this.sources.find((work) => isOneOf(connection, work)) ?? this.first;
  }

  /** The source has failed for good; the others, if there are any, go on. */
  private sourceFailed(work: SourceWork, error: SluiceError): void {
    if (this.spoiled || !isOfSource(error) || !this.leave(work, error)) this.giveUp(error);
  }

  /** Asks a source no more; false when there is no other one. */
  private leave(work: SourceWork, error: SluiceError): boolean {
    if (!this.sources.some((other) => other !== work && !other.isLeft)) return false;
    if (work.isLeft) return true;
    work.isLeft = true;
    const index = this.sources.indexOf(work);
    this.scheduler.leaveSource(index);
    for (const out of this.connections.of(work)) this.cancel(out);
    this.parts.hooks.left?.(index, error);
    return true;
  }

  /**
   * Works until the end.
   * @param first starts the lease on the body that is already open, on connection 0
   */
  run(first: { span: Span; start: Start } | null): Promise<WorkEnd> {
    if (first !== null) this.adopt(first);
    this.first.recovery.begin(first === null ? null : first.span);
    this.allowBehind(this.first);
    // The first look begins what is measured.
    this.tick();
    this.timer = setInterval(() => this.tick(), TUNING.tickMs);
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
    const nowMs = this.parts.clock.now();
    return this.sources.flatMap((work, source) =>
      this.connections.view(this.scheduler.targetOf(source), this.parts.ledger, nowMs, work),
    );
  }

  private adopt({ span, start }: { span: Span; start: Start }): void {
    const isOpenEnded = span.end === this.parts.ledger.total;
    const nowMs = this.parts.clock.now();
    const { lease, slot } = this.scheduler.adopt(span, isOpenEnded, nowMs);
    this.start({ connection: 0, lease, slot, span, behind: false, hedges: null }, start, true);
  }

  /** Asks the scheduler what to do, does it, and ends the work when nothing is left to do. */
  private pump(): void {
    if (this.over) return;
    if (this.parts.ledger.leasesOut === 0) {
      if (this.fatal !== null) return this.end({ kind: 'failed', error: this.fatal });
      if (this.parts.ledger.isComplete && this.endComplete()) return;
      if (this.first.recovery.isSingle) return this.end(this.first.recovery.broken);
    }
    const asked = this.sources.filter(({ isLeft }) => !isLeft);
    if (this.fatal !== null || asked.every(({ recovery }) => recovery.isWaiting)) return;
    for (const { recovery } of asked) recovery.allow();
    for (const action of this.scheduler.act(this.parts.clock.now())) this.perform(action);
  }

  private perform(action: Action): void {
    this.recorder?.decided(action);
    switch (action.kind) {
      case 'fetch':
        return this.start(action, (task) => this.parts.executor.run(task));
      case 'cut':
      case 'extend': {
        const out = this.connections.out(action.lease);
        if (out !== undefined) this.parts.slots.setEnd(out.slot, action.end);
        return;
      }
      case 'abandon': {
        const out = this.connections.out(action.lease);
        if (out === undefined) return;
        if (action.why === 'slow') this.sourceOf(out).recovery.replaced(out);
        return this.cancel(out);
      }
      case 'measure':
        return this.measureRoundTrip(action.source);
    }
  }

  private start(
    {
      connection,
      lease,
      slot,
      span,
      behind,
      hedges,
    }: Omit<Extract<Action, { kind: 'fetch' }>, 'kind'>,
    start: Start,
    isFirst = false,
  ): void {
    const { slots } = this.parts;
    const headSeam = this.headSeam(span, hedges);
    const { recovery } = this.sourceOf({ connection });
    slots.begin(slot, lease, span.start, span.end);
    const out = this.connections.put({
      lease,
      slot,
      connection,
      span,
      headSeam,
      isBehind: behind,
      isFirst,
      generation: recovery.generation,
      askedMs: this.parts.clock.now(),
    });
    recovery.asked(out);
    this.recorder?.asked(out, hedges, this.parts);
    void start(this.task(out)).then(
      (outcome) => this.settle(out, outcome),
      (error: unknown) => this.giveUp(SluiceError.from(error)),
    );
  }

  private headSeam(span: Span, hedges: number | null): number {
    const hedged = hedges === null ? undefined : this.parts.ledger.lease(hedges);
    if (hedged === undefined || hedged.start === span.start)
      return this.coverage.headSeam(span.start);
    return Math.min(SEAM_BYTES, span.start - hedged.start);
  }

  private task(out: Out): LeaseTask {
    const { lease, slot, span, headSeam, isBehind, isFirst, connection } = out;
    const { slots, fd, path, firstConnection } = this.parts;
    const { patience } = this.parts;
    const deadlines = patientFor(this.parts.deadlines, patience.factor(span.start));
    const { recovery, pipelining, parts } = this.sourceOf({ connection });
    const known = recovery.sourceFor(connection);
    const source = parts.forLease?.(known) ?? known;
    const askEnd = source.total === null ? span.end : Math.min(source.total, span.end + SEAM_BYTES);
    if (headSeam > 0) this.parts.seams.headWillCompare(span.start);
    return {
      lease,
      slot,
      connection: firstConnection + connection,
      memory: slots.memory,
      fd,
      path,
      start: span.start,
      headSeam,
      askEnd,
      isOpenEnded: isFirst && span.end === this.parts.ledger.total,
      pipelinedMs: isBehind ? Math.min(pipelining.dueMs, deadlines.firstByteMs) : null,
      slab: slabBytes(this.scheduler.target),
      source,
      deadlines,
      silences: patience.within(span),
      window: this.parts.window?.memory ?? null,
      credit: this.parts.credit?.memory ?? null,
    };
  }

  private settle(out: Out, outcome: LeaseOutcome): void {
    this.connections.takeOff(out);
    if (this.over) return;
    const work = this.sourceOf(out);
    work.pipelining.ended(outcome, out);
    const { ledger, clock } = this.parts;
    const end = ledger.lease(outcome.lease)?.end ?? outcome.written;
    const nowMs = clock.now();
    this.recorder?.ended(outcome);
    this.keepBook(work, out, outcome);
    this.scheduler.observe(
      {
        kind: 'ended',
        lease: outcome.lease,
        written: outcome.written,
        ending: endingOf(outcome),
        reusable: this.isReusable(out, outcome),
        dialMs: outcome.dialMs,
        firstByteMs: outcome.firstByteMs,
      },
      nowMs,
    );
    this.allowBehind(work);
    this.trace(out, outcome);
    try {
      this.takeSeam(outcome, end);
      if (!work.isLeft) work.recovery.judge(out, outcome);
      work.recovery.compareSeams();
    } catch (error) {
      this.sourceFailed(work, SluiceError.from(error));
    }
    this.pump();
  }

  /** Takes note of which source the bytes of a lease came from. */
  private keepBook(work: SourceWork, { span }: Out, { written }: LeaseOutcome): void {
    if (written <= span.start) return;
    work.brought += written - span.start;
    this.parts.hooks.brought?.(this.sources.indexOf(work), { start: span.start, end: written });
  }

  /** Tells the scheduler how many requests may wait behind others. */
  private allowBehind(work: SourceWork): void {
    const source = this.sources.indexOf(work);
    const most = work.pipelining.most(this.scheduler.targetOf(source));
    this.scheduler.observe({ kind: 'pipelining', most, source }, this.parts.clock.now());
  }

  /** The first answer's socket belongs to the main thread, which receives nothing else. */
  private isReusable({ isFirst }: Out, { result }: LeaseOutcome): boolean {
    return result.kind === 'done' && (!isFirst || this.parts.executor.sharesFirst);
  }

  /** Writes what came of a lease to the log. */
  private trace(out: Out, outcome: LeaseOutcome): void {
    const { lease, written, received, address, dialMs, firstByteMs } = outcome;
    const pipelined =
      outcome.pipelined === 'in-vain' && out.excused ? 'excused' : outcome.pipelined;
    const ms = Math.round(this.parts.clock.now() - out.askedMs);
    const took = { ms, dialMs: round(dialMs), firstByteMs: round(firstByteMs), pipelined };
    const { connection, span } = out;
    const fields = { lease, connection, address, start: span.start, written, received, ...took };
    this.parts.log.debug(fields, `lease ${outcome.result.kind}`);
  }

  /**
   * Keeps the sample of a lease that reached its end, however it ended. Without a whole one, either
   * the lease that begins there compares its own head, or the edge is fetched again before the end.
   */
  private takeSeam({ written, seam, result }: LeaseOutcome, end: number): void {
    const { ledger, seams } = this.parts;
    if (this.parts.source.total === null) {
      if (result.kind === 'done' || result.kind === 'short') ledger.endAt(written);
      return;
    }
    if (written < end || written >= ledger.total) return;
    seams.reached(end, seam, Math.min(SEAM_BYTES, ledger.total - written));
  }

  private tick(): void {
    const { slots, clock } = this.parts;
    const nowMs = clock.now();
    this.shownRate.sample(nowMs, this.received);
    const leases: LeaseProgress[] = [];
    let receiving = 0;
    for (const out of this.connections.working()) {
      this.connections.hear(out, nowMs);
      const state = slots.state(out.slot);
      if (state === LANE.receiving) receiving++;
      const { received, written } = this.connections.progress(out);
      leases.push({ lease: out.lease, state: STATES[state], received, written });
    }
    this.peak = Math.max(this.peak, receiving);
    const processor = this.parts.executor.processor();
    const limited = this.parts.credit?.takeFoundSpent() ?? false;
    const held = slots.isHeld;
    this.scheduler.observe({ kind: 'progress', leases, held, limited, processor }, nowMs);
    this.recorder?.look(nowMs, this.received, this.scheduler, () => this.view());
    this.followReader(nowMs);
    this.pump();
  }

  /** What has no place in the window is not asked for. An edge that was not compared would stop the reader. */
  private followReader(nowMs: number): void {
    const { window } = this.parts;
    if (window === null || this.over) return;
    const { front, end } = window;
    this.scheduler.observe({ kind: 'window', front, end }, nowMs);
    try {
      this.recheckEdges();
    } catch (error) {
      this.giveUp(SluiceError.from(error));
    }
  }

  /** What the link says beside the transfer decides whether more connections may help. */
  private measureRoundTrip(source: number): void {
    const { recovery, parts } = this.sources[source] as SourceWork;
    const { log, clock } = parts;
    const closed = parts.mayMeasure();
    if (closed === null) return;
    const { endpoint } = recovery.source;
    // TCP leads to the proxy, which may be next door to us and far from the server.
    const isPart = Boolean(endpoint.proxy);
    void measureRoundTrip(endpoint, ROUND_TRIP_TIMEOUT_MS).then((ms) => {
      closed();
      log.debug({ ms: round(ms) }, 'round trip beside the transfer');
      this.recorder?.roundTrip(ms);
      this.scheduler.observe({ kind: 'roundTrip', ms, isPart, source }, clock.now());
    });
  }

  private cancel(out: Out): void {
    this.connections.excuseBehind(out);
    this.parts.ledger.giveUp(out.lease);
    this.parts.slots.cancel(out.slot, out.lease);
  }

  private cancelAll(): void {
    for (const out of this.connections.all()) this.cancel(out);
  }

  /** Gives the first answer, which goes on to the end, all that is missing behind it. */
  private extendFirst(): void {
    const { ledger, slots } = this.parts;
    const [booked] = ledger.leases;
    if (booked === undefined || booked.end === ledger.total) return;
    ledger.extend(booked.lease, ledger.total);
    slots.setEnd(booked.slot, ledger.total);
  }

  private giveUp(error: SluiceError): void {
    this.fatal ??= error;
    this.cancelAll();
    // A thread that does not answer must not keep the download from ending.
    setTimeout(() => this.end({ kind: 'failed', error: this.fatal ?? error }), DRAIN_MS).unref();
    this.pump();
  }

  /** Ends the work if every seam agrees; false when edges have to be fetched again first. */
  private endComplete(): boolean {
    try {
      if (this.recheckEdges()) return false;
      this.first.recovery.compareSeams();
      this.end({ kind: 'complete' });
    } catch (error) {
      this.end({ kind: 'failed', error: SluiceError.from(error) });
    }
    return true;
  }

  /** Fetches again the edges that nothing was compared with; whether there were any. */
  private recheckEdges(): boolean {
    const { ledger, seams } = this.parts;
    for (const edge of seams.uncompared()) ledger.forget(edge);
    return ledger.missing.total() > 0;
  }

  private end(end: WorkEnd): void {
    if (this.over) return;
    this.over = true;
    clearInterval(this.timer);
    this.recorder?.end(this.parts.clock.now(), this.received);
    this.finish(end);
  }
}

/** What the scheduler has to know of a source. */
function settingOf(parts: SourceParts, connections: number): SourceSetting {
  const { concurrency, source, roundTripMs, dialMs, firstByteMs, longest } = parts;
  return {
    concurrency,
    connections,
    mayHedge: strongValidator(source.validators) !== null,
    roundTripMs,
    dialMs,
    firstByteMs,
    longest: longest - 2 * SEAM_BYTES,
  };
}

/** The deadlines of a lease; see {@link Patience}. */
function patientFor(deadlines: Deadlines, factor: number): Deadlines {
  return factor === 1 ? deadlines : { ...deadlines, firstByteMs: deadlines.firstByteMs * factor };
}

function endingOf({ result }: LeaseOutcome): LeaseEnding {
  const { kind } = result;
  return kind === 'done' || kind === 'short' || kind === 'cancelled' ? kind : 'failed';
}

const round = (ms: number | null): number | null => (ms === null ? null : Math.round(ms));
