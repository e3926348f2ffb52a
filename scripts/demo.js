// `npm run demo`: downloads a file from a server inside this process through the real command, with
// its live display, and checks the file's digest without sluice. Needs nothing but Node.
// `npm run demo -- --serve` is that server alone, for commands of one's own, until Ctrl-C.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Origin } from '../dist/test/helpers/origin.js';

const MIB = 1024 * 1024;
const SIZE = 256 * MIB;
const CONNECTIONS = 8;
/** Bytes per second of one connection: slow enough that there is something to see. */
const RATE = 4.2 * MIB;
/** One connection in eight is a slow one, whose work the others take over. */
const SLOW_RATE = RATE / 8;
const SLOW_CONNECTION = 5;

const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs the real command on this terminal; resolves with its exit status. */
function runCommand(args) {
  return new Promise((resolve, reject) => {
    const command = path.join(root, 'bin', 'run.js');
    const child = spawn(process.execPath, [command, ...args], { stdio: 'inherit' });
    child.once('error', reject);
    child.once('close', (status) => resolve(status ?? 1));
  });
}

async function sha256(file) {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file)) hash.update(piece);
  return hash.digest('hex');
}

/** The server; `more` is what differs from that of the demo. */
const start = (more = {}) =>
  Origin.start({
    size: SIZE,
    seed: 2024,
    path: '/very-large-file.bin',
    rate: ({ connection }) => (connection % CONNECTIONS === SLOW_CONNECTION ? SLOW_RATE : RATE),
    ...more,
  });

async function serve() {
  const origin = await start({ path: '/big.iso', port: 8765 });
  console.log(`Serving ${origin.url} (256 MiB, sha256 ${origin.digest()}) until Ctrl-C.`);
  await once(process, 'SIGINT');
  await origin.close();
}

async function demo(directory) {
  const origin = await start();
  try {
    const expected = origin.digest();
    console.log(`$ sluice get ${origin.url} -n ${CONNECTIONS} --lanes`);
    const status = await runCommand([
      'get',
      origin.url,
      '-d',
      directory,
      '-n',
      `${CONNECTIONS}`,
      '--lanes',
    ]);
    if (status !== 0) return status;
    const actual = await sha256(path.join(directory, 'very-large-file.bin'));
    console.log(`sha256 that the server's file has  ${expected}`);
    console.log(`sha256 of what was downloaded      ${actual}`);
    console.log(actual === expected ? 'They match.' : 'They differ.');
    return actual === expected ? 0 : 1;
  } finally {
    await origin.close();
  }
}

if (process.argv.includes('--serve')) {
  await serve();
  process.exit();
}

// The command handles Ctrl-C itself; this process only has to outlive it and clean up.
process.on('SIGINT', () => undefined);
const directory = await mkdtemp(path.join(tmpdir(), 'sluice-demo-'));
try {
  process.exitCode = await demo(directory);
} finally {
  await rm(directory, { recursive: true, force: true });
}
