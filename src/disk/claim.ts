/**
 * A target is one run's at a time (P18). Two locks say so: a name of the kernel's, which is cheap, and which
 * every run finds that goes by the same path in the same network namespace; and one in the file
 * system, which is found by whoever shares the directory.
 */
import { createHash } from 'node:crypto';
import { lockPath } from './names.js';
import { isLocked, takeLock, targetBusy } from './lock.js';
import type { Lock, LockOptions } from './lock.js';
import type { SpareLocks } from './spare-locks.js';
import { realTarget } from './target.js';
import type { Presence } from './lock-setting.js';

/** Names of the kernel's, and sockets in the file system: src/net has them. */
export interface Presences extends Presence {
  /** Takes a name that only one process can hold; null when another one has it. */
  holdExclusive(name: string): Promise<{ release(): Promise<void> } | null>;
  /** Whether a process holds the name. */
  isHeld(name: string): Promise<boolean>;
}

/** A target that is ours. */
export interface Claim {
  /** @throws SluiceError TARGET_BUSY when another run took us for dead, and has the target now */
  requireHeld(): void;
  release(): Promise<void>;
}

export type ClaimOptions = Omit<LockOptions, 'presence'> & {
  presence: Presences;
  /** Locks of files that are finished, which may be moved to others. */
  spares?: SpareLocks<Lock>;
};

/**
 * Takes a target for this process.
 * @throws SluiceError TARGET_BUSY when another run has it; TARGET_UNSAFE when what has the lock's name is no
 *   lock of ours
 */
export async function claimTarget(
  target: string,
  { spares, presence, ...options }: ClaimOptions,
): Promise<Claim> {
  const name = nameOf(target);
  const held = await presence.holdExclusive(name);
  if (held === null) throw targetBusy(target);
  let lock: Lock | null;
  try {
    // Windows' pipes have no namespaces.
    lock =
      process.platform === 'win32'
        ? null
        : await takeLock(target, { ...options, presence }, spares);
  } catch (thrown) {
    await held.release();
    throw thrown;
  }
  return {
    requireHeld: () => lock?.requireHeld(),
    release: async () => {
      if (lock !== null && spares !== undefined) await spares.put(lock, lockPath(target));
      else await lock?.release();
      await held.release();
    },
  };
}

/** The kernel's name for a target. */
const nameOf = (target: string): string =>
  createHash('sha256').update(realTarget(target)).digest('hex').slice(0, 40);

/** Whether a run has the target now. Nothing is taken for the answer, so no run is refused meanwhile. */
export async function isClaimed(target: string, presence: Presences): Promise<boolean> {
  if (await presence.isHeld(nameOf(target))) return true;
  return process.platform === 'win32' ? false : isLocked(target, { presence });
}
