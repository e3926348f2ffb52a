/** What is remembered of origins, on a real disk. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import {
  ORIGIN_BOUNDS,
  originsDirectory,
  readOrigin,
  writeOrigin,
} from '../../../src/disk/origins.js';
import type { OriginFacts } from '../../../src/disk/origins.js';
import { temporaryDirectory } from './files.js';

const ORIGIN = 'https://canary.example:8443';
const FACTS: OriginFacts = {
  savedMs: 1_700_000_000_000,
  useful: { connections: 8, roundTripMs: 20.5 },
  limit: { connections: 12, atMs: 1_699_999_999_000 },
};
const NOW = FACTS.savedMs + 1000;

describe('disk/origins', () => {
  const at = temporaryDirectory();
  const env = (): Record<string, string> => ({ SLUICE_CACHE_DIR: at('cache') });
  const directory = (): string => at('cache/origins');
  const only = (): string => path.join(directory(), readdirSync(directory())[0] as string);
  const read = (nowMs = NOW): OriginFacts | null => readOrigin(ORIGIN, env(), nowMs);

  it('gives back what was written, for that origin only', () => {
    expect(read()).equal(null);
    for (const facts of [FACTS, { ...FACTS, limit: null }, { ...FACTS, useful: null }]) {
      expect(writeOrigin(ORIGIN, facts, env())).equal(true);
      expect(read()).deep.include(facts);
    }
    expect(readOrigin('https://canary.example:443', env(), NOW)).equal(null);
    expect(readdirSync(directory()).length).equal(1);
  });

  it('P12: holds no name of a host, and is for its owner only', () => {
    writeOrigin(ORIGIN, FACTS, env());
    expect(only()).not.include('canary');
    expect(readFileSync(only(), 'utf8')).not.include('canary').and.not.include('8443');
    expect(statSync(only()).mode & 0o777).equal(0o600);
    expect(statSync(directory()).mode & 0o777).equal(0o700);
  });

  it('ignores what is damaged, foreign, from the future or too old', () => {
    const wrong: Array<[string, unknown]> = [
      ['version', 2],
      ['origin', 'ab'],
      ['savedMs', NOW + 1],
      ['savedMs', NOW - ORIGIN_BOUNDS.oldestMs - 1],
      ['savedMs', '1'],
      ['useful', 8],
      ['useful', { connections: 0, roundTripMs: 1 }],
      ['useful', { connections: 65, roundTripMs: 1 }],
      ['useful', { connections: 1.5, roundTripMs: 1 }],
      ['useful', { connections: 8, roundTripMs: -1 }],
      ['useful', { connections: 8 }],
      ['limit', undefined],
      ['limit', { connections: 4, atMs: NOW + 1 }],
      ['limit', { connections: '4', atMs: 1 }],
    ];
    writeOrigin(ORIGIN, FACTS, env());
    const text = readFileSync(only(), 'utf8');
    for (const [field, value] of wrong) {
      writeFileSync(only(), JSON.stringify({ ...JSON.parse(text), [field]: value }));
      expect(read(), `${field}: ${JSON.stringify(value)}`).equal(null);
    }
    const most = 4096;
    for (const damaged of ['', '{', 'null', '[]', text.slice(0, -1), text.padEnd(most + 1)]) {
      writeFileSync(only(), damaged);
      expect(read(), damaged.slice(0, 20)).equal(null);
    }
    writeFileSync(only(), text.padEnd(most));
    expect(read()).not.equal(null);
  });

  it('neither reads through a symbolic link nor fails where nothing can be written', () => {
    writeOrigin(ORIGIN, FACTS, env());
    const name = path.basename(only());
    mkdirSync(at('other/origins'), { recursive: true });
    symlinkSync(only(), at(`other/origins/${name}`));
    expect(readOrigin(ORIGIN, { SLUICE_CACHE_DIR: at('other') }, NOW)).equal(null);
    writeFileSync(at('file'), '');
    expect(writeOrigin(ORIGIN, FACTS, { SLUICE_CACHE_DIR: at('file') })).equal(false);
    expect(readOrigin(ORIGIN, { SLUICE_CACHE_DIR: at('file') }, NOW)).equal(null);
  });

  it('keeps the newest 256, and none for longer than 30 days', () => {
    mkdirSync(directory(), { recursive: true });
    const old = path.join(directory(), `${'0'.repeat(64)}.json`);
    const film = path.join(directory(), 'film.json');
    for (const file of [old, film]) {
      writeFileSync(file, '');
      utimesSync(file, 1, Date.now() / 1000 - ORIGIN_BOUNDS.oldestMs / 1000 - 60);
    }
    writeOrigin(ORIGIN, FACTS, env());
    const note = readdirSync(directory()).filter((name) => name !== 'film.json');
    expect(note.length, 'the old one is gone').equal(1);
    expect(note, 'P25: and nothing but that').not.include(path.basename(old));
    expect(readdirSync(directory())).include('film.json');
    rmSync(film);
    for (let i = 0; i < ORIGIN_BOUNDS.most + 5; i++) writeOrigin(`http://h:${i}`, FACTS, env());
    expect(readdirSync(directory()).length).equal(ORIGIN_BOUNDS.most);
    expect(readOrigin(`http://h:${ORIGIN_BOUNDS.most + 4}`, env(), NOW)).not.equal(null);
    expect(read(), 'the oldest').equal(null);
  });

  it('runs that write at the same time leave a whole note', async () => {
    const writer = at('writer.mjs');
    const module = new URL('../../../src/disk/origins.js', import.meta.url).href;
    const code = `import { writeOrigin } from ${JSON.stringify(module)};
      for (let i = 0; i < 200; i++) writeOrigin(process.argv[2], JSON.parse(process.argv[3]));`;
    writeFileSync(writer, code);
    const options = { env: { ...process.env, ...env() } };
    const writers = [1, 2, 3].map((connections) => {
      const facts = { ...FACTS, useful: { connections, roundTripMs: 1 } };
      return once(fork(writer, [ORIGIN, JSON.stringify(facts)], options), 'exit');
    });
    let running = true;
    const over = Promise.all(writers).finally(() => (running = false));
    while (!readdirSync(at()).includes('cache') || read() === null)
      await new Promise((done) => setImmediate(done));
    while (running) {
      expect(read()).not.equal(null);
      await new Promise((done) => setImmediate(done));
    }
    for (const [status] of await over) expect(status).equal(0);
    expect(readdirSync(directory()).length).equal(1);
  });

  it('lies where the variables say, else in the cache of the home directory', () => {
    expect(originsDirectory({ SLUICE_CACHE_DIR: '/c', XDG_CACHE_HOME: '/x' })).equal('/c/origins');
    expect(originsDirectory({ XDG_CACHE_HOME: '/x' })).equal('/x/sluice/origins');
    const home = path.join(os.homedir(), '.cache', 'sluice', 'origins');
    expect(originsDirectory({ XDG_CACHE_HOME: 'relative' })).equal(home);
    expect(originsDirectory({})).equal(home);
  });
});
