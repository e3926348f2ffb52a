/** Signals that ask the command to stop, and what must be undone before the process ends. */

export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** A hang-up is a termination by another name. */
const FORCED_STATUS: Record<StopSignal, number> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 143 };

const hooks = new Set<() => void>();

/** Runs what {@link beforeExit} was given: the cursor is shown again. Safe to call twice. */
export function restoreTerminal(): void {
  for (const hook of [...hooks]) {
    hooks.delete(hook);
    hook();
  }
  process.off('exit', restoreTerminal);
}

/** Has `hook` run once, synchronously, when the process ends; returns how to call that off. */
export function beforeExit(hook: () => void): () => void {
  if (hooks.size === 0) process.on('exit', restoreTerminal);
  hooks.add(hook);
  return () => {
    hooks.delete(hook);
    if (hooks.size === 0) process.off('exit', restoreTerminal);
  };
}

/**
 * `npm` and `npx` pass on a Ctrl-C that the terminal has already sent to the whole group: the same
 * signal again within this time is the same key.
 */
const ECHO_MS = 100;

/**
 * Listens for the signals that end a command. The first one calls `handler`, which asks for a
 * graceful stop; the next one calls `onSecond`, restores the terminal and ends the process at
 * once, with 130 or 143. Returns how to stop listening.
 */
export function onStop(
  handler: (signal: StopSignal) => void,
  onSecond: () => void,
  now: () => number = () => performance.now(),
): () => void {
  let first: { signal: StopSignal; at: number } | undefined;
  const listener = (signal: StopSignal): void => {
    if (!first) {
      first = { signal, at: now() };
      handler(signal);
      return;
    }
    if (signal === first.signal && now() - first.at < ECHO_MS) return;
    try {
      onSecond();
      restoreTerminal();
    } finally {
      process.exit(FORCED_STATUS[signal]);
    }
  };
  const signals = Object.keys(FORCED_STATUS) as StopSignal[];
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.off(signal, listener);
  };
}
