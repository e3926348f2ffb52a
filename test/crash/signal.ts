/** Signals for a command that runs under strace. */
import { readFileSync } from 'node:fs';
import type { RunningSluice } from '../helpers/run-sluice.js';

/** Sends a signal to the command itself: strace, when it is in front, ends as its child does. */
export function signalCommand(run: RunningSluice, signal: NodeJS.Signals): void {
  // Its number may be another process's by now.
  if (run.child.exitCode !== null || run.child.signalCode !== null) return;
  let children = '';
  try {
    children = readFileSync(`/proc/${run.pid}/task/${run.pid}/children`, 'latin1').trim();
  } catch {
    // Not Linux, or it has just ended.
  }
  if (children === '') return run.kill(signal);
  for (const child of children.split(' ')) {
    try {
      process.kill(Number(child), signal);
    } catch {
      // It has just ended by itself.
    }
  }
}
