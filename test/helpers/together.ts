/** Cases of one test that mostly wait, all at once. */

/**
 * Runs `check` for every case at the same time, and waits for all of them.
 * @throws Error that names every case that failed, and why
 */
export async function together<T>(
  cases: readonly T[],
  name: (one: T) => string,
  check: (one: T) => Promise<void>,
): Promise<void> {
  const ends = await Promise.allSettled(cases.map((one) => check(one)));
  const failed = ends.flatMap((end, i) => {
    if (end.status === 'fulfilled') return [];
    const reason: unknown = end.reason;
    const why = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
    return [`${name(cases[i] as T)}: ${why}`];
  });
  if (failed.length > 0) throw new Error(failed.join('\n'));
}
