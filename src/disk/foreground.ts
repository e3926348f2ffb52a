/** Which process group a terminal belongs to at the moment. */
import { readFileSync } from 'node:fs';

/**
 * Whether the process has a terminal that another process group is in front of (a job behind `&`, or after `bg`).
 * Linux says so in proc(5); elsewhere it is not known, and false.
 */
export function isInBackground(): boolean {
  if (process.platform !== 'linux') return false;
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    // Behind the name, which may hold anything: state, parent, group, session, terminal, group in front.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [group, front] = [Number(fields[2]), Number(fields[5])];
    return front > 0 && front !== group;
  } catch {
    return false;
  }
}
