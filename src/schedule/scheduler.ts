/**
 * How the bytes of one file are shared among connections: one forecast (`forecast.ts`), three
 * decisions (`assign.ts`, `rebalance.ts`, `concurrency.ts`). It is told what happened and answers what
 * is to be done; it has no clock, no dice and no I/O, so `test/schedule/` judges it in virtual time.
 */
import type { Ledger } from './ledger.js';
import { fromGaps, fromOpenEnd } from './assign.js';
import type { Stock } from './assign.js';
import type { FlowBook, Work } from './flow-book.js';
import { finishMs, horizonMs } from './forecast.js';
import type { Flow } from './forecast.js';
import { Overhead, SEAM_BYTES } from './overhead.js';
import { rebalance, stragglers } from './rebalance.js';
import type { Pace, Target } from './rebalance.js';
import { SourceBook } from './source-book.js';
import type { SourceSetting } from './source-book.js';
import { TUNING } from './tuning.js';
import type { Tuning } from './tuning.js';
import type { Action, LimitedBy, Observation, Span } from './types.js';

/** What a download is scheduled with, its first source included. */
export interface Setting extends SourceSetting {
  ledger: Ledger;
  /** `front`: somebody reads the file in order, so leases are short and lie close to the front. */
  order: 'any' | 'front';
  /** Number that the first lease gets. */
  firstLease: number;
  tuning?: Tuning;
}

/** Leases of a file that is read in order, in bytes and in round trips. */
const FRONT_BYTES = 8 * 1024 * 1024;
const FRONT_ROUND_TRIPS = 10;

/** A lease that tries whether ranges work is short, so that the first answer's does not end before it is answered. */
const TRIAL_LEASTS = 4;

/** Where an answer takes less, asking behind another request gains nothing (ms). */
const WORTH_PIPELINING_MS = 5;

/** A lease is judged slow from this age on, in milliseconds and in round trips. */
const JUDGED_MS = 1000;
const JUDGED_ROUND_TRIPS = 20;

/** What has not answered for so many times what is usual, and this long (ms), is given up while others are served. */
const UNANSWERED = 4;
const UNANSWERED_MS = 2000;

/** A lease begins when so many of the least lengths have a place, or all of a gap. */
const WINDOW_LEASTS = 4;

/** A rate that was asked for is in force as long as it held a connection back so recently (ms). */
const LIMITED_MS = 2000;

/** A connection that is slow again and again rests for longer each time (ms). */
const SLOW_REST_MS = 1000;

export class Scheduler {
  private readonly tuning: Tuning;
  private readonly sources: SourceBook[] = [];
  /** All connections, by number. */
  private readonly flows: FlowBook[] = [];
  private readonly overhead: Overhead;
  private nextLease: number;
  private held = false;
  /** Where a reader takes the bytes in order: the first that it has not taken, and the first without a place. */
  private window = { front: 0, end: Infinity };
  /** A rate that was asked for is what connections bring: nothing is learnt of the server. */
  private isLimited = false;
  /** When bytes came last. */
  private heardMs = -Infinity;
  private limitedMs = -Infinity;
  /** For how long each limit has held the download back (ms), and since when the present one does. */
  private readonly heldBackMs = new Map<LimitedBy, number>();
  private verdictMs: number | null = null;
  /** Another request than the first was answered. */
  private wasAnswered = false;
  /** Offsets at which a connection was replaced because it had fallen silent. */
  private readonly silentAt = new Set<number>();

  constructor(private readonly setting: Setting) {
    this.tuning = setting.tuning ?? TUNING;
    this.nextLease = setting.firstLease;
    this.overhead = new Overhead(setting.ledger.total, this.tuning);
    this.addSource(setting);
  }

  /**
   * Connections to a further source of the same bytes join.
   * @returns its number, and that of its first connection
   */
  addSource(setting: SourceSetting): { source: number; first: number } {
    const source = new SourceBook(this.sources.length, setting, this.flows.length, this.tuning);
    const first = this.flows.length;
    this.sources.push(source);
    this.flows.push(...source.flows);
    return { source: source.index, first };
  }

