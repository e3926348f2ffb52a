/**
 * Directories of ours, by the rule of `ownership.ts`. What is ours is opened without following, looked
 * at once more when it is open, and on Linux reached through the descriptor of the directory above: a
 * component that is exchanged in spite of the rule leads nowhere else either.
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import type { Stats } from 'node:fs';
import path from 'node:path';
import { checkAbove, checkFile, checkLink, checkOwn, isLink, isOurs, userId } from './ownership.js';

/** Symbolic links on one way, as in the kernel. */
const MAX_LINKS = 40;

/** Windows has none of these flags. */
const { O_DIRECTORY = 0, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDONLY } = constants;

/** A directory on the way. */
interface Place {
  /** Absolute, without symbolic links. */
  path: string;
  stats: Stats;
  /** Open from the first directory of ours on; null above it, and on Windows. */
  fd: number | null;
}

/** What was looked at on the way to a directory: each component, not followed. */
type Seen = Pick<Place, 'path' | 'stats'>;

/** What tells whether a component is the same and as it was. */
const FACTS = ['ino', 'dev', 'mode', 'uid'] as const;

/** A directory of ours that is open: its entries are in no other, whatever becomes of its name. */
export class OwnDirectory {
  private constructor(
    private readonly name: string,
    private readonly place: Place,
    private readonly way: readonly Seen[],
  ) {}

  /**
   * Opens a directory of ours; close it. It throws {@link NotOurs}, and what the file system throws:
   * ENOENT where there is none and none is to be made.
   * @param make makes what is missing, for us alone
   */
  static open(directory: string, { make }: { make: boolean }): OwnDirectory {
    const way: Seen[] = [];
    return new OwnDirectory(directory, walk(path.resolve(directory), make, way), way);
  }

  close(): void {
    closePlace(this.place);
  }

  /**
   * Whether its name still leads to it, and nothing that was looked at on the way there has changed since. So what
   * was found good still is, for a fraction of what another way there takes.
   */
  isStill(): boolean {
    return this.way.every(({ path: name, stats }) => {
      const now = lstatSync(name, { throwIfNoEntry: false });
      return now !== undefined && FACTS.every((fact) => now[fact] === stats[fact]);
    });
  }

  /** Absolute, without symbolic links. */
  get realPath(): string {
    return this.place.path;
  }

  /** The names of all entries. */
  names(): string[] {
    return readdirSync(reached(this.place));
  }

  /** What is there under a name, not followed; null when there is nothing. */
  look(name: string): Stats | null {
    return lstatSync(this.at(name), { throwIfNoEntry: false }) ?? null;
  }

  /**
   * The text of a file of ours. It throws {@link NotOurs}, also where the name is a link or the file has
   * a second one; RangeError where it is too long; what the file system throws where there is none.
   */
  read(name: string, maxBytes: number): string {
    const fd = this.openFile(name);
    try {
      const stats = fstatSync(fd);
      checkFile(stats, path.join(this.name, name));
      if (stats.size > maxBytes) throw new RangeError(`${name} is too long`);
      return readFileSync(fd, 'utf8');
    } finally {
      closeSync(fd);
    }
  }

  /**
   * Writes a file for us alone, in place of what has the name. It throws what the file system throws.
   * @param temporary the name that it has until it is whole
   */
  replace(name: string, temporary: string, text: string): void {
    try {
      writeFileSync(this.at(temporary), text, { flag: 'wx', mode: 0o600 });
      renameSync(this.at(temporary), this.at(name));
    } catch (thrown) {
      this.remove(temporary);
      throw thrown;
    }
  }

  /** Removes a name, if it is still there. */
  remove(name: string): void {
    try {
      unlinkSync(this.at(name));
    } catch {
      // Another run was faster, or it was never made.
    }
  }

  private at(name: string): string {
    return path.join(reached(this.place), name);
  }

