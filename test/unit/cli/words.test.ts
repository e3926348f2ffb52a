import { expect } from 'chai';
import fc from 'fast-check';
import { noSuchCommand, readOrder, type Order } from '../../../src/cli/words.js';

const COMMANDS = ['get', 'resume', 'info'];
const URL = 'http://h.test/f';

const run = (command: string, ...words: string[]): Order => ({ kind: 'run', command, words });
const help = (command: string | null): Order => ({ kind: 'help', command });
const unknown = (word: string): Order => ({ kind: 'unknown', word });

describe('cli/words', () => {
  it('finds the command, the help and what is neither', () => {
    const lines: Array<[string, Order]> = [
      ['', help(null)],
      ['help', help(null)],
      ['-h', help(null)],
      ['--help get', help('get')],
      ['help --help info', help('info')],
      ['help gte', unknown('gte')],
      ['help --bearer canary', help(null)],
      ['--help -u canary:canary get', help(null)],
      [`get ${URL} -n 4`, run('get', URL, '-n', '4')],
      ['get', run('get')],
      [`get ${URL} -h`, help('get')],
      ['resume --all --help', help('resume')],
      ['get -- --help', run('get', '--', '--help')],
      [URL, run('get', URL)],
      ['FTP://h.test/', run('get', 'FTP://h.test/')],
      [`-n 4 ${URL}`, run('get', '-n', '4', URL)],
      ['--json', run('get', '--json')],
      [`${URL} --help`, help('get')],
      ['gte --help', unknown('gte')],
      ['h.test/f', run('get', 'h.test/f')],
      ['me:secret@h.test', run('get', 'me:secret@h.test')],
      ['me@h', unknown('me@h')],
      ['Get', unknown('Get')],
    ];
    for (const [line, order] of lines)
      expect(readOrder(line === '' ? [] : line.split(' '), COMMANDS), line).deep.equal(order);
  });

  it('says the nearest name of a mistyped one', () => {
    const near: Record<string, string | null> = {
      gte: 'get',
      gett: 'get',
      GET: 'get',
      got: 'get',
      resum: 'resume',
      reusme: 'resume',
      continue: null,
      inof: 'info',
      'in-fo': 'info',
      hlep: 'help',
      vesrion: 'version',
      download: null,
      x: null,
    };
    for (const [word, name] of Object.entries(near)) {
      const error = noSuchCommand(word, COMMANDS);
      expect(error.exitStatus).equal(2);
      expect(error.message).equal(`there is no command ${word}`);
      const said = /Did you mean `sluice (\w+)`/.exec(error.details.next ?? '')?.[1] ?? null;
      expect(said, word).equal(name);
    }
  });

  it('P12: repeats nothing that may be a URL with a secret in it', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const word = `me:canary${text}@host`;
        const { message, details } = noSuchCommand(word, COMMANDS);
        expect(message + details.next).not.contain('canary');
      }),
    );
  });
});
