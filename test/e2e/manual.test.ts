/** Man pages, completion and topics of help: made from the table of flags, and read by who will read them. */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { completion } from '../../src/cli/manual/completion.js';
import { manPages } from '../../src/cli/manual/man.js';
import { SHELLS } from '../../src/cli/manual/shells.js';
import { flagRows } from '../../src/cli/manual/table.js';
import { TOPICS, topicLines, variables } from '../../src/cli/topics.js';
import { COMMANDS } from '../../src/commands/index.js';
import { expectStatus, runIn } from '../helpers/command.js';
import { tempDirPerTest } from '../helpers/files.js';
import { findProgram } from '../helpers/real-server.js';
import { CHECKOUT } from '../helpers/run-sluice.js';

const SHARE = path.join(CHECKOUT, 'dist', 'share');
const FILE_NAMES = { bash: 'sluice.bash', zsh: '_sluice', fish: 'sluice.fish' } as const;
const script = (shell: keyof typeof FILE_NAMES): string =>
  path.join(SHARE, 'completion', FILE_NAMES[shell]);

/** Without the program its tests are left out with a notice; under CI they fail. */
function requireProgram(context: Mocha.Context, name: string): void {
  if (findProgram(name) !== null) return;
  if (process.env['CI']) throw new Error(`${name} is missing, and under CI it must be there`);
  process.stderr.write(`left out: ${name} is not installed\n`);
  context.skip();
}

/** What a program prints; it must say nothing else, and end well. */
function output(program: string, args: string[], env: NodeJS.ProcessEnv = process.env): string {
  const { stdout, stderr, status } = spawnSync(program, args, {
    encoding: 'utf8',
    env,
    timeout: 60_000,
  });
  expect({ stderr, status }, `${program}\n${stdout}`).deep.equal({ stderr: '', status: 0 });
  return stdout;
}

