/** What is measured: each scenario sets up its servers, lists its entries and judges the result. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { contentDigest } from '../test/helpers/content.js';
import { Nginx } from '../test/helpers/nginx.js';
import { Origin } from '../test/helpers/origin.js';
import type { Sample } from './measure.js';
import { ALL_PEERS, ARIA2, SLUICE, sluiceCommand, type Peer, type Work } from './peers.js';

/** One command ready to run. */
export interface Run {
  command: string[];
  /** File that it writes, to be checked and removed; null when there is none. */
  output: string | null;
  /** Called when it has ended. */
  cleanUp?: () => Promise<void>;
}

/** A row of the table. */
export interface Entry {
  name: string;
  /** Why it cannot be run; null when it can. */
  missing: string | null;
  /** Length and digest of the right output. */
  expected: { size: number; sha256: string } | null;
  prepare: () => Promise<Run> | Run;
}

/** A number with a bar; `atMost` unless `atLeast`. */
export interface Bar {
  name: string;
  value: number;
  atMost?: number;
  atLeast?: number;
}

export type Medians = ReadonlyMap<string, Sample>;

export interface Stage {
  entries: Entry[];
  judge: (medians: Medians) => Bar[];
  close: () => Promise<void>;
}

export interface Settings {
  /** Directory for the served and the downloaded files. */
  directory: string;
  /** Bytes of the big file. */
  size: number;
  /** A directory in memory, for what is measured without a disk. */
  memory: string;
  /** The link that the measured programs reach the server over, or null. */
  far: Far | null;
}

/** A far link: the bench runs on the server's side, the programs on the other. */
export interface Far {
  /** Address of the server, as the programs see it. */
  address: string;
  /** Words in front of each measured command, which take it to the other side. */
  exec: string[];
  /** Rate of the link in Mbit/s. */
  mbit: number;
}

export interface Scenario {
  title: string;
  /** How many times more rounds than asked for: short work varies more. */
  roundsFactor?: number;
  /** Part of `--size` that is used. */
  sizeFactor?: number;
  /** The most bytes that are used. */
  sizeMost?: number;
  /** Why it cannot be run with these settings, or null. */
  unfit?: (settings: Pick<Settings, 'far'>) => string | null;
  setUp: (settings: Settings) => Promise<Stage>;
}

export const SEED = 77;
export const CORES = 2;
export const MB = 1_000_000;

export const wall = (medians: Medians, name: string): number => medians.get(name)?.wall ?? NaN;
const cpu = (medians: Medians, name: string): number => {
  const sample = medians.get(name);
  return sample === undefined ? NaN : sample.user + sample.sys;
};

/** Wall time of the fastest entry but sluice. */
export function fastestPeer(medians: Medians): number {
  const others = [...medians].filter(([name]) => name !== 'sluice');
  return others.length === 0 ? NaN : Math.min(...others.map(([, sample]) => sample.wall));
}

/** Why a peer cannot run; null when it can. */
export function missing(peer: Peer): string | null {
  if (peer.program() !== null) return null;
  return peer === SLUICE ? 'not built' : 'not installed';
}

/** A row for each peer that does the same work. */
export function peerEntries(
  peers: readonly Peer[],
  directory: string,
  expected: Entry['expected'],
  work: Omit<Work, 'output'>,
): Entry[] {
  return peers.map((peer) => {
    const program = peer.program();
    return {
      name: peer.name,
      missing: missing(peer),
      expected,
      prepare: () => {
        const output = path.join(directory, `${peer.name}.out`);
        return { command: peer.command(program ?? '', { ...work, output }), output };
      },
    };
  });
}

/** Work that only sluice is given. */
export type SluiceWork = Omit<Work, 'output' | 'connections'> & { connections: number | 'auto' };

/** A row for sluice with flags of its own. */
export function sluiceEntry(
  name: string,
  directory: string,
  expected: Entry['expected'],
  work: SluiceWork,
  extra: string[] = [],
): Entry {
  const program = SLUICE.program();
  return {
    name,
    missing: missing(SLUICE),
    expected,
    prepare: () => {
      const output = path.join(directory, 'sluice.out');
      return { command: sluiceCommand(program ?? '', { ...work, output }, extra), output };
    },
  };
}

