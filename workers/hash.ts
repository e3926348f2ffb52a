/**
 * The hash thread: it follows the contiguous front of a download through the page cache, so that
 * at the end at most a remainder is left to hash.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { SluiceError } from '../src/errors.js';
import { readFully } from '../src/disk/io.js';
import { startHash } from '../src/verify/checksum.js';
import { HashFront } from '../src/verify/front.js';
import type { HashJob, HashReply, SumJob, SumMore } from '../src/verify/front.js';
import { PieceHash } from '../src/verify/pieces.js';
import { Sums } from '../src/verify/sums.js';

/** Bytes read and hashed at once. */
const STEP = 1024 * 1024;

async function follow({ algorithms, pieces, memory }: HashJob): Promise<HashReply> {
  const front = new HashFront(memory);
  const hashes = await Promise.all(algorithms.map((algorithm) => startHash(algorithm)));
  if (pieces !== null) hashes.push(new PieceHash(pieces));
  const buffer = Buffer.allocUnsafeSlow(STEP);
  let at = 0;
  for (;;) {
    const { offset, final } = front.load();
    if (at < offset) {
      const count = Math.min(STEP, offset - at);
      const read = readFully(front.fd, buffer, 0, count, at);
      if (read < count)
        throw new SluiceError('DISK_IO', 'the part is shorter than what was written to it');
      for (const hash of hashes) hash.update(buffer.subarray(0, count));
      at += count;
      front.setHashed(at);
    } else if (final) {
      return { digests: hashes.map((hash) => hash.digest()) };
    } else {
      front.wait(offset);
    }
  }
}

/** Sums the parts as they come; the thread waits for messages, not for the front. */
function sum({ sums: algorithms, memory }: SumJob): Promise<HashReply> {
  const front = new HashFront(memory);
  const sums = new Sums(algorithms);
  const buffer = Buffer.allocUnsafeSlow(STEP);
  let hashed = 0;
  const add = ({ start, end }: { start: number; end: number }): Promise<void> =>
    sums.add(start, end, (at) => {
      const count = Math.min(STEP, end - at);
      if (readFully(front.fd, buffer, 0, count, at) < count)
        throw new SluiceError('DISK_IO', 'the part is shorter than what was written to it');
      hashed += count;
      front.setHashed(hashed);
      return buffer.subarray(0, count);
    });
  return new Promise((resolve, reject) => {
    let before = Promise.resolve();
    parentPort?.on('message', ({ ranges, size }: SumMore) => {
      before = before.then(async () => {
        for (const range of ranges) await add(range);
        if (size !== null) resolve({ digests: await sums.whole(size) });
      });
      before.catch(reject);
    });
  });
}

const job = workerData as HashJob | SumJob;
('sums' in job ? sum(job) : follow(job)).then(
  (reply) => parentPort?.postMessage(reply),
  (error: unknown) => {
    const reply: HashReply = { error: SluiceError.from(error).toRecord() };
    parentPort?.postMessage(reply);
  },
);
