/**
 * What is written and not yet covered by a sync of the data. It is bounded, so that a disk slower
 * than the network holds the connections back, and not the kernel everybody who writes.
 */
import os from 'node:os';
import type { SyncWatch } from '../disk/checkpoint.js';
import type { DurableExtent } from '../disk/durable-extents.js';
import { PAGE_BYTES } from '../lease/task.js';
import type { Slots } from '../lease/task.js';

const MIB = 1024 * 1024;

/** The bound, whatever memory there is: less would hold back disks that keep up. */
const LEAST = 64 * MIB;
/** More than this brings nothing; 1 GiB that comes at once still fits. */
const MOST = 1280 * MIB;

/** What is written is to take the disk no longer than this, at the rate of the last sync, in milliseconds. */
const WORTH_MS = 8000;

/** A sync of less tells nothing, and is worth nothing, in bytes. */
const WORTH_BYTES = 8 * MIB;

/** A sync near the end should take at most this part of what is left. */
const SPARE = 3;

/** Nobody looks more often than this, in milliseconds. */
export const LOOK_MS = 20;

/** A sync shorter than this, in milliseconds, tells nothing of the disk's rate. */
const TELLING_MS = 1000;

/** A tenth of the memory that this process may use, in bytes, within bounds. */
export function backlogBound(memory = usableMemory()): number {
  return Math.max(LEAST, Math.min(MOST, Math.floor(memory / 10)));
}

/** Found out once a process: it is read from half a dozen files, and a list has many downloads. */
let usable: number | null = null;

function usableMemory(): number {
  return (usable ??= memoryOfMachine());
}

function memoryOfMachine(): number {
  // 0, or more than there is, where nothing constrains it.
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, os.totalmem()) : os.totalmem();
}

export class Backlog implements SyncWatch {
  private slots: Slots | null = null;
  /** Pages that were written when the last good sync began. */
  private synced = 0;
  /** Bytes that may be written beyond those. */
  private allowance: number;
  private readonly most: number;
  /** Of the last sync that was worth it. */
  private msPerByte: number | null = null;

  /**
   * @param bound bytes that are written and not synced, at most
   * @param slabs bytes that connections may still write after they were told to stop
   */
  constructor(bound: number, slabs: number) {
    this.most = Math.max(bound / 4, bound - slabs);
    this.allowance = this.most;
  }

  /** Bounds what is written by the connections of these slots; what others left counts with it. */
  follow(slots: Slots): void {
    if (slots === this.slots) return;
    if (this.slots !== null) slots.wrote(this.bytes);
    this.slots = slots;
    this.synced = 0;
    this.allow();
  }

  /** Bytes that are written and not synced. */
  get bytes(): number {
    return this.since(this.synced);
  }

  get isFull(): boolean {
    return this.slots?.isHeld === true;
  }

  /**
   * Whether a sync should begin at once: half of what is allowed is used up and the rest of the file
   * does not fit.
   * @param remaining tells how many bytes are still to come
   */
  isDue(remaining: () => number): boolean {
    const { bytes, allowance } = this;
    return this.isFull || (bytes * 2 >= allowance && bytes + remaining() > allowance);
  }

  /**
   * Whether a sync that is begun now ends well before the download does. One that does not would be
   * waited for; one that just does leaves little to the last sync.
   * @param leftMs until the download ends
   * @param isTime whether a sync is due besides; else only the last one that ends in time is worth it
   */
  endsInTime(leftMs: number, isTime: boolean): boolean {
    if (this.msPerByte === null) return false;
    const ms = this.bytes * this.msPerByte;
    if (leftMs < SPARE * ms) return false;
    return isTime || (this.bytes >= WORTH_BYTES && leftMs < 2 * SPARE * ms + LOOK_MS);
  }

  /** Says whether what is written from now on will be claimed: then its CRC comes with it. */
  wantChecks(wanted: boolean): void {
    this.slots?.wantChecks(wanted);
  }

  takeChecks(): DurableExtent[] {
    return this.slots?.takeChecks() ?? [];
  }

  begins(): () => void {
    const mark = this.slots?.writtenPages ?? 0;
    const { slots, bytes } = this;
    const began = performance.now();
    return () => {
      if (slots !== this.slots) return;
      this.synced = mark;
      this.learn(bytes, performance.now() - began);
      this.allow();
    };
  }

  /** A slow disk gets less: whoever stops the download waits until all of it is safe. */
  private learn(bytes: number, ms: number): void {
    if (bytes >= WORTH_BYTES) this.msPerByte = ms / bytes;
    const worth = ms < TELLING_MS ? Infinity : (bytes / ms) * WORTH_MS;
    this.allowance = Math.min(this.most, Math.max(LEAST, worth));
  }

  private allow(): void {
    this.slots?.allow(this.synced + Math.floor(this.allowance / PAGE_BYTES));
  }

  private since(pages: number): number {
    return (((this.slots?.writtenPages ?? 0) - pages) | 0) * PAGE_BYTES;
  }
}
