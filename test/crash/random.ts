/** Numbers that a seed makes again. */

/** The seed of this run: `SLUICE_SEED`, or another one each time. */
export function seedOfRun(): number {
  return Number(process.env['SLUICE_SEED'] ?? Date.now() % 100_000);
}

/** Numbers in [0, 1) (mulberry32). */
export function randoms(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