describe('e2e: the manual', () => {
  const dir = tempDirPerTest();

  it('the build has made all of it from the flags of now, and the package names the pages', () => {
    const { version, oclif, man } = JSON.parse(
      readFileSync(path.join(CHECKOUT, 'package.json'), 'utf8'),
    ) as { version: string; oclif: { description: string }; man: string[] };
    for (const shell of SHELLS)
      expect(readFileSync(script(shell), 'utf8')).equal(completion(shell, COMMANDS));
    const pages = manPages(COMMANDS, oclif.description, version);
    const at = path.join(SHARE, 'man', 'man1');
    expect(readdirSync(at).sort()).deep.equal(Object.keys(pages).sort());
    for (const [name, text] of Object.entries(pages))
      expect(readFileSync(path.join(at, name), 'utf8')).equal(text);
    expect(man.map((file) => path.basename(file)).sort()).deep.equal(Object.keys(pages).sort());
  });

  it('mandoc finds nothing to warn of in the pages, and shows every flag', function () {
    requireProgram(this, 'mandoc');
    const at = path.join(SHARE, 'man', 'man1');
    for (const page of readdirSync(at))
      output('mandoc', ['-Tlint', '-Wwarning', path.join(at, page)]);
    for (const [name, { flags }] of Object.entries(COMMANDS)) {
      const shown = output('mandoc', [
        '-Tascii',
        '-Owidth=400',
        path.join(at, `sluice-${name}.1`),
      ]).replace(/.\x08/g, '');
      for (const row of flagRows(flags)) expect(shown, name).contain(`--${row.name}`);
    }
  });

  it('an example is one command: help would make one of two lines', () => {
    for (const [name, { examples }] of Object.entries(COMMANDS))
      for (const each of examples)
        expect(typeof each === 'string' ? each : each.command, name).not.contain('\n');
  });

  it('bash completes commands, flags and values', function () {
    requireProgram(this, 'bash');
    writeFileSync(path.join(dir(), 'some.iso'), '');
    const cases: Array<[words: string[], completed: string]> = [
      [['sluice', 're'], 'resume'],
      [['sluice', 'get', '--limit-r'], '--limit-rate'],
      [['sluice', 'https://h/', '--sync', 'f'], 'full'],
      [['sluice', 'get', '--sync', '=', 'f'], 'full'],
      [['sluice', 'get', '--no-net'], '--no-netrc'],
      [['sluice', 'resume', 'some'], 'some.iso'],
      [['sluice', 'get', '-b', 'some'], 'some.iso'],
      [['sluice', 'help', 'env'], 'environment'],
      [['sluice', 'completion', 'z'], 'zsh'],
      [['sluice', 'get', '-o', '--lim'], ''],
    ];
    const lines = cases.map(
      ([
        words,
      ]) => `COMP_WORDS=(${words.map((each) => `'${each}'`).join(' ')}); COMP_CWORD=${words.length - 1}
      _sluice; echo "\${COMPREPLY[*]}"`,
    );
    // compopt speaks of a completion that runs; here the function is called by itself.
    const text = `cd '${dir()}'; source '${script('bash')}'; compopt() { :; }; ${lines.join('\n')}`;
    expect(output('bash', ['--norc', '-c', text]).split('\n').slice(0, -1)).deep.equal(
      cases.map(([, completed]) => completed),
    );
  });

  it('bash completes as it is typed', function () {
    requireProgram(this, 'bash');
    requireProgram(this, 'script');
    const typed = `source '${script('bash')}'\nsluice() { echo "got $*"; }\nsluice get --limit-r\t5M\nexit\n`;
    const { stdout } = spawnSync('script', ['-qec', 'bash --norc --noprofile -i', '/dev/null'], {
      input: typed,
      encoding: 'utf8',
      env: { ...process.env, PS1: '', HISTFILE: '', HOME: dir(), TERM: 'dumb' },
      timeout: 60_000,
    });
    expect(stdout).contain('got get --limit-rate 5M');
  });

  it('fish completes commands, flags and values', function () {
    requireProgram(this, 'fish');
    const cases: Array<[line: string, completed: string]> = [
      ['sluice re', 'resume'],
      ['sluice get --limit-r', '--limit-rate'],
      ['sluice https://h/ --limit-r', '--limit-rate'],
      ['sluice resume --ins', '--insecure --insist'],
      ['sluice get --sync f', 'full'],
      ['sluice completion z', 'zsh'],
    ];
    const asked = cases.map(
      ([line]) => `complete -C '${line}' | string replace -r '\\t.*' '' | string join ' '`,
    );
    const env = { ...process.env, HOME: dir(), XDG_CONFIG_HOME: dir(), XDG_DATA_HOME: dir() };
    const text = `source '${script('fish')}'; ${asked.join('; ')}; true`;
    expect(output('fish', ['--no-config', '-c', text], env)).equal(
      cases.map(([, completed]) => `${completed}\n`).join(''),
    );
  });

  it('zsh completes commands and flags', function () {
    requireProgram(this, 'zsh');
    // A pseudo-terminal of zsh's own: its completion works only while a line is typed.
    const text = `zmodload zsh/zpty
      zpty z zsh -f -i
      zpty -w z "PS1=; fpath=(${path.dirname(script('zsh'))} \\$fpath); autoload -Uz compinit; compinit -u -D; sluice() { echo got \\$*; }; echo REA''DY"
      zpty -r z out '*READY*'
      zpty -w -n z $'sluice get --limit-r\\t'
      zpty -r z out '*--limit-rate*'
      zpty -w -n z $'5M\\n'
      zpty -r z out '*got get --limit-rate=5M*'
      zpty -w -n z $'sluice resu\\t'
      zpty -r z out '*resume*'
      zpty -d z; echo done`;
    const env = { ...process.env, HOME: dir(), TERM: 'dumb' };
    expect(output('zsh', ['-f', '-c', text], env)).equal('done\n');
  });

  it('the command prints both, and every topic', async () => {
    const printed = await runIn(dir(), ['completion', 'fish']);
    expectStatus(printed, 0);
    expect(printed.stdout).equal(completion('fish', COMMANDS));
    expectStatus(await runIn(dir(), ['completion', 'tcsh']), 2);
    const help = await runIn(dir(), ['help']);
    for (const topic of Object.keys(TOPICS)) expect(help.stdout).contain(`  ${topic} `);
    const told = await runIn(dir(), ['help', 'environment']);
    expect(told.stdout).equal(
      topicLines('environment', COMMANDS)
        .map((line) => `${line}\n`)
        .join(''),
    );
    for (const [name] of variables(COMMANDS)) expect(told.stdout).contain(name);
    const unknown = await runIn(dir(), ['help', 'enviroment']);
    expectStatus(unknown, 2);
    expect(unknown.stderr).contain('sluice help environment');
  });
});
