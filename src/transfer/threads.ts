/** How many threads a download takes when nobody says. */

/**
 * Most threads that receive. Each beyond the first has some 10 MB of memory of its own, and four
 * take more than any disk or link of today gives (P15: 128 MB with 16 connections on any machine).
 */
export const MOST_RECEIVERS = 4;

/**
 * How many threads receive, the main one with them. Without TLS a thread takes more than a gigabyte
 * a second, nearly all of it in the kernel: one for two cores leaves room for what sends. With TLS
 * too, where what sends is on this machine and has as much to encrypt.
 * @param isShared the server is on this machine
 */
export function receivingThreads(
  scheme: 'http' | 'https',
  cores: number,
  isShared: boolean,
): number {
  const wanted = scheme === 'https' && !isShared ? Math.max(2, cores) : Math.ceil(cores / 2);
  return Math.min(MOST_RECEIVERS, wanted);
}
