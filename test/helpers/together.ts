/** Cases of one test that mostly wait, all at once. */

/**
 * Runs `check` for every case, `most` of them at the same time, and waits for all of them.
 * @throws Error that names every case that failed, and why
 */
export async function together<T>(
  cases: readonly T[],
  name: (one: T) => string,
  check: (one: T) => Promise<void>,
  most = Infinity,
): Promise<void> {
  const ends: Array<PromiseSettledResult<void>> = [];
  const next = cases.entries();
  const work = async (): Promise<void> => {
    for (const [i, one] of next) [ends[i]] = await Promise.allSettled([check(one)]);
  };
  await Promise.all(Array.from({ length: Math.min(most, cases.length) }, work));
  const failed = ends.flatMap((end, i) => {
    if (end.status === 'fulfilled') return [];
    const reason: unknown = end.reason;
    const why = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
    return [`${name(cases[i] as T)}: ${why}`];
  });
  if (failed.length > 0) throw new Error(failed.join('\n'));
}
