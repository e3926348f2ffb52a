/** Which machine this is, which of its processes, and whether others may see a directory. */
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync, statfsSync } from 'node:fs';
import { hostname } from 'node:os';
import { bootId } from './boot.js';
import { isRecord } from './notes.js';

/**
 * This run of this machine's kernel, as 16 hex digits. Containers of one machine have it in common; after
 * the next boot it is another one. Where the system has no name for it, the host's name stands for it.
 */
export function thisMachine(): string {
  const name = bootId() ?? `host ${hostname()}`;
  return createHash('sha256').update(name).digest('hex').slice(0, 16);
}

/** `f_type` (statfs(2)) of the file systems of Linux that one kernel alone has mounted. */
const LOCAL = new Set([
  ...[0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x2fc12fc1, 0xca451a4e], // ext, xfs, btrfs, f2fs, zfs, bcachefs
  ...[0x01021994, 0x858458f6, 0x794c7630], // tmpfs, ramfs, overlay
  ...[0x4d44, 0x2011bab0, 0x5346544e, 0x7366746e, 0x482b], // FAT, exFAT, NTFS by two drivers, HFS+
  ...[0x3153464a, 0x52654973, 0x3434, 0x15013346], // JFS, ReiserFS, NILFS, UDF
]);

/** Whether another machine may have the directory too: on NFS, SMB, FUSE and whatever is not known. */
export function mayBeShared(directory: string): boolean {
  if (process.platform !== 'linux') return true;
  try {
    return !LOCAL.has(Number(statfsSync(directory).type) >>> 0);
  } catch {
    return true;
  }
}

/** What makes it possible to find this process again on its own machine, as one line of JSON. */
export function describeProcess(): string {
  return `${JSON.stringify({ ...ownProcess(), host: hostname() })}\n`;
}

/** Whether a process of this machine lives, by its description; null when that cannot be seen from here. */
export function isAlive(description: string): boolean | null {
  const own = ownProcess();
  const { pid, started, namespace } = parse(description);
  if (own === null || namespace !== own.namespace) return null;
  if (typeof pid !== 'string' || !/^\d+$/.test(pid)) return null;
  try {
    return startOf(pid) === started;
  } catch {
    return false;
  }
}

/** This process as /proc knows it; null where that tells nothing. */
function ownProcess(): { pid: string; started: string; namespace: string } | null {
  try {
    // As this mount of /proc counts, which need not be how the process itself counts.
    const pid = readlinkSync('/proc/self');
    const namespace = readlinkSync('/proc/self/ns/pid');
    return { pid, started: startOf(pid), namespace };
  } catch {
    return null;
  }
}

/** When a process started, in ticks since the boot: field 22 of its stat (proc(5)). */
function startOf(pid: string): string {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const started = text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  if (started === undefined) throw new Error('not a stat of proc(5)');
  return started;
}

function parse(description: string): Record<string, unknown> {
  try {
    const record: unknown = JSON.parse(description);
    return isRecord(record) ? record : {};
  } catch {
    return {};
  }
}
