/**
 * `npm run calibrate [-- --links 1,2 --connections 1,8,auto --log FILE]`, as root: holds the model to reality.
 * Twelve links between two network namespaces (`wan/wanem.c`), nginx, and the real command; each time
 * beside the one that the model says. Needs cc, chrt, ip, nginx and
 * /dev/net/tun.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DECIDERS, PRESENT } from './deciders.js';
import { play } from './player.js';
import type { Decide } from './decider.js';
import { worldOf } from './world.js';
import type { ServerSpec, SourceSpec, World } from './world.js';

const MIB = 1024 * 1024;
const MB = 1e6;
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const SERVER = '10.88.7.1';
const CLIENT = '10.88.7.2';
const PORT = 8080;

/** The model throws dice, too: the middle of so many plays counts. */
const SEEDS = [1, 2, 3, 4, 5];

/** What is far apart is marked. */
const APART = 0.15;

const throttled = (megabytes: number): Partial<ServerSpec> => ({
  limit: { rate: megabytes * 1000, everyMs: 1000 },
});

const LINKS: readonly World[] = [
  worldOf(
    '60 Mbit/s 149 ms, 1.2 MB/s each',
    95 * MIB,
    { mbit: 60, roundTripMs: 149 },
    throttled(1.2),
  ),
  worldOf(
    '32 Mbit/s 65 ms, 0.3 MB/s each',
    30 * MIB,
    { mbit: 32, roundTripMs: 65 },
    throttled(0.3),
  ),
  worldOf('300 Mbit/s 8 ms, 4 MB/s each', 120 * MIB, { mbit: 300, roundTripMs: 8 }, throttled(4)),
  worldOf('500 Mbit/s 120 ms', 150 * MIB, { mbit: 500, roundTripMs: 120 }),
  worldOf('700 Mbit/s 66 ms 0.05 %', 200 * MIB, { mbit: 700, roundTripMs: 66, loss: 0.0005 }),
  worldOf('200 Mbit/s 80 ms', 200 * MB, { mbit: 200, roundTripMs: 80 }),
  worldOf('10 Mbit/s 200 ms', 12 * MB, { mbit: 10, roundTripMs: 200 }),
  worldOf('200 Mbit/s 80 ms 1 %', 100 * MB, { mbit: 200, roundTripMs: 80, loss: 0.01 }),
  worldOf('200 Mbit/s 20 ms CUBIC', 100 * MB, { mbit: 200, roundTripMs: 20, control: 'cubic' }),
  worldOf('200 Mbit/s 80 ms CUBIC', 100 * MB, { mbit: 200, roundTripMs: 80, control: 'cubic' }),
  worldOf('100 Mbit/s 100 ms 0.1 % CUBIC', 50 * MB, {
    mbit: 100,
    roundTripMs: 100,
    loss: 0.001,
    control: 'cubic',
  }),
  worldOf('50 Mbit/s 30 ms CUBIC, short queue', 50 * MB, {
    mbit: 50,
    roundTripMs: 30,
    control: 'cubic',
    queue: 48 * 1024,
  }),
];

const run = (command: string, ...args: string[]): void =>
  void execFileSync(command, args, { stdio: 'pipe' });

/** Before what else the machine does: a sender that is kept waiting sends in bursts, and loses packets. */
const AHEAD = ['chrt', '-r', '10'];

/** Two namespaces that are joined by a link, with nginx on one side. */
class Far {
  private readonly children: ChildProcess[] = [];

  constructor(private readonly directory: string) {}

  async open(world: World): Promise<void> {
    const { directory } = this;
    const { link, server } = world.sources[0] as SourceSpec;
    const emulator = path.join(directory, 'wanem');
    run('cc', '-O2', '-o', emulator, path.join(ROOT, 'test/schedule/wan/wanem.c'));
    for (const side of ['s', 'c']) run('ip', 'netns', 'add', `sluice-${side}`);
    const values = [link.mbit, link.roundTripMs / 2, link.loss * 100, link.queue / 1024];
    // It has to be in time, whatever else the machine does.
    const words = ['-f', '20', emulator, 'sluice-s', 'sluice-c', ...values.map(String)];
    const wan = spawn('chrt', words);
    this.children.push(wan);
    await new Promise((resolve) => wan.stdout.once('data', resolve));
    for (const [side, address] of [
      ['s', SERVER],
      ['c', CLIENT],
    ] as const) {
      const name = `sluice-${side}`;
      run('ip', 'link', 'set', name, 'netns', name);
      run('ip', '-n', name, 'addr', 'add', `${address}/24`, 'dev', name);
      run('ip', '-n', name, 'link', 'set', name, 'txqueuelen', '10000', 'up');
      run('ip', '-n', name, 'link', 'set', 'lo', 'up');
    }
    const route = ['10.88.7.0/24', 'dev', 'sluice-s', 'src', SERVER, 'congctl', link.control];
    run('ip', '-n', 'sluice-s', 'route', 'replace', ...route);
    await this.serve(server);
  }

