/** What a soak downloads: many small files, some that are worth several connections. */

export const SEED = 17;

const KIB = 1024;
const SMALL = [0, 1, 4, 10, 30, 60, 100, 150, 200, 250].map((kib) => kib * KIB);
const LARGE = [0.75, 1.5, 3].map((mib) => mib * KIB * KIB);

/** Targets, and the sizes of their files in bytes. */
export const FILES: ReadonlyArray<readonly [target: string, size: number]> = [
  ...SMALL.map((size, at) => [`/small-${at}`, size] as const),
  ...LARGE.map((size, at) => [`/large-${at}`, size] as const),
];