  /** A source is asked no more. Its leases that are out are to be ended, and told as ended. */
  leaveSource(index: number): void {
    this.source(index).isLeft = true;
  }

  private source(index = 0): SourceBook {
    return this.sources[index] as SourceBook;
  }

  /** The next lease's number. */
  get leaseNumber(): number {
    return this.nextLease;
  }

  /** How many connections are to work now, of all sources or of one. */
  get target(): number {
    let target = 0;
    for (const source of this.sources) target += source.target;
    return target;
  }

  /** How many connections to a source are to work now. */
  targetOf(source: number): number {
    return this.source(source).target;
  }

  get limitedBy(): LimitedBy {
    if (this.held) return 'disk';
    if (this.isLimited) return 'rate';
    // Of the source that brings most.
    const rest = this.sources.filter(({ isLeft }) => !isLeft);
    return rest.reduce((a, b) => (b.goodput > a.goodput ? b : a), this.source()).limitedBy;
  }

  /** What has held the download back for most of the time in which that was measured. */
  get mostlyLimitedBy(): LimitedBy {
    // Their number is what is left to say where nothing was measured.
    const measured = [...this.heldBackMs].filter(
      ([by]) => by !== 'unknown' && by !== 'connections',
    );
    const [most] = measured.sort(([, a], [, b]) => b - a);
    return most === undefined || most[1] === 0 ? this.limitedBy : most[0];
  }

  private tally(nowMs: number): void {
    const { limitedBy } = this;
    const ms = this.verdictMs === null ? 0 : nowMs - this.verdictMs;
    this.heldBackMs.set(limitedBy, (this.heldBackMs.get(limitedBy) ?? 0) + ms);
    this.verdictMs = nowMs;
  }

  /** Bytes fetched beside the file's own, as far as they were planned. */
  get overheadBytes(): number {
    return this.overhead.spent;
  }

  /**
   * Books the first answer's lease, which connection 0 receives already.
   * @param isOpenEnded its answer goes on to the end of the file
   */
  adopt(span: Span, isOpenEnded: boolean, nowMs: number): { lease: number; slot: number } {
    const flow = this.flows[0] as FlowBook;
    const { lease, slot } = this.book(flow, span, nowMs, null);
    const work = flow.work as Work;
    Object.assign(work, { state: 'receiving', firstMs: nowMs, isOpenEnded });
    return { lease, slot };
  }

  observe(seen: Observation, nowMs: number): void {
    switch (seen.kind) {
      case 'progress':
        return this.progress(seen, nowMs);
      case 'ended':
        return this.ended(seen, nowMs);
      case 'roundTrip': {
        const source = this.source(seen.source);
        if (seen.ms !== null && seen.isPart !== true) source.learnTrip(seen.ms);
        return source.concurrency.roundTrip(seen.ms, nowMs);
      }
      case 'objected': {
        const { concurrency, busy } = this.source(this.flows[seen.connection]?.source);
        return concurrency.objected(nowMs, busy, seen.pauseMs);
      }
      case 'rested': {
        const flow = this.flows[seen.connection];
        if (flow !== undefined) flow.restUntilMs = seen.untilMs;
        return;
      }
      case 'paused': {
        const source = this.source(seen.source);
        source.pausedUntilMs = Math.max(source.pausedUntilMs, seen.untilMs);
        return;
      }
      case 'allowed':
        this.source(seen.source).allowed = seen.most;
        return;
      case 'window':
        this.window = seen;
        return;
      case 'pipelining':
        this.source(seen.source).mostBehind = seen.most;
        return;
    }
  }

