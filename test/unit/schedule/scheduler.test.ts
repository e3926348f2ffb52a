/** The whole of the scheduler, driven by histories that a dispatcher could tell it. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { Concurrency } from '../../../src/schedule/concurrency.js';
import { ExtentSet } from '../../../src/schedule/extents.js';
import { Ledger } from '../../../src/schedule/ledger.js';
import { SEAM_BYTES } from '../../../src/schedule/overhead.js';
import { Scheduler } from '../../../src/schedule/scheduler.js';
import type { Setting } from '../../../src/schedule/scheduler.js';
import { TUNING } from '../../../src/schedule/tuning.js';
import type { Action, LeaseEnding, LeaseState, Span } from '../../../src/schedule/types.js';

const KIB = 1024;
const MIB = 1024 * KIB;

type Fetch = Extract<Action, { kind: 'fetch' }>;

/** A lease on a connection, as whoever does the actions sees it. */
interface Out extends Span {
  lease: number;
  slot: number;
  connection: number;
  /** When it was asked for, and when its first byte comes. */
  askedMs: number;
  firstMs: number;
  received: number;
  written: number;
  hedges: number | null;
  hedged: boolean;
  abandoned: boolean;
}

interface Options extends Partial<Setting> {
  total?: number;
  n?: number | 'auto';
  /** Bytes that an earlier run left. */
  kept?: Span[];
}

/** Does what the scheduler says, and holds it to what it may say. */
class Doer {
  nowMs = 0;
  readonly ledger: Ledger;
  readonly scheduler: Scheduler;
  /** The lease that each connection receives, and the one behind it. */
  readonly lines = new Map<number, Out[]>();
  private readonly open = new Set<number>();
  private readonly restUntilMs = new Map<number, number>();
  private pausedUntilMs = 0;
  readonly fetched: Fetch[] = [];
  readonly actions: Action[] = [];
  /** Bytes per millisecond of each connection. */
  rates: number[] = [];
  readonly written: ExtentSet;
  private readonly firstByteMs: number;
  failures = 0;

  constructor(
    readonly total: number,
    { n = 8, kept = [], ...setting }: Options = {},
  ) {
    this.ledger = new Ledger(total, new ExtentSet(kept));
    this.written = new ExtentSet(kept);
    const roundTripMs = setting.roundTripMs ?? 10;
    this.firstByteMs = setting.firstByteMs ?? roundTripMs;
    this.scheduler = new Scheduler({
      ledger: this.ledger,
      concurrency: new Concurrency(n, roundTripMs, TUNING),
      connections: n === 'auto' ? TUNING.most : n,
      order: 'any',
      mayHedge: true,
      roundTripMs,
      dialMs: roundTripMs,
      firstByteMs: roundTripMs,
      firstLease: 1,
      ...setting,
    });
  }

  private *all(): Generator<Out> {
    for (const line of this.lines.values()) yield* line;
  }

  /** The first answer, which goes on to the end of the file. */
  adopt(isOpenEnded = true): void {
    const [gap] = this.ledger.gaps();
    if (gap === undefined) return;
    const { lease, slot } = this.scheduler.adopt(gap, isOpenEnded, this.nowMs);
    this.lines.set(0, [this.outOf({ lease, slot, connection: 0, span: gap, hedges: null })]);
    this.check();
  }

  private outOf({
    lease,
    slot,
    connection,
    span,
    hedges,
  }: Pick<Fetch, 'lease' | 'slot' | 'connection' | 'span' | 'hedges'>): Out {
    const firstMs = this.nowMs + (this.open.has(connection) ? 1 : 2) * this.firstByteMs;
    const fresh = { received: 0, written: 0, hedged: false, abandoned: false };
    const askedMs = this.nowMs;
    return { ...span, lease, slot, connection, askedMs, firstMs, hedges, ...fresh };
  }

  act(): Action[] {
    const actions = this.scheduler.act(this.nowMs);
    for (const action of actions) this.perform(action);
    this.actions.push(...actions);
    if (actions.length > 0) this.check();
    return actions;
  }

  private out(lease: number): Out {
    for (const out of this.all()) if (out.lease === lease) return out;
    return expect.fail(`lease ${lease} is not out`);
  }

