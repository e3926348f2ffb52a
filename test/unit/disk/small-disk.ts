/** A filesystem that fills up fast: a small tmpfs, where the tests may mount one. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface SmallDisk {
  dir: string;
  remove(): void;
}

/** @param more further options of tmpfs; null when mounting is not permitted. */
export function mountSmallDisk(bytes: number, more = 'rw'): SmallDisk | null {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'sluice-small-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},${more}`, 'tmpfs', dir], {
      stdio: 'ignore',
    });
  } catch {
    rmSync(dir, { recursive: true });
    return null;
  }
  return {
    dir,
    remove(): void {
      execFileSync('umount', ['-l', dir]);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
