/** What `completion` prints. */
import { SluiceError } from '../../errors.js';
import { writeOut } from '../output.js';
import { completion } from './completion.js';
import { SHELLS } from './shells.js';
import type { CommandShapes } from './table.js';

/** @throws SluiceError DISK_FULL, DISK_IO; USAGE for another shell */
export async function printCompletion(name: string, commands: CommandShapes): Promise<void> {
  const shell = SHELLS.find((each) => each === name);
  if (shell === undefined)
    throw new SluiceError('USAGE', 'there is no completion for that shell', {
      next: `Write one of ${SHELLS.join(', ')}.`,
    });
  const lost = await writeOut(process.stdout, completion(shell, commands));
  if (lost !== null) throw lost;
}
