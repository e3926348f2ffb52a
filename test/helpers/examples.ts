/** Commands that stand on a page of docs/, run by a shell. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { CHECKOUT, COMMAND } from './run-sluice.js';

/** The lines of the blocks of shell on a page. */
export function examplesOf(page: string): string[] {
  const text = readFileSync(path.join(CHECKOUT, page), 'utf8');
  return [...text.matchAll(/^```sh\n([^`]*)^```$/gm)].flatMap(([, block = '']) =>
    block.trim().split('\n'),
  );
}

/**
 * Runs a line in a directory, which is its home as well; what it writes to standard output.
 * @param places what stands on the page, and what takes its place here
 * @throws Error when its exit status is not 0
 */
export async function runExample(
  line: string,
  dir: string,
  places: Record<string, string>,
): Promise<string> {
  const bin = path.join(dir, 'sluice');
  writeFileSync(bin, `#!/bin/sh\nexec ${process.execPath} ${COMMAND} "$@"\n`, { mode: 0o755 });
  let ours = line;
  for (const [page, here] of Object.entries(places)) ours = ours.replaceAll(page, here);
  const { stdout } = await promisify(execFile)('sh', ['-c', ours], {
    cwd: dir,
    env: { PATH: `${dir}:${process.env['PATH']}`, HOME: dir },
  });
  return stdout;
}
