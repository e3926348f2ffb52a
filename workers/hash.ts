/**
 * The hash thread: it follows the contiguous front of a download through the page cache, so that
 * at the end at most a remainder is left to hash.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { SluiceError } from '../src/errors.js';
import { readFully } from '../src/disk/io.js';
import { startHash } from '../src/verify/checksum.js';
import { HashFront } from '../src/verify/front.js';
import type { HashJob, HashReply } from '../src/verify/front.js';
import { PieceHash } from '../src/verify/pieces.js';

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

follow(workerData as HashJob).then(
  (reply) => parentPort?.postMessage(reply),
  (error: unknown) => {
    const reply: HashReply = { error: SluiceError.from(error).toRecord() };
    parentPort?.postMessage(reply);
  },
);
