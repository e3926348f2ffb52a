/** Use case: go on with what aria2 has left. */
import { SluiceError } from '../errors.js';
import { bootId } from '../disk/boot.js';
import { journalPath, targetOf } from '../disk/names.js';
import { shellCommand } from '../disk/shell.js';
import { isOwnFile, readOurs, removeFile, takeOver } from '../disk/take-over.js';
import { inspectTarget } from '../disk/target.js';
import { MAX_CONTROL_BYTES, parseAria2Control } from '../formats/aria2-control.js';
import { parseUserUrl } from '../http/url.js';
import type { DownloadOptions } from '../transfer/options.js';

const CONTROL = '.aria2';

/** Whether a path is that of a control file of aria2. */
export const isControlFile = (path: string): boolean => path.endsWith(CONTROL);

/** Whether aria2 has left the file at a path unfinished. */
export const isLeftByAria2 = (target: string): boolean => isOwnFile(`${target}${CONTROL}`);

/** Removes aria2's control file, once the file is complete. */
export function removeControlFile(path: string): void {
  const target = targetOf(path);
  if (isLeftByAria2(target) && inspectTarget(journalPath(target)).kind === 'absent')
    removeFile(`${target}${CONTROL}`);
}

/**
 * Makes a part and a journal of ours from a control file and its file, unless there are some already. The
 * link has to prove itself against them like any fresh link.
 * @returns the path of the file
 * @throws SluiceError USAGE, NOTHING_TO_RESUME; disk errors
 */
export async function takeOverAria2(control: string, base: DownloadOptions): Promise<string> {
  const target = control.slice(0, -CONTROL.length);
  if (!base.freshLink)
    throw new SluiceError(
      'USAGE',
      'the control file of aria2 does not say where the file is from',
      {
        path: control,
        next: `Give the link: ${shellCommand('sluice resume --url URL', control)}.`,
      },
    );
  if (inspectTarget(journalPath(target)).kind !== 'absent') return target;
  const bytes = readOurs(control, MAX_CONTROL_BYTES);
  const { total, extents } = parseAria2Control(bytes, control);
  await takeOver(target, target, extents, {
    version: 1,
    url: parseUserUrl(base.url).url.href,
    finalUrl: null,
    size: total,
    validators: null,
    bootId: bootId(),
    createdMs: Date.now(),
    // Nobody knows which representation it is of.
    options: { checksums: [], digests: [], mixed: true },
  });
  return target;
}
