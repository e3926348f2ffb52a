import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  openSync,
  readFileSync,
  readSync,
  statSync,
  symlinkSync,
  writeFileSync,
  lchownSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import { openLogFile } from '../../../src/disk/log-file.js';
import type { LogFile } from '../../../src/disk/log-file.js';
import type { SluiceError } from '../../../src/errors.js';
import { isRoot } from '../../helpers/command.js';
import { tempDirPerTest } from '../../helpers/files.js';

/** No write may take as long, in milliseconds: it would have waited. */
const SOON_MS = 3000;

describe('disk/log-file', () => {
  const dir = tempDirPerTest();
  const told: string[] = [];
  const tell = (what: string): void => void told.push(what);
  const inDir = (name: string): string => path.join(dir(), name);

  beforeEach(() => void (told.length = 0));

  /** The error of a file that cannot be opened. */
  function refusal(file: string): SluiceError {
    try {
      openLogFile(file, tell).close();
    } catch (error) {
      return error as SluiceError;
    }
    throw new Error(`${file} was opened`);
  }

  function makePipe(name: string): string {
    execFileSync('mkfifo', [inDir(name)]);
    return inDir(name);
  }

  /** A pipe whose reader reads nothing by itself. */
  function withReader(name: string): { log: LogFile; reader: number } {
    const pipe = makePipe(name);
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    return { log: openLogFile(pipe, tell), reader };
  }

  /** What is in the pipe now. */
  function drain(reader: number): string {
    const buffer = Buffer.alloc(64 * 1024);
    let text = '';
    for (;;) {
      try {
        const count = readSync(reader, buffer);
        if (count === 0) return text;
        text += buffer.toString('latin1', 0, count);
      } catch {
        return text;
      }
    }
  }

  const line = (i: number): string => `${i} ${'x'.repeat(200)}\n`;

  it('takes lines at once, behind those that are there', () => {
    const file = inDir('log');
    writeFileSync(file, 'before\n');
    const log = openLogFile(file, tell);
    log.write('one\n');
    expect(readFileSync(file, 'utf8')).equal('before\none\n');
    log.close();
    log.write('too late\n');
    expect(readFileSync(file, 'utf8')).equal('before\none\n');
    expect(told).deep.equal([]);
  });

  it('P12: is made for its owner alone', () => {
    const umask = process.umask(0);
    openLogFile(inDir('log'), tell).close();
    process.umask(umask);
    expect(statSync(inDir('log')).mode & 0o777).equal(0o600);
  });

  it('P26: a pipe without a reader is refused, with what to do', () => {
    const pipe = makePipe("it's a pipe");
    const { code, message, details } = refusal(pipe);
    expect(code).equal('DISK_IO');
    expect(message).equal('the log file cannot be opened: it is a pipe that nobody reads');
    expect(details.next).include(`cat '${dir()}/it'\\''s a pipe' &`);
  });

  it('P26: a pipe whose reader is slow holds nothing up, and what is lost is told', () => {
    const { log, reader } = withReader('pipe');
    const began = performance.now();
    for (let i = 0; i < 20_000; i++) log.write(line(i));
    expect(performance.now() - began).below(SOON_MS);
    log.close();
    expect(performance.now() - began).below(SOON_MS + 1000);
    const lines = drain(reader).split('\n');
    closeSync(reader);
    // Those that came through are whole, but for the last one.
    lines.slice(0, -1).forEach((each, i) => expect(`${each}\n`).equal(line(i)));
    expect(told).length(1);
    expect(told[0]).match(/^the log lost (\d+) lines: its reader is too slow$/);
    expect(Number(/\d+/.exec(told[0] ?? '')?.[0])).within(
      20_000 - lines.length,
      20_000 - lines.length + 1,
    );
  });

  it('what waits is written when the reader is there again, in order', async () => {
    const { log, reader } = withReader('pipe');
    for (let i = 0; i < 2000; i++) log.write(line(i));
    let text = '';
    while (text.length < 2000 * 200) {
      text += drain(reader);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    log.close();
    text += drain(reader);
    closeSync(reader);
    expect(text).equal(Array.from({ length: 2000 }, (_, i) => line(i)).join(''));
    expect(told).deep.equal([]);
  });

  it('a reader that goes away ends the log, and that is told once', () => {
    const { log, reader } = withReader('pipe');
    log.write('one\n');
    closeSync(reader);
    log.write('two\n');
    log.write('three\n');
    log.close();
    expect(told).deep.equal(['the log ends here: nobody reads the pipe any more']);
  });

  it('a full device ends the log, and that is told once', () => {
    const log = openLogFile('/dev/full', tell);
    log.write('one\n');
    log.write('two\n');
    log.close();
    expect(told).deep.equal(['the log ends here: the disk is full']);
  });

  it('a device that takes everything is a file like any other', () => {
    const log = openLogFile('/dev/null', tell);
    log.write('one\n');
    log.close();
    expect(told).deep.equal([]);
  });

  it('a directory, a socket, a place that is not there: each is told', async () => {
    expect(refusal(dir()).message).include('it is a directory');
    expect(refusal(inDir('none/log')).message).include('its directory does not exist');
    writeFileSync(inDir('file'), '');
    expect(refusal(inDir('file/log')).message).include('what should be its directory is none');
    const server = createServer().listen(inDir('socket'));
    await once(server, 'listening');
    expect(refusal(inDir('socket')).message).include('it is a socket');
    server.close();
  });

  it("a link of one's own is followed, a dangling one makes the file", () => {
    symlinkSync('target', inDir('link'));
    const log = openLogFile(inDir('link'), tell);
    log.write('one\n');
    log.close();
    expect(readFileSync(inDir('target'), 'utf8')).equal('one\n');
  });

  it('P25: a link that another user laid is not', function () {
    if (!isRoot) return this.skip();
    writeFileSync(inDir('target'), '');
    symlinkSync('target', inDir('link'));
    lchownSync(inDir('link'), 65534, 65534);
    expect(refusal(inDir('link'))).include({ code: 'DISK_PERMISSION' });
    expect(readFileSync(inDir('target'), 'utf8')).equal('');
  });
});
