/** What the crew keeps of each of its connections, and how that is shown. */
import type { Log } from '../log.js';
import type { Ledger } from '../plan/ledger.js';
import type { Meter } from '../plan/meter.js';
import { LANE } from '../../workers/protocol.js';
import type { LeaseOutcome, Slots } from '../../workers/protocol.js';
import type { Coverage } from './coverage.js';
import type { Lane, LaneState } from './events.js';

/** A lease that a connection works on. */
export interface Working {
  slot: number;
  lease: number;
  start: number;
  beganMs: number;
  /** When its last byte was noticed, and what the slot's counter said. */
  heardMs: number;
  heard: number;
  meter: Meter;
  /** How often the source had been renewed when this lease was handed out. */
  generation: number;
}

/** One connection over its leases. */
export interface LaneBook {
  slot: number;
  failures: number;
  notBeforeMs: number;
  /** How often in a row its connection was replaced for being slow. */
  replaced: number;
  working: Working | null;
  /** When its last lease ended; null before. */
  idleSinceMs: number | null;
  /** Bytes per second that it last yielded; null before. */
  rate: number | null;
}

/** A connection that has done nothing yet. */
export function newLane(slot: number): LaneBook {
  return {
    slot,
    failures: 0,
    notBeforeMs: 0,
    replaced: 0,
    working: null,
    idleSinceMs: null,
    rate: null,
  };
}

/** Where the facts about leases are. */
interface Books {
  ledger: Ledger;
  slots: Slots;
  coverage: Coverage;
}

/** The connections as a display shows them: at least `target` of them, and all that work. */
export function viewLanes(lanes: readonly LaneBook[], target: number, books: Books): Lane[] {
  const nowMs = performance.now();
  const highest = lanes.findLastIndex(({ working }) => working !== null);
  return lanes.slice(0, Math.max(target, highest + 1)).map((lane) => {
    const booked = lane.working === null ? undefined : books.ledger.lease(lane.working.lease);
    const start = booked?.start ?? 0;
    return {
      connection: lane.slot,
      state: stateOf(lane, books.slots, nowMs),
      start,
      end: booked?.end ?? 0,
      position:
        booked === undefined ? 0 : books.coverage.positionOf(lane.slot, booked.lease, start),
      rate: lane.working?.meter.rate ?? 0,
    };
  });
}

function stateOf(lane: LaneBook, slots: Slots, nowMs: number): LaneState {
  if (lane.working === null) return lane.notBeforeMs > nowMs ? 'backoff' : 'idle';
  switch (slots.state(lane.slot)) {
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
export function traceLease(log: Log, { beganMs, start }: Working, outcome: LeaseOutcome): void {
  const { lease, slot, written, received, address, dialMs, firstByteMs, result } = outcome;
  const ms = Math.round(performance.now() - beganMs);
  const took = { ms, dialMs: round(dialMs), firstByteMs: round(firstByteMs) };
  const fields = { lease, connection: slot, address, start, written, received, ...took };
  log.debug(fields, `lease ${result.kind}`);
}

const round = (ms: number | null): number | null => (ms === null ? null : Math.round(ms));

/** The disk has to catch up: that nobody receives meanwhile says nothing of any connection. */
export function excuse(lanes: readonly LaneBook[], nowMs: number): void {
  for (const { working } of lanes) if (working !== null) working.heardMs = nowMs;
}
