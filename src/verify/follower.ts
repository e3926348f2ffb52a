/** Hashing a file while it is downloaded. */
import { Worker } from 'node:worker_threads';
import { SluiceError } from '../errors.js';
import type { ChecksumAlgorithm } from './checksum.js';
import { HashFront } from './front.js';
import type { HashJob, HashReply } from './front.js';
import type { PieceForm } from './pieces.js';

/** A hash thread at work on one file. */
export class Follower {
  private readonly front = HashFront.allocate();
  private readonly worker: Worker;
  private readonly reply: Promise<HashReply>;
  /** The digests of all pieces, one after the other; empty before {@link finish} and without pieces. */
  pieceDigests = '';

  /** Starts the thread, which takes some 30 ms: the file is told when there is one. */
  constructor(
    readonly algorithms: readonly ChecksumAlgorithm[],
    form: PieceForm | null = null,
  ) {
    // The digests that the pieces must have stay here.
    const pieces = form === null ? null : { algorithm: form.algorithm, length: form.length };
    const job: HashJob = { algorithms: [...algorithms], pieces, memory: this.front.memory };
    this.worker = new Worker(new URL('../../workers/hash.cjs', import.meta.url), {
      workerData: job,
    });
    this.reply = new Promise((resolve, reject) => {
      this.worker.once('message', resolve);
      this.worker.once('error', (error) => reject(SluiceError.from(error)));
      this.worker.once('exit', () =>
        reject(new SluiceError('WORKER_LOST', 'the hash thread ended early')),
      );
    });
    this.reply.catch(() => undefined);
  }

  /** Bytes hashed so far. */
  get hashed(): number {
    return this.front.hashed;
  }

  /** @param fd descriptor of the file; it must stay open until {@link finish} or {@link stop} */
  follow(fd: number): void {
    this.front.setFd(fd);
  }

  /** Tells that `[0, offset)` is in place and will not change. */
  advance(offset: number): void {
    this.front.advance(offset, false);
  }

  /**
   * Waits for the digests of the whole file.
   * @throws SluiceError DISK_IO, WORKER_LOST
   */
  async finish(size: number): Promise<Map<ChecksumAlgorithm, string>> {
    this.front.advance(size, true);
    const reply = await this.reply;
    // It has nothing left to do, and nobody has to wait for its end but who ends everything.
    void this.stop();
    if ('error' in reply) throw SluiceError.fromRecord(reply.error);
    this.pieceDigests = reply.digests[this.algorithms.length] ?? '';
    return new Map(this.algorithms.map((algorithm, i) => [algorithm, reply.digests[i] as string]));
  }

  async stop(): Promise<void> {
    await this.worker.terminate();
  }
}