/** An nginx with one file of the given size. */
export async function serve(
  { directory }: Pick<Settings, 'directory'>,
  size: number,
  limitRate?: number,
  extra?: string | ((root: string) => string),
): Promise<{ nginx: Nginx; expected: { size: number; sha256: string } }> {
  const root = path.join(directory, 'root');
  mkdirSync(root, { recursive: true });
  const nginx = await Nginx.start({
    root,
    workers: CORES,
    ...(limitRate === undefined ? {} : { limitRate }),
    ...(extra === undefined ? {} : { extra }),
  });
  nginx.addContent('file.bin', SEED, size);
  return { nginx, expected: { size, sha256: contentDigest(SEED, size) } };
}

async function loopback(settings: Settings, scheme: 'http' | 'https'): Promise<Stage> {
  const { nginx, expected } = await serve(settings, settings.size);
  const work = { url: nginx.url('/file.bin', scheme), connections: 8, caFile: nginx.caFile };
  return {
    entries: peerEntries(ALL_PEERS, settings.directory, expected, work),
    judge: (medians) => [
      {
        name: 'wall / aria2',
        value: wall(medians, 'sluice') / wall(medians, 'aria2'),
        atMost: scheme === 'http' ? 0.55 : 0.6,
      },
      {
        name: 'wall / fastest peer',
        value: wall(medians, 'sluice') / fastestPeer(medians),
        atMost: 1.1,
      },
      ...(scheme === 'http'
        ? [
            {
              name: 'CPU / aria2',
              value: cpu(medians, 'sluice') / cpu(medians, 'aria2'),
              atMost: 1,
            },
          ]
        : []),
    ],
    close: () => nginx.close(),
  };
}

async function capped(settings: Settings): Promise<Stage> {
  const rate = 20 * MB;
  const connections = 16;
  const { nginx, expected } = await serve(settings, settings.size, rate);
  const work = { url: nginx.url('/limited/file.bin'), connections, caFile: nginx.caFile };
  const peers = ALL_PEERS.filter(({ parallel }) => parallel);
  return {
    entries: peerEntries(peers, settings.directory, expected, work),
    judge: (medians) => [
      {
        name: 'rate / (16 x 20 MB/s)',
        value: settings.size / wall(medians, 'sluice') / (connections * rate),
        atLeast: 0.95,
      },
    ],
    close: () => nginx.close(),
  };
}

/** One run against an origin of its own, for connections are counted from its start. */
export function originEntry(
  peer: Peer,
  name: string,
  {
    directory,
    size,
    sha256,
    slow,
    connections = 8,
  }: Pick<Settings, 'directory' | 'size'> & {
    sha256: string;
    slow: boolean;
    connections?: number | 'auto';
  },
): Entry {
  const program = peer.program();
  const fast = 20 * MB;
  return {
    name,
    missing: missing(peer),
    expected: { size, sha256 },
    prepare: async () => {
      const origin = await Origin.start({
        size,
        seed: SEED,
        rate: ({ connection }) => (slow && connection % 8 === 5 ? fast / 100 : fast),
      });
      const output = path.join(directory, `${peer.name}.out`);
      const work = { url: origin.url, output, caFile: '' };
      return {
        command:
          connections === 'auto'
            ? sluiceCommand(program ?? '', { ...work, connections })
            : peer.command(program ?? '', { ...work, connections }),
        output,
        cleanUp: () => origin.close(),
      };
    },
  };
}

function oneSlow({ directory, size }: Settings): Stage {
  const sha256 = contentDigest(SEED, size);
  const peers = ALL_PEERS.filter(({ name }) => ['sluice', 'aria2', 'axel', 'lftp'].includes(name));
  const entry = (peer: Peer, slow: boolean): Entry =>
    originEntry(peer, `${peer.name}, ${slow ? 'one slow' : 'all equal'}`, {
      directory,
      size,
      sha256,
      slow,
    });
  return {
    entries: peers.flatMap((peer) => [entry(peer, false), entry(peer, true)]),
    judge: (medians) => [
      {
        name: 'one slow / all equal',
        value: wall(medians, 'sluice, one slow') / wall(medians, 'sluice, all equal'),
        atMost: 1.2,
      },
    ],
    close: () => Promise.resolve(),
  };
}

