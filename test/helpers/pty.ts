/** The real command under a real pseudo-terminal, made by script(1) of util-linux. */
import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { spawnSluice } from './run-sluice.js';
import type { RunOptions, RunResult } from './run-sluice.js';

export interface Terminal {
  columns: number;
  rows: number;
}

/** What came out of a terminal; `stdout` is its raw stream, standard error included. */
export interface PtyResult extends RunResult {
  /** The lines of the live display that changed, of every frame, without colours. */
  frames: string[];
}

/** Each argument in single quotes, for the shell that script(1) starts. */
const QUOTING = 'q=; for a in "$@"; do q="$q \'$a\'"; done;';

/** Runs the command in a terminal of this size. No argument may hold a single quote. */
export async function runInTerminal(
  args: string[],
  { columns, rows }: Terminal,
  options: RunOptions = {},
): Promise<PtyResult> {
  const inside = `stty cols ${columns} rows ${rows} -echo; exec $q`;
  const prefix = ['sh', '-c', `${QUOTING} exec script -qefc "${inside}" /dev/null`, 'sh'];
  const env = { TERM: 'xterm-256color', NO_COLOR: undefined, SHELL: '/bin/sh', ...options.env };
  const run = await spawnSluice(args, { ...options, env, prefix }).ended;
  // script(1) passes the end of its own input on; the terminal may echo that before it is told not to.
  const stdout = run.stdout.replace(/\^D\x08\x08/g, '');
  return { ...run, stdout, frames: framesIn(stdout) };
}

/**
 * The lines that are drawn to be drawn over: they go from the margin to a clear to the end of the
 * line. Lines that stay may wrap; one of these must not, or the cursor goes up too little.
 */
function framesIn(stream: string): string[] {
  return [...stream.matchAll(/\r([^\r\n]*)\x1b\[K/g)].map(([, line = '']) =>
    line.replace(/\x1b\[[?0-9;]*[A-Za-z]/g, ''),
  );
}

/** Columns of the widest of these lines, as coreutils know them: not our own table. */
export function widestOf(lines: string[]): number {
  const { stdout, status, stderr } = spawnSync('wc', ['-L'], {
    input: lines.map((line) => `${line}\n`).join(''),
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  expect(status, stderr).equal(0);
  return Number(stdout);
}