  private perform(action: Action): void {
    switch (action.kind) {
      case 'fetch':
        return this.fetch(action);
      case 'cut': {
        const out = this.out(action.lease);
        expect(action.end, 'ends fall only').below(out.end).above(out.start);
        expect(action.end, 'what has come stays').least(out.start + out.received);
        expect(out.hedged, 'what is fetched twice keeps its end').equal(false);
        out.end = action.end;
        return;
      }
      case 'extend': {
        const out = this.out(action.lease);
        expect(action.end).above(out.end);
        expect(out.connection, 'only the first answer goes on').equal(0);
        this.expectFree({ start: out.end, end: action.end });
        out.end = action.end;
        return;
      }
      case 'abandon': {
        const out = this.out(action.lease);
        // What is asked for and given up at once would be asked for again at once.
        if (!out.hedged) expect(this.nowMs, 'it had some time').above(out.askedMs);
        out.abandoned = true;
        return;
      }
      case 'measure':
        return;
    }
  }

  private expectFree({ start, end }: Span, apart: number | null = null): void {
    for (const out of this.all())
      if (out.lease !== apart && out.start < end && out.end > start)
        expect.fail(`[${start}, ${end}) is out on lease ${out.lease}`);
  }

  private fetch(action: Fetch): void {
    const { connection, lease, slot, span, behind, hedges } = action;
    expect(span.start).within(0, span.end - 1);
    expect(span.end).most(this.ledger.total);
    const line = this.lines.get(connection) ?? [];
    expect(line.length, 'its place on the connection').equal(behind ? 1 : 0);
    expect(Math.floor(slot / 2)).equal(connection);
    expect(line.map((each) => each.slot)).not.include(slot);
    expect(this.nowMs).least(this.pausedUntilMs);
    if (!behind) expect(this.nowMs).least(this.restUntilMs.get(connection) ?? 0);
    if (hedges === null) this.expectFree(span);
    else {
      const hedged = this.out(hedges);
      expect(hedged.hedged).equal(false);
      expect(span.end).equal(hedged.end);
      expect(span.start).within(hedged.start, hedged.start + hedged.received);
      this.expectFree(span, hedges);
      hedged.hedged = true;
    }
    const out = this.outOf({ lease, slot, connection, span, hedges });
    out.hedged = hedges !== null;
    this.lines.set(connection, [...line, out]);
    if (!behind) expect(this.working).most(Math.max(1, this.scheduler.target));
    this.fetched.push(action);
  }

  get working(): number {
    return [...this.lines.values()].filter((line) => line.length > 0).length;
  }

  /** Written, out and missing are the whole, and no byte is missing and elsewhere. */
  private check(): void {
    const all = new ExtentSet(this.ledger.written.toArray());
    for (const { start, end } of this.ledger.gaps()) {
      if (all.add(start, end) < end - start) expect.fail(`of [${start}, ${end}) some is written`);
      this.expectFree({ start, end });
    }
    let count = 0;
    for (const { lease, start, end } of this.ledger.leases) {
      all.add(start, end);
      count++;
      if (this.out(lease).end !== end) expect.fail(`lease ${lease} has another end`);
    }
    if (all.total() !== this.ledger.total) expect.fail('something is nowhere');
    if (count !== [...this.all()].length) expect.fail('not all leases are booked');
  }

  /** Time goes by, and bytes come in at their rates. */
  advance(ms: number, more: { held?: boolean; processor?: number; place?: number } = {}): void {
    const { place = Infinity } = more;
    this.nowMs += ms;
    for (const line of this.lines.values()) {
      const [out] = line;
      if (out === undefined || this.nowMs < out.firstMs) continue;
      const came = Math.round((this.rates[out.connection % this.rates.length] ?? 1000) * ms);
      const most = Math.max(out.received, place - out.start);
      out.received = Math.min(out.end - out.start, out.received + came, most);
      out.written = Math.max(out.written, Math.min(out.received, out.received - 1000));
    }
    this.tell(more);
  }

  tell({ held = false, processor = 0.1 } = {}): void {
    const leases = [...this.lines.values()].flatMap(([out]) => {
      if (out === undefined) return [];
      const state: LeaseState = this.nowMs < out.firstMs ? 'waiting' : 'receiving';
      return [{ lease: out.lease, state, received: out.received, written: out.written }];
    });
    this.scheduler.observe({ kind: 'progress', leases, held, processor }, this.nowMs);
  }

