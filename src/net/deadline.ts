/**
 * Deadlines of the network. A thread that was held up (stopped, starved, busy) runs the timers that
 * are due before it looks at its sockets, and would blame the peer for what lies in the kernel
 * already. So time is up only after the sockets have been looked at once more.
 */

/**
 * Calls `over` when `ms` milliseconds have passed, and what had come by then has been read.
 * @returns what calls it off
 */
export function deadline(ms: number, over: () => void): () => void {
  let last: NodeJS.Immediate | null = null;
  const timer = setTimeout(() => (last = setImmediate(over)), ms);
  return () => {
    clearTimeout(timer);
    if (last !== null) clearImmediate(last);
  };
}