  /** What is to be done now. Everything is booked already; what cannot be done is to be told as ended. */
  act(nowMs: number): Action[] {
    const actions: Action[] = [];
    this.endSuperseded(actions);
    for (const { index, isLeft, concurrency } of this.sources)
      if (!isLeft && concurrency.takeTripWish()) actions.push({ kind: 'measure', source: index });
    if (this.held) return actions;
    // Nothing is asked for these: they are in time whatever the server says to other requests.
    this.reclaim(actions);
    this.giveBack(nowMs, actions);
    const active = this.sources.filter(
      ({ isLeft, pausedUntilMs }) => !isLeft && nowMs >= pausedUntilMs,
    );
    if (active.length === 0) return actions;
    for (const source of active) this.replaceSlow(source, nowMs, actions);
    for (const source of active) this.yieldSurplus(source, nowMs, actions);
    this.shareFirst(nowMs, actions);
    this.makeWay(actions);
    for (const source of active) this.askBehind(source, nowMs, actions);
    for (const source of active) this.employAll(source, nowMs, actions);
    return actions;
  }

  private employAll(source: SourceBook, nowMs: number, actions: Action[]): void {
    for (let free = source.free; free > 0; free--) {
      const flow = source.freeFlow(nowMs);
      if (flow === null || !this.employ(source, flow, nowMs, actions)) return;
    }
  }

  // What was seen

  private progress(
    { leases, held, limited = false, processor }: Extract<Observation, { kind: 'progress' }>,
    nowMs: number,
  ): void {
    this.held = held;
    if (limited) this.limitedMs = nowMs;
    this.isLimited = nowMs - this.limitedMs < LIMITED_MS;
    for (const progress of leases) {
      const flow = this.flows.find(({ work }) => work?.lease === progress.lease);
      if (flow === undefined) continue;
      const source = this.source(flow.source);
      this.came(source, progress.received - (flow.work?.received ?? 0), nowMs);
      if (!held) flow.sample(progress, nowMs, source.shared.path);
    }
    for (const source of this.sources) source.measure(nowMs);
    const goodput = this.sources.reduce((sum, source) => sum + source.goodput, 0);
    const lastsMs = goodput > 0 ? this.leftBytes / goodput : Infinity;
    const isBound = held || this.isLimited;
    for (const source of this.sources) source.control({ isBound, processor, lastsMs }, nowMs);
    this.tally(nowMs);
  }

  private came(source: SourceBook, bytes: number, nowMs: number): void {
    if (bytes <= 0) return;
    source.bytes += bytes;
    this.heardMs = nowMs;
  }

  private ended(seen: Extract<Observation, { kind: 'ended' }>, nowMs: number): void {
    const flow = this.flowOf(seen.lease);
    const booked = this.setting.ledger.lease(seen.lease);
    const work = flow?.end(seen.lease, nowMs);
    if (flow === undefined || booked === undefined || !work) return;
    const source = this.source(flow.source);
    if (!work.isOpenEnded && seen.written > work.span.start) this.wasAnswered = true;
    this.came(source, seen.written - work.span.start - work.received, nowMs);
    const isCut = work.isOpenEnded || booked.end < work.span.end;
    this.setting.ledger.close(seen.lease, seen.written);
    source.learnTimes(seen);
    flow.isOpen = seen.reusable && !isCut;
    if (seen.ending === 'done' && !booked.givenUp) flow.replaced = 0;
  }

  // The present

  private flowOf(lease: number): FlowBook | undefined {
    return this.flows.find(({ work, behind }) => work?.lease === lease || behind?.lease === lease);
  }

  /** First byte of a lease that has not come, and its present end. */
  private rest(work: Work): Span {
    const end = this.setting.ledger.lease(work.lease)?.end ?? work.span.start;
    return { start: Math.min(end, work.span.start + work.received), end };
  }

  /** Bytes that have not come, second copies not counted. */
  private get leftBytes(): number {
    let sum = this.setting.ledger.missing.total();
    for (const { work, behind } of this.flows)
      for (const each of [work, behind])
        if (each !== null && each.hedges === null) {
          const { start, end } = this.rest(each);
          sum += end - start;
        }
    return sum;
  }

