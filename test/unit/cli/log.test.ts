import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { openLog, readableLine } from '../../../src/cli/log.js';
import { setTitle } from '../../../src/cli/title.js';
import { SluiceError } from '../../../src/errors.js';
import { HOSTILE } from './samples.js';

describe('cli/log', () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'sluice-log-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  const written = (file: string): Record<string, unknown>[] =>
    readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      // Which version it is of.
      .slice(1);

  it('P12: writes to a file that only its owner reads, at once', async () => {
    const file = join(directory, 'log');
    const umask = process.umask(0);
    const log = await openLog({ file, verbose: false }).finally(() => process.umask(umask));
    log.debug({ bytes: 5 }, 'one');
    log.error({}, 'two');
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    const [one, two] = written(file);
    expect(one)
      .to.include({ level: 'debug', bytes: 5, msg: 'one' })
      .and.not.have.property('hostname');
    expect(two).to.include({ level: 'error', msg: 'two' });
    log.close();
  });

  it('P12: redacts URLs and the values of headers', async () => {
    const file = join(directory, 'log');
    const notes: string[] = [];
    const log = await openLog({ file, verbose: true, note: (line) => notes.push(line) });
    const url = 'https://user:CANARY@example.org/a?key=CANARY#CANARY';
    log.info({ url, location: new URL(url), headers: { Authorization: 'CANARY' } }, 'asked');
    log.info({ headers: [['Cookie', 'CANARY'], 'X: CANARY'], url: 5 }, 'asked');
    log.info({ headers: 'CANARY', url: 'user:CANARY@host' }, 'asked');
    log.close();
    expect(readFileSync(file, 'utf8') + notes.join('')).not.to.include('CANARY');
    expect(written(file)[0]).to.deep.include({ headers: { Authorization: '[redacted]' } });
    expect(notes).to.have.length(4);
    expect(notes[0]).to.match(/^sluice: info: sluice \(version=/);
    expect(notes[1]).to.match(/^sluice: info: asked \(url=https:\/\/example\.org\/a/);
  });

  it('P14: leaves no control character raw, in the file or in the lines', async () => {
    const file = join(directory, 'log');
    const notes: string[] = [];
    const log = await openLog({ file, verbose: true, note: (line) => notes.push(line) });
    log.warn({ name: HOSTILE }, HOSTILE);
    log.close();
    expect(written(file)[0]).to.include({ name: HOSTILE });
    for (const text of [...readFileSync(file, 'utf8').trimEnd().split('\n'), ...notes]) {
      expect(text).not.to.match(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
    }
  });

  it('P15: of a list 64 items are written, and 1,000 characters of a text', async () => {
    const file = join(directory, 'log');
    const log = await openLog({ file, verbose: false });
    const long = 'x'.repeat(1e6);
    log.info({ names: Array.from({ length: 1e4 }, () => long), name: long }, long);
    log.close();
    const [{ names, name, msg } = {}] = written(file);
    expect(names).to.have.length(64);
    for (const text of [name, msg, ...(names as string[])]) {
      expect(text).to.be.a('string').with.length.within(500, 1000);
    }
  });

  it('is silent without a file and not verbose', async () => {
    const log = await openLog({ verbose: false });
    log.error({}, 'nothing');
    log.close();
  });

  it('says when the file cannot be opened', async () => {
    const file = join(directory, 'none', 'log');
    const error = await openLog({ file, verbose: false }).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(SluiceError);
    expect((error as SluiceError).code).to.equal('DISK_IO');
    expect((error as SluiceError).details).to.include({ path: file, errno: 'ENOENT' });
  });

  it('writes a line of the log as a sentence', () => {
    const line = JSON.stringify({
      level: 'debug',
      time: 't',
      pid: 1,
      msg: 'lease',
      start: 0,
      of: [1],
    });
    expect(readableLine(line)).to.equal('sluice: debug: lease (start=0, of=[1])');
  });
});

describe('cli/title', () => {
  it('P12: shows no argument in the title of the process', () => {
    const before = process.title;
    setTitle();
    expect(process.title).to.equal('sluice');
    process.title = before;
  });
});
