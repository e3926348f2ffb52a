/**
 * Today's planning code as a decider: `src/plan` with a stand-in for the crew, rule for rule.
 */
import { chooseMove, firstShare } from '../../src/plan/choice.js';
import { ExtentSet } from '../../src/plan/extents.js';
import { Few, enoughFor } from '../../src/plan/few.js';
import { FAIR_ROUND_TRIPS, stragglers } from '../../src/plan/grant.js';
import { Ledger } from '../../src/plan/ledger.js';
import { Link } from '../../src/plan/link.js';
import { Meter, fastest, median } from '../../src/plan/meter.js';
import type { ActiveLease, Costs } from '../../src/plan/moves.js';
import { AUTO_MAX, FAR_MS, Ramp } from '../../src/plan/ramp.js';
import { SEAM_BYTES, seamsLeft } from '../../src/plan/seam-budget.js';
import { Pipelining } from '../../src/transfer/pipelining.js';
import type { LeaseOutcome } from '../../workers/protocol.js';
import type { Action, Decider, FirstAnswer, LeaseState, Observation, Span } from './decider.js';

const TICK_MS = 50;
const MAX_REPLACED = 3;
const SMALL_FILE = 1024 * 1024;
const WARM_MS = 200;

interface Working {
  lease: number;
  start: number;
  asked: number;
  beganMs: number;
  heardMs: number;
  received: number;
  heard: number;
  state: LeaseState;
  meter: Meter;
  recent: Meter;
  isBehind: boolean;
  isCold: boolean;
  excused: boolean;
}

interface Lane {
  number: number;
  notBeforeMs: number;
  failures: number;
  replaced: number;
  working: Working | null;
  behind: Working | null;
  idleSinceMs: number | null;
  isOpen: boolean;
  rate: number | null;
}

type Ended = Extract<Observation, { kind: 'ended' }>;

const meters = (nowMs: number): Pick<Working, 'meter' | 'recent'> => ({
  meter: new Meter(700, nowMs, 0),
  recent: new Meter(100, nowMs, 0),
});

export const decideAsToday = (first: FirstAnswer): Decider => new Today(first);

class Today implements Decider {
  private readonly ledger: Ledger;
  private readonly ramp: Ramp;
  private readonly few: Few;
  private readonly pipelining: Pipelining;
  private readonly lanes: Lane[];
  private next = 1;
  private open = 0;
  private shared = false;
  private usualRate: number | null = null;
  private requestMs: number;
  private roundTripMs: number;
  private gateMs = 0;
  private lastTickMs = -Infinity;
  private isFirstTick = true;
  private held = false;
  private processor = 0;
  private bytes = 0;
  private actions: Action[] = [];
  private due = false;
  private hasDoubles = false;

  constructor(private readonly first: FirstAnswer) {
    const { total, roundTripMs, scheme, nowMs } = first;
    const connections = total <= SMALL_FILE ? 1 : first.connections;
    this.ledger = new Ledger(total, new ExtentSet());
    this.ramp = new Ramp(connections, roundTripMs, null, new Link(roundTripMs), total);
    this.roundTripMs = roundTripMs;
    this.requestMs = 2 * roundTripMs;
    this.pipelining = new Pipelining(roundTripMs);
    this.few = new Few(enoughFor(total, { inOrder: false, roundTripMs }, scheme), 1, nowMs);
    const count = connections === 'auto' ? AUTO_MAX : connections;
    this.lanes = Array.from({ length: count }, (_, number) => ({
      number,
      notBeforeMs: 0,
      failures: 0,
      replaced: 0,
      working: null,
      behind: null,
      idleSinceMs: null,
      isOpen: false,
      rate: null,
    }));
  }

  get isComplete(): boolean {
    return this.ledger.isComplete;
  }

  get target(): number {
    return this.few.of(this.ramp.target);
  }

  get limitedBy(): string {
    return this.ramp.isBoosting ? 'start' : 'unknown';
  }

  get seamBytes(): number {
    return this.ledger.seamBytes;
  }

  adopt(span: Span, nowMs: number): number {
    const lane = this.lanes[0] as Lane;
    const working = this.put(lane, span, nowMs);
    working.state = 'receiving';
    this.open = working.lease;
    return working.lease;
  }

  // --- what happened ------------------------------------------------------------------------------