  private stock({ shared, allowed, longest }: SourceBook, nowMs: number): Stock {
    const { ledger, order } = this.setting;
    const { leastBytes } = this.tuning;
    const { roundTripMs } = shared.path;
    const flows: Flow[] = this.sources.flatMap((source) => source.forecast(nowMs));
    const front = Math.max(FRONT_BYTES, (shared.usual ?? 0) * FRONT_ROUND_TRIPS * roundTripMs);
    return {
      gaps: this.gaps(),
      missing: ledger.missing.total(),
      horizonMs: horizonMs(this.leftBytes, flows),
      connections: flows.length,
      requestMs: shared.firstByteMs,
      overheadLeft: this.overhead.left,
      longest: Math.min(
        allowed < Infinity ? TRIAL_LEASTS * leastBytes : Infinity,
        order === 'front' ? front : Infinity,
        Math.floor(longest / leastBytes - 1) * leastBytes,
      ),
    };
  }

  /** What nobody works on, as far as there is a place for it. */
  private gaps(): Span[] {
    const { end } = this.window;
    const gaps = this.setting.ledger.gaps();
    if (end === Infinity) return gaps;
    // The window opens by a little at a time. A lease of that little would be all overhead: one that has begun waits
    // at the window's end for the rest of its bytes.
    const least = WINDOW_LEASTS * this.tuning.leastBytes;
    return gaps.filter(
      (gap) => Math.min(gap.end, end) - gap.start >= Math.min(least, gap.end - gap.start),
    );
  }

  // What is done

  private employ(source: SourceBook, flow: FlowBook, nowMs: number, actions: Action[]): boolean {
    const stock = this.stock(source, nowMs);
    const next = flow.next(nowMs, source.shared);
    const span = this.assign(next, stock, nowMs, actions);
    if (span !== null) {
      actions.push(this.fetch(flow, span, nowMs, null));
      return true;
    }
    const move = rebalance(
      next,
      this.inTheWay(nowMs),
      {
        mayHedge: source.mayHedge,
        priceMs: (bytes) => this.overhead.priceMs(bytes, stock.horizonMs),
      },
      this.tuning,
    );
    if (move === null) return false;
    const { ledger } = this.setting;
    const end = ledger.lease(move.lease)?.end as number;
    const isCut = move.kind === 'cut';
    if (isCut) this.cut(move.lease, move.from, actions);
    this.overhead.spend(move.bytes);
    actions.push(this.fetch(flow, { start: move.from, end }, nowMs, isCut ? null : move.lease));
    return true;
  }

  /** A range that nobody works on yet; what it takes off the first answer's end is cut off that. */
  private assign(next: Flow, stock: Stock, nowMs: number, actions: Action[]): Span | null {
    const span = fromGaps(next, stock, this.tuning);
    if (span !== null) return span;
    const flow = this.flows.find(({ work }) => work?.isOpenEnded === true);
    const work = flow?.work;
    if (flow === undefined || !work) return null;
    if (this.setting.ledger.lease(work.lease)?.doubled === true) return null;
    const { start: position, end } = this.rest(work);
    const open = { position, end, flow: flow.ahead(nowMs, this.source(flow.source).shared) };
    const taken = fromOpenEnd(next, open, stock, this.tuning);
    if (taken === null) return null;
    this.cut(work.lease, taken.start, actions);
    return taken;
  }

  /** The first answer while it goes on to the end of the file. */
  private firstAnswer(): Work | null {
    return this.flows.find(({ work }) => work?.isOpenEnded === true)?.work ?? null;
  }

  /**
   * The first answer has brought all that was left to it, and no other request has been answered yet: the
   * server may serve one connection, or one request. What it would bring next is not left to who waits.
   */
  private reclaim(actions: Action[]): void {
    const first = this.firstAnswer();
    if (!first || this.wasAnswered || this.window.end < Infinity) return;
    const others = this.flows.filter(({ work }) => work !== null && !work.isOpenEnded);
    if (others.some(({ work }) => work?.firstMs !== null)) return;
    const { start, end } = this.rest(first);
    const next = others.find(({ work }) => work?.span.start === end);
    const isOut = next?.work && this.setting.ledger.lease(next.work.lease)?.givenUp === false;
    if (start === end && isOut) this.abandon(next, 'superseded', actions);
  }

