/** Finding unfinished downloads. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { diskError } from './errors.js';
import { targetOf } from './names.js';

const JOURNAL = '.sluice';

/** Targets in a directory that have a journal, in order of name. */
export function unfinishedIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(JOURNAL) && entry.name !== JOURNAL)
      .map((entry) => targetOf(path.join(directory, entry.name)))
      .sort();
  } catch (thrown) {
    throw diskError(thrown, { action: 'read the directory', path: directory });
  }
}
