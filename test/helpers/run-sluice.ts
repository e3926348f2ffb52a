/**
 * Runs the real command, `bin/run.js` of this checkout, in a child process with a home of its own,
 * so that neither the user's configuration nor a proxy of the machine can change a test.
 */
import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { chownSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { DownloadEvent } from '../../src/transfer/events.js';
import { makeTempDir } from './files.js';
import { runAs } from './users.js';

/** Top of the checkout. Compiled, this file is dist/test/helpers/run-sluice.js. */
export const CHECKOUT = fileURLToPath(new URL('../../../', import.meta.url));
/** The command's entry. */
export const COMMAND = path.join(CHECKOUT, 'bin', 'run.js');

/** Compiled code of the command, where Node keeps any: compiling it for each test costs a tenth of a run. */
const CODE = path.join(CHECKOUT, 'dist', 'code');

export interface RunOptions {
  /** Working directory; default: a temporary one, removed at the end. */
  cwd?: string;
  /** Further variables; undefined takes one away. */
  env?: Record<string, string | undefined>;
  /** Another Node binary; default `SLUICE_NODE`, or the one that runs the tests. */
  node?: string;
  /** Flags for Node itself. */
  nodeArgs?: string[];
  /** What the command reads on standard input; default nothing. */
  stdin?: string;
  /** Sends the signal as soon as the promise resolves (a state that the test waits for). */
  signalWhen?: { when: Promise<unknown>; signal: NodeJS.Signals };
  /** Sends the signal after so many milliseconds. Prefer `signalWhen`. */
  signalAfter?: { ms: number; signal: NodeJS.Signals };
  /** Kills the command and fails the run after so many milliseconds; default 150,000. */
  timeoutMs?: number;
  /** A program to put in front (`['strace', '-f', ...]`). */
  prefix?: string[];
  /** Runs as this user, who has to be able to reach `cwd`; only root may say so. */
  user?: number;
}

/** A run that has ended. */
export interface RunResult {
  /** Exit status; null when a signal ended it. */
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** Lines of standard output that are JSON objects, parsed. */
  events: DownloadEvent[];
  /** Milliseconds from start to exit. */
  ms: number;
}

/** A run in progress. */
export interface RunningSluice {
  child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Process id of the child. */
  pid: number;
  cwd: string;
  /** What came out so far. */
  output(): { stdout: string; stderr: string };
  /** Resolves when `pattern` is in standard output or standard error; rejects at the exit. */
  waitFor(pattern: RegExp): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves at the exit. Rejects after `timeoutMs`, with what came out so far. */
  ended: Promise<RunResult>;
}

/** Variables of this process that could change what the command does. */
const FOREIGN = /^(sluice_|.*_proxy$|node_|npm_|debug$|xdg_|ssl_cert)/i;

function environment(home: string, extra: RunOptions['env']): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (!FOREIGN.test(name)) env[name] = value;
  }
  // c8 measures child processes through this one.
  if (process.env['NODE_V8_COVERAGE'] !== undefined) {
    env['NODE_V8_COVERAGE'] = process.env['NODE_V8_COVERAGE'];
  } else {
    env['NODE_COMPILE_CACHE'] = CODE;
  }
  Object.assign(env, {
    HOME: home,
    USERPROFILE: home,
    XDG_CONFIG_HOME: path.join(home, '.config'),
    XDG_DATA_HOME: path.join(home, '.local', 'share'),
    XDG_CACHE_HOME: path.join(home, '.cache'),
    XDG_STATE_HOME: path.join(home, '.local', 'state'),
    TZ: 'UTC',
    LC_ALL: 'C.UTF-8',
  });
  for (const [name, value] of Object.entries(extra ?? {})) {
    if (value === undefined) delete env[name];
    else env[name] = value;
  }
  return env;
}

const nodeOf = (options: RunOptions): string =>
  options.node ?? process.env['SLUICE_NODE'] ?? process.execPath;