  /**
   * What nobody works on right behind the first answer's lease is that answer's again. So where all
   * further connections are refused, the first one brings the whole file.
   */
  private giveBack(nowMs: number, actions: Action[]): void {
    const { ledger, order } = this.setting;
    const work = this.firstAnswer();
    const booked = work ? ledger.lease(work.lease) : undefined;
    if (!work || booked === undefined || booked.doubled || booked.givenUp) return;
    const gap = ledger.gaps().find(({ start }) => start === booked.end);
    if (gap === undefined) return;
    const { start, end } = this.rest(work);
    // Read in order, its lease was bounded. At its end it waits for whoever goes on there; when nobody does, it does.
    // One that writes to a window does not wait.
    if (order === 'front' && (start < end || this.window.end < Infinity)) return;
    const isBounded = order === 'front' && this.target > 1;
    const longest = isBounded ? this.stock(this.source(), nowMs).longest : Infinity;
    const most = Math.min(gap.end, start + longest);
    if (most <= booked.end) return;
    ledger.extend(booked.lease, most);
    actions.push({ kind: 'extend', lease: booked.lease, end: most });
  }

  /**
   * Connections are too many, for other files wait for them, or because their number was tried and did not
   * pay: those of the leases that would end last end where they are. What they leave is fetched by the connections that stay.
   */
  private yieldSurplus(source: SourceBook, nowMs: number, actions: Action[]): void {
    const { ledger } = this.setting;
    const { concurrency, busy, flows, shared } = source;
    let surplus = Math.min(concurrency.surplus, busy - 1);
    if (surplus <= 0) return;
    const leases = flows.flatMap((flow) => {
      const booked = flow.work === null ? undefined : ledger.lease(flow.work.lease);
      if (flow.work === null || booked === undefined || booked.doubled || booked.givenUp) return [];
      // What is missing behind the first answer becomes its own again.
      if (flow.work.isOpenEnded) return [];
      const { start, end } = this.rest(flow.work);
      const comes = Math.max(this.tuning.leastBytes, Math.ceil(flow.underWay(shared.path)));
      const left = end - start - comes;
      const endsMs = finishMs(flow.ahead(nowMs, shared), left);
      return [{ lease: booked.lease, at: start + comes, left, endsMs }];
    });
    // What ends soon by itself is on its way out already.
    const long = leases.filter(({ left }) => left > this.tuning.leastBytes);
    surplus -= leases.length - long.length;
    long.sort((a, b) => b.endsMs - a.endsMs || b.left - a.left);
    for (const { lease, at } of long.slice(0, Math.max(0, surplus))) {
      this.overhead.spend(SEAM_BYTES);
      this.cut(lease, at, actions);
    }
  }

  /**
   * Every connection that may work waits for a place in the window, so for the reader, and the reader for a
   * gap that nobody works on. The one that is farthest ahead ends where it is: a connection is free for the gap.
   */
  private makeWay(actions: Action[]): void {
    const { end } = this.window;
    if (end === Infinity || this.gaps().length === 0) return;
    if (this.sources.some(({ free }) => free > 0)) return;
    let last: { flow: FlowBook; work: Work; start: number } | null = null;
    for (const flow of this.flows) {
      const { work } = flow;
      if (work === null) continue;
      const { start, end: until } = this.rest(work);
      const isWaiting = start >= end && start < until;
      if (!isWaiting || this.setting.ledger.lease(work.lease)?.givenUp === true) return;
      if (last === null || start > last.start) last = { flow, work, start };
    }
    if (last === null) return;
    const { flow, work, start } = last;
    const isDoubled = this.setting.ledger.lease(work.lease)?.doubled === true;
    if (isDoubled || start === work.span.start) this.abandon(flow, 'superseded', actions);
    else this.cut(work.lease, start, actions);
  }

  /** When the file is read in order, the first answer's lease is bounded like any other. */
  private shareFirst(nowMs: number, actions: Action[]): void {
    const work = this.flows[0]?.work;
    if (this.setting.order !== 'front' || work?.isOpenEnded !== true || this.target === 1) return;
    const { start, end } = this.rest(work);
    const at = start + this.stock(this.source(), nowMs).longest;
    const isCut = end < work.span.end;
    if (!isCut && at < end) this.cut(work.lease, at, actions);
  }

