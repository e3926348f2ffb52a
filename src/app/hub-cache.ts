/** Downloads into the cache that the hub's own programs have: by digest, each found by its path through a link. */
import path from 'node:path';
import { blobPath, blobSize, linkBlob, snapshotPath, writeRef } from '../disk/hub-cache.js';
import type { CachedFile, SourceFile } from '../sources/source.js';
import type { DownloadOptions } from '../transfer/options.js';

/** A file of the hub and the options of its download. */
export interface HubDownload {
  file: SourceFile;
  options: DownloadOptions;
}

/**
 * The downloads of one repository, each to its blob. Files of the same bytes have one blob, and are one download.
 */
export function intoCache(given: readonly HubDownload[]): DownloadOptions[] {
  const byBlob = new Map<string, HubDownload & { cached: CachedFile; pointers: string[] }>();
  for (const { file, options } of given) {
    const { cached, path: parts } = file;
    if (cached === undefined || parts === null) continue;
    const repository = path.resolve(cached.directory, cached.folder);
    const pointer = snapshotPath(repository, cached.commit, parts);
    const blob = blobPath(repository, cached.blob);
    const known = byBlob.get(blob);
    if (known === undefined) byBlob.set(blob, { file, options, cached, pointers: [pointer] });
    else known.pointers.push(pointer);
  }
  let left = byBlob.size;
  return [...byBlob].map(([blob, { options, cached, pointers }]) => ({
    ...toBlob(options, blob, cached),
    place: {
      path: pointers[0] as string,
      finish: () => {
        for (const pointer of pointers) linkBlob(pointer, blob);
        // Who asks for the branch finds all that was wanted of it, or still what was there before.
        if (--left > 0 || cached.ref === null) return;
        writeRef(path.resolve(cached.directory, cached.folder), cached.ref, cached.commit);
      },
    },
  }));
}

/** A blob's name is a digest of it: what is there in that length is taken for it, as the hub's programs do. */
function toBlob(options: DownloadOptions, blob: string, cached: CachedFile): DownloadOptions {
  const { size } = cached;
  const there = blobSize(blob);
  const isThere = there !== null && (size === null || size === there);
  const sha256 = { algorithm: 'sha256' as const, hex: cached.blob };
  const isProven = options.serverDigests && cached.blob.length === 64;
  return {
    ...options,
    output: blob,
    dir: null,
    size,
    onExists: isThere ? 'skip' : 'fail',
    checksums: isProven ? [...options.checksums, sha256] : options.checksums,
  };
}
