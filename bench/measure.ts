/** Whole-process measurements: wall clock here, CPU and peak memory from GNU time. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';

const TIME = '/usr/bin/time';

/**
 * What the measured programs see: all but certificates that Node reads at every start, whether TLS
 * is used or not. A whole system's took 45 ms, two thirds of what Node needs without them.
 */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS: _, ...rest } = process.env;
  return rest;
}

/** One run of one process, its threads and children included. */
export interface Sample {
  /** Seconds from start to exit. */
  wall: number;
  /** Seconds of CPU in user mode and in the kernel. */
  user: number;
  sys: number;
  /** Peak resident memory in MB (10^6 bytes). */
  mb: number;
}

export interface Outcome {
  sample: Sample;
  /** Why the run does not count, or null. */
  failure: string | null;
}

/** Throws when GNU time is missing: nothing can be measured without it. */
export function requireTime(): void {
  if (!existsSync(TIME)) {
    throw new Error('bench needs GNU time in /usr/bin/time (Debian package: time)');
  }
}

/**
 * Runs a command to its end, output thrown away.
 * @param limit seconds after which it is killed and counts as failed
 */
export async function measure(
  command: readonly string[],
  { scratch, limit }: { scratch: string; limit: number },
): Promise<Outcome> {
  const report = path.join(scratch, 'time');
  const started = performance.now();
  const child = spawn(TIME, ['-q', '-f', '%U %S %M', '-o', report, ...command], {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: scratch,
    env: cleanEnvironment(),
    // A group of its own, so that the limit reaches the measured process and not only `time`.
    detached: true,
  });
  let errors = '';
  child.stderr.on('data', (data: Buffer) => (errors = (errors + data.toString()).slice(-2000)));
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, limit * 1000);
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  clearTimeout(timer);
  const wall = (performance.now() - started) / 1000;
  if (late) return { sample: { wall, user: 0, sys: 0, mb: 0 }, failure: `longer than ${limit} s` };
  const [user = 0, sys = 0, kib = 0] = readFileSync(report, 'utf8').trim().split(' ').map(Number);
  rmSync(report);
  const failure = status === 0 ? null : `exit ${status}: ${errors.trim().split('\n').at(-1)}`;
  return { sample: { wall, user, sys, mb: (kib * 1024) / 1e6 }, failure };
}

/** The middle value, or the mean of the two middle ones; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** The median of each member by itself. */
export function medianSample(samples: readonly Sample[]): Sample {
  return {
    wall: median(samples.map(({ wall }) => wall)),
    user: median(samples.map(({ user }) => user)),
    sys: median(samples.map(({ sys }) => sys)),
    mb: median(samples.map(({ mb }) => mb)),
  };
}
