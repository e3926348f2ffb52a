/** The programs that are measured, sluice among them, and how each is told to do the same work. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram } from '../test/helpers/real-server.js';

/** Top of the checkout; compiled, this file is dist/bench/peers.js. */
export const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url));
const PEERS = path.join(CHECKOUT, 'bench', 'peers');

/** One download to be done. */
export interface Work {
  url: string;
  /** Path to write to; does not exist yet. */
  output: string;
  connections: number;
  /** Root certificate to trust, for https. */
  caFile: string;
}

export interface Peer {
  name: string;
  /** Whether it can use more than one connection for one file. */
  parallel: boolean;
  /** Path of the program, or null when it is missing. */
  program: () => string | null;
  /** The whole command line. */
  command: (program: string, work: Work) => string[];
  /** Arguments that make it print its version; null where there are none. */
  version: string[] | null;
}

const packaged = (file: string): (() => string | null) => {
  const found = path.join(PEERS, file);
  return () => (existsSync(found) ? found : null);
};

const secure = (url: string): boolean => url.startsWith('https:');

/** The command line of sluice; `extra` are further flags. */
export function sluiceCommand(
  program: string,
  work: Omit<Work, 'connections'> & { connections: number | 'auto' },
  extra: string[] = [],
): string[] {
  const { url, output, connections, caFile } = work;
  const tls = secure(url) ? ['--cacert', caFile] : [];
  const flags = ['-o', output, '-n', String(connections), '--on-exists', 'overwrite', '-q'];
  return [process.execPath, program, 'get', url, ...flags, ...tls, ...extra];
}

export const SLUICE: Peer = {
  name: 'sluice',
  parallel: true,
  program: () => {
    const entry = path.join(CHECKOUT, 'bin', 'run.js');
    return existsSync(entry) ? entry : null;
  },
  command: (program, work) => sluiceCommand(program, work),
  version: null,
};

export const ARIA2: Peer = {
  name: 'aria2',
  parallel: true,
  program: () => findProgram('aria2c'),
  command: (program, { url, output, connections, caFile }) => [
    program,
    '--no-conf',
    '-q',
    `-x${Math.min(16, connections)}`,
    `-s${connections}`,
    '-k1M',
    '--file-allocation=none',
    ...(secure(url) ? [`--ca-certificate=${caFile}`] : []),
    '-d',
    path.dirname(output),
    '-o',
    path.basename(output),
    url,
  ],
  version: ['--version'],
};

const AXEL: Peer = {
  name: 'axel',
  parallel: true,
  program: () => findProgram('axel'),
  // axel knows no option for a root certificate of one's own.
  command: (program, { url, output, connections }) => [
    program,
    '-q',
    ...(secure(url) ? ['-k'] : []),
    '-n',
    String(connections),
    '-o',
    output,
    url,
  ],
  version: ['--version'],
};

const CURL: Peer = {
  name: 'curl',
  parallel: false,
  program: () => findProgram('curl'),
  command: (program, { url, output, caFile }) => [
    program,
    '-q',
    '-sS',
    '--http1.1',
    ...(secure(url) ? ['--cacert', caFile] : []),
    '-o',
    output,
    url,
  ],
  version: ['--version'],
};

const WGET2: Peer = {
  name: 'wget2',
  parallel: false,
  program: () => findProgram('wget2'),
  command: (program, { url, output, caFile }) => [
    program,
    '--no-config',
    '-q',
    ...(secure(url) ? [`--ca-certificate=${caFile}`] : []),
    '-O',
    output,
    url,
  ],
  version: ['--version'],
};

const LFTP: Peer = {
  name: 'lftp',
  parallel: true,
  program: () => findProgram('lftp'),
  command: (program, { url, output, connections, caFile }) => [
    program,
    '--norc',
    '-c',
    `set ssl:ca-file "${caFile}"; pget -n ${connections} "${url}" -o "${output}"`,
  ],
  version: ['--version'],
};

const RCLONE: Peer = {
  name: 'rclone',
  parallel: true,
  program: () => findProgram('rclone'),
  command: (program, { url, output, connections, caFile }) => {
    const { origin, pathname } = new URL(url);
    return [
      program,
      'copyto',
      '--config=/dev/null',
      '-q',
      `--http-url=${origin}${path.posix.dirname(pathname)}`,
      `--multi-thread-streams=${connections}`,
      '--multi-thread-cutoff=1M',
      ...(secure(url) ? [`--ca-cert=${caFile}`] : []),
      `:http:${path.posix.basename(pathname)}`,
      output,
    ];
  },
  version: ['--version'],
};

const IPULL: Peer = {
  name: 'ipull',
  parallel: true,
  program: packaged('node_modules/ipull/dist/cli/cli.js'),
  command: (program, { url, output, connections }) => [
    process.execPath,
    program,
    url,
    '-s',
    output,
    '-c',
    String(connections),
  ],
  version: null,
};

const EASYDL: Peer = {
  name: 'easydl',
  parallel: true,
  program: () =>
    packaged('node_modules/easydl')() === null ? null : path.join(PEERS, 'easydl.js'),
  command: (program, { url, output, connections, caFile }) => [
    'env',
    `NODE_EXTRA_CA_CERTS=${caFile}`,
    process.execPath,
    program,
    url,
    output,
    String(connections),
  ],
  version: null,
};

/** Everything measured, sluice first. */
export const ALL_PEERS: readonly Peer[] = [
  SLUICE,
  ARIA2,
  AXEL,
  CURL,
  WGET2,
  LFTP,
  RCLONE,
  IPULL,
  EASYDL,
];

/** First line of what the program prints as its version. */
export function versionOf(peer: Peer): string | null {
  const program = peer.program();
  if (program === null || peer.version === null) return null;
  const { stdout } = spawnSync(program, peer.version, { encoding: 'utf8' });
  return stdout.split('\n')[0]?.trim() ?? null;
}
