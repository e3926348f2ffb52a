/** Where the hooks of the start-up tests write: the file that SLUICE_TEST_MODULES names. */
import { appendFileSync } from 'node:fs';

const file = process.env['SLUICE_TEST_MODULES'];

export function note(line: string): void {
  if (file !== undefined) appendFileSync(file, `${line}\n`);
}
