/** The flags of the commands, as oclif's parser reads them. */
import type { Command } from '@oclif/core/command';
import { parse } from '@oclif/core/parser';
import { expect } from 'chai';
import { COMMANDS } from '../../../src/commands/index.js';

type Name = keyof typeof COMMANDS;

/** What a command makes of its words. */
async function read(name: Name, ...words: string[]) {
  const { args, flags, strict } = COMMANDS[name] as typeof Command;
  const { flags: values, argv } = await parse(words, { args, flags, strict });
  return { flags: { ...values } as Record<string, unknown>, argv };
}

/** Why a command refuses its words. */
async function refusal(name: Name, ...words: string[]): Promise<string> {
  try {
    await read(name, ...words);
  } catch (thrown) {
    return (thrown as Error).message.replace(/\s+/g, ' ');
  }
  throw new Error(`${words.join(' ')} is taken`);
}

/** Runs `check` with variables in the environment, where oclif looks for them. */
async function withEnv<T>(vars: Record<string, string>, check: () => Promise<T>): Promise<T> {
  Object.assign(process.env, vars);
  try {
    return await check();
  } finally {
    for (const name of Object.keys(vars)) delete process.env[name];
  }
}

const url = 'http://h.test/f';

describe('commands', () => {
  it('understand the common command lines', async () => {
    const lines: Array<[string[], Record<string, unknown>, string[]]> = [
      [[url], {}, [url]],
      [['-n', '16', '-o', 'f', url], { connections: '16', output: 'f' }, [url]],
      [['--url', url, '--output', 'f', '--num-connections', '4'], { connections: '4' }, []],
      [['--url', 'a', url, '--url=b'], { url: ['a', 'b'] }, [url]],
      [['-qn4', '--json', url, url], { quiet: true, connections: '4', json: true }, [url, url]],
      [['-H', 'A: b', '--header=C: d', url], { header: ['A: b', 'C: d'] }, [url]],
      [['-H', '-z: y', url], { header: ['-z: y'] }, [url]],
      [['-46', url], { ipv4: true, ipv6: true }, [url]],
      [['--output=a=b', url], { output: 'a=b' }, [url]],
      [['--retries=0', '--', '-f', '--json'], { retries: 0, json: false }, ['-f', '--json']],
    ];
    for (const [words, flags, argv] of lines) {
      const parsed = await read('get', ...words);
      expect(parsed.argv, words.join(' ')).to.deep.equal(argv);
      expect(parsed.flags, words.join(' ')).to.deep.include(flags);
    }
  });

  it('give a value to every flag that has a default, and false to what is not set', async () => {
    const shared = {
      connections: 'auto',
      sync: 'auto',
      preallocate: 'sparse',
      insecure: false,
      ipv4: false,
      ipv6: false,
      'allow-downgrade': false,
      'connect-timeout': '30s',
      'stall-timeout': '30s',
      retries: 5,
      json: false,
      netrc: false,
      'no-config': false,
      quiet: false,
      verbose: false,
      'no-progress': false,
      lanes: false,
      color: 'auto',
      's3-anonymous': false,
      's3-requester-pays': false,
    };
    const expected: Record<Name, Record<string, unknown>> = {
      get: {
        ...shared,
        'on-exists': 'fail',
        jobs: 3,
        window: '64M',
        timestamping: false,
        recursive: false,
        'hf-cache': false,
      },
      resume: { ...shared, jobs: 3, all: false, insist: false },
      info: { ...shared, config: false },
      completion: {},
    };
    for (const name of Object.keys(COMMANDS) as Name[])
      expect((await read(name, name === 'completion' ? 'zsh' : 'x')).flags, name).to.deep.equal(
        expected[name],
      );
  });

  it('take a variable for a flag that is not given, and the flag before it', async () => {
    const vars = {
      SLUICE_DIR: 'd',
      SLUICE_THREADS: '2',
      SLUICE_ON_EXISTS: 'skip',
      SLUICE_SYNC: '',
    };
    await withEnv(vars, async () => {
      const values = { dir: 'd', threads: 2, 'on-exists': 'skip', sync: 'auto' };
      expect((await read('get', url)).flags).to.deep.include(values);
      const given = await read('get', url, '--dir', 'e', '--threads=3');
      expect(given.flags).to.deep.include({ dir: 'e', threads: 3 });
    });
    for (const [name, value] of [
      ['SLUICE_THREADS', '99'],
      ['SLUICE_RETRIES', 'x'],
      ['SLUICE_ON_EXISTS', 'never'],
    ] as const)
      await withEnv({ [name]: value }, () => refusal('get', url));
  });

  it('refuse what is wrong', async () => {
    const lines: Array<[Name, string[], RegExp]> = [
      ['get', ['--nope', url], /Nonexistent flag: --nope/],
      ['get', ['--no-json', url], /Nonexistent flag: --no-json/],
      ['get', ['-z', url], /Nonexistent flag: -z/],
      ['get', ['-qz', url], /Nonexistent flag: -z/],
      ['get', [url, '-o'], /--output expects a value/],
      ['get', ['-o', '-q', url], /--output expects a value/],
      ['get', ['-o', 'a', '-o', 'b', url], /--output can only be specified once/],
      ['get', ['--threads', '0', url], /greater than or equal to 1/],
      ['get', ['--threads', '65', url], /less than or equal to 64/],
      ['get', ['--threads', '1e1', url], /Expected an integer/],
      ['get', ['--threads', '1.5', url], /Expected an integer/],
      ['get', ['--on-exists', 'x', url], /one of: fail, overwrite, rename, skip/],
      ['get', ['--__proto__', url], /Unexpected flag/],
      ['get', ['--constructor', url], /Unexpected flag/],
      ['info', ['a', 'b'], /Unexpected argument: b/],
      ['resume', ['--dir', 'x'], /Nonexistent flag: --dir/],
    ];
    for (const [name, words, says] of lines)
      expect(await refusal(name, ...words), words.join(' ')).to.match(says);
  });

  it('no letter and no name means two flags of a command, and each flag says what it is for', () => {
    for (const [command, { flags }] of Object.entries(COMMANDS)) {
      const names = Object.entries(flags).flatMap(([name, flag]) => {
        const { char, aliases = [] } = flag as { char?: string; aliases?: string[] };
        return [name, ...aliases, ...(char === undefined ? [] : [char])];
      });
      expect(new Set(names).size, command).to.equal(names.length);
      for (const [name, { description, hidden }] of Object.entries(flags))
        expect(hidden === true || description, `${command} --${name}`).to.be.ok;
    }
  });
});
