/**
 * States that a power cut could leave after the first `n` steps of a trace. What a finished sync
 * has covered is there. Of the rest, each block of 4 KiB holds what it held at some time since; a
 * length is that of some time since; and so is each name, either in the order of the changes, as
 * a journaling filesystem keeps them, or each for itself, as POSIX allows.
 */
import type { Dice } from '../helpers/dice.js';
import type { NameStep, Step } from './trace.js';

const BLOCK = 4096;

/** What the disk holds, by name. Several names may share a file. */
export type DiskState = Map<string, FileState>;

/** How many of what is not safe survive: none, all, or each by chance. */
type Mood = 'none' | 'all' | 'some';

/** Whether a change is there; asked for each block, length and name. */
type Chance = () => boolean;

/** Of what a sync has covered. */
const SAFE: Chance = () => true;

/** A file of a state. */
export class FileState {
  size = 0;
  /** Blocks that hold anything but zeros. */
  readonly blocks = new Map<number, Buffer>();
  /** Blocks that lost a change, and so all that come after it. */
  private readonly stale = new Set<number>();
  private staleSize = false;

  /** @param file its number in the trace */
  constructor(readonly file: number) {}

  write(offset: number, bytes: Buffer, survives: Chance): void {
    for (let at = 0; at < bytes.length;) {
      const block = Math.floor((offset + at) / BLOCK);
      const next = Math.min(bytes.length, (block + 1) * BLOCK - offset);
      if (this.changes(block, survives))
        bytes.copy(this.block(block), (offset + at) % BLOCK, at, next);
      at = next;
    }
    this.resize(Math.max(this.size, offset + bytes.length), survives);
  }

  truncate(size: number, survives: Chance): void {
    for (const number of this.blocks.keys()) {
      const from = Math.max(0, size - number * BLOCK);
      if (from < BLOCK && this.changes(number, survives)) this.block(number).fill(0, from);
    }
    this.resize(size, survives);
  }

  /** The whole content; what no block holds is zeros. */
  bytes(): Buffer {
    const whole = Buffer.alloc(this.size);
    for (const [number, block] of this.blocks) block.copy(whole, number * BLOCK);
    return whole;
  }

  private changes(block: number, survives: Chance): boolean {
    // A write that never returned may be lost before one that was synced.
    if (survives === SAFE) this.stale.delete(block);
    if (!this.stale.has(block) && survives()) return true;
    this.stale.add(block);
    return false;
  }

  private resize(size: number, survives: Chance): void {
    if (survives === SAFE) this.staleSize = false;
    if (size === this.size) return;
    if (!this.staleSize && survives()) this.size = size;
    else this.staleSize = true;
  }

  private block(number: number): Buffer {
    let block = this.blocks.get(number);
    if (block === undefined) this.blocks.set(number, (block = Buffer.alloc(BLOCK)));
    return block;
  }
}

/** One state, by chance. */
export function powerCut(all: readonly Step[], n: number, dice: Dice): DiskState {
  const steps = all.slice(0, n);
  const syncs = finishedSyncs(steps);
  const survives = surviving(dice);
  const files = contents(steps, syncs, survives);
  const safe = syncs.get('directory') ?? -1;
  return dice.chance(0.5)
    ? namesInOrder(steps, safe, files, dice)
    : namesAtWill(steps, safe, files, surviving(dice));
}

/** The state without a power cut: what the system calls say. */
export function everything(steps: readonly Step[]): DiskState {
  const files = contents(steps, new Map(), SAFE);
  return namesAtWill(steps, -1, files, SAFE);
}

function surviving(dice: Dice): Chance {
  const mood = dice.pick<Mood>(['none', 'all', 'some', 'some']);
  return () => (mood === 'some' ? dice.chance(0.5) : mood === 'all');
}

/** Syncs that were finished, with the step at which the last of each began. */
function finishedSyncs(steps: readonly Step[]): Map<number | 'directory', number> {
  const begun = new Map<number, { of: number | 'directory'; at: number }>();
  const last = new Map<number | 'directory', number>();
  steps.forEach((step, at) => {
    if (step.kind === 'sync') begun.set(step.call, { of: step.file, at });
    if (step.kind === 'sync-directory') begun.set(step.call, { of: 'directory', at });
    if (step.kind !== 'synced') return;
    const sync = begun.get(step.call);
    if (sync !== undefined) last.set(sync.of, Math.max(sync.at, last.get(sync.of) ?? -1));
  });
  return last;
}

function contents(
  steps: readonly Step[],
  syncs: Map<number | 'directory', number>,
  survives: Chance,
): Map<number, FileState> {
  const returned = new Map<number, number>();
  steps.forEach((step, at) => {
    if (step.kind === 'written') returned.set(step.call, at);
  });
  const files = new Map<number, FileState>();
  steps.forEach((step, at) => {
    if (step.kind === 'create') files.set(step.file, new FileState(step.file));
    if (step.kind !== 'truncate' && step.kind !== 'write') return;
    const file = files.get(step.file) as FileState;
    const ended = step.kind === 'write' ? (returned.get(step.call) ?? Infinity) : at;
    const keeps = ended < (syncs.get(step.file) ?? -1) ? SAFE : survives;
    if (step.kind === 'truncate') file.truncate(step.size, keeps);
    else file.write(step.offset, step.bytes, keeps);
  });
  return files;
}

function nameSteps(steps: readonly Step[]): Array<{ step: NameStep; at: number }> {
  const kinds = new Set<string>(['create', 'link', 'rename', 'unlink']);
  return steps.flatMap((step, at) =>
    kinds.has(step.kind) ? [{ step: step as NameStep, at }] : [],
  );
}

/** The first few of the changes that are not safe. */
function namesInOrder(
  steps: readonly Step[],
  synced: number,
  files: Map<number, FileState>,
  dice: Dice,
): DiskState {
  const changes = nameSteps(steps);
  const safe = changes.filter(({ at }) => at < synced).length;
  const count = dice.int(safe, changes.length);
  const last = changes[count - 1]?.at ?? -1;
  return namesAtWill(steps.slice(0, last + 1), last + 1, files, SAFE);
}

/** Each name as it was at some time since; a rename happened to both of its names or to none. */
function namesAtWill(
  steps: readonly Step[],
  synced: number,
  files: Map<number, FileState>,
  survives: Chance,
): DiskState {
  const now = new Map<string, number>();
  const state: DiskState = new Map();
  const stale = new Set<string>();
  const set = (name: string, file: number | null, safe: boolean): boolean => {
    if (!safe && (stale.has(name) || !survives())) {
      stale.add(name);
      return false;
    }
    if (file === null) state.delete(name);
    else state.set(name, files.get(file) as FileState);
    return true;
  };
  for (const { step, at } of nameSteps(steps)) {
    const safe = at < synced;
    if (step.kind === 'create') {
      now.set(step.name, step.file);
      set(step.name, step.file, safe);
    } else if (step.kind === 'unlink') {
      now.delete(step.name);
      set(step.name, null, safe);
    } else if (step.kind === 'link') {
      const file = now.get(step.from) as number;
      now.set(step.to, file);
      set(step.to, file, safe);
    } else {
      const file = now.get(step.from) as number;
      now.set(step.to, file);
      now.delete(step.from);
      if (!stale.has(step.from) && set(step.to, file, safe)) set(step.from, null, true);
      else stale.add(step.from).add(step.to);
    }
  }
  return state;
}
