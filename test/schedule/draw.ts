/** Worlds at random, over the ranges in which a download has to do well. */
import { Dice } from '../helpers/dice.js';
import { payloadRate } from './world.js';
import type { AddressSpec, Incident, LinkSpec, Refusal, ServerSpec, World } from './world.js';

const MB = 1e6;
const REFUSALS: readonly Refusal[] = ['refuse', 'reset', 'hang', '429', '503', 'redirect'];

/** World number `index` of a seed; always the same. */
export function drawWorld(seed: number, index: number): World {
  const dice = new Dice(seed * 100_003 + index);
  // Neighbouring seeds begin alike.
  for (let i = 0; i < 50; i++) dice.next();
  const link = drawLink(dice);
  const bytes = Math.round(log(dice, MB, 1e12));
  return {
    name: `${seed}/${index}`,
    seed: seed * 1000 + index,
    files: [bytes],
    sources: [
      {
        link,
        server: drawServer(dice, link, bytes),
        incidents: drawIncidents(dice),
        tlsRoundTrips: dice.chance(0.6) ? 1 : 0,
      },
    ],
    processor: {
      rate: Math.round(log(dice, 200_000, 2_000_000)),
      perConnection: round(dice.next() * 0.03),
    },
    disk: dice.chance(0.1)
      ? {
          rate: Math.round(log(dice, 50_000, MB)),
          waiting: Math.round(log(dice, 64 * MB, 1280 * MB)),
        }
      : null,
  };
}

/** As likely in each part that is so many times larger than the one below. */
const log = (dice: Dice, low: number, high: number): number => low * (high / low) ** dice.next();

const round = (value: number): number => Number(value.toPrecision(3));

function drawLink(dice: Dice): LinkSpec {
  const mbit = round(log(dice, 5, 10_000));
  const roundTripMs = round(log(dice, 1, 300));
  const product = payloadRate({ mbit }) * roundTripMs;
  return {
    mbit,
    roundTripMs,
    loss: dice.chance(0.5) ? 0 : round(log(dice, 1e-5, 0.01)),
    queue: Math.round(Math.max(32_000, product * log(dice, 1 / 4, 4))),
    window: Math.round(2.5 * MB + dice.next() * 3.5 * MB),
    control: dice.chance(0.5) ? 'bbr' : 'cubic',
  };
}

function drawServer(dice: Dice, link: LinkSpec, bytes: number): ServerSpec {
  const rate = payloadRate(link);
  const limited = dice.chance(0.4);
  const limit = Math.round(log(dice, 50, Math.max(100, rate)));
  const everyMs = dice.chance(0.5) ? 1000 : 0;
  const how = dice.pick(REFUSALS);
  const most = { connections: dice.int(1, 12), how, retryAfterMs: dice.chance(0.5) ? 1000 : null };
  const punishment = {
    afterBytes: Math.round(bytes * (0.1 + 0.6 * dice.next())),
    connections: dice.int(1, 12),
    rate: Math.round(rate / log(dice, 3, 30)),
    forMs: Math.round(log(dice, 5000, 120_000)),
  };
  const stragglers = { oneIn: dice.int(3, 16), factor: Math.round(log(dice, 3, 100)) };
  return {
    thinkMs: dice.chance(0.5) ? 0 : Math.round(log(dice, 1, 500)),
    limit: limited ? { rate: limit, everyMs } : null,
    most: dice.chance(0.12) ? most : null,
    punishment: dice.chance(0.04) ? punishment : null,
    addresses: drawAddresses(dice, rate),
    stragglers: dice.chance(0.12) ? stragglers : null,
  };
}

function drawAddresses(dice: Dice, rate: number): AddressSpec[] {
  const count = dice.chance(0.15) ? dice.int(2, 8) : 1;
  if (count === 1) return [{ rate: null, extraMs: 0 }];
  return Array.from({ length: count }, () => ({
    rate: Math.round(rate / log(dice, 0.5, 20)),
    extraMs: dice.chance(0.3) ? dice.int(1, 40) : 0,
  }));
}

function drawIncidents(dice: Dice): Incident[] {
  if (!dice.chance(0.08)) return [];
  if (dice.chance(0.5))
    return [
      { kind: 'refusals', atMs: dice.int(0, 20_000), count: dice.int(1, 5), retryAfterMs: 1000 },
    ];
  const forMs = Math.round(log(dice, 200, 20_000));
  return [{ kind: 'pause', atMs: dice.int(500, 20_000), forMs }];
}