  /** Ends the lease that a connection receives; what is behind it ends too where the connection broke. */
  end(connection: number, ending: LeaseEnding, beyond = 0): void {
    const line = this.lines.get(connection) ?? [];
    const [out] = line;
    if (out === undefined) return;
    const isBroken = ending !== 'done';
    if (isBroken) this.failures++;
    this.close(out, ending, beyond);
    if (isBroken) this.open.delete(connection);
    else this.open.add(connection);
    const [behind] = line;
    if (isBroken && behind !== undefined) this.close(behind, 'failed', 0);
    else if (behind !== undefined) behind.firstMs = Math.max(behind.firstMs, this.nowMs);
    this.check();
  }

  private close(out: Out, ending: LeaseEnding, beyond: number): void {
    this.lines.get(out.connection)?.shift();
    const end = out.start + (ending === 'done' ? out.end - out.start : out.received);
    const written = Math.min(this.total, end + beyond);
    this.written.add(out.start, written);
    // A lease whose second copy ended before its time is like any other again.
    if (Math.min(written, out.end) < out.end)
      for (const each of this.all())
        each.hedged &&= [...this.all()].some(
          (other) => other !== each && other.start < each.end && other.end > each.start,
        );
    const { lease } = out;
    const { firstByteMs } = this;
    const seen = { lease, written, ending, reusable: ending === 'done', dialMs: 10, firstByteMs };
    this.scheduler.observe({ kind: 'ended', ...seen }, this.nowMs);
  }

  /** Ends what has come to its end, and what was given up. */
  settle(): void {
    for (const [connection, line] of this.lines) {
      const [out] = line;
      if (out === undefined) continue;
      if (out.abandoned) this.end(connection, 'cancelled');
      else if (out.received >= out.end - out.start) this.end(connection, 'done');
    }
  }

  rest(connection: number, untilMs: number): void {
    this.restUntilMs.set(connection, untilMs);
    this.scheduler.observe({ kind: 'rested', connection, untilMs }, this.nowMs);
  }

  pause(untilMs: number): void {
    this.pausedUntilMs = Math.max(this.pausedUntilMs, untilMs);
    this.scheduler.observe({ kind: 'paused', untilMs }, this.nowMs);
  }

  /** Nothing goes wrong any more. */
  finish(mostMs = 1e10): void {
    const endMs = this.nowMs + mostMs;
    for (let step = 0; !this.ledger.isComplete; step++) {
      if (this.nowMs > endMs) expect.fail('it does not end');
      // A long download is looked at less often than it would be.
      this.advance(step < 400 ? 25 : 25 * (step / 400));
      this.settle();
      this.act();
    }
    expect(this.written.has(0, this.total)).equal(true);
    expect(this.ledger.written.total()).equal(this.total);
    expect(this.working).equal(0);
  }

  get budget(): number {
    return Math.max(TUNING.overheadBytes, this.total * TUNING.overheadPart);
  }
}

/** One thing that happens: what, to which connection, and how much. */
const step = fc.tuple(fc.nat(13), fc.nat(20), fc.nat(1000));
const rates = fc.array(
  fc.oneof(fc.constant(0), fc.double({ min: 0.1, max: 20_000, noNaN: true })),
  {
    minLength: 1,
    maxLength: 16,
  },
);

function happen(doer: Doer, [what, which, much]: [number, number, number]): void {
  const { scheduler, nowMs } = doer;
  const connection = which % 16;
  switch (what) {
    case 0:
      return doer.end(connection, 'failed');
    case 1:
      doer.end(connection, 'failed');
      return doer.rest(connection, nowMs + much * 5);
    case 2:
      return doer.end(connection, 'short');
    case 3:
      // A thread wrote on while its end was being lowered.
      return doer.end(connection, 'done', much * 20);
    case 4:
      return scheduler.observe({ kind: 'objected', connection, pauseMs: much * 10 }, nowMs);
    case 5:
      return doer.pause(nowMs + much);
    case 6:
      return scheduler.observe({ kind: 'allowed', most: which < 5 ? 1 + which : Infinity }, nowMs);
    case 7:
      return scheduler.observe({ kind: 'roundTrip', ms: which === 0 ? null : much / 5 }, nowMs);
    case 8:
      return scheduler.observe({ kind: 'pipelining', most: which < 10 ? which : Infinity }, nowMs);
    case 9:
      return doer.advance(much, { held: which < 5, processor: which / 20 });
    default:
      doer.advance(25 * (1 + (much % 40)));
      return doer.settle();
  }
}