  observe(observation: Observation, nowMs: number): void {
    switch (observation.kind) {
      case 'progress':
        this.held = observation.held;
        this.processor = observation.processor;
        for (const { lease, state, received } of observation.leases) {
          const working = this.working(lease);
          if (working === undefined) continue;
          working.state = state;
          this.bytes += received - working.received;
          working.received = received;
        }
        this.tick(nowMs);
        return;
      case 'ended':
        this.ended(observation, nowMs);
        this.due = true;
        return;
      case 'roundTrip':
        this.ramp.link?.measured(observation.ms, nowMs);
        return;
      case 'objected':
        this.ramp.objected(nowMs, this.ledger.leasesOut);
        if (observation.pauseMs > 0)
          this.gateMs = Math.max(this.gateMs, nowMs + observation.pauseMs);
        return;
      case 'rested': {
        const lane = this.lanes[observation.connection];
        if (lane !== undefined) lane.notBeforeMs = observation.untilMs;
        return;
      }
      case 'paused':
        this.gateMs = Math.max(this.gateMs, observation.untilMs);
    }
  }

  private *workings(): Generator<Working> {
    for (const { working, behind } of this.lanes) {
      if (working !== null) yield working;
      if (behind !== null) yield behind;
    }
  }

  private working(lease: number): Working | undefined {
    for (const { working, behind } of this.lanes) {
      if (working?.lease === lease) return working;
      if (behind?.lease === lease) return behind;
    }
    return undefined;
  }

  private ended(outcome: Ended, nowMs: number): void {
    const lane = this.lanes.find(
      ({ working, behind }) => working?.lease === outcome.lease || behind?.lease === outcome.lease,
    );
    if (lane === undefined) return;
    const working = this.takeOff(lane, outcome.lease, nowMs);
    this.bytes += outcome.received - working.received;
    const answered = working.isBehind && outcome.dialMs === null && outcome.received > 0;
    const pipelined = !working.isBehind ? null : answered ? 'answered' : 'in-vain';
    const { firstByteMs } = outcome;
    this.pipelining.ended(
      { pipelined, firstByteMs } as LeaseOutcome,
      working.isBehind,
      working.excused,
    );
    const end = this.ledger.lease(outcome.lease)?.end ?? outcome.written;
    this.ledger.close(outcome.lease, outcome.written);
    const isDone = outcome.ending === 'done';
    lane.isOpen = isDone && end >= working.asked;
    const elapsed = nowMs - working.beganMs;
    if (isDone && elapsed > 0) lane.rate = (outcome.received * 1000) / elapsed;
    if (firstByteMs !== null) {
      const dialMs = outcome.dialMs ?? 0;
      this.roundTripMs = Math.min(this.roundTripMs, outcome.dialMs ?? firstByteMs, firstByteMs);
      this.requestMs += 0.3 * (dialMs + firstByteMs - this.requestMs);
    }
    if (isDone) {
      lane.failures = 0;
      if (working.meter.rate * 2 >= (this.usualRate ?? 0)) lane.replaced = 0;
    } else if (outcome.ending === 'failed') lane.failures++;
    this.endSuperseded();
  }

  private takeOff(lane: Lane, lease: number, nowMs: number): Working {
    const { working, behind } = lane;
    if (behind?.lease === lease) {
      lane.behind = null;
      return behind;
    }
    lane.working = behind;
    lane.behind = null;
    lane.idleSinceMs = nowMs;
    if (behind !== null) {
      behind.beganMs = behind.heardMs = nowMs;
      Object.assign(behind, meters(nowMs));
    }
    return working as Working;
  }

  private endSuperseded(): void {
    if (!this.hasDoubles) return;
    for (const working of this.workings()) {
      const booked = this.ledger.lease(working.lease);
      if (booked !== undefined && this.ledger.isSuperseded(booked, this.positionOf(working)))
        this.cancel(working, 'superseded');
    }
  }

  private positionOf({ lease, start, received }: Working): number {
    return Math.min(start + received, this.ledger.lease(lease)?.end ?? Infinity);
  }

  private tick(nowMs: number): void {
    const waitMs = this.isFirstTick ? TICK_MS / 2 : TICK_MS;
    if (nowMs - this.lastTickMs < waitMs - 1) return;
    this.isFirstTick = this.lastTickMs === -Infinity;
    this.lastTickMs = nowMs;
    this.due = true;
    if (this.held) {
      for (const { working } of this.lanes) if (working !== null) working.heardMs = nowMs;
      return;
    }
    const receiving = this.sampleLanes(nowMs);
    this.usualRate = median(this.knownRates());
    this.replaceStragglers(nowMs);
    this.few.sample(nowMs, this.processor, this.bytes);
    this.ramp.sample({ nowMs, bytes: this.bytes, receiving });
    if (this.ramp.wantsRoundTrip(nowMs)) this.actions.push({ kind: 'measure' });
  }

