/** What the crew keeps of each of its connections, and how that is shown. */
import type { Log } from '../log.js';
import type { Ledger } from '../plan/ledger.js';
import { FAIR_ROUND_TRIPS } from '../plan/grant.js';
import type { ActiveLease, Costs } from '../plan/moves.js';
import { Meter } from '../plan/meter.js';
import { FAR_MS } from '../plan/ramp.js';
import { LANE, connectionOf } from '../../workers/protocol.js';
import type { LeaseOutcome, Slots } from '../../workers/protocol.js';
import type { Coverage } from './coverage.js';
import type { Lane, LaneState } from './events.js';

/** A lease that a connection works on, or is to work on next. */
export interface Working {
  /** Its slot in shared memory, one of the two of its connection. */
  slot: number;
  lease: number;
  start: number;
  /** As it was asked for; the books have the present one. */
  end: number;
  beganMs: number;
  /** When its last byte was noticed, and what the slot's counter said. */
  heardMs: number;
  heard: number;
  meter: Meter;
  /** The same of the last moments. */
  recent: Meter;
  /** What the slot's counter would have said at the lease's first byte. */
  from: number;
  /** How often the source had been renewed when this lease was handed out. */
  generation: number;
  /** It was asked for behind another lease of the connection. */
  isBehind: boolean;
  /** Its connection begins anew, with slow start. */
  isCold: boolean;
  /** That other lease was given up. */
  excused: boolean;
}

/** One connection over its leases. */
export interface LaneBook {
  /** Its number, from 0. */
  number: number;
  failures: number;
  notBeforeMs: number;
  /** How often in a row its connection was replaced for being slow. */
  replaced: number;
  working: Working | null;
  /** The lease that is asked for behind the present one; only while there is one. */
  behind: Working | null;
  /** When its last lease ended; null before. */
  idleSinceMs: number | null;
  /** That one ended where it was to end when it was asked for: what is cut short takes its connection with it. */
  isOpen: boolean;
  /** Bytes per second that it last yielded; null before. */
  rate: number | null;
}

/** A connection that has done nothing yet. */
export function newLane(number: number): LaneBook {
  return {
    number,
    failures: 0,
    notBeforeMs: 0,
    replaced: 0,
    working: null,
    behind: null,
    idleSinceMs: null,
    isOpen: false,
    rate: null,
  };
}

/** What a younger lease has received tells nothing yet, in milliseconds; nearby slow start is over sooner. */
const YOUNG_MS = 600;
const YOUNG_NEAR_MS = 200;

/** How old a lease must be to have a rate of its own. */
export const youngMs = ({ roundTripMs }: Pick<Costs, 'roundTripMs'>): number =>
  roundTripMs < FAR_MS ? YOUNG_NEAR_MS : YOUNG_MS;

/** Time after which an old rate of a lease counts for a third, in milliseconds. */
const METER_MS = 700;

/** The same in slow start, where a rate doubles with each round trip: the other one lags far behind. */
const RECENT_MS = 100;

const metersFrom = (nowMs: number, received: number): Pick<Working, 'meter' | 'recent'> => ({
  meter: new Meter(METER_MS, nowMs, received),
  recent: new Meter(RECENT_MS, nowMs, received),
});

/**
 * Gives a connection a lease: to work on, or behind the one that it works on.
 * @param received what the lease's slot has received before
 */
export function put(
  lane: LaneBook,
  is: Pick<Working, 'slot' | 'lease' | 'start' | 'end'>,
  received: number,
  { headSeam, generation }: { headSeam: number; generation: number },
): Working {
  const nowMs = performance.now();
  const isBehind = lane.working !== null;
  const working: Working = {
    ...is,
    beganMs: nowMs,
    heardMs: nowMs,
    heard: received,
    ...metersFrom(nowMs, received),
    from: received - headSeam,
    generation,
    isBehind,
    isCold: !isBehind && !isWarm(lane),
    excused: false,
  };
  if (isBehind) lane.behind = working;
  else lane.working = working;
  return working;
}

/**
 * Takes an ended lease off its connection, which goes on with what was asked for behind it; null
 * when the connection does not have that lease.
 */
export function takeOff(lane: LaneBook, lease: number, slots: Slots): Working | null {
  const { working, behind } = lane;
  if (behind?.lease === lease) {
    lane.behind = null;
    return behind;
  }
  if (working?.lease !== lease) return null;
  const nowMs = performance.now();
  lane.working = behind;
  lane.behind = null;
  lane.idleSinceMs = nowMs;
  if (behind !== null) {
    behind.beganMs = behind.heardMs = nowMs;
    Object.assign(behind, metersFrom(nowMs, slots.received(behind.slot)));
  }
  return working;
}

/**
 * The leases that are out, as the planner sees them.
 * @param youngMs a lease younger than this has no rate of its own yet
 */
export function activeLeases(
  lanes: readonly LaneBook[],
  { ledger, coverage, roundTripMs }: Books,
  youngMs: number,
): ActiveLease[] {
  const nowMs = performance.now();
  const see = (working: Working, isFollowed: boolean, isBehind: boolean): ActiveLease[] => {
    const booked = ledger.lease(working.lease);
    if (booked === undefined) return [];
    const { lease, slot, start, end, givenUp, doubled } = booked;
    const ageMs = isBehind ? 0 : nowMs - working.beganMs;
    const position = Math.min(coverage.positionOf(slot, lease, start), end);
    return [
      {
        lease,
        position,
        end,
        rate: ageMs < youngMs ? null : presentRate(working, roundTripMs),
        meanRate: ((position - start) * 1000) / Math.max(1, ageMs),
        ageMs,
        silentMs: isBehind ? 0 : nowMs - working.heardMs,
        givenUp,
        fixed: doubled || isFollowed,
        followed: isFollowed,
      },
    ];
  };
  return lanes.flatMap(({ working, behind }) => [
    ...(working === null ? [] : see(working, behind !== null, false)),
    ...(behind === null ? [] : see(behind, false, true)),
  ]);
}

