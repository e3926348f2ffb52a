/** Looks whether the part still holds what its journal claims, after an unclean death. */
import { crcOfRange } from './checkpoint.js';
import type { DurableExtent } from './durable-extents.js';
import { diskError, errnoOf } from './errors.js';

/**
 * Reads every extent, in bounded steps, and returns those whose bytes are not what they were:
 * another CRC-32, a file that ends too early, or a disk that cannot read them (EIO). `onBad` is
 * called for each as it is found. Raises the signal's reason, or INTERRUPTED, when aborted.
 */
export async function verifyExtents(
  fd: number,
  extents: readonly DurableExtent[],
  onBad: (extent: DurableExtent) => void,
  signal?: AbortSignal,
): Promise<DurableExtent[]> {
  const bad: DurableExtent[] = [];
  for (const extent of extents) {
    if (await holds(fd, extent, signal)) continue;
    bad.push(extent);
    onBad(extent);
  }
  return bad;
}

async function holds(fd: number, extent: DurableExtent, signal?: AbortSignal): Promise<boolean> {
  try {
    return (await crcOfRange(fd, extent.start, extent.end, signal)) === extent.crc;
  } catch (thrown) {
    if (errnoOf(thrown) === 'EIO') return false;
    throw diskError(thrown, { action: 'read', path: '' });
  }
}
