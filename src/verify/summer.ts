/**
 * CRCs of a file while it is downloaded. Those of its parts combine, so a part is summed as soon as it is
 * in place, in whatever order: the download keeps its own.
 */
import { Worker } from 'node:worker_threads';
import { SluiceError } from '../errors.js';
import type { CrcAlgorithm } from './crc-combine.js';
import { HashFront } from './front.js';
import type { HashReply, SumJob, SumMore } from './front.js';

/** Half-open, in bytes. */
interface Range {
  start: number;
  end: number;
}

/** A thread that sums the parts of one file. */
export class Summer {
  private readonly front = HashFront.allocate();
  private readonly worker: Worker;
  private readonly reply: Promise<HashReply>;

  constructor(readonly algorithms: readonly CrcAlgorithm[]) {
    const job: SumJob = { sums: [...algorithms], memory: this.front.memory };
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

  /** Bytes summed so far. */
  get hashed(): number {
    return this.front.hashed;
  }

  /** @param fd descriptor of the file; it must stay open until {@link finish} or {@link stop} */
  follow(fd: number): void {
    this.front.setFd(fd);
  }

  /** Tells of ranges that are in place and will not change; each byte of the file once. */
  add(ranges: Range[]): void {
    const more: SumMore = { ranges, size: null };
    if (ranges.length > 0) this.worker.postMessage(more);
  }

  /**
   * Waits for the sums of the whole file.
   * @param rest what was not added yet
   * @throws SluiceError DISK_IO, WORKER_LOST
   */
  async finish(rest: Range[], size: number): Promise<Map<CrcAlgorithm, string>> {
    const more: SumMore = { ranges: rest, size };
    this.worker.postMessage(more);
    const reply = await this.reply;
    void this.stop();
    if ('error' in reply) throw SluiceError.fromRecord(reply.error);
    return new Map(this.algorithms.map((algorithm, i) => [algorithm, reply.digests[i] as string]));
  }

  async stop(): Promise<void> {
    await this.worker.terminate();
  }
}
