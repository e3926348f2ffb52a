/**
 * The rule for directories of ours, on a real disk. As root the tests act as other users too
 * (seteuid); as a normal user those that need a second one are left out.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs, {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { expect } from 'chai';
import { OwnDirectory } from '../../../src/disk/own-directory.js';
import { NotOurs } from '../../../src/disk/ownership.js';
import { temporaryDirectory } from './files.js';

/** Two users without a name here. */
const ALICE = 65_533;
const MALLORY = 65_534;

const isRoot = process.geteuid?.() === 0;

/** Runs `action` as another user; nothing else of this process runs meanwhile. */
function asUser<T>(uid: number, action: () => T): T {
  process.seteuid?.(uid);
  try {
    return action();
  } finally {
    process.seteuid?.(0);
  }
}

/** Why a directory is not taken; null when it is. */
function refusal(directory: string, make = true): string | null {
  try {
    OwnDirectory.open(directory, { make }).close();
    return null;
  } catch (thrown) {
    expect(thrown, String(thrown)).instanceOf(NotOurs);
    return (thrown as NotOurs).message;
  }
}

const openFiles = (): number => readdirSync('/proc/self/fd').length;

describe('disk/own-directory', () => {
  const at = temporaryDirectory();

  /** A directory whose mode no umask changes. */
  function directory(name: string, mode: number, uid?: number): string {
    mkdirSync(at(name));
    chmodSync(at(name), mode);
    if (uid !== undefined) chownSync(at(name), uid, uid);
    return at(name);
  }

  function reading<T>(name: string, action: (own: OwnDirectory) => T): T {
    const own = OwnDirectory.open(at(name), { make: true });
    try {
      return action(own);
    } finally {
      own.close();
    }
  }

  it('makes what is missing for its user alone, and asks for nothing where there is none', () => {
    const before = process.umask(0);
    try {
      expect(refusal(at('a/b/c'))).equal(null);
    } finally {
      process.umask(before);
    }
    for (const name of ['a', 'a/b', 'a/b/c']) expect(statSync(at(name)).mode & 0o777).equal(0o700);
    expect(() => OwnDirectory.open(at('none/a'), { make: false })).throw('ENOENT');
    expect(existsSync(at('none'))).equal(false);
  });

  it('P25: none that others may write to, nor one below such a one', () => {
    for (const mode of [0o770, 0o707, 0o722, 0o1777]) {
      const open = directory(`open-${mode}`, mode);
      expect(refusal(open)).equal(`others may write to ${open} (chmod go-w takes that away)`);
      if (isRoot && mode === 0o1777) continue;
      expect(refusal(`${open}/sluice/origins`)).contain(open);
      expect(readdirSync(open), 'nothing is made there').deep.equal([]);
    }
  });

  it('P25: none through a symbolic link of a user, at the end or on the way', () => {
    directory('real', 0o700);
    for (const [name, rest] of [
      ['last', ''],
      ['way', '/sluice/origins'],
    ] as const) {
      symlinkSync(at('real'), at(name));
      // To root its own links are no danger on the way: here it is another user's.
      if (isRoot && rest !== '') lchownSync(at(name), MALLORY, MALLORY);
      expect(refusal(at(name) + rest)).equal(`${at(name)} is a symbolic link`);
    }
    expect(readdirSync(at('real'))).deep.equal([]);
  });

  it('P25: no file in place of a directory, no loop of links', () => {
    writeFileSync(at('file'), '');
    expect(refusal(at('file'))).equal(`${at('file')} is no directory`);
    expect(refusal(at('file/below'))).equal(`${at('file')} is no directory`);
    symlinkSync('loop', at('loop'));
    expect(refusal(at('loop/below'))).contain('is a symbolic link');
  });

  it('P25: none of root and none at the top for anybody else', function () {
    for (const name of ['/', '/usr', '/tmp', '/tmp/..']) {
      const why = isRoot ? asUser(ALICE, () => refusal(name, false)) : refusal(name, false);
      expect(why, name).match(/belongs to root|others may write|symbolic link/);
    }
  });

  it('P25: as root, none of another user: a HOME that sudo kept', function () {
    if (!isRoot) return this.skip();
    const home = directory('home', 0o755, ALICE);
    expect(refusal(`${home}/.cache/sluice`)).equal(`${home} belongs to user ${ALICE}`);
    expect(refusal(home)).equal(`${home} belongs to user ${ALICE}`);
    expect(readdirSync(home)).deep.equal([]);
    directory('home/.cache', 0o700, 0);
    expect(refusal(`${home}/.cache/sluice`), 'root has one there').contain(`${home} belongs to`);
  });

  it('P25: none that another user made first, nor one that lies in what is another user’s', function () {
    if (!isRoot) return this.skip();
    chmodSync(at(), 0o1777);
    const planted = directory('planted', 0o755, MALLORY);
    directory('hers', 0o700, ALICE);
    asUser(ALICE, () => {
      expect(refusal(at('hers/sluice'))).equal(null);
      expect(refusal(planted)).equal(`${planted} belongs to user ${MALLORY}`);
      expect(refusal(`${planted}/sluice`)).equal(`${planted} belongs to user ${MALLORY}`);
      expect(refusal(at('new/sluice')), 'a sticky directory of root is passed').equal(null);
    });
    chownSync(at('hers/sluice'), 0, 0);
    asUser(ALICE, () => expect(refusal(at('hers/sluice'))).contain('belongs to root'));
    chmodSync(at(), 0o777);
    asUser(ALICE, () => expect(refusal(at('hers'))).contain('others may write'));
  });

  it('P25: a link of root is followed where nobody else may write, and nowhere else', function () {
    if (!isRoot) return this.skip();
    chmodSync(at(), 0o755);
    directory('var', 0o755);
    directory('var/alice', 0o700, ALICE);
    symlinkSync('var', at('link'));
    asUser(ALICE, () => {
      expect(refusal(at('link/alice/sluice'))).equal(null);
      const own = OwnDirectory.open(at('link/alice/sluice'), { make: false });
      expect(own.realPath).equal(at('var/alice/sluice'));
      own.close();
    });
    chmodSync(at(), 0o1777);
    asUser(ALICE, () =>
      expect(refusal(at('link/alice/sluice'))).equal(`${at('link')} is a symbolic link`),
    );
  });

  it('reads and replaces files of ours; nothing is left open', () => {
    reading('own', (own) => {
      own.replace('name', 'name~', 'text');
      expect(own.read('name', 4)).equal('text');
      expect(() => own.read('name', 3)).throw(RangeError);
      expect(() => own.read('none', 3)).throw('ENOENT');
      expect(own.look('name')?.mode).equal(0o100600);
      expect(own.look('none')).equal(null);
      mkdirSync(at('own/taken'));
      expect(() => own.replace('taken', 'taken~', 'text')).throw();
      expect(own.names().sort()).deep.equal(['name', 'taken']);
      own.remove('name');
      own.remove('name');
      expect(own.names()).deep.equal(['taken']);
    });
    if (!existsSync('/proc/self/fd')) return;
    const before = openFiles();
    for (let i = 0; i < 20; i++) {
      refusal(at('own/a/b'));
      refusal(at('own/taken/../../none-of'));
      symlinkSync(at('own'), at(`link-${i}`));
      refusal(at(`link-${i}`));
    }
    expect(openFiles()).equal(before);
  });

  it('P25: no file that is a link, has another name, is another’s, or may be written by others', () => {
    reading('own', (own) => {
      const why = (name: string): string => {
        try {
          return own.read(name, 100);
        } catch (thrown) {
          expect(thrown).instanceOf(NotOurs);
          return (thrown as NotOurs).message.replace(`${at('own')}/`, '');
        }
      };
      writeFileSync(at('elsewhere'), 'canary');
      symlinkSync(at('elsewhere'), at('own/link'));
      expect(why('link')).equal('link is a symbolic link');
      linkSync(at('elsewhere'), at('own/second'));
      expect(why('second')).equal('second has another name as well');
      mkdirSync(at('own/directory'));
      expect(why('directory')).equal('directory is no regular file');
      execFileSync('mkfifo', [at('own/fifo')]);
      expect(why('fifo')).equal('fifo is no regular file');
      writeFileSync(at('own/open'), 'canary');
      chmodSync(at('own/open'), 0o620);
      expect(why('open')).match(/others may write/);
      if (!isRoot) return;
      writeFileSync(at('own/theirs'), 'canary');
      chownSync(at('own/theirs'), MALLORY, MALLORY);
      expect(why('theirs')).equal(`theirs belongs to user ${MALLORY}`);
    });
  });

  it('a file that is replaced once it is open is ours still', () => {
    reading('own', (own) => {
      own.replace('name', 'name~', 'text');
      exchangingAt(
        'openSync',
        1,
        () => unlinkSync(at('own/name')),
        () => expect(own.read('name', 10)).equal('text'),
      );
      expect(own.names()).deep.equal([]);
    });
  });

  it('P25: what was opened stays what it was, whatever its name comes to mean', function () {
    if (!existsSync('/proc/self/fd')) return this.skip();
    directory('target', 0o700);
    writeFileSync(at('target/name'), 'planted');
    reading('own/deep', (own) => {
      own.replace('name', 'name~', 'ours');
      renameSync(at('own'), at('moved'));
      mkdirSync(at('own'));
      symlinkSync(at('target'), at('own/deep'));
      expect(own.read('name', 10)).equal('ours');
      own.replace('name', 'name~', 'again');
      own.remove('other');
      expect(readFileSync(at('moved/deep/name'), 'utf8')).equal('again');
      expect(readFileSync(at('target/name'), 'utf8')).equal('planted');
    });
  });

  /**
   * Runs `action`, and `exchange` after the `nth` call of a function of node:fs in it: the very moment
   * between a look and what follows from it.
   */
  function exchangingAt<T>(
    name: 'lstatSync' | 'fstatSync' | 'openSync',
    nth: number,
    exchange: () => void,
    action: () => T,
  ): T {
    const original = fs[name] as (...args: unknown[]) => unknown;
    const replace = (by: unknown): void => {
      Object.assign(fs, { [name]: by });
      syncBuiltinESMExports();
    };
    let calls = 0;
    replace((...args: unknown[]) => {
      const result = original(...args);
      if ((calls += 1) === nth) exchange();
      return result;
    });
    try {
      return action();
    } finally {
      replace(original);
    }
  }

  it('P25: a directory that is exchanged after any look leads to no other', function () {
    if (!existsSync('/proc/self/fd')) return this.skip();
    const bait = (): void => {
      for (const name of ['own', 'aside']) rmSync(at(name), { recursive: true, force: true });
      mkdirSync(at('own/a/b'), { recursive: true, mode: 0o700 });
      rmSync(at('target'), { recursive: true, force: true });
      mkdirSync(at('target/b'), { recursive: true, mode: 0o700 });
      for (const name of ['target', 'target/b']) writeFileSync(at(`${name}/note`), 'planted');
    };
    const exchanges = {
      // To root its own links on the way are no danger; another user's are.
      link: (victim: string): void => {
        symlinkSync(at('target'), at(victim));
        if (isRoot) lchownSync(at(victim), MALLORY, MALLORY);
      },
      open: (victim: string): void => {
        renameSync(at('target'), at(victim));
        chmodSync(at(victim), 0o777);
      },
    };
    const refused = { link: 0, open: 0 };
    const calls = ['lstatSync', 'fstatSync', 'openSync'] as const;
    const victims = ['own', 'own/a', 'own/a/b'];
    for (const [kind, lay] of Object.entries(exchanges)) {
      for (const [call, victim] of calls.flatMap((each) =>
        victims.map((v) => [each, v] as const),
      )) {
        for (let nth = 1; nth <= 12; nth++) {
          bait();
          const exchange = (): void => {
            renameSync(at(victim), at('aside'));
            lay(victim);
          };
          const read = (): void =>
            reading('own/a/b', (own) => {
              expect(() => own.read('note', 10), `${kind} ${call} ${nth} ${victim}`).throw(
                'ENOENT',
              );
              own.replace('new', 'new~', 'ours');
            });
          try {
            exchangingAt(call, nth, exchange, read);
          } catch (thrown) {
            expect(thrown, String(thrown)).instanceOf(NotOurs);
            refused[kind as keyof typeof exchanges]++;
          }
          const planted = existsSync(at('target')) ? 'target' : victim;
          for (const name of [planted, `${planted}/b`])
            if (existsSync(at(name)) && existsSync(at(`${name}/note`)))
              expect(readdirSync(at(name)), `${kind} ${call} ${nth} ${victim}`).not.contain('new');
        }
      }
    }
    expect(refused.link, 'some of them are seen').above(10);
    expect(refused.open).above(10);
  });

  it('P25: a component that is exchanged all the time is never followed', async function () {
    directory('target', 0o700);
    writeFileSync(at('target/note'), 'planted');
    const script = `
      const fs = require('node:fs');
      const [real, link, name] = process.argv.slice(1);
      fs.mkdirSync(real, { mode: 0o700 });
      console.log('begun');
      for (let i = 0; i < 20000; i++) {
        fs.renameSync(real, name); fs.renameSync(name, real);
        fs.renameSync(link, name); fs.renameSync(name, link);
      }`;
    symlinkSync(at('target'), at('link'));
    if (isRoot) lchownSync(at('link'), MALLORY, MALLORY);
    const args = ['-e', script, at('real'), at('link'), at('cache')];
    const other = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let running = true;
    const over = once(other, 'exit').finally(() => (running = false));
    await once(other.stdout, 'data');
    const seen = { taken: 0, refused: 0, absent: 0 };
    while (running) {
      for (let i = 0; i < 50; i++) {
        try {
          using(at('cache'), (own) => {
            own.replace('new', 'new~', 'ours');
            expect(own.names()).not.contain('note');
          });
          seen.taken++;
        } catch (thrown) {
          if (thrown instanceof NotOurs) seen.refused++;
          else if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') seen.absent++;
          else throw thrown;
        }
      }
      await new Promise((done) => setImmediate(done));
    }
    expect(await over).deep.equal([0, null]);
    expect(readdirSync(at('target'))).deep.equal(['note']);
    expect(seen.taken, 'it was met as it should be').above(0);
    expect(seen.refused + seen.absent, 'and otherwise').above(0);
  });
});

function using(name: string, action: (own: OwnDirectory) => void): void {
  const own = OwnDirectory.open(name, { make: false });
  try {
    action(own);
  } finally {
    own.close();
  }
}