  private sampleLanes(nowMs: number): number {
    let receiving = 0;
    for (const lane of this.lanes) {
      const { working } = lane;
      if (working === null) continue;
      if (working.received !== working.heard) working.heardMs = nowMs;
      working.heard = working.received;
      working.meter.sample(nowMs, working.received);
      working.recent.sample(nowMs, working.received);
      if (working.state !== 'receiving') continue;
      receiving++;
      if (nowMs - working.beganMs > this.youngMs && working.meter.rate > 0)
        lane.rate = working.meter.rate;
    }
    return receiving;
  }

  private get youngMs(): number {
    return this.first.roundTripMs < FAR_MS ? 200 : 600;
  }

  private knownRates(): number[] {
    return this.lanes.flatMap(({ rate }) => (rate === null ? [] : [rate]));
  }

  // --- what is to be done -------------------------------------------------------------------------

  act(nowMs: number): readonly Action[] {
    if (this.due) this.pump(nowMs);
    this.due = false;
    const { actions } = this;
    this.actions = [];
    return actions;
  }

  private pump(nowMs: number): void {
    if (nowMs < this.gateMs || this.held) return;
    this.shareFirst();
    this.askBehind(nowMs);
    for (let idle = this.idleCount(nowMs); idle > 0; idle--) {
      const lane = this.lanes.find((each) => each.working === null && this.isReady(each, nowMs));
      const grant = lane === undefined ? null : this.grant(lane, nowMs);
      if (lane === undefined || grant === null) return;
      this.begin(lane, grant, nowMs);
    }
  }

  private idleCount(nowMs: number): number {
    let [ready, busy] = [0, 0];
    for (const lane of this.lanes) {
      if (lane.working !== null) busy++;
      else if (this.isReady(lane, nowMs)) ready++;
    }
    return Math.min(ready, this.target - busy);
  }

  private isReady(lane: Lane, nowMs: number): boolean {
    if (lane.notBeforeMs > nowMs) return false;
    return lane.replaced < MAX_REPLACED || this.ledger.leasesOut === 0;
  }

  private get keepsFirst(): boolean {
    return this.ramp.isBoosting || (this.first.roundTripMs >= FAR_MS && !this.shared);
  }

  private shareFirst(): void {
    const { target } = this;
    const working = this.lanes[0]?.working;
    if (this.shared || !working || target === 1 || this.keepsFirst) return;
    this.shared = true;
    const booked = this.ledger.lease(working.lease);
    if (working.lease !== this.open || booked === undefined) return;
    const from = { position: this.positionOf(working), end: booked.end };
    const cut = firstShare(from, this.ledger.missing.total(), target, this.costs());
    if (cut !== null) this.cut(working, cut);
  }

  private cut(working: Working, end: number): void {
    this.ledger.cut(working.lease, end);
    this.actions.push({ kind: 'cut', lease: working.lease, end });
  }

  private askBehind(nowMs: number): void {
    if (this.lanes.filter(({ working }) => working !== null).length > this.target) return;
    for (const lane of this.lanes) {
      if (!this.pipelining.isOpen(this.target)) return;
      if (this.ledger.missing.total() === 0 && !this.keepsFirst) return;
      if (lane.working?.lease === this.open) continue;
      if (!this.endsWithin(lane, this.pipelining.leadMs, nowMs)) continue;
      const grant = this.grant(lane, nowMs);
      if (grant === null) return;
      this.pipelining.asked();
      this.begin(lane, grant, nowMs);
    }
  }

  private endsWithin(lane: Lane, ms: number, nowMs: number): boolean {
    const { working, behind, failures, replaced, rate } = lane;
    const booked = working === null ? undefined : this.ledger.lease(working.lease);
    if (working === null || behind !== null || booked === undefined) return false;
    if (failures > 0 || replaced > 0 || booked.givenUp || booked.doubled) return false;
    if (booked.end < working.asked || working.state !== 'receiving') return false;
    const perMs = Math.max(this.presentRate(working, nowMs), rate ?? 0) / 1000;
    return booked.end + booked.beyond - booked.start - working.received <= perMs * ms;
  }

  private presentRate({ meter, recent, isCold, beganMs }: Working, nowMs: number): number {
    const { roundTripMs } = this.first;
    const isStarting = roundTripMs >= FAR_MS && nowMs - beganMs < FAIR_ROUND_TRIPS * roundTripMs;
    return isCold && isStarting ? Math.max(meter.rate, recent.rate) : meter.rate;
  }

