import { parse } from '@oclif/core/parser';
import { expect } from 'chai';
import fc from 'fast-check';
import { getArgs, getFlags, infoArgs, infoFlags } from '../../../src/cli/flag-table.js';
import { oclifArgs, oclifFlags } from '../../../src/cli/oclif.js';
import { parsePlain, type PlainParse } from '../../../src/cli/plain.js';

const GET = { flags: getFlags, args: getArgs };
const INFO = { flags: infoFlags, args: infoArgs };

/** What oclif makes of the words, or null when it complains. */
async function byOclif(words: string[], { flags, args }: typeof GET | typeof INFO) {
  try {
    const result = await parse(words, {
      flags: oclifFlags(flags),
      args: oclifArgs(args),
      strict: !args.many,
    });
    return { flags: { ...result.flags }, argv: result.argv as string[] };
  } catch {
    return null;
  }
}

/** Its order of arguments is not kept when one is also a flag's value. */
const sorted = ({ flags, argv }: PlainParse): PlainParse => ({ flags, argv: argv.toSorted() });

const url = 'http://h.test/f';
const value = fc.constantFrom('x', '4', '0', '65', '007', '-1', '1e3', '', 'auto', 'skip', '-o');
const flag = fc.constantFrom(
  ...[...Object.keys(getFlags), 'num-connections', 'no-json', 'nope', 'help'].map((n) => `--${n}`),
  ...['-n', '-o', '-d', '-H', '-q', '-v', '-k', '-u', '-x', '-'],
);
const word = fc.oneof(
  flag,
  value,
  fc.tuple(flag, fc.constantFrom('=', ''), value).map((parts) => parts.join('')),
  fc.constantFrom('-qv', '-qvn4', '-vqo=f', '-kx', '--', url, 'a b', '--output=a=b'),
);
const env = fc.record(
  {
    SLUICE_THREADS: fc.constantFrom('2', '99', 'x', ''),
    SLUICE_ON_EXISTS: fc.constantFrom('skip', 'never', ''),
    SLUICE_DIR: fc.constantFrom('d', '-d'),
  },
  { requiredKeys: [] },
);

/** Runs `check` with the variables in the environment, where oclif looks for them. */
async function withEnv<T>(vars: Record<string, string>, check: () => Promise<T>): Promise<T> {
  Object.assign(process.env, vars);
  try {
    return await check();
  } finally {
    for (const name of Object.keys(vars)) delete process.env[name];
  }
}

describe('cli/plain', () => {
  for (const [name, command] of Object.entries({ GET, INFO })) {
    it(`${name}: what it understands is what oclif understands`, async () => {
      const words = fc.array(word, { maxLength: 6 });
      let understood = 0;
      const property = fc.asyncProperty(words, env, (list, vars) =>
        withEnv(vars, async () => {
          const plain = parsePlain(list, command, vars);
          if (plain === null) return;
          understood++;
          const oclif = await byOclif(list, command);
          expect(oclif, 'oclif takes it too').not.to.equal(null);
          expect(sorted(plain)).to.deep.equal(sorted(oclif as PlainParse));
        }),
      );
      await fc.assert(property, { numRuns: 1500 });
      expect(understood).to.be.greaterThan(20);
    });
  }

  it('understands the common command lines', () => {
    const lines: Array<[string[], Record<string, unknown>, string[]]> = [
      [[url], {}, [url]],
      [['-n', '16', '-o', 'f', url], { connections: '16', output: 'f' }, [url]],
      [['--url', url, '--output', 'f', '--num-connections', '4'], { connections: '4' }, []],
      [['-qn4', '--json', url, url], { quiet: true, connections: '4', json: true }, [url, url]],
      [['-H', 'A: b', '--header=C: d', url], { header: ['A: b', 'C: d'] }, [url]],
      [['--retries=0', '--', '-f'], { retries: 0 }, ['-f']],
    ];
    for (const [words, flags, argv] of lines) {
      const parsed = parsePlain(words, GET, {});
      expect(parsed?.argv, words.join(' ')).to.deep.equal(argv);
      expect(parsed?.flags, words.join(' ')).to.deep.include(flags);
    }
  });

  it('gives a value to every flag that has a default, and false to what is not set', () => {
    expect(parsePlain([url], GET, { SLUICE_DIR: 'd' })?.flags).to.deep.equal({
      dir: 'd',
      'on-exists': 'fail',
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
      quiet: false,
      verbose: false,
      'no-progress': false,
    });
  });

  it('leaves mistakes and help to oclif', () => {
    const lines = [
      ['--help'],
      ['--nope', url],
      ['-o'],
      ['-o', 'a', '-o', 'b', url],
      ['--on-exists', 'never', url],
      ['--threads', '0', url],
      ['--json=yes', url],
      ['-o', '--json', url],
    ];
    for (const words of lines) expect(parsePlain(words, GET, {}), words.join(' ')).to.equal(null);
    expect(parsePlain([], INFO, {})).to.equal(null);
    expect(parsePlain(['a', 'b'], INFO, {})).to.equal(null);
  });
});
