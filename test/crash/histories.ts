/** Histories of a download that are recorded call by call, to cut the power in each of them. */
import { expect } from 'chai';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runSluice, spawnSluice, type RunResult } from '../helpers/run-sluice.js';
import { bytesIn, claimed } from './claims.js';
import { everything } from './power.js';
import { signalCommand } from './signal.js';
import { STRACE, TraceReader, isLock, type Step } from './trace.js';

/** What was recorded of the file `f`. */
export interface Recorded {
  name: string;
  steps: Step[];
  /** Which file of the trace had which inode. */
  inodes: Map<string, number>;
  /** How many steps had happened before the first run. */
  given: number;
  /** What had the final name before, or null. */
  old: Buffer | null;
  /** Whether the bytes were forced to disk before they got their name. */
  synced: boolean;
}

type Runs = (recorder: Recorder) => Promise<void>;

/** Each history by its name. `unsynced` is the only one whose file may be lost with the power. */
export const HISTORIES: Record<string, Runs> = {
  whole: (recorder) => recorder.run('get'),
  killed: async (recorder) => {
    await recorder.leave('SIGKILL');
    await recorder.run('resume');
  },
  stopped: async (recorder) => {
    await recorder.leave('SIGINT');
    await recorder.run('get');
  },
  // The journal is rewritten while a resumed run claims more.
  aged: async (recorder) => {
    await recorder.leave('SIGKILL');
    recorder.age();
    await recorder.run('resume');
  },
  overwritten: async (recorder) => {
    recorder.given('f', 'what was there before');
    await recorder.run('get', '--on-exists', 'overwrite');
  },
  unsynced: async (recorder) => {
    recorder.unsynced();
    await recorder.leave('SIGKILL');
    await recorder.run('get');
  },
};

/** How often a history is begun anew when a run has ended too soon. */
const ATTEMPTS = 3;

/** Records a history in a directory of its own. */
export async function record(name: string, url: string, directory: string): Promise<Recorded> {
  for (let attempt = 1; ; attempt++) {
    const own = `${directory}-${attempt}`;
    mkdirSync(own);
    const recorder = new Recorder(url, own);
    try {
      await (HISTORIES[name] as Runs)(recorder);
      return { name, ...recorder.recorded() };
    } catch (error) {
      // Where the disk is busy, a run may be through with its first claim not yet synced. And a kill
      // may come while the journal is written to.
      if (!(error instanceof EndedEarly) || attempt === ATTEMPTS) throw error;
    }
  }
}

class Recorder {
  private readonly reader: TraceReader;
  private readonly inodes = new Map<string, number>();
  private old: Buffer | null = null;
  private before = 0;
  private sync = 'full';

  constructor(
    private readonly url: string,
    private readonly directory: string,
  ) {
    this.reader = new TraceReader(directory);
  }

  recorded(): Omit<Recorded, 'name'> {
    const { inodes, old, before: given } = this;
    return { steps: this.reader.steps, inodes, given, old, synced: this.sync === 'full' };
  }

  given(name: string, text: string): void {
    this.old = Buffer.from(text);
    writeFileSync(path.join(this.directory, name), text);
    this.reader.given(name, this.old);
    this.before = this.reader.steps.length;
    this.look();
  }

  unsynced(): void {
    this.sync = 'none';
  }

  /** Runs to the end. */
  async run(mode: 'get' | 'resume', ...more: string[]): Promise<void> {
    const run = await runSluice(this.args(mode, more), this.options());
    expect(run.status, run.stderr).to.equal(0);
    this.takeUp();
  }

  /** Runs until something is claimed for the second time, and ends it. */
  async leave(signal: 'SIGKILL' | 'SIGINT'): Promise<void> {
    const run = spawnSluice(this.args('get', []), this.options());
    const target = path.join(this.directory, 'f');
    const claims = async (more: number): Promise<number> => {
      const now = bytesIn(claimed(target));
      if (now > more) return now;
      await new Promise((done) => setTimeout(done, 20));
      return claims(more);
    };
    const twice = claims(0).then(claims);
    await Promise.race([twice, run.ended.then(notYet)]);
    signalCommand(run, signal);
    const { status, signal: died } = await run.ended;
    expect(signal === 'SIGINT' ? status : died).to.equal(signal === 'SIGINT' ? 130 : 'SIGKILL');
    this.takeUp();
  }

  /** Makes the journal long: it is rewritten at one of the first records of the next run. */
  age(): void {
    const program = fileURLToPath(new URL('age-main.js', import.meta.url));
    const [strace = '', ...flags] = [...STRACE, '-o', this.trace];
    const args = [...flags, process.execPath, program, path.join(this.directory, 'f'), '400'];
    const env = { ...process.env, UV_USE_IO_URING: '0' };
    const { status, stderr } = spawnSync(strace, args, { env, encoding: 'utf8' });
    expect(status, stderr).to.equal(0);
    this.takeUp();
  }

  private get trace(): string {
    return `${this.directory}.trace`;
  }

  private args(mode: 'get' | 'resume', more: string[]): string[] {
    const what = mode === 'get' ? [this.url, '-o', 'f'] : ['f'];
    return [mode, ...what, '-n', '4', '--sync', this.sync, ...more];
  }

  private options(): Parameters<typeof runSluice>[1] & object {
    return {
      cwd: this.directory,
      prefix: [...STRACE, '-o', this.trace],
      env: { UV_USE_IO_URING: '0', UV_THREADPOOL_SIZE: '2' },
    };
  }

  /** Adds what the run did, and makes sure that nothing of it was missed. */
  private takeUp(): void {
    this.reader.read(readFileSync(this.trace, 'latin1'));
    this.look();
    const told = everything(this.reader.steps);
    const names = readdirSync(this.directory)
      .filter((name) => !isLock(name))
      .sort();
    expect([...told.keys()].sort(), 'names').to.deep.equal(names);
    for (const [name, file] of told) {
      const size = statSync(path.join(this.directory, name)).size;
      if (file.size !== size && this.reader.unsure.has(this.reader.names.get(name) as number))
        throw new EndedEarly(`killed in a write to ${name} that happened`);
      expect(file.size, `the length of ${name}`).to.equal(size);
      if (name === 'f.part') continue;
      const same = file.bytes().equals(readFileSync(path.join(this.directory, name)));
      expect(same, `the bytes of ${name}`).to.equal(true);
    }
  }

  private look(): void {
    for (const [name, file] of this.reader.names) {
      const { ino } = statSync(path.join(this.directory, name), { bigint: true });
      this.inodes.set(String(ino), file);
    }
  }
}

/** A run that ended at a moment of which no history can be made. */
class EndedEarly extends Error {}

function notYet({ status, stderr }: RunResult): never {
  throw new EndedEarly(`it ended before it was to be left: ${status}\n${stderr}`);
}