/** Bytes per second; what is in slow start is taken to go on as it did last, at least. */
function presentRate({ meter, recent, isCold, beganMs }: Working, roundTripMs: number): number {
  const ageMs = performance.now() - beganMs;
  const isStarting = roundTripMs >= FAR_MS && ageMs < FAIR_ROUND_TRIPS * roundTripMs;
  return isCold && isStarting ? Math.max(meter.rate, recent.rate) : meter.rate;
}

/**
 * Whether a connection that works as it should will have ended its lease within so many
 * milliseconds, and has no other one behind it.
 */
export function endsWithin(
  { working, behind, failures, replaced, rate }: LaneBook,
  ms: number,
  { ledger, slots, roundTripMs }: Books,
): boolean {
  const booked = working === null ? undefined : ledger.lease(working.lease);
  if (working === null || behind !== null || booked === undefined) return false;
  if (failures > 0 || replaced > 0 || booked.givenUp || booked.doubled) return false;
  // What is cut short takes its connection with it.
  if (booked.end < working.end) return false;
  if (slots.state(working.slot) !== LANE.receiving) return false;
  const done = slots.received(working.slot) - working.from;
  // While it is young, its own rate is that of its slow start.
  const perMs = Math.max(presentRate(working, roundTripMs), rate ?? 0) / 1000;
  return booked.end + booked.beyond - booked.start - done <= perMs * ms;
}

/**
 * Takes note of what each connection has received by now, and returns how many receive.
 * @param youngMs a lease younger than this tells nothing of its connection's rate
 */
export function sampleLanes(
  lanes: readonly LaneBook[],
  slots: Slots,
  nowMs: number,
  youngMs: number,
): number {
  let receiving = 0;
  for (const lane of lanes) {
    const { working } = lane;
    if (working === null) continue;
    const received = slots.received(working.slot);
    if (received !== working.heard) working.heardMs = nowMs;
    working.heard = received;
    working.meter.sample(nowMs, received);
    working.recent.sample(nowMs, received);
    if (slots.state(working.slot) !== LANE.receiving) continue;
    receiving++;
    if (nowMs - working.beganMs > youngMs && working.meter.rate > 0) lane.rate = working.meter.rate;
  }
  return receiving;
}

/** What connections yielded last, in bytes per second. */
export function knownRates(lanes: readonly LaneBook[]): number[] {
  return lanes.flatMap(({ rate }) => (rate === null ? [] : [rate]));
}

/** A connection that has been idle for less keeps its window: TCP forgets it after a time-out of its own. */
const WARM_MS = 200;

/** Whether a connection that ended its last lease then may go on without slow start. */
export function isWarm({ isOpen, idleSinceMs }: LaneBook): boolean {
  return isOpen && idleSinceMs !== null && performance.now() - idleSinceMs < WARM_MS;
}

/** Where the facts about leases are. */
export interface Books {
  ledger: Ledger;
  slots: Slots;
  coverage: Coverage;
  roundTripMs: number;
}

/** The connections as a display shows them: at least `target` of them, and all that work. */
export function viewLanes(lanes: readonly LaneBook[], target: number, books: Books): Lane[] {
  const nowMs = performance.now();
  const highest = lanes.findLastIndex(({ working }) => working !== null);
  return lanes.slice(0, Math.max(target, highest + 1)).map((lane) => {
    const booked = lane.working === null ? undefined : books.ledger.lease(lane.working.lease);
    const start = booked?.start ?? 0;
    return {
      connection: lane.number,
      state: stateOf(lane, books.slots, nowMs),
      start,
      end: booked?.end ?? 0,
      position:
        booked === undefined ? 0 : books.coverage.positionOf(booked.slot, booked.lease, start),
      rate: lane.working?.meter.rate ?? 0,
    };
  });
}

function stateOf(lane: LaneBook, slots: Slots, nowMs: number): LaneState {
  if (lane.working === null) return lane.notBeforeMs > nowMs ? 'backoff' : 'idle';
  switch (slots.state(lane.working.slot)) {
    case LANE.connecting:
      return 'connecting';
    case LANE.waiting:
      return 'waiting';
    case LANE.receiving:
      return 'receiving';
    case LANE.idle:
      return 'idle';
  }
}

/** Writes what came of a lease to the log. */
export function traceLease(log: Log, working: Working, outcome: LeaseOutcome): void {
  const { beganMs, start, excused } = working;
  const { lease, slot, written, received, address, dialMs, firstByteMs } = outcome;
  const pipelined = outcome.pipelined === 'in-vain' && excused ? 'excused' : outcome.pipelined;
  const ms = Math.round(performance.now() - beganMs);
  const took = { ms, dialMs: round(dialMs), firstByteMs: round(firstByteMs), pipelined };
  const connection = connectionOf(slot);
  const fields = { lease, connection, address, start, written, received, ...took };
  log.debug(fields, `lease ${outcome.result.kind}`);
}

const round = (ms: number | null): number | null => (ms === null ? null : Math.round(ms));

/** The disk has to catch up: that nobody receives meanwhile says nothing of any connection. */
export function excuse(lanes: readonly LaneBook[], nowMs: number): void {
  for (const { working } of lanes) if (working !== null) working.heardMs = nowMs;
}
