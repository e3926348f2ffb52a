/** When bytes will have come: the arithmetic that every rule asks. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import * as forecast from '../../../src/schedule/forecast.js';
import { INITIAL_WINDOW } from '../../../src/schedule/forecast.js';
import type { Flow, Path } from '../../../src/schedule/forecast.js';

/** A connection, whichever way it takes. */
type Motion = Omit<Flow, 'path'>;

const finishMs = (flow: Motion, bytes: number, path: Path): number =>
  forecast.finishMs({ ...flow, path }, bytes);
const bytesWithin = (flow: Motion, ms: number, path: Path): number =>
  forecast.bytesWithin({ ...flow, path }, ms);
const horizonMs = (missing: number, flows: readonly Motion[], path: Path): number =>
  forecast.horizonMs(
    missing,
    flows.map((flow) => ({ ...flow, path })),
  );

const between = (min: number, max: number): fc.Arbitrary<number> =>
  fc.double({ min, max, noNaN: true });

const paths = fc.record({
  roundTripMs: between(0.01, 500),
  window: between(20_000, 5_000_000),
  capacity: fc.constant(null),
});

const flows = fc.record({
  startMs: between(0, 2000),
  window: between(INITIAL_WINDOW, 3_000_000),
  plateau: fc.oneof(fc.constant(Infinity), between(0.5, 200_000)),
});

const bytes = between(1, 1e10);

const path = (roundTripMs: number, more: Partial<Path> = {}): Path => ({
  roundTripMs,
  window: 2_500_000,
  capacity: null,
  ...more,
});

describe('the forecast of one connection', () => {
  it('says the same of time and of bytes', () => {
    fc.assert(
      fc.property(flows, paths, bytes, (flow, way, count) => {
        const ms = finishMs(flow, count, way);
        expect(bytesWithin(flow, ms, way)).closeTo(count, 1e-6 * count + 1e-6 * ms);
      }),
    );
  });

  it('says that more bytes take longer, and that more come in more time', () => {
    fc.assert(
      fc.property(flows, paths, bytes, bytes, (flow, way, a, b) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)];
        expect(finishMs(flow, less, way)).most(finishMs(flow, more, way));
        expect(bytesWithin(flow, less, way)).most(bytesWithin(flow, more, way));
      }),
    );
  });

  it('says that a connection with a larger window is never behind', () => {
    fc.assert(
      fc.property(flows, paths, bytes, between(1, 100), (flow, way, count, factor) => {
        const ahead = finishMs({ ...flow, window: flow.window * factor }, count, way);
        expect(ahead).most(finishMs(flow, count, way) * (1 + 1e-9));
      }),
    );
  });

  it('doubles the window each round trip up to the plateau, and stays there', () => {
    const flow = { startMs: 200, window: 10_000, plateau: 800 };
    const way = path(100);
    const within = (ms: number): number => bytesWithin(flow, ms, way);
    expect([100, 200, 300, 400, 500, 600].map(within)).deep.equal([
      ...[0, 0, 10_000, 30_000, 70_000, 150_000],
    ]);
    expect(within(250)).equal(5000);
    expect(finishMs(flow, 230_000, way)).equal(700);
  });

  it('is bounded by what one connection may have under way', () => {
    const flow = { startMs: 0, window: 2_500_000, plateau: Infinity };
    expect(finishMs(flow, 2_500_000, path(100))).equal(100);
    expect(finishMs(flow, 25_000_000, path(100))).equal(1000);
    expect(bytesWithin(flow, 10, path(100, { window: 1_000_000 }))).equal(100_000);
  });

  it('never ends where nothing comes', () => {
    const flow = { startMs: 7, window: INITIAL_WINDOW, plateau: 0 };
    expect(finishMs(flow, 1, path(10))).equal(Infinity);
    expect(finishMs(flow, 0, path(10))).equal(7);
    expect(bytesWithin(flow, 1e9, path(10))).equal(0);
  });

  it('is finite without a measurable round trip', () => {
    const flow = { startMs: 0, window: INITIAL_WINDOW, plateau: Infinity };
    expect(finishMs(flow, 1e9, path(0))).within(0, 10);
  });
});

describe('the horizon', () => {
  const sum = (all: readonly Motion[], ms: number, way: Path): number =>
    all.reduce((before, flow) => before + bytesWithin(flow, ms, way), 0);

  it('is when all connections together have brought what is missing', () => {
    fc.assert(
      fc.property(
        fc.array(flows, { minLength: 1, maxLength: 16 }),
        paths,
        between(1e6, 1e10),
        (all, way, missing) => {
          const ms = horizonMs(missing, all, way);
          expect(sum(all, ms, way)).least(missing * (1 - 1e-9));
          // Nobody looks closer than half a millisecond.
          if (ms > 0.6) expect(sum(all, ms * 0.999, way)).below(missing);
        },
      ),
    );
  });

  it('is no sooner than what is shared allows', () => {
    const flow = { startMs: 0, window: 1e9, plateau: 1000 };
    const four = [flow, flow, flow, flow];
    expect(horizonMs(4_000_000, four, path(10, { window: 1e9 }))).closeTo(1000, 1);
    expect(horizonMs(4_000_000, four, path(10, { window: 1e9, capacity: 500 }))).closeTo(8000, 8);
    expect(horizonMs(4_000_000, four, path(10, { window: 1e9, capacity: 1e6 }))).closeTo(1000, 1);
  });

  it('is never later for one connection more', () => {
    fc.assert(
      fc.property(
        fc.array(flows, { maxLength: 8 }),
        flows,
        paths,
        bytes,
        (all, one, way, count) => {
          const before = horizonMs(count, all, way);
          expect(horizonMs(count, [...all, one], way)).most(before * 1.001);
        },
      ),
    );
  });

  it('counts what is shared on each way by itself', () => {
    const flow = { startMs: 0, window: 1e9, plateau: 1000 };
    const full = path(10, { window: 1e9, capacity: 500 });
    const free = path(50, { window: 1e9 });
    const flows = [full, full, free].map((way) => ({ ...flow, path: way }));
    expect(forecast.horizonMs(3_000_000, flows)).closeTo(2000, 2);
  });

  it('is finite when nothing comes', () => {
    const never = horizonMs(1, [], path(10));
    expect(never).above(1e12).below(Infinity);
    expect(horizonMs(1, [{ startMs: 0, window: 1, plateau: 0 }], path(10))).equal(never);
  });
});
