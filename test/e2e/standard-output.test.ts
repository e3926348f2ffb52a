/** `-o -`: in order, through a window of memory, to whatever reads (P23). */
import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expectStatus, filesIn, runIn } from '../helpers/command.js';
import { contentAt, contentDigest } from '../helpers/content.js';
import { digestOfFile, tempDirPerTest } from '../helpers/files.js';
import { Origin } from '../helpers/origin.js';
import type { OriginOptions } from '../helpers/origin.js';

const MIB = 1024 * 1024;
const SIZE = 24 * MIB;
const BIN = path.resolve('bin/run.js');

interface Piped {
  status: number | null;
  signal: NodeJS.Signals | null;
  bytes: Buffer;
  stderr: string;
}

describe('e2e/standard output', () => {
  const dir = tempDirPerTest();
  const origins: Origin[] = [];

  afterEach(async () => {
    for (const origin of origins.splice(0)) await origin.close();
  });

  async function start(options: OriginOptions = {}): Promise<Origin> {
    const origin = await Origin.start({ seed: 1, size: SIZE, ...options });
    origins.push(origin);
    return origin;
  }

  /** Runs the command with its standard output in a pipe. */
  function piped(args: string[], read?: (child: ReturnType<typeof spawn>) => void): Promise<Piped> {
    const child = spawn(process.execPath, [BIN, 'get', ...args, '-o', '-'], {
      cwd: dir(),
      env: { ...process.env, SLUICE_STATE_DIR: path.join(dir(), 'state') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const chunks: Buffer[] = [];
    let stderr = '';
    child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
    if (read === undefined) child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    else read(child);
    return new Promise((resolve) => {
      child.on('close', (status, signal) =>
        resolve({ status, signal, bytes: Buffer.concat(chunks), stderr }),
      );
    });
  }

  const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

  for (const [what, options, args] of [
    ['over many connections', { rate: 24 * MIB }, ['-n', '8']],
    ['by default, with a small window', { rate: 24 * MIB }, ['--window', '1M']],
    ['over one connection', {}, ['-n', '1', '--window', '2M']],
    ['without ranges', { ranges: false }, ['--window', '2M']],
    ['without a length', { ranges: false, framing: 'chunked' }, []],
    [
      'without a strong validator',
      { etag: 'none', lastModified: null, rate: 24 * MIB },
      ['-n', '4'],
    ],
  ] as const)
    it(`P23: ${what}: every byte, in order, and nothing else`, async () => {
      const origin = await start(options);
      const sum = `sha256:${contentDigest(1, SIZE)}`;
      const run = await piped([origin.url, ...args, '--checksum', sum]);
      expect(run.status, run.stderr).equal(0);
      expect(run.bytes.length).equal(SIZE);
      expect(digest(run.bytes)).equal(contentDigest(1, SIZE));
      expect(filesIn(dir()).filter((name) => name !== 'state')).deep.equal([]);
    });

  it('P23: through resets, refusals and slow connections it stays a prefix, and comes to the end', async () => {
    const origin = await start({ rate: 16 * MIB });
    origin.fault({
      when: ({ number }) => number % 3 === 1,
      times: 6,
      fault: { kind: 'reset', at: 300_000 },
    });
    origin.fault({
      when: ({ number }) => number % 5 === 2,
      times: 4,
      fault: { kind: 'status', status: 503 },
    });
    origin.fault({ request: 0, fault: { kind: 'reset', at: 5 * MIB } });
    const run = await piped([origin.url, '-n', '4', '--window', '8M']);
    expect(run.status, run.stderr).equal(0);
    expect(digest(run.bytes)).equal(contentDigest(1, SIZE));
  });

  it('P23: a run that fails has written a prefix, and says why', async () => {
    const origin = await start({ rate: 16 * MIB });
    origin.fault({
      when: ({ number }) => number > 0,
      times: Infinity,
      fault: { kind: 'status', status: 403 },
    });
    origin.fault({ request: 0, fault: { kind: 'reset', at: 9 * MIB } });
    const run = await piped([origin.url, '-n', '4', '--retries', '1']);
    expect(run.status, run.stderr).equal(6);
    expect(run.bytes.length).above(MIB);
    expect(run.bytes.equals(contentAt(1, 0, run.bytes.length))).equal(true);
  });

  it('P8, P23: a wrong digest is told at the end', async () => {
    const origin = await start({ size: 3 * MIB });
    const run = await piped([origin.url, '--checksum', `sha256:${'00'.repeat(32)}`]);
    expect(run.status).equal(9);
    expect(run.stderr).contain('CHECKSUM_MISMATCH');
  });

  it('P15: a slow reader holds the connections back', async () => {
    const origin = await start({ size: 256 * MIB });
    let taken = 0;
    let end = (): void => undefined;
    const run = piped([origin.url, '-n', '8', '--window', '4M'], (child) => {
      end = () => void child.kill('SIGTERM');
      // What was never read keeps Node from telling that the streams are closed.
      child.once('exit', () => child.stdout?.resume());
      child.stdout?.once('data', (chunk: Buffer) => {
        taken += chunk.length;
        child.stdout?.pause();
      });
    });
    await origin.server.until(({ bodyBytes }) => bodyBytes > 4 * MIB);
    // What the window, the slabs and the kernel's buffers hold, and no more: half a minute's worth would be all.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(taken).above(0);
    expect(origin.server.bodyBytes).below(200 * MIB);
    end();
    expect((await run).status).equal(143);
  });

  it('a reader that goes away ends the run quietly, as SIGPIPE would', async () => {
    const origin = await start({ rate: 16 * MIB });
    const run = await piped([origin.url, '-n', '4', '-q'], (child) => {
      child.stdout?.once('data', () => child.stdout?.destroy());
    });
    expect(run.status).equal(141);
    expect(run.stderr).equal('');
    expect(filesIn(dir()).filter((name) => name !== 'state')).deep.equal([]);
  });

  it('P16: a signal ends it although the reader takes nothing', async () => {
    const origin = await start();
    const run = await piped([origin.url, '-n', '4', '--window', '2M'], (child) => {
      void origin.server
        .until(({ bodyBytes }) => bodyBytes > 2 * MIB)
        .then(() => child.kill('SIGINT'));
    });
    expect(run.status, run.stderr).equal(130);
  });

  it('a file behind > gets the bytes as well', async () => {
    const origin = await start({ size: 5 * MIB });
    const file = path.join(dir(), 'out');
    const fd = openSync(file, 'w');
    const child = spawn(process.execPath, [BIN, 'get', origin.url, '-o', '-', '-q'], {
      env: { ...process.env, SLUICE_STATE_DIR: path.join(dir(), 'state') },
      stdio: ['ignore', fd, 'inherit'],
    });
    const status = await new Promise((resolve) => child.on('close', resolve));
    closeSync(fd);
    expect(status).equal(0);
    expect(digestOfFile(file)).equal(contentDigest(1, 5 * MIB));
    expect(readFileSync(file).length).equal(5 * MIB);
  });

  it('says what does not go together', async () => {
    const origin = await start({ size: MIB });
    for (const [args, says] of [
      [['--json'], '--json and --output -'],
      [['--window', '1'], '--window takes'],
      [[origin.url], '--output names one file'],
    ] as const) {
      const run = await runIn(dir(), ['get', origin.url, '-o', '-', ...args]);
      expectStatus(run, 2);
      expect(run.stdout + run.stderr).contain(says);
    }
  });
});