  private grant(lane: Lane, nowMs: number): { span: Span; doubles: Working | null } | null {
    const { ledger, ramp } = this;
    const isBusy = lane.working !== null;
    if (ramp.isBoosting && !ramp.mayBoost(lane.idleSinceMs, isBusy)) return null;
    const active = this.active(nowMs);
    const books = { gaps: ledger.gaps(), missing: ledger.missing.total(), active };
    const stage = {
      lanes: this.target,
      isBoosting: ramp.isBoosting,
      open: this.keepsFirst ? this.open : null,
      isBusy,
    };
    const move = chooseMove(books, stage, this.costs(lane.rate, this.isWarm(lane, nowMs)));
    if (move === null) return null;
    if (move.kind === 'take') return { span: move.span, doubles: null };
    const victim = this.working(move.lease);
    if (victim === undefined) return null;
    if (move.kind === 'give-up') {
      this.cancel(victim, 'superseded');
      return null;
    }
    if (move.kind === 'double') return { span: move.span, doubles: victim };
    this.cut(victim, move.span.start);
    return { span: move.span, doubles: null };
  }

  private isWarm({ isOpen, idleSinceMs }: Lane, nowMs: number): boolean {
    return isOpen && idleSinceMs !== null && nowMs - idleSinceMs < WARM_MS;
  }

  private cancel(working: Working, why: 'slow' | 'superseded'): void {
    const lane = this.lanes.find((each) => each.working === working);
    if (lane?.behind) lane.behind.excused = true;
    this.ledger.giveUp(working.lease);
    this.actions.push({ kind: 'abandon', lease: working.lease, why });
  }

  private replaceStragglers(nowMs: number): void {
    const slow = new Set(stragglers(this.active(nowMs), this.costs()));
    for (const lane of this.lanes) {
      if (lane.working === null || !slow.has(lane.working.lease)) continue;
      lane.replaced++;
      this.cancel(lane.working, 'slow');
    }
  }

  private costs(ownRate: number | null = null, isWarm = false): Costs {
    const { total, seamBytes: spent, owedSeamBytes: owed } = this.ledger;
    return {
      requestMs: this.requestMs,
      roundTripMs: this.roundTripMs,
      usualRate: this.usualRate,
      bestRate: fastest(this.knownRates()),
      ownRate,
      isWarm,
      seams: seamsLeft({ total, spent, owed }, this.lanes.length),
      inOrder: false,
      mayDouble: true,
    };
  }

  private active(nowMs: number): ActiveLease[] {
    const young = this.youngMs + this.requestMs;
    const see = (working: Working, followed: boolean, isBehind: boolean): ActiveLease[] => {
      const booked = this.ledger.lease(working.lease);
      if (booked === undefined) return [];
      const { lease, start, end, givenUp, doubled } = booked;
      const ageMs = isBehind ? 0 : nowMs - working.beganMs;
      const position = this.positionOf(working);
      return [
        {
          lease,
          position,
          end,
          rate: ageMs < young ? null : this.presentRate(working, nowMs),
          meanRate: ((position - start) * 1000) / Math.max(1, ageMs),
          ageMs,
          silentMs: isBehind ? 0 : nowMs - working.heardMs,
          givenUp,
          fixed: doubled || followed,
          followed,
        },
      ];
    };
    return this.lanes.flatMap(({ working, behind }) => [
      ...(working === null ? [] : see(working, behind !== null, false)),
      ...(behind === null ? [] : see(behind, false, true)),
    ]);
  }

  private begin(
    lane: Lane,
    { span, doubles }: { span: Span; doubles: Working | null },
    nowMs: number,
  ): void {
    const isBehind = lane.working !== null;
    const working = this.put(lane, span, nowMs, doubles);
    this.actions.push({
      kind: 'fetch',
      connection: lane.number,
      lease: working.lease,
      span,
      behind: isBehind,
      hedges: doubles?.lease ?? null,
    });
  }

  private put(lane: Lane, span: Span, nowMs: number, doubles: Working | null = null): Working {
    const { ledger } = this;
    const lease = this.next++;
    const { start, end } = span;
    const known = start > 0 && ledger.written.has(start - 1, start) && !ledger.isReachedAt(start);
    if (doubles === null) ledger.open(lease, 0, span, known ? SEAM_BYTES : 0);
    else ledger.double(lease, 0, doubles.lease, span, 0);
    this.hasDoubles ||= doubles !== null;
    const isBehind = lane.working !== null;
    const working: Working = {
      lease,
      start,
      asked: end,
      beganMs: nowMs,
      heardMs: nowMs,
      received: 0,
      heard: 0,
      state: 'connecting',
      ...meters(nowMs),
      isBehind,
      isCold: !isBehind && !this.isWarm(lane, nowMs),
      excused: false,
    };
    if (isBehind) lane.behind = working;
    else lane.working = working;
    return working;
  }
}
