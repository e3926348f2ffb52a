/** What an earlier run left, made to order: the same files with another word in the journal. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { Journal, journalPath, partPath, readJournal } from '../../src/disk/journal.js';
import type { PublishRecord } from '../../src/disk/journal.js';

export interface Left {
  /** Taken over into the options of the identity; undefined takes one away. */
  options?: Record<string, unknown>;
  /** The length, null for one that no server has told yet; default as it is. */
  size?: null;
  /** Whether the run stopped gracefully; otherwise it died. */
  clean: boolean;
  /** What it was about to publish. */
  publish?: Partial<PublishRecord>;
}

/** Rewrites what the journal of `target` says; what it claims stays. */
export async function leaveAs(
  target: string,
  { options, clean, publish, ...facts }: Left,
): Promise<void> {
  const read = readJournal(journalPath(target));
  const journal = await Journal.reopen(journalPath(target), read);
  const { identity } = read;
  const kept = Object.entries({ ...identity.options, ...options });
  const said = Object.fromEntries(kept.filter(([, value]) => value !== undefined));
  await journal.setIdentity({ ...identity, ...facts, options: said });
  const { dev, ino, size, mtimeNs } = statSync(partPath(target), { bigint: true });
  if (clean) {
    const part = { dev: String(dev), ino: String(ino), mtimeNs: String(mtimeNs) };
    await journal.markClean({ ...part, size: Number(size) });
  }
  if (publish !== undefined) {
    const record = { mode: 'fail', synced: true, bootId: null, digests: {} } as const;
    await journal.markPublish({ ...record, size: Number(size), ...publish }, true);
  }
  await journal.close();
}

/** What the journal of `target` says beside its claims. */
export const optionsOf = (target: string): Record<string, unknown> =>
  readJournal(journalPath(target)).identity.options;

/** The same journal as version 1 of the format wrote it. Only the number is another one. */
export function asVersion1(target: string): void {
  const file = journalPath(target);
  const bytes = readFileSync(file);
  bytes.writeUInt32LE(1, 8);
  writeFileSync(file, bytes);
}

/** The version that the journal of `target` says. */
export const versionOf = (target: string): number =>
  readFileSync(journalPath(target)).readUInt32LE(8);

/** Flips a bit of the file; a clean mark that is made after it does not tell. */
export function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}
