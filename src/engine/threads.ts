/** How many threads receive when nobody says. */

/**
 * The most. Each has some 10 MB of memory of its own, and four take more than any disk or link of
 * today gives (P15: 128 MB with 16 connections on any machine).
 */
export const MOST_RECEIVERS = 4;

/**
 * Without TLS a thread takes more than a gigabyte a second, nearly all of it in the kernel: one for
 * two cores leaves room for the main thread and for what sends. Decryption needs a core to itself.
 */
export function receivingThreads(scheme: 'http' | 'https', cores: number): number {
  const wanted = scheme === 'https' ? Math.max(2, cores) : Math.ceil(cores / 2);
  return Math.min(MOST_RECEIVERS, wanted);
}