async function startUp(settings: Settings): Promise<Stage> {
  const { nginx, expected } = await serve(settings, MB);
  const work = { url: nginx.url('/file.bin'), connections: 8, caFile: nginx.caFile };
  const sluice = SLUICE.program();
  const bare = (name: string, args: string[]): Entry => ({
    name,
    missing: missing(SLUICE),
    expected: null,
    prepare: () => ({ command: [process.execPath, ...args], output: null }),
  });
  const node = bare('node -e 0', ['-e', '0']);
  return {
    entries: [
      { ...node, missing: null },
      bare('sluice --version', [sluice ?? '', '--version']),
      ...peerEntries(ALL_PEERS, settings.directory, expected, work),
    ],
    judge: (medians) => [
      {
        name: 'get 1 MB / node -e 0',
        value: wall(medians, 'sluice') / wall(medians, 'node -e 0'),
        atMost: 2.6,
      },
      {
        name: '--version / node -e 0',
        value: wall(medians, 'sluice --version') / wall(medians, 'node -e 0'),
        atMost: 1.5,
      },
    ],
    close: () => nginx.close(),
  };
}

async function memory(settings: Settings): Promise<Stage> {
  const small = Math.floor(settings.size / 16);
  const { nginx, expected } = await serve(settings, settings.size);
  nginx.addContent('small.bin', SEED, small);
  const { directory } = settings;
  const entry = (name: string, url: string, right: Entry['expected']): Entry =>
    sluiceEntry(name, directory, right, { url, connections: 16, caFile: nginx.caFile });
  const smallExpected = { size: small, sha256: contentDigest(SEED, small) };
  return {
    entries: [
      entry('sluice, small, http', nginx.url('/small.bin'), smallExpected),
      entry('sluice, big, http', nginx.url('/file.bin'), expected),
      entry('sluice, big, https', nginx.url('/file.bin', 'https'), expected),
    ],
    judge: (medians) =>
      [...medians].map(([name, { mb }]) => ({ name: `MB of ${name}`, value: mb, atMost: 128 })),
    close: () => nginx.close(),
  };
}

/** aria2 as it checks a digest of its own accord: it reads the file again at the end. */
function checkingAria2(
  directory: string,
  expected: { size: number; sha256: string },
  work: Omit<Work, 'output'>,
): Entry[] {
  const flag = `--checksum=sha-256=${expected.sha256}`;
  const command: Peer['command'] = (program, given) => [
    program,
    flag,
    ...ARIA2.command(program, given).slice(1),
  ];
  return peerEntries([{ ...ARIA2, name: 'aria2 --checksum', command }], directory, expected, work);
}

/** With a digest and without: where the processors are all that counts, and where the server is. */
async function checksum(settings: Settings): Promise<Stage> {
  const { nginx, expected } = await serve(settings, settings.size, 20 * MB);
  const { directory } = settings;
  const { caFile } = nginx;
  const flag = ['--checksum', `sha256:${expected.sha256}`];
  const work = { url: nginx.url('/file.bin'), connections: 8, caFile };
  const limited = { ...work, url: nginx.url('/limited/file.bin') };
  return {
    entries: [
      sluiceEntry('sluice', directory, expected, work),
      sluiceEntry('sluice --checksum', directory, expected, work, flag),
      ...checkingAria2(directory, expected, work),
      sluiceEntry('sluice, 8 x 20 MB/s', directory, expected, limited),
      sluiceEntry('sluice --checksum, 8 x 20 MB/s', directory, expected, limited, flag),
    ],
    judge: (medians) => [
      {
        name: 'with / without',
        value: wall(medians, 'sluice --checksum') / wall(medians, 'sluice'),
        atMost: 1.15,
      },
      {
        name: 'with / without at 8 x 20 MB/s',
        value:
          wall(medians, 'sluice --checksum, 8 x 20 MB/s') / wall(medians, 'sluice, 8 x 20 MB/s'),
        atMost: 1.15,
      },
    ],
    close: () => nginx.close(),
  };
}

/** The scenarios of one machine; the bars are those of bench/README.md. */
export const BASIC: Readonly<Record<string, Scenario>> = {
  B1: { title: 'HTTP on loopback, 8 connections', setUp: (s) => loopback(s, 'http') },
  B2: { title: 'TLS 1.3 on loopback, 8 connections', setUp: (s) => loopback(s, 'https') },
  B3: { title: '20 MB/s a connection, 16 connections', setUp: capped },
  B5: {
    title: 'one connection in eight 100 times slower',
    sizeFactor: 0.25,
    setUp: (s) => Promise.resolve(oneSlow(s)),
  },
  B6: { title: 'a file of 1 MB, whole command', roundsFactor: 3, setUp: startUp },
  B7: { title: 'peak memory, 16 connections', setUp: memory },
  B8: { title: 'SHA-256 checked', setUp: checksum },
};
