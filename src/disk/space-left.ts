/** How much space a filesystem has left. */
import { statfsSync } from 'node:fs';

/** Bytes that we may still write to the filesystem of `dir`; null when it does not tell. */
export function freeBytes(dir: string): number | null {
  try {
    const { bavail, bsize, blocks } = statfsSync(dir);
    // Some network and FUSE filesystems answer with nothing but zeros.
    return blocks === 0 ? null : bavail * bsize;
  } catch {
    return null;
  }
}

/** `5 GiB are needed, 1.5 GiB are free, 3.5 GiB are missing`. */
export function missingText(needBytes: number, free: number): string {
  const missing = Math.max(0, needBytes - free);
  const sizes = [needBytes, free].map(sizeText);
  const known = `${sizes[0]} needed, ${sizes[1]} free`;
  return missing === 0 ? known : `${known}, ${sizeText(missing)} missing`;
}

/** A size for people: `12 bytes`, `1.5 GiB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return bytes === 1 ? '1 byte' : `${bytes} bytes`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Number(value.toFixed(value < 10 ? 2 : 1))} ${units[unit]}`;
}
