/**
 * Who has a lock, told by the names of what lies in its directory, and whether they are alive.
 *
 * For a holder on this machine the kernel answers: its socket refuses when its process has ended,
 * whatever namespaces the two live in. Where a file system has no sockets, the process is looked for. A
 * holder on another machine is known by its beat alone: a file whose time it changes.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readFully } from './io.js';
import type { LockSetting } from './lock-setting.js';
import { isAlive } from './machine.js';

/** One run in the directory of a lock. */
export interface Holder {
  /** Which run of which kernel it is on. */
  machine: string;
  /** Names of its files, which nobody else has, in the order in which they are removed. */
  files: string[];
  /** Its socket, or what is about to become it. */
  socket: string | null;
  beat: string | null;
}

const ENTRY = /^([0-9a-f]{16})-([0-9a-f]{16})\.(beat|new|socket)$/;

/** Names of the files of a holder. */
export interface EntryNames {
  /**
   * The socket until it can answer. Who meets it then may take its maker for dead and remove it, and the
   * maker finds out when it gives it its name; what has that name answers, or its maker is dead.
   */
  fresh: string;
  socket: string;
  beat: string;
}

/**
 * Names of the files of a holder.
 * @param machine 16 hex digits
 * @param id the same; never used twice
 */
export function entryNames(machine: string, id: string): EntryNames {
  const stem = `${machine}-${id}`;
  return { fresh: `${stem}.new`, socket: `${stem}.socket`, beat: `${stem}.beat` };
}

/** The holders that the names in a lock's directory tell of; null when something else lies there. */
export function readHolders(names: readonly string[]): Holder[] | null {
  const holders = new Map<string, Holder>();
  // In order of name, `beat` before `socket`: what is left of a holder that is half removed can still answer.
  for (const name of [...names].sort()) {
    const [, machine, id, kind] = ENTRY.exec(name) ?? [];
    if (machine === undefined || id === undefined) return null;
    const holder = holders.get(id) ?? { machine, files: [], socket: null, beat: null };
    holders.set(id, holder);
    holder.files.push(name);
    holder[kind === 'beat' ? 'beat' : 'socket'] = name;
  }
  return [...holders.values()];
}

/** Bytes of a beat that are read; a description of a process has some hundred. */
const MAX_BEAT = 4096;

/** How often a beat is looked at while it is watched, in milliseconds. */
const LOOK_MS = 250;

/** Where a holder's files are, and how it may be looked at. */
export interface Looking extends LockSetting {
  directory: string;
  /** The path by which the socket of that name is reached. */
  reach: (name: string) => string;
  /** Whether a beat may be watched, which takes `stillMs`. */
  mayWait: boolean;
}

/** Whether a holder is dead for certain, or its beat has stood still for long enough. */
export async function isDead(holder: Holder, looking: Looking): Promise<boolean> {
  const { presence, directory, reach, machine, shared } = looking;
  const { socket, beat } = holder;
  if (holder.machine === machine) {
    if (socket !== null) return (await presence.answersAt(reach(socket))) === 'dead';
    const alive = beat === null ? null : isAlive(textOf(path.join(directory, beat)));
    if (alive !== null) return !alive;
  }
  // No other kernel has the file system, and this one was started since.
  else if (!shared) return true;
  if (!looking.mayWait) return false;
  looking.onWait(looking.stillMs);
  return isStill(path.join(directory, beat ?? ''), looking);
}

/** Watches a file's time. No clock is compared with another one. */
async function isStill(file: string, { stillMs, signal }: Looking): Promise<boolean> {
  const before = timeOf(file);
  if (before === null) return true;
  const until = performance.now() + stillMs;
  while (performance.now() < until) {
    await sleep(Math.min(LOOK_MS, stillMs), undefined, signal === undefined ? {} : { signal });
    // What is gone was taken away by its owner, or by another run that waited for it.
    const now = timeOf(file);
    if (now !== before) return now === null;
  }
  return true;
}

function timeOf(file: string): string | null {
  try {
    return reading(file, (fd) => String(fstatSync(fd, { bigint: true }).mtimeNs));
  } catch {
    return null;
  }
}

function textOf(file: string): string {
  try {
    return reading(file, (fd) => {
      const bytes = Buffer.alloc(MAX_BEAT);
      return bytes.toString('utf8', 0, readFully(fd, bytes, 0, bytes.length, 0));
    });
  } catch {
    return '';
  }
}

/** Opens a file anew, which makes NFS ask its server what it is like now. */
function reading<T>(file: string, read: (fd: number) => T): T {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return read(fd);
  } finally {
    closeSync(fd);
  }
}