/** Whether the Node that runs the command keeps compiled code (from 22.1 on). */
export function keepsCode(): boolean {
  const script = "process.exit(require('node:module').enableCompileCache ? 0 : 1)";
  return spawnSync(nodeOf({}), ['-e', script]).status === 0;
}

/** The JSON objects among the lines of `text`. */
export function parseEvents(text: string): DownloadEvent[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as DownloadEvent);
}

/** Starts the command and returns at once. */
export function spawnSluice(args: string[], options: RunOptions = {}): RunningSluice {
  const scratch = makeTempDir('sluice-run-');
  const home = path.join(scratch, 'home');
  const cwd = options.cwd ?? path.join(scratch, 'work');
  mkdirSync(home, { mode: 0o700 });
  if (options.cwd === undefined) mkdirSync(cwd);
  const { user } = options;
  if (user !== undefined) for (const each of [scratch, home]) chownSync(each, user, user);
  const node = nodeOf(options);
  const [program = node, ...rest] = [
    ...(user === undefined ? [] : runAs(user)),
    ...(options.prefix ?? []),
    node,
    ...(options.nodeArgs ?? []),
    COMMAND,
    ...args,
  ];
  const started = performance.now();
  const child = spawn(program, rest, {
    cwd,
    env: environment(home, options.env),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const seen = { stdout: '', stderr: '' };
  child.stdout.on('data', (data: Buffer) => (seen.stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (seen.stderr += data.toString()));
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.stdin ?? '');
  const ended = untilExit(child, seen, started, options).finally(() =>
    rmSync(scratch, { recursive: true, force: true }),
  );
  ended.catch(() => undefined);
  if (options.signalWhen !== undefined) {
    const { when, signal } = options.signalWhen;
    void when.then(() => child.kill(signal));
  }
  return {
    child,
    pid: child.pid ?? 0,
    cwd,
    output: () => ({ ...seen }),
    waitFor: (pattern) => waitFor(child, seen, pattern),
    kill: (signal) => void child.kill(signal),
    ended,
  };
}

/** Runs the command to its end. A run that fails is a result, not an exception. */
export function runSluice(args: string[], options: RunOptions = {}): Promise<RunResult> {
  return spawnSluice(args, options).ended;
}

type Seen = { stdout: string; stderr: string };

function untilExit(
  child: RunningSluice['child'],
  seen: Seen,
  started: number,
  { timeoutMs = 150_000, signalAfter }: RunOptions,
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const timers: NodeJS.Timeout[] = [];
    const stop = (): void => timers.forEach((timer) => clearTimeout(timer));
    const tooLong = (): void => {
      child.kill('SIGKILL');
      reject(new Error(`sluice did not end in ${timeoutMs} ms\n${seen.stdout}\n${seen.stderr}`));
    };
    timers.push(setTimeout(tooLong, timeoutMs));
    if (signalAfter !== undefined) {
      timers.push(setTimeout(() => child.kill(signalAfter.signal), signalAfter.ms));
    }
    child.once('error', (error) => {
      stop();
      reject(error);
    });
    child.once('close', (status, signal) => {
      stop();
      const ms = performance.now() - started;
      resolve({ status, signal, ...seen, events: parseEvents(seen.stdout), ms });
    });
  });
}

function waitFor(child: RunningSluice['child'], seen: Seen, pattern: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (pattern.test(seen.stdout) || pattern.test(seen.stderr)) done(resolve);
    };
    const exited = (): void => {
      look();
      done(() => reject(new Error(`${pattern} never came\n${seen.stdout}\n${seen.stderr}`)));
    };
    const done = (finish: () => void): void => {
      for (const stream of [child.stdout, child.stderr]) stream.off('data', look);
      child.off('close', exited);
      finish();
    };
    for (const stream of [child.stdout, child.stderr]) stream.on('data', look);
    child.once('close', exited);
    look();
  });
}
