/**
 * Where the body of a lease goes: seams are compared, the lease's bytes are written at their
 * offsets, and what lies beyond its end is kept as the sample for the neighbour's seam (P5).
 */
import { crc32 } from 'node:zlib';
import { SluiceError } from '../errors.js';
import { readFully, writeFully } from '../disk/io.js';
import { WriteSize } from '../disk/write-size.js';
import type { BodySink } from '../net/exchange.js';
import { Credit } from './credit.js';
import { SEAM_BYTES } from './task.js';
import { Window } from './window.js';
import type { LeaseTask, SeamSample, Slots } from './task.js';

/** A slow connection's bytes are written at least this often, in milliseconds. */
const FLUSH_MS = 500;

/** What a write costs is the machine's, so all leases of a thread learn it together. */
const writeSize = new WriteSize();

export class LeaseSink implements BodySink {
  /** Offset of the next byte that will come out of the slab. */
  private offset: number;
  private readonly expected: Buffer | null;
  private readonly headStart: number;
  private sample: Buffer | null = null;
  private sampleStart = 0;
  private sampled = 0;
  private flushedMs = performance.now();
  private readonly credit: Credit | null;
  private readonly window: Window | null;
  received = 0;
  /** How often the deadline of a silence has passed since the last byte. */
  private silences = 0;
  /** Offset behind the last byte that has arrived. */
  private reached: number;
  /** The slot's control when `end` and `cancelled` were read. */
  private control: number | null = null;
  private end = 0;
  /** The end that the lease began with. */
  private readonly wholeEnd: number;
  /** Answers that others had got when this lease began. */
  private readonly answered: number;
  /** What has come behind the end while the lease waits there, from {@link aheadStart} on. */
  private ahead: Buffer[] = [];
  private aheadStart = 0;
  private cancelled = false;

  /**
   * @param bodyStart offset in the file of the body's first byte; before the lease's start by its head seam,
   *   or by some more, which is passed over
   * @param bodyEnd where the answer promised that its body ends: what comes after it is not used (P9)
   */
  constructor(
    private readonly task: LeaseTask,
    private readonly slots: Slots,
    bodyStart: number,
    private readonly bodyEnd: number,
  ) {
    this.credit = task.credit === null ? null : new Credit(task.credit);
    this.window = task.window === null ? null : new Window(task.window);
    this.offset = this.reached = bodyStart;
    this.headStart = Math.max(bodyStart, task.start - task.headSeam);
    this.obey();
    this.wholeEnd = this.end;
    this.answered = slots.answered;
    this.expected = this.readHeadSeam();
  }

  /** Takes note of what the scheduler wants now. The control is read first: what follows is not older. */
  private obey(): void {
    const control = this.slots.control(this.task.slot);
    if (control === this.control) return;
    this.control = control;
    this.end = this.slots.end(this.task.slot);
    this.cancelled = this.slots.isCancelled(this.task.slot, this.task.lease);
  }

  get isHeld(): boolean {
    if (this.slots.isHeld || this.credit?.isSpent === true) return true;
    if (this.isAtWindowsEnd(this.offset)) return true;
    this.obey();
    return this.mayBeOnly && this.offset >= this.end;
  }

  /**
   * Something was taken off the end of the first answer, and no other request has been answered: a link
   * may work once. Then the connection waits at its end, until it is known who goes on from there.
   */
  private get mayBeOnly(): boolean {
    if (!this.task.isOpenEnded || this.window !== null || this.cancelled) return false;
    return this.end < this.wholeEnd && this.slots.answered === this.answered;
  }

  /**
   * Whether the body has brought more than the lease's own, and it is not known yet who goes on from its end: when
   * nobody does, the lease is given its end back.
   */
  get isUndecided(): boolean {
    this.obey();
    if (!this.cancelled) this.goOn();
    return !this.cancelled && this.ahead.length > 0;
  }

