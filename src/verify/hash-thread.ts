/** A thread that hashes one file while it is downloaded: what the ways of hashing have in common. */
import { Worker } from 'node:worker_threads';
import { SluiceError } from '../errors.js';
import { HashFront } from './front.js';
import type { HashJob, HashReply, SumJob } from './front.js';

export class HashThread {
  protected readonly front = HashFront.allocate();
  protected readonly worker: Worker;
  private readonly reply: Promise<HashReply>;

  /** Starts the thread, which takes some 30 ms: the file is told when there is one. */
  constructor(job: Omit<HashJob, 'memory'> | Omit<SumJob, 'memory'>) {
    this.worker = new Worker(new URL('../../workers/hash.cjs', import.meta.url), {
      workerData: { ...job, memory: this.front.memory },
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

  /** @param fd descriptor of the file; it must stay open until the digests are there, or {@link stop} */
  follow(fd: number): void {
    this.front.setFd(fd);
  }

  /**
   * Waits for the digests.
   * @throws SluiceError DISK_IO, WORKER_LOST
   */
  protected async digests(): Promise<string[]> {
    const reply = await this.reply;
    // It has nothing left to do, and nobody has to wait for its end but who ends everything.
    void this.stop();
    if ('error' in reply) throw SluiceError.fromRecord(reply.error);
    return reply.digests;
  }

  async stop(): Promise<void> {
    await this.worker.terminate();
  }
}
