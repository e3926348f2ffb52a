/**
 * States that a power cut could leave after the first `n` steps of a trace. Writes that no sync
 * has finished for are there or not, each 4 KiB block for itself; a length that was not synced is
 * the old or the new one; of the changes of names since the last sync of the directory, the first
 * few are there, as a journaling filesystem keeps them in order.
 */
import type { Step } from './trace.js';

const BLOCK = 4096;

/** A file of a state: its length, and the ranges that hold what was written there. */
export interface FileState {
  size: number;
  written: Array<{ offset: number; length: number; bytes: Buffer }>;
  /** Blocks that lost a change. */
  stale: Set<number>;
}

/** What the disk holds, by name. Several names may share a file. */
export type DiskState = Map<string, FileState>;

type Write = Extract<Step, { kind: 'write' }>;

/** Syncs that were finished by step `n`, with the step at which each began. */
function finishedSyncs(steps: readonly Step[], n: number): Map<number | 'directory', number> {
  const begun = new Map<number, { of: number | 'directory'; at: number }>();
  const last = new Map<number | 'directory', number>();
  steps.slice(0, n).forEach((step, at) => {
    if (step.kind === 'sync') begun.set(step.call, { of: step.file, at });
    if (step.kind === 'sync-directory') begun.set(step.call, { of: 'directory', at });
    if (step.kind !== 'synced') return;
    const sync = begun.get(step.call);
    if (sync !== undefined) last.set(sync.of, Math.max(sync.at, last.get(sync.of) ?? -1));
  });
  return last;
}

/** How many of what is not safe survive: none, all, or each by chance. */
type Mood = 'none' | 'all' | 'some';

export function powerCut(steps: readonly Step[], n: number, random: () => number): DiskState {
  const syncs = finishedSyncs(steps, n);
  const moods: Mood[] = ['none', 'all', 'some', 'some'];
  const mood = moods[Math.floor(random() * moods.length)] ?? 'some';
  const survives = (): boolean => (mood === 'some' ? random() < 0.5 : mood === 'all');
  const files = contents(steps.slice(0, n), syncs, survives);
  return names(steps.slice(0, n), syncs.get('directory') ?? -1, files, random);
}

function contents(
  steps: readonly Step[],
  syncs: Map<number | 'directory', number>,
  survives: () => boolean,
): Map<number, FileState> {
  const returned = new Map<number, number>();
  steps.forEach((step, at) => {
    if (step.kind === 'written') returned.set(step.call, at);
  });
  const files = new Map<number, FileState>();
  steps.forEach((step, at) => {
    if (step.kind === 'create') files.set(step.file, { size: 0, written: [], stale: new Set() });
    if (step.kind !== 'truncate' && step.kind !== 'write') return;
    const file = files.get(step.file) as FileState;
    const synced = syncs.get(step.file) ?? -1;
    const ended = step.kind === 'write' ? (returned.get(step.call) ?? Infinity) : at;
    const safe = ended < synced;
    if (step.kind === 'truncate') {
      if (safe || survives()) file.size = step.size;
    } else if (safe) keep(file, step, 0, step.length);
    else tear(file, step, survives);
  });
  return files;
}

function keep(file: FileState, { offset, bytes }: Write, from: number, to: number): void {
  file.size = Math.max(file.size, offset + to);
  const held = bytes.subarray(from, Math.min(to, bytes.length));
  file.written.push({ offset: offset + from, length: to - from, bytes: held });
}

/** Keeps some blocks of the file; a write of which nothing came may still have made it longer. */
function tear(file: FileState, write: Write, survives: () => boolean): void {
  const end = write.offset + write.length;
  for (let at = write.offset; at < end;) {
    const block = Math.floor(at / BLOCK);
    const next = Math.min(end, (block + 1) * BLOCK);
    // A block that was not written out again keeps what it had: later changes are lost as well.
    if (!file.stale.has(block) && survives()) {
      keep(file, write, at - write.offset, next - write.offset);
    } else file.stale.add(block);
    at = next;
  }
  if (survives()) file.size = Math.max(file.size, end);
}

function names(
  steps: readonly Step[],
  synced: number,
  files: Map<number, FileState>,
  random: () => number,
): DiskState {
  const changes = steps.flatMap((step, at) =>
    step.kind === 'create' || step.kind === 'link' || step.kind === 'unlink' ? [{ step, at }] : [],
  );
  const safe = changes.filter(({ at }) => at < synced).length;
  const count = safe + Math.floor(random() * (changes.length - safe + 1));
  const state: DiskState = new Map();
  for (const { step } of changes.slice(0, count)) {
    if (step.kind === 'create') state.set(step.name, files.get(step.file) as FileState);
    if (step.kind === 'unlink') state.delete(step.name);
    if (step.kind === 'link') state.set(step.to, state.get(step.from) as FileState);
  }
  return state;
}