  private async serve({ limit }: ServerSpec): Promise<void> {
    const { directory } = this;
    const rate = limit === null ? '' : `limit_rate ${Math.round(limit.rate * 1000)};`;
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    writeFileSync(
      path.join(directory, 'nginx.conf'),
      `user root; daemon off; pid "${directory}/nginx.pid"; error_log "${directory}/error.log";
events { worker_connections 512; }
http { access_log off; sendfile on; default_type application/octet-stream;
${temporary.map((name) => `${name}_temp_path "${directory}/${name}";`).join('\n')}
server { listen ${SERVER}:${PORT}; root "${directory}"; keepalive_timeout 75; ${rate} } }\n`,
    );
    const words = [
      'netns',
      'exec',
      'sluice-s',
      ...AHEAD,
      'nginx',
      '-c',
      path.join(directory, 'nginx.conf'),
    ];
    this.children.push(spawn('ip', words, { stdio: 'inherit' }));
    for (let tries = 100; ; tries--) {
      try {
        run('ip', 'netns', 'exec', 'sluice-s', 'curl', '-sfI', `http://${SERVER}:${PORT}/file`);
        return;
      } catch (error) {
        if (tries === 0) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  /** Seconds that the real command takes. */
  download(connections: number | 'auto', log: string | undefined): number {
    const output = path.join(this.directory, 'output');
    const home = mkdtempSync(path.join(this.directory, 'home-'));
    const command = [process.execPath, path.join(ROOT, 'bin/run.js'), 'get', '--json'];
    const options = ['-n', String(connections), '--sync', 'none', '-o', output];
    if (log !== undefined) options.push('-v', '--log-file', log);
    const words = ['netns', 'exec', 'sluice-c', ...AHEAD, ...command, ...options];
    const env = { ...process.env, XDG_CACHE_HOME: home, HOME: home };
    const url = `http://${SERVER}:${PORT}/file`;
    const out = execFileSync('ip', [...words, url], {
      encoding: 'utf8',
      env,
      maxBuffer: 1e9,
      stdio: 'pipe',
    });
    rmSync(output, { force: true });
    const done = out.split('\n').find((line) => line.includes('"type":"done"'));
    return (JSON.parse(done ?? '{}') as { seconds: number }).seconds;
  }

  async close(): Promise<void> {
    await Promise.all(this.children.map(endOf));
    for (const side of ['s', 'c'])
      spawnSync('ip', ['netns', 'del', `sluice-${side}`], { stdio: 'ignore' });
  }
}

function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return Promise.resolve();
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  return ended;
}

const median = (values: number[]): number =>
  values.sort((a, b) => a - b)[values.length >> 1] as number;

async function compare(
  world: World,
  connections: ReadonlyArray<number | 'auto'>,
  decide: Decide,
  rounds: number,
  log: string | undefined,
): Promise<number[]> {
  const directory = mkdtempSync('/dev/shm/sluice-calibrate-');
  writeFileSync(path.join(directory, 'file'), '');
  truncateSync(path.join(directory, 'file'), world.files[0]);
  mkdirSync(path.join(directory, 'logs'));
  const far = new Far(directory);
  const apart: number[] = [];
  try {
    await far.open(world);
    for (const each of connections) {
      const real = Array.from({ length: rounds }, () => far.download(each, log)).sort(
        (a, b) => a - b,
      );
      const seconds = real[real.length >> 1] as number;
      const model = median(
        SEEDS.map((seed) => play({ ...world, seed }, decide, { connections: each }).ms / 1000),
      );
      const difference = model / seconds - 1;
      apart.push(difference);
      const columns = [
        world.name.padEnd(36),
        String(each).padStart(4),
        `${seconds.toFixed(2)} s`.padStart(10),
        `${model.toFixed(2)} s`.padStart(10),
        `${(100 * difference).toFixed(0)} %`.padStart(7),
        Math.abs(difference) > APART ? ' <' : '',
      ];
      console.log(columns.join(' '));
    }
  } finally {
    await far.close();
    rmSync(directory, { recursive: true, force: true });
  }
  return apart;
}

const { values } = parseArgs({
  options: {
    links: { type: 'string' },
    connections: { type: 'string', default: '1,8,auto' },
    by: { type: 'string', default: PRESENT },
    log: { type: 'string' },
    rounds: { type: 'string', default: '1' },
  },
});
const chosen = values.links?.split(',').map(Number) ?? LINKS.map((_, index) => index + 1);
const numbers = values.connections
  .split(',')
  .map((each) => (each === 'auto' ? ('auto' as const) : Number(each)));
const decide = DECIDERS[values.by] as Decide;
console.log(`${'link'.padEnd(36)}   -n       real      model  apart`);
const all: number[] = [];
for (const link of chosen)
  all.push(
    ...(await compare(
      LINKS[link - 1] as World,
      numbers,
      decide,
      Number(values.rounds),
      values.log,
    )),
  );
const near = all.filter((each) => Math.abs(each) <= APART).length;
console.log(`${near} of ${all.length} within ${100 * APART} %`);