  /** All of the lease has come: what is left is a seam's sample. */
  get isSated(): boolean {
    return this.reached >= Math.min(this.end, this.bodyEnd);
  }

  /** Everything from the lease's start to here is in the file. */
  get written(): number {
    return this.slots.position(this.task.slot);
  }

  /** What lay beyond the lease's end, if all of it came. */
  get seam(): SeamSample | null {
    if (this.sample === null || this.sampled === 0) return null;
    return {
      offset: this.sampleStart,
      bytes: Uint8Array.from(this.sample.subarray(0, this.sampled)),
    };
  }

  arrived(bytes: number, pending: number): boolean {
    this.received += bytes;
    if (bytes > 0) this.silences = 0;
    this.reached = this.offset + pending;
    this.slots.addReceived(this.task.slot, bytes);
    this.credit?.take(bytes);
    this.obey();
    if (this.credit?.isSpent === true || this.isAtWindowsEnd(this.reached)) return true;
    if (this.cancelled || this.offset + pending >= this.end + SEAM_BYTES) return true;
    return performance.now() - this.flushedMs > FLUSH_MS;
  }

  room(pending: number): number {
    const end = Math.min(this.end + SEAM_BYTES, this.window?.end ?? Infinity);
    const room = end - this.offset - pending;
    // No connection takes all of the credit, so that none waits for long.
    return this.credit === null ? room : Math.min(room, Math.ceil(this.credit.left / 2));
  }

  bearsSilence(): boolean {
    const known = this.task.silences.find(({ offset }) => offset === this.reached);
    return ++this.silences < (known?.times ?? 1);
  }

  /** A reader has to take something before more can come. What lies behind the lease needs no place. */
  private isAtWindowsEnd(offset: number): boolean {
    return this.window !== null && offset >= this.window.end && offset < this.end;
  }

  take(slab: Uint8Array, from: number, to: number): boolean {
    this.flushedMs = performance.now();
    this.obey();
    if (this.offset + (to - from) > this.bodyEnd) throw this.overlong();
    this.goOn();
    const at = this.checkHeadSeam(slab, this.passOver(from, to), to);
    const next = this.write(slab, at, to);
    if (this.cancelled) return false;
    if (next < to && this.mayBeOnly) return this.keepAhead(slab, next, to);
    return next === to ? !this.isFull() : this.keepSample(slab, next, to);
  }

  /** What a reader of a window has got cannot be taken back: there the seam of the next request has to show it. */
  takeBack(bytes: number): void {
    if (this.window !== null) return;
    const { slot, start } = this.task;
    const right = Math.max(start, this.offset - bytes);
    if (right < this.written) this.slots.setPosition(slot, right);
  }

  /** Keeps what lies behind the end: it is written when the lease goes on, and a seam's sample otherwise. */
  private keepAhead(slab: Uint8Array, from: number, to: number): true {
    if (this.ahead.length === 0) this.aheadStart = this.offset;
    this.ahead.push(Buffer.from(slab.subarray(from, to)));
    this.offset += to - from;
    return true;
  }

  /** It is known who goes on from the end: what was kept behind it is taken as if it came now. */
  private goOn(): void {
    if (this.ahead.length === 0 || (this.mayBeOnly && this.end <= this.aheadStart)) return;
    const kept = Buffer.concat(this.ahead);
    this.ahead = [];
    this.offset = this.aheadStart;
    const next = this.write(kept, 0, kept.length);
    if (next === kept.length) return;
    if (this.mayBeOnly) this.keepAhead(kept, next, kept.length);
    else this.keepSample(kept, next, kept.length);
  }

