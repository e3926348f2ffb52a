/** Which run of the machine this is. */
import { readFileSync } from 'node:fs';

/** A process does not outlive the run of the machine: read once, whatever it is. */
let known: { id: string | null } | null = null;

/**
 * The kernel's name of this boot, or null where there is none. When it is the same as in a
 * journal, no power was lost since: what the page cache held then is still in the file.
 */
export function bootId(): string | null {
  known ??= { id: readBootId() };
  return known.id;
}

function readBootId(): string | null {
  try {
    const text = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return /^[0-9a-f-]{36}$/.test(text) ? text : null;
  } catch {
    return null;
  }
}