  /** Connections that are about to end their lease are asked for the next one already. */
  private askBehind(source: SourceBook, nowMs: number, actions: Action[]): void {
    const { tuning } = this;
    const { shared, flows } = source;
    if (shared.firstByteMs < WORTH_PIPELINING_MS || source.free < 0) return;
    let behind = flows.filter((flow) => flow.behind !== null).length;
    for (const flow of flows) {
      if (behind >= source.mostBehind) return;
      const { work } = flow;
      if (work === null || flow.behind !== null || work.isOpenEnded || work.firstMs === null)
        continue;
      const { start, end } = this.rest(work);
      if (end < work.span.end || this.setting.ledger.lease(work.lease)?.doubled === true) continue;
      const next = flow.next(nowMs, shared, end - start);
      if (next.startMs > shared.firstByteMs + 2 * tuning.tickMs) continue;
      if (this.mayWaitFor(work)) continue;
      const span = this.assign(next, this.stock(source, nowMs), nowMs, actions);
      if (span === null) return;
      behind++;
      actions.push(this.fetch(flow, span, nowMs, null));
    }
  }

  /** A lease may wait for the reader, and the reader for what is missing before it: that is not asked behind it. */
  private mayWaitFor({ span }: Work): boolean {
    const [gap] = this.setting.ledger.gaps();
    return this.window.end < Infinity && gap !== undefined && gap.start < span.start;
  }

  /**
   * Leases that may end too late. Where there is more to fetch and no place for it, none does while the reader has
   * something to take: all that came sooner would wait for it.
   */
  private inTheWay(nowMs: number): Target[] {
    const targets = this.targets(nowMs);
    if (this.setting.ledger.gaps().length === 0) return targets;
    const { front, end } = this.window;
    const readerWaits = targets.some(({ written }) => written <= front);
    return readerWaits ? targets.filter(({ position }) => position < end) : [];
  }

  private targets(nowMs: number): Target[] {
    return this.flows.flatMap((flow) => {
      const { shared } = this.source(flow.source);
      const { work, behind } = flow;
      const booked = work === null ? undefined : this.setting.ledger.lease(work.lease);
      if (work === null || booked === undefined || booked.givenUp) return [];
      const { start, end } = this.rest(work);
      if (start >= end) return [];
      return [
        {
          lease: work.lease,
          position: start,
          written: Math.min(start, work.span.start + work.written),
          end,
          flow: flow.ahead(nowMs, shared),
          underWay: flow.underWay(shared.path),
          isFixed: booked.doubled || behind !== null,
        },
      ];
    });
  }

  /** Gives up leases on connections far below their peers: others fetch the rest of them. */
  private replaceSlow(source: SourceBook, nowMs: number, actions: Action[]): void {
    const { dialMs, firstByteMs, path } = source.shared;
    const freshMs = dialMs + firstByteMs;
    if (this.target === 1) return;
    const paces: Pace[] = [];
    for (const flow of source.flows) {
      const { work } = flow;
      if (work === null || this.setting.ledger.lease(work.lease)?.givenUp !== false) continue;
      const { start, end } = this.rest(work);
      const ageMs = nowMs - (work.firstMs ?? work.askedMs);
      if (work.firstMs === null) {
        const isUnanswered = ageMs > Math.max(UNANSWERED_MS, UNANSWERED * freshMs);
        if (isUnanswered && this.heardMs > work.askedMs)
          this.abandonUnanswered(source, flow, nowMs, actions);
      } else if (ageMs > Math.max(JUDGED_MS, JUDGED_ROUND_TRIPS * path.roundTripMs))
        paces.push({
          lease: work.lease,
          rate: flow.rate ?? 0,
          left: end - start,
          silentMs: flow.silentMs(nowMs, path),
        });
    }
    const usual = this.usualFor(source, nowMs);
    // With a rate to share, who is slow is a matter of chance.
    if (usual === null || this.isLimited) return;
    for (const lease of stragglers(paces, usual, freshMs, this.tuning)) {
      const flow = this.flowOf(lease) as FlowBook;
      if (this.fellSilentAgain(source, flow, nowMs)) continue;
      this.overhead.spend(2 * SEAM_BYTES);
      this.restSlow(flow, nowMs);
      this.abandon(flow, 'slow', actions);
    }
  }