  /** Writes what belongs to the lease; returns where the rest begins. */
  private write(slab: Uint8Array, from: number, to: number): number {
    const { slot } = this.task;
    if (this.sample !== null) return from;
    const room = Math.min(this.end, this.bodyEnd) - this.offset;
    const count = Math.max(0, Math.min(to - from, room));
    if (count > 0) {
      if (this.window === null) this.writeToFile(slab, from, from + count);
      else this.window.put(slab, from, from + count, this.offset);
      this.offset += count;
      this.slots.setPosition(slot, this.offset);
      // Not before the write: what is counted when a sync begins is what that sync covers.
      this.slots.wrote(count);
    }
    return from + count;
  }

  private writeToFile(slab: Uint8Array, from: number, to: number): void {
    const { slot, fd } = this.task;
    // Before the write, while the bytes are in the cache because they have just been received.
    const crc = this.slots.wantsChecks ? crc32(slab.subarray(from, to)) : null;
    this.slots.turn.take(() => {
      const began = performance.now();
      writeFully(fd, slab, from, to, this.offset, writeSize.bytes);
      writeSize.took(to - from, performance.now() - began);
    });
    if (crc !== null) this.slots.checks.put(slot, this.offset, to - from, crc);
  }

  /**
   * Only a body without Content-Length can be longer than its Content-Range. Of such an answer
   * nothing is believed: the lease counts as not begun.
   */
  private overlong(): SluiceError {
    this.slots.setPosition(this.task.slot, this.task.start);
    return new SluiceError(
      'HTTP_RANGE_MISMATCH',
      `the server sent more than the range that it promised, which ends at ${this.bodyEnd}`,
      { next: 'The server breaks HTTP; try another source of the file.' },
    );
  }

  private isFull(): boolean {
    return this.sample !== null && this.sampled === this.sample.length;
  }

  /** Keeps bytes beyond the end; true while more of them are wanted. */
  private keepSample(slab: Uint8Array, from: number, to: number): boolean {
    if (this.sample === null) {
      const last = Math.min(this.task.source.total ?? this.offset, this.bodyEnd);
      this.sample = Buffer.alloc(Math.max(0, Math.min(SEAM_BYTES, last - this.offset)));
      this.sampleStart = this.offset;
    }
    const count = Math.min(to - from, this.sample.length - this.sampled);
    this.sample.set(slab.subarray(from, from + count), this.sampled);
    this.sampled += count;
    this.offset += to - from;
    return !this.isFull();
  }

  private readHeadSeam(): Buffer | null {
    const length = this.task.start - this.headStart;
    if (length === 0) return null;
    const expected = Buffer.alloc(length);
    if (this.window !== null) {
      this.window.copy(expected, this.headStart);
      return expected;
    }
    const read = readFully(this.task.fd, expected, 0, length, this.headStart);
    if (read < length) throw seamError(this.task, this.headStart + read);
    return expected;
  }

  /** Passes over what the server sent before what was asked for; returns where that begins. */
  private passOver(from: number, to: number): number {
    const count = Math.max(0, Math.min(to - from, this.headStart - this.offset));
    this.offset += count;
    return from + count;
  }

  /** Compares bytes before the lease's start with the file; returns where the lease's own begin. */
  private checkHeadSeam(slab: Uint8Array, from: number, to: number): number {
    if (this.expected === null || this.offset >= this.task.start) return from;
    const count = Math.min(to - from, this.task.start - this.offset);
    const at = this.offset - this.headStart;
    const known = this.expected.subarray(at, at + count);
    if (known.compare(slab, from, from + count) !== 0) throw seamError(this.task, this.offset);
    this.offset += count;
    return from + count;
  }
}

/** The bytes of two requests do not fit together. */
export function seamError({ path }: { path: string }, offset: number): SluiceError {
  return mixedError(
    path,
    `the server sent other bytes around offset ${offset} than before: the representation changed`,
  );
}

/** Answers to one download are of two representations: nothing that is written can be believed. */
export function mixedError(path: string, message: string): SluiceError {
  const next =
    'Start again with `sluice get`; if it happens again, give --checksum or use --connections 1.';
  return new SluiceError('CHANGED', message, { path, next });
}
