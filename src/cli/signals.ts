/** Signals that ask the command to stop, and what must be undone before the process ends. */
import os from 'node:os';

export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** A hang-up is a termination by another name. */
const FORCED: Record<StopSignal, { signal: StopSignal; status: number }> = {
  SIGINT: { signal: 'SIGINT', status: 130 },
  SIGTERM: { signal: 'SIGTERM', status: 143 },
  SIGHUP: { signal: 'SIGTERM', status: 143 },
};

/** Signals that a caller may have us ignore. */
const IGNORABLE = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const;

/**
 * The signals that the caller ignores: `nohup`, `trap '' HUP`, a background job of a shell without job control.
 * Node resets them before it runs any code; `bin/run.js` is read by a shell first, which notes them as
 * `PID:MASK` (the SigIgn of proc(5)). What an ancestor noted has another number.
 */
export function ignoredSignals(note: string | undefined, pid: number): Set<NodeJS.Signals> {
  const [, noted, mask = ''] = /^([0-9]+):([0-9a-f]{1,32})$/.exec(note ?? '') ?? [];
  if (Number(noted) !== pid) return new Set();
  const bits = BigInt(`0x${mask}`);
  const { signals } = os.constants;
  return new Set(IGNORABLE.filter((name) => ((bits >> BigInt(signals[name] - 1)) & 1n) === 1n));
}

/** Those of this process. */
const ignored = ignoredSignals(process.env['SLUICE_SIGIGN'], process.pid);

/** Has signals ignored that were ignored when the process began. */
export function keepIgnoring(): void {
  for (const signal of ignored) process.on(signal, () => undefined);
}

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
 * Listens for the signals that end a command, but for those that the caller ignores. The first one calls
 * `handler`, which asks for a graceful stop; the next one calls `onSecond`, restores the terminal and ends
 * the process at once, by that signal: a shell shows 130 or 143. Returns how to stop listening.
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
      endBy(signal);
    }
  };
  const signals = (Object.keys(FORCED) as StopSignal[]).filter((signal) => !ignored.has(signal));
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.off(signal, listener);
  };
}

/**
 * Ends the process now. `process.exit` would wait for the threads, and one that waits for a slow disk ends
 * when the disk has answered; the signal itself, with nobody listening, waits for none.
 */
function endBy(received: StopSignal): never {
  const { signal, status } = FORCED[received];
  process.removeAllListeners(signal);
  // Elsewhere Node ends the process with a status of its own.
  if (process.platform !== 'win32') process.kill(process.pid, signal);
  process.exit(status);
}
