/** Many small files in one run, on this machine or over a far link. */
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { findProgram, freePorts } from '../test/helpers/real-server.js';
import { SLUICE } from './peers.js';
import { MB, SEED, serve, wall } from './scenarios.js';
import type { Entry, Medians, Scenario, Settings, Stage } from './scenarios.js';

const FILES = 400;
const JOBS = 8;

const nameOf = (number: number): string => `file-${String(number).padStart(3, '0')}.bin`;

/** How a program is told to download a list into its working directory. */
interface ListPeer {
  name: string;
  program: () => string | null;
  /** @param lists paths of the list of URLs, and of what says the same to others */
  command: (program: string, lists: Lists, directory: string) => string[];
}

interface Lists {
  urls: string;
  /** A configuration of curl's. */
  curl: string;
  /** The names alone, and the URL that they are below. */
  names: string;
  base: string;
}

const curlWith = (name: string, most: number): ListPeer => ({
  name,
  program: () => findProgram('curl'),
  command: (program, { curl }, directory) => [
    ...[program, '-q', '-sS', '--http1.1', '-Z', '--parallel-max', String(most)],
    ...['--output-dir', directory, '-K', curl],
  ],
});

const PEERS: ListPeer[] = [
  {
    name: 'sluice',
    program: SLUICE.program,
    command: (program, { urls }, directory) => [
      ...[process.execPath, program, 'get', '-q', '-i', urls],
      ...['-j', String(JOBS), '-d', directory],
    ],
  },
  {
    name: 'aria2',
    program: () => findProgram('aria2c'),
    command: (program, { urls }, directory) => [
      ...[program, '--no-conf', '-q', '-i', urls, `-j${JOBS}`, '--file-allocation=none'],
      ...['-d', directory],
    ],
  },
  {
    name: 'rclone',
    program: () => findProgram('rclone'),
    command: (program, { names, base }, directory) => [
      ...[program, 'copy', '--config=/dev/null', '-q', `--http-url=${base}`],
      ...['--no-traverse', `--files-from-raw=${names}`, `--transfers=${JOBS}`, ':http:', directory],
    ],
  },
  curlWith('curl -Z', 50),
  curlWith(`curl -Z, ${JOBS} at once`, JOBS),
];

/** What a run wrote has to be all of it. */
function check(name: string, directory: string): void {
  const written = readdirSync(directory);
  const whole = written.filter((file) => statSync(path.join(directory, file)).size === MB);
  if (whole.length === FILES && written.length === FILES) return;
  throw new Error(`${name} wrote ${whole.length} whole files and ${written.length} names`);
}

function entry(peer: ListPeer, scratch: string, lists: Lists, exec: readonly string[]): Entry {
  const program = peer.program();
  return {
    name: peer.name,
    missing: program === null ? 'not installed' : null,
    expected: null,
    prepare: () => {
      // A directory of its own each time: nothing is known of its files.
      const directory = mkdtempSync(path.join(scratch, 'many-'));
      return {
        command: [...exec, ...peer.command(program ?? '', lists, directory)],
        output: null,
        cleanUp: () => {
          check(peer.name, directory);
          rmSync(directory, { recursive: true });
          return Promise.resolve();
        },
      };
    },
  };
}

function writeLists(directory: string, base: string): Lists {
  const names = Array.from({ length: FILES }, (_, number) => nameOf(number));
  const urls = names.map((name) => `${base}/${name}`);
  const at = (name: string): string => path.join(directory, name);
  const lists = { urls: at('urls'), curl: at('curl'), names: at('names'), base };
  writeFileSync(lists.names, names.map((name) => `${name}\n`).join(''));
  writeFileSync(lists.urls, urls.map((url) => `${url}\n`).join(''));
  writeFileSync(lists.curl, urls.map((url) => `url = "${url}"\nremote-name\n`).join(''));
  return lists;
}

async function many(settings: Settings): Promise<Stage> {
  const { directory, far } = settings;
  const [port = 0] = await freePorts(1);
  const extra = far === null ? undefined : `listen ${far.address}:${port};`;
  const { nginx } = await serve(settings, MB, undefined, extra);
  for (let number = 0; number < FILES; number++) nginx.addContent(nameOf(number), SEED, MB);
  const base = far === null ? nginx.url('') : `http://${far.address}:${port}`;
  const lists = writeLists(directory, base);
  const best = (medians: Medians): number =>
    Math.min(...[...medians].filter(([name]) => name !== 'sluice').map(([, { wall: s }]) => s));
  return {
    entries: PEERS.map((peer) => entry(peer, directory, lists, far?.exec ?? [])),
    judge: (medians) => [
      { name: 'wall / best peer', value: wall(medians, 'sluice') / best(medians), atMost: 1.2 },
      { name: 'wall / aria2', value: wall(medians, 'sluice') / wall(medians, 'aria2') },
    ],
    close: () => nginx.close(),
  };
}

export const MANY: Readonly<Record<string, Scenario>> = {
  B12: { title: `${FILES} files of 1 MB, ${JOBS} at once`, setUp: many },
};