describe('the scheduler', () => {
  const settings = fc.record({
    n: fc.oneof(fc.constant('auto' as const), fc.integer({ min: 1, max: 16 })),
    order: fc.constantFrom('any' as const, 'front' as const),
    mayHedge: fc.boolean(),
    roundTripMs: fc.constantFrom(0.2, 10, 100),
  });

  it('ends the leases that would last longest where connections are too many, at whole bytes', () => {
    const concurrency = new Concurrency(4, 50, TUNING);
    const doer = new Doer(4000 * MIB, { n: 4, concurrency, roundTripMs: 50 });
    doer.rates = [20_000.7, 9000.3, 20_000.1, 8000.9];
    doer.adopt(false);
    for (let at = 0; at < 100; at++) {
      doer.advance(25.3);
      doer.settle();
      doer.act();
    }
    Object.defineProperty(concurrency, 'surplus', { value: 2 });
    const before = doer.actions.length;
    doer.act();
    const cuts = doer.actions.slice(before).filter((action) => action.kind === 'cut');
    const slow = [1, 3].map((connection) => doer.lines.get(connection)?.[0]?.lease);
    expect(cuts.map(({ lease }) => lease)).have.members(slow);
  });

  it('P1: keeps its books, and brings the whole file, whatever happens in whatever order', () => {
    fc.assert(
      fc.property(
        settings,
        fc.integer({ min: 1, max: 64 * MIB }),
        fc.boolean(),
        rates,
        fc.array(step, { maxLength: 60 }),
        (setting, total, isOpenEnded, speeds, steps) => {
          const half = Math.floor(total / 2);
          const kept = isOpenEnded ? [] : [{ start: half, end: half + Math.floor(total / 10) }];
          const doer = new Doer(total, { ...setting, kept });
          doer.rates = speeds;
          doer.adopt(isOpenEnded);
          doer.tell();
          doer.act();
          for (const each of steps) {
            happen(doer, each);
            doer.act();
          }
          doer.scheduler.observe({ kind: 'allowed', most: Infinity }, doer.nowMs);
          doer.rates = [5000];
          doer.finish();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('P5: spends 1 % of the file, or 1 MiB, and a seam for each lease that broke', () => {
    const speeds = fc.array(fc.double({ min: 1, max: 20_000, noNaN: true }), {
      minLength: 1,
      maxLength: 16,
    });
    const failing = fc.array(fc.nat(15), { maxLength: 20 });
    fc.assert(
      fc.property(
        settings,
        fc.integer({ min: MIB, max: 200 * MIB }),
        speeds,
        failing,
        (setting, total, each, failures) => {
          const doer = new Doer(total, setting);
          doer.rates = each;
          doer.adopt();
          for (const connection of failures) {
            doer.advance(25);
            doer.settle();
            doer.end(connection, 'failed');
            doer.act();
          }
          doer.finish();
          const { overheadBytes } = doer.scheduler;
          const slow = doer.actions.filter(({ kind }) => kind === 'abandon').length;
          const broken = 2 * doer.failures + slow;
          expect(overheadBytes).most(doer.budget + (1 + 2 * broken) * SEAM_BYTES);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('what the scheduler decides', () => {
  const fast = (n: number | 'auto', more: Options = {}, total = 256 * MIB): Doer => {
    const doer = new Doer(total, { n, ...more });
    doer.rates = [1000];
    return doer;
  };

  it('gives each connection its part of the first answer, and cuts that', () => {
    const doer = fast(4);
    doer.adopt();
    doer.tell();
    doer.act();
    expect(doer.fetched.map(({ connection }) => connection)).deep.equal([1, 2, 3]);
    expect(doer.actions.filter(({ kind }) => kind === 'cut').length).equal(3);
    expect(doer.fetched[0]?.span.end).equal(256 * MIB);
  });

  it('uses one connection where one is allowed, and the number when ranges are proven', () => {
    const doer = fast(8);
    doer.scheduler.observe({ kind: 'allowed', most: 1 }, 0);
    doer.adopt();
    doer.advance(25);
    doer.act();
    expect(doer.working).equal(1);
    doer.scheduler.observe({ kind: 'allowed', most: Infinity }, 25);
    doer.act();
    expect(doer.working).equal(8);
  });

  it('gives back to the first answer what nobody brings', () => {
    const doer = fast(2);
    doer.adopt();
    doer.tell();
    doer.act();
    doer.scheduler.observe({ kind: 'allowed', most: 1 }, doer.nowMs);
    doer.end(1, 'failed');
    const actions = doer.act();
    expect(actions).deep.include({ kind: 'extend', lease: 1, end: 256 * MIB });
    doer.finish();
    expect(doer.fetched.length).equal(1);
  });

  it('P16: takes back for the first answer what others wait for in vain, as long as none was answered', () => {
    for (const isAnswered of [false, true]) {
      const doer = fast(2, {}, 4 * MIB);
      doer.rates = [4000];
      doer.adopt();
      doer.tell();
      doer.act();
      const [fetched] = doer.fetched;
      doer.lines.get(1)![0]!.firstMs = Infinity;
      if (isAnswered) {
        const progress = {
          lease: fetched!.lease,
          state: 'receiving',
          received: 1,
          written: 0,
        } as const;
        doer.scheduler.observe(
          { kind: 'progress', leases: [progress], held: false, processor: 0 },
          0,
        );
      }
      doer.advance(1000);
      const abandoned = doer.act().filter(({ kind }) => kind === 'abandon');
      expect(abandoned.length).equal(isAnswered ? 0 : 1);
      if (isAnswered) continue;
      doer.end(1, 'cancelled');
      // What was asked of the source waits, but nothing is asked for that.
      doer.pause(1e9);
      expect(doer.act()).deep.equal([{ kind: 'extend', lease: 1, end: 4 * MIB }]);
    }
  });

  it('P21: an objection of one server costs one connection, for two seconds', () => {
    const doer = fast(16, {}, 2048 * MIB);
    doer.adopt();
    for (let ms = 0; ms < 2000; ms += 25) {
      doer.advance(25);
      doer.settle();
      doer.act();
    }
    expect(doer.working).equal(16);
    doer.end(7, 'failed');
    doer.rest(7, doer.nowMs + 1000);
    doer.scheduler.observe({ kind: 'objected', connection: 7, pauseMs: 1000 }, doer.nowMs);
    const refusedMs = doer.nowMs;
    doer.act();
    expect(doer.scheduler.target).equal(15);
    while (doer.scheduler.target < 16) {
      doer.advance(25);
      doer.settle();
      doer.act();
      expect(doer.working).least(15);
    }
    expect(doer.nowMs - refusedMs).within(1000, 2050);
  });

  it('P1: the end of a silent connection is fetched by another one, and the first copy counts', () => {
    const doer = fast(2, {}, 4 * MIB);
    doer.adopt();
    doer.tell();
    doer.act();
    for (let ms = 0; ms < 500; ms += 25) {
      doer.advance(25);
      doer.settle();
      doer.act();
    }
    doer.rates = [1000, 0];
    doer.finish();
    const helped = doer.actions.filter(
      (action) => action.kind === 'abandon' || (action.kind === 'fetch' && action.hedges !== null),
    );
    expect(helped.length).above(0);
    expect(doer.nowMs, 'seconds, not for ever').below(20_000);
  });

  it('gives up what has not answered while others are served', () => {
    const doer = fast(2, {}, 2048 * MIB);
    doer.adopt();
    doer.tell();
    doer.act();
    const [silent] = doer.lines.get(1) as [Out];
    silent.firstMs = Infinity;
    for (let ms = 0; ms < 1900; ms += 25) {
      doer.advance(25);
      expect(doer.act()).deep.equal([]);
    }
    for (let ms = 0; ms < 200; ms += 25) {
      doer.advance(25);
      doer.act();
    }
    expect(doer.actions).deep.include({ kind: 'abandon', lease: silent.lease, why: 'slow' });
    expect(doer.scheduler.target).equal(1);
    doer.end(1, 'cancelled');
  });

  it('replaces a connection far below its peers', () => {
    const doer = fast(8, {}, 2048 * MIB);
    doer.rates = [1000, 1000, 1000, 10, 1000, 1000, 1000, 1000];
    doer.adopt();
    while (!doer.actions.some(({ kind }) => kind === 'abandon')) {
      doer.advance(25);
      doer.settle();
      doer.act();
      expect(doer.nowMs).below(3000);
    }
    const [slow] = doer.lines.get(3) as [Out];
    expect(doer.actions).deep.include({ kind: 'abandon', lease: slow.lease, why: 'slow' });
  });

  it('asks behind a lease that is about to end, where answers take long', () => {
    const count = (firstByteMs: number, most: number): number => {
      const doer = fast(4, { firstByteMs, roundTripMs: firstByteMs });
      doer.scheduler.observe({ kind: 'pipelining', most }, 0);
      doer.adopt();
      doer.finish();
      return doer.fetched.filter(({ behind }) => behind).length;
    };
    expect(count(40, Infinity)).above(0);
    expect(count(40, 0)).equal(0);
    expect(count(1, Infinity), 'nothing to gain').equal(0);
  });

  it('read in order, the first answer goes on from its end when nobody else may', () => {
    const ledger = new Ledger(64 * MIB, new ExtentSet());
    const scheduler = new Scheduler({
      ledger,
      concurrency: new Concurrency(2, 10, TUNING),
      connections: 2,
      order: 'front',
      mayHedge: true,
      roundTripMs: 10,
      dialMs: 10,
      firstByteMs: 10,
      longest: Infinity,
      firstLease: 1,
    });
    const { lease } = scheduler.adopt({ start: 0, end: 64 * MIB }, true, 0);
    const other = scheduler.act(0).find((action) => action.kind === 'fetch') as Fetch;
    const end = ledger.lease(lease)?.end as number;
    expect(end).below(64 * MIB);
    // The server refuses the other request: ranges are unproven, and nobody but the first answer may work.
    const failed = { ending: 'failed', reusable: false, dialMs: null, firstByteMs: null } as const;
    const { start: written } = other.span;
    scheduler.observe({ kind: 'ended', lease: other.lease, written, ...failed }, 20);
    scheduler.observe({ kind: 'allowed', most: 1 }, 20);
    const come = { lease, state: 'receiving', received: end + SEAM_BYTES, written: end } as const;
    const now = { kind: 'progress', held: false, processor: 0 } as const;
    scheduler.observe({ ...now, leases: [{ ...come, received: end - 1, written: end - 1 }] }, 45);
    expect(scheduler.act(45).filter(({ kind }) => kind === 'extend')).deep.equal([]);
    scheduler.observe({ ...now, leases: [come] }, 70);
    const [action] = scheduler.act(70);
    expect(action).include({ kind: 'extend', lease });
    expect((action as { end: number }).end).within(end + 1, 64 * MIB);
  });

  it('lies close to the front where somebody reads the file in order', () => {
    const doer = fast(4, { order: 'front' });
    doer.adopt();
    doer.finish();
    for (const { span } of doer.fetched) expect(span.end - span.start).most(8 * MIB);
    const starts = doer.fetched
      .filter(({ hedges }) => hedges === null)
      .map(({ span }) => span.start);
    for (const [at, start] of starts.entries())
      expect(start, 'never far before another').above(
        Math.max(...starts.slice(0, at + 1)) - 64 * MIB,
      );
  });

  /** Plays a download through a window whose reader takes so many bytes a tick. */
  function read(
    doer: Doer,
    bytes: number,
    { windowBytes = 16 * MIB, onTick = (): void => undefined, patienceMs = Infinity } = {},
  ): void {
    let front = 0;
    let movedMs = doer.nowMs;
    doer.adopt();
    while (!doer.ledger.isComplete) {
      if (doer.nowMs > movedMs + patienceMs) expect.fail(`the reader waits at ${front} in vain`);
      doer.advance(25, { place: front + windowBytes });
      doer.settle();
      onTick();
      const come = new ExtentSet(doer.written.toArray());
      for (const [out] of doer.lines.values())
        if (out !== undefined) come.add(out.start, out.start + out.written);
      const next = Math.min(front + bytes, come.firstGap(0));
      if (next > front) movedMs = doer.nowMs;
      front = next;
      doer.scheduler.observe({ kind: 'window', front, end: front + windowBytes }, doer.nowMs);
      doer.act();
    }
  }

  it('through a small window, comes to the end whatever happens on the way', () => {
    const speeds = fc.array(fc.integer({ min: 500, max: 20_000 }), { minLength: 1, maxLength: 8 });
    const taken = fc.constantFrom(32 * KIB, 256 * KIB, MIB);
    const broken = fc.record({ tick: fc.nat(40), connection: fc.nat(7), objects: fc.boolean() });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        speeds,
        taken,
        fc.array(broken),
        (n, some, bytes, events) => {
          const doer = fast(n, { order: 'front', longest: MIB / 2 }, 8 * MIB);
          doer.rates = some;
          let tick = 0;
          const onTick = (): void => {
            for (const { connection, objects } of events.filter((each) => each.tick === tick)) {
              doer.end(connection, 'failed');
              if (objects)
                doer.scheduler.observe({ kind: 'objected', connection, pauseMs: 0 }, doer.nowMs);
            }
            tick++;
          };
          read(doer, bytes, { windowBytes: MIB, onTick, patienceMs: 3000 });
        },
      ),
      {
        numRuns: 150,
        // What the reader waited for was asked behind a lease that waited for the reader.
        examples: [
          [
            3,
            [749, 3671, 500],
            256 * KIB,
            [
              { tick: 8, connection: 2, objects: true },
              { tick: 20, connection: 0, objects: true },
            ],
          ],
        ],
      },
    );
  });

  it('through a window, a connection that waits for the reader makes way for what the reader waits for', () => {
    const doer = fast(3, { order: 'front', longest: MIB / 2 }, 8 * MIB);
    doer.rates = [20_000, 300, 20_000];
    let isBroken = false;
    const onTick = (): void => {
      const slow = doer.lines.get(1)?.[0];
      const fast = [doer.lines.get(0)?.[0], doer.lines.get(2)?.[0]];
      const waiting = fast.filter(
        (out) => out !== undefined && out.start > (slow?.end ?? Infinity),
      );
      if (isBroken || waiting.length !== 1) return;
      // The other two have nothing to do, one is in the middle of the window, and one at its end.
      isBroken = true;
      doer.end(1, 'failed');
      doer.scheduler.observe({ kind: 'objected', connection: 1, pauseMs: 0 }, doer.nowMs);
      expect(doer.scheduler.target).equal(1);
    };
    read(doer, MIB, { windowBytes: MIB, onTick, patienceMs: 500 });
    expect(isBroken).equal(true);
  });

  it('asks for no less where a reader makes place by a little at a time', () => {
    const doer = fast(4, { order: 'front', longest: 2 * MIB }, 128 * MIB);
    doer.rates = [10_000];
    read(doer, 100 * KIB);
    expect(doer.fetched.length, 'about 64 leases').below(96);
  });

  it('takes nothing from leases that wait for the reader', () => {
    const doer = fast(4, { order: 'front', longest: 2 * MIB }, 128 * MIB);
    doer.rates = [10_000, 4000, 10_000, 10_000];
    read(doer, 100 * KIB);
    const [, ...cuts] = doer.actions.filter(({ kind }) => kind === 'cut');
    expect(cuts.length, 'at the end only').below(4);
  });

  it('takes from the lease that the reader waits for', () => {
    const doer = fast(4, { order: 'front', longest: 8 * MIB }, 128 * MIB);
    doer.rates = [10_000, 3000, 10_000, 10_000];
    read(doer, 16 * MIB);
    expect(doer.nowMs, '4.1 s with all of them at work all the time').below(5000);
  });

  it('does nothing while the disk has to catch up, and says so', () => {
    const doer = fast(4);
    doer.adopt();
    doer.advance(25, { held: true });
    expect(doer.act()).deep.equal([]);
    expect(doer.scheduler.limitedBy).equal('disk');
    doer.advance(25);
    expect(doer.act().length).above(0);
  });
});
