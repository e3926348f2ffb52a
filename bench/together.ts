/** What no peer does in the same way: two sources of one file at once, and a file to standard output in order. */
import { sluiceCommand, SLUICE } from './peers.js';
import { contentDigest } from '../test/helpers/content.js';
import { Origin } from '../test/helpers/origin.js';
import { findProgram } from '../test/helpers/real-server.js';
import { SEED, serve, sluiceEntry, wall } from './scenarios.js';
import type { Entry, Scenario, Settings, Stage } from './scenarios.js';

/** What each connection brings, in bytes per second, and how many of them a source has. */
const RATE = 20_000_000;
const EACH = 2;

/** Two servers of equal speed; a digest tells that their bytes make one file. */
async function sources({ directory, size }: Settings): Promise<Stage> {
  // nginx gives each request a second's worth at once: two connections would bring far more than twice the rate.
  const origins = [1, 2].map(() => Origin.start({ size, seed: SEED, rate: RATE }));
  const [one, other] = (await Promise.all(origins)) as [Origin, Origin];
  const expected = { size, sha256: contentDigest(SEED, size) };
  const work = { url: one.url, connections: EACH, caFile: '' };
  const digest = ['--checksum', `sha256:${expected.sha256}`];
  return {
    entries: [
      sluiceEntry('one source', directory, expected, work, digest),
      sluiceEntry('two sources', directory, expected, work, [...digest, '--mirror', other.url]),
    ],
    judge: (medians) => [
      {
        name: 'two / one',
        value: wall(medians, 'two sources') / wall(medians, 'one source'),
        atMost: 0.6,
      },
    ],
    close: async () => {
      await Promise.all([one.close(), other.close()]);
    },
  };
}

/** A command whose standard output goes into a pipe that is read as fast as it can be. */
function intoPipe(name: string, program: string | null, command: readonly string[]): Entry {
  const script = 'set -o pipefail; "$@" | cat >/dev/null';
  return {
    name,
    missing: program === null ? 'not installed' : null,
    expected: null,
    prepare: () => ({ command: ['bash', '-c', script, 'bash', ...command], output: null }),
  };
}

/** The most memory, in MB. */
const MOST_MB = 192;

async function ordered(settings: Settings): Promise<Stage> {
  const { nginx, expected } = await serve(settings, settings.size);
  const { directory } = settings;
  const url = nginx.url('/file.bin');
  const work = { url, connections: 8, caFile: nginx.caFile };
  const program = SLUICE.program();
  const curl = findProgram('curl');
  return {
    entries: [
      sluiceEntry('to a file', directory, expected, work),
      intoPipe('-o -', program, sluiceCommand(program ?? '', { ...work, output: '-' })),
      intoPipe('curl', curl, [curl ?? '', '-q', '-sS', '--http1.1', url]),
    ],
    judge: (medians) => [
      {
        name: '-o - / to a file',
        value: wall(medians, '-o -') / wall(medians, 'to a file'),
        atMost: 1.1,
      },
      { name: '-o - / curl', value: wall(medians, '-o -') / wall(medians, 'curl') },
      { name: 'peak memory, MB', value: medians.get('-o -')?.mb ?? NaN, atMost: MOST_MB },
    ],
    close: () => nginx.close(),
  };
}

export const TOGETHER: Readonly<Record<string, Scenario>> = {
  B13: {
    title: `two sources of ${EACH} x ${RATE / 1e6} MB/s beside one of them`,
    sizeFactor: 0.25,
    setUp: sources,
  },
  B14: { title: 'standard output, in order, over 8 connections', setUp: ordered },
};