  private openFile(name: string): number {
    try {
      return openSync(this.at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch (thrown) {
      throw codeOf(thrown) === 'ELOOP' ? isLink(path.join(this.name, name)) : thrown;
    }
  }
}

/** Goes down to a directory, looks at each component after the ones above it, and opens what is ours. */
function walk(directory: string, make: boolean, way: Seen[]): Place {
  let left = componentsOf(directory);
  let at = top(directory);
  way.push({ path: at.path, stats: at.stats });
  let links = 0;
  try {
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      const isLast = left.length === 0;
      const stats = look(at, name, make);
      way.push({ path: path.join(at.path, name), stats });
      let next;
      if (stats.isSymbolicLink()) {
        if (isLast || (links += 1) > MAX_LINKS) throw isLink(path.join(at.path, name));
        left = [...componentsOf(follow(at, name, stats)), ...left];
        next = top(directory);
      } else {
        next = descend(at, name, stats, isLast);
      }
      closePlace(at);
      at = next;
    }
    checkOwn(at.stats, at.path);
    return at;
  } catch (thrown) {
    closePlace(at);
    throw thrown;
  }
}

function componentsOf(directory: string): string[] {
  const { root } = path.parse(directory);
  return directory.slice(root.length).split(path.sep).filter(Boolean);
}

function top(directory: string): Place {
  const { root } = path.parse(directory);
  const stats = lstatSync(root);
  checkAbove(stats, root);
  return { path: root, stats, fd: null };
}

/** What is there under a name, not followed. A directory is made where there is nothing. */
function look(at: Place, name: string, make: boolean): Stats {
  const child = path.join(reached(at), name);
  const found = lstatSync(child, { throwIfNoEntry: !make });
  if (found !== undefined) return found;
  try {
    mkdirSync(child, { mode: 0o700 });
  } catch (thrown) {
    // Another run may have been faster.
    if (codeOf(thrown) !== 'EEXIST') throw thrown;
  }
  return lstatSync(child);
}

/** Where a link leads, if it is one that may be followed. */
function follow(at: Place, name: string, link: Stats): string {
  const here = path.join(at.path, name);
  checkLink(link, at.stats, here);
  return path.resolve(at.path, readlinkSync(here));
}

/** The directory of a name. The one above stays open. */
function descend(at: Place, name: string, stats: Stats, isLast: boolean): Place {
  const place = { path: path.join(at.path, name), stats, fd: null };
  // Root is at home from the top on, and /tmp is on its ways too.
  const isBelowOurs = at.fd !== null && userId() !== 0;
  const check = isLast || isBelowOurs ? checkOwn : checkAbove;
  check(stats, place.path);
  if (userId() === null || !isOurs(stats)) return place;
  const opened = openPlace(place.path, path.join(reached(at), name));
  try {
    check(opened.stats, place.path);
    return opened;
  } catch (thrown) {
    closePlace(opened);
    throw thrown;
  }
}

/** It may be another one than a moment ago: what it is now counts. */
function openPlace(name: string, reachable: string): Place {
  try {
    const fd = openSync(reachable, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    return { path: name, stats: fstatSync(fd), fd };
  } catch (thrown) {
    throw ['ELOOP', 'ENOTDIR'].includes(codeOf(thrown) ?? '') ? isLink(name) : thrown;
  }
}

function closePlace({ fd }: Place): void {
  if (fd !== null) closeSync(fd);
}

/** The name through which a directory's entries are reached. */
function reached({ path: name, fd }: Place): string {
  return fd === null || !hasDescriptorNames() ? name : `/proc/self/fd/${fd}`;
}

let descriptorNames: boolean | null = null;

/** Whether an open directory has a name that leads to it, whatever became of its own. */
function hasDescriptorNames(): boolean {
  return (descriptorNames ??= process.platform === 'linux' && existsSync('/proc/self/fd'));
}

const codeOf = (thrown: unknown): string | undefined => (thrown as NodeJS.ErrnoException).code;