  /**
   * Whether it fell silent where the one before it did, and nobody is served: it is not this connection
   * then. Each new request may have to wait anew, so it is kept until its deadline.
   */
  private fellSilentAgain(source: SourceBook, { work }: FlowBook, nowMs: number): boolean {
    if (work === null || !source.isSilent(nowMs)) return false;
    const { start } = this.rest(work);
    const isAgain = this.silentAt.has(start);
    this.silentAt.add(start);
    return isAgain;
  }

  /**
   * What a connection to a source is measured by: a usual one. Beside a source that has gone silent as
   * a whole, a usual one of the others.
   */
  private usualFor(source: SourceBook, nowMs: number): number | null {
    const { usual } = source.shared;
    if (this.sources.length === 1 || !source.isSilent(nowMs)) return usual;
    const others = this.sources.filter((other) => !other.isLeft && !other.isSilent(nowMs));
    return others.reduce<number | null>(
      (most, { shared }) => (shared.usual === null ? most : Math.max(most ?? 0, shared.usual)),
      usual,
    );
  }

  private restSlow(flow: FlowBook, nowMs: number): void {
    flow.restUntilMs = flow.replaced === 0 ? nowMs : nowMs + SLOW_REST_MS * 2 ** flow.replaced;
    flow.replaced++;
    flow.rate = null;
  }

  /** The server serves others and not this one: it objects to their number without a word. */
  private abandonUnanswered(
    source: SourceBook,
    flow: FlowBook,
    nowMs: number,
    actions: Action[],
  ): void {
    source.concurrency.objected(nowMs, source.busy - 1);
    this.restSlow(flow, nowMs);
    this.abandon(flow, 'slow', actions);
  }

  /** Ends leases whose rest another one has brought. */
  private endSuperseded(actions: Action[]): void {
    const { ledger } = this.setting;
    for (const flow of this.flows) {
      const booked = flow.work === null ? undefined : ledger.lease(flow.work.lease);
      if (flow.work === null || booked === undefined || booked.givenUp || !booked.doubled) continue;
      const { start } = this.rest(flow.work);
      if (ledger.isSuperseded(booked, start)) this.abandon(flow, 'superseded', actions);
    }
  }

  private abandon({ work, behind }: FlowBook, why: 'slow' | 'superseded', actions: Action[]): void {
    for (const each of [behind, work]) {
      if (each === null) continue;
      this.setting.ledger.giveUp(each.lease);
      actions.push({ kind: 'abandon', lease: each.lease, why });
    }
  }

  private cut(lease: number, end: number, actions: Action[]): void {
    this.setting.ledger.cut(lease, end);
    actions.push({ kind: 'cut', lease, end });
  }

  private fetch(flow: FlowBook, span: Span, nowMs: number, hedges: number | null): Action {
    const behind = flow.work !== null;
    const { lease, slot } = this.book(flow, span, nowMs, hedges);
    return { kind: 'fetch', connection: flow.connection, lease, slot, span, behind, hedges };
  }

  private book(
    flow: FlowBook,
    span: Span,
    nowMs: number,
    hedges: number | null,
  ): { lease: number; slot: number } {
    const { ledger } = this.setting;
    const lease = this.nextLease++;
    const taken = flow.work === null ? undefined : ledger.lease(flow.work.lease)?.slot;
    const slot = 2 * flow.connection + (taken === 2 * flow.connection ? 1 : 0);
    if (hedges === null) ledger.open(lease, slot, span);
    else ledger.double(lease, slot, hedges, span);
    if (hedges === null) this.overhead.spend(SEAM_BYTES);
    const dials = flow.work === null && !flow.isOpen;
    flow.begin({
      lease,
      span,
      askedMs: nowMs,
      state: dials ? 'connecting' : 'waiting',
      received: 0,
      written: 0,
      firstMs: null,
      isOpenEnded: false,
      hedges,
      dials,
    });
    return { lease, slot };
  }
}
