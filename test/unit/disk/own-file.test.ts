/** Files beside a target that are not ours alone. As a normal user, /etc/passwd is another user's file. */
import { expect } from 'chai';
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { SluiceError } from '../../../src/errors.js';
import { Journal, readJournal } from '../../../src/disk/journal.js';
import { requireOurs } from '../../../src/disk/own-file.js';
import { PartFile } from '../../../src/disk/part-file.js';
import { publish, publishedName, releaseClaim } from '../../../src/disk/publish.js';
import { discard, removePart, removeTrace } from '../../../src/disk/remove.js';
import { shellCommand, shellWord } from '../../../src/disk/shell.js';
import { showText } from '../../../src/http/redact.js';
import { isRoot, requireRoot } from '../../helpers/command.js';
import { give, MALLORY } from '../../helpers/users.js';
import { expectCode, someIdentity, temporaryDirectory } from './files.js';

describe('disk/own-file', () => {
  const at = temporaryDirectory();

  /** A file of another user: made, where we may, or one that there is. */
  function foreignFile(name: string): string {
    if (!isRoot) return '/etc/passwd';
    writeFileSync(at(name), 'theirs', { mode: 0o644 });
    give(at(name), MALLORY);
    return at(name);
  }

  it("P25: another user's part and journal are refused, and the error says whose they are", async () => {
    const owner = isRoot ? `the user with uid ${MALLORY}` : 'root (uid 0)';
    for (const use of [
      () => PartFile.open(foreignFile('x.part')),
      () => readJournal(foreignFile('x.sluice')),
      () => PartFile.create(foreignFile('x.part')),
      () => Journal.create(foreignFile('x.sluice'), someIdentity()),
    ]) {
      const { message, exitStatus } = await expectCode('TARGET_FOREIGN', use);
      expect(exitStatus).to.equal(11);
      expect(message).to.contain(`belongs to ${owner}`);
    }
  });

  it('P25: a part or a journal that others may write to is refused', async () => {
    PartFile.create(at('x.part')).close();
    await (await Journal.create(at('x.sluice'), someIdentity())).close();
    for (const mode of [0o620, 0o602, 0o666]) {
      for (const [file, use] of [
        [at('x.part'), () => PartFile.open(at('x.part'))],
        [at('x.sluice'), () => readJournal(at('x.sluice'))],
      ] as const) {
        chmodSync(file, mode);
        const { message, details } = await expectCode('TARGET_FOREIGN', use);
        expect(message).to.contain(`its mode is 0${mode.toString(8)}`);
        // What it says to do does it.
        const [, command = ''] = /: `(chmod [^`]*)`/.exec(details.next ?? '') ?? [];
        execFileSync('sh', ['-c', command]);
        expect(statSync(file).mode & 0o022).to.equal(0);
        use();
      }
    }
  });

  it('P25: the rule goes by owner and mode, a link has no mode of its own', () => {
    const own = lstatSync(at(), { bigint: true });
    const like = (changes: Partial<{ uid: bigint; mode: bigint }>): typeof own =>
      Object.assign(
        Object.create(Object.getPrototypeOf(own) as object) as typeof own,
        own,
        changes,
      );
    const check = (stats: typeof own) => () => requireOurs(stats, '/d/x.part');
    expect(check(like({ mode: 0o100644n }))).not.to.throw();
    expect(check(like({ mode: 0o100664n }))).to.throw(SluiceError, /0664/);
    expect(check(like({ mode: 0o120777n }))).not.to.throw();
    expect(check(like({ uid: own.uid + 1n, mode: 0o100600n }))).to.throw(SluiceError, /belongs to/);
  });

  it('P25: nothing of another user is removed, whatever is started over', async function () {
    requireRoot(this);
    writeFileSync(at('x.part'), '');
    writeFileSync(at('x.sluice'), '');
    for (const [theirs, ours] of [
      ['x.part', 'x.sluice'],
      ['x.sluice', 'x.part'],
    ] as const) {
      give(at(theirs), MALLORY);
      give(at(ours), 0);
      await expectCode('TARGET_FOREIGN', () => discard(at('x')));
      await expectCode('TARGET_FOREIGN', () => removeTrace(at('x'), { anyPart: true }));
      expect(existsSync(at('x.part')) && existsSync(at('x.sluice'))).to.equal(true);
    }
    give(at('x.part'), 0);
    give(at('x.sluice'), 0);
    // Where a journal would be rewritten.
    writeFileSync(at('x.sluice~'), 'theirs');
    give(at('x.sluice~'), MALLORY);
    removePart(at('x'));
    expect(readFileSync(at('x.sluice~'), 'utf8')).to.equal('theirs');
    const journal = await Journal.create(at('x.sluice'), someIdentity());
    await journal.compact().catch(() => undefined);
    await journal.close();
    expect(readFileSync(at('x.sluice~'), 'utf8')).to.equal('theirs');
    symlinkSync(at('nowhere'), at('y.part'));
    give(at('y.part'), MALLORY);
    await expectCode('TARGET_FOREIGN', () => discard(at('y')));
  });

  it('P25: what another user laid is neither what was published nor an empty claim of ours', function () {
    requireRoot(this);
    const part = PartFile.create(at('x.part'));
    part.setSize(3);
    const { dev, ino } = part.identity();
    const what = { mode: 'fail', size: 3, part: { dev, ino } } as const;
    writeFileSync(at('x'), '');
    give(at('x'), MALLORY);
    releaseClaim(at('x'), what);
    expect(existsSync(at('x')), 'their empty file').to.equal(true);
    give(at('x'), 0);
    releaseClaim(at('x'), what);
    expect(existsSync(at('x')), 'ours').to.equal(false);
    renameSync(at('x.part'), at('x'));
    expect(publishedName(at('x'), what)).to.equal(at('x'));
    give(at('x'), MALLORY);
    expect(publishedName(at('x'), what)).to.equal(null);
    part.close();
  });

  it('P25: it is the file that was opened that counts, however names are exchanged meanwhile', async function () {
    requireRoot(this);
    this.timeout(60_000);
    mkdirSync(at('d'));
    PartFile.create(at('d/ours')).close();
    writeFileSync(at('d/theirs'), 'theirs', { mode: 0o644 });
    give(at('d/theirs'), MALLORY);
    const script = `
      const { renameSync, linkSync, rmSync } = require('node:fs');
      for (;;) for (const name of ['ours', 'theirs']) {
        renameSync(name, 'x.part');
        renameSync('x.part', name);
      }`;
    const swapper = spawn(process.execPath, ['-e', script], { cwd: at('d'), stdio: 'ignore' });
    const seen = { opened: 0, refused: 0, none: 0 };
    try {
      const end = performance.now() + 20_000;
      while (performance.now() < end && (seen.opened < 200 || seen.refused < 200)) {
        try {
          const part = PartFile.open(at('d/x.part'));
          const { uid } = fstatSync(part.fd);
          part.close();
          expect(uid, 'the owner of what is open').to.equal(0);
          seen.opened++;
        } catch (thrown) {
          if (!(thrown instanceof SluiceError)) throw thrown;
          if (thrown.code === 'TARGET_FOREIGN') seen.refused++;
          else seen.none++;
        }
      }
    } finally {
      swapper.kill('SIGKILL');
      await once(swapper, 'close');
    }
    expect(seen.opened, JSON.stringify(seen)).to.be.above(0);
    expect(seen.refused, JSON.stringify(seen)).to.be.above(0);
  });

  it('P25: nobody else may write to a part, and its file has the mode of any other', async () => {
    for (const mask of [0o000, 0o002, 0o022, 0o027, 0o077]) {
      const before = process.umask(mask);
      try {
        writeFileSync(at('plain'), '');
        const part = PartFile.create(at('x.part'));
        expect(statSync(at('x.part')).mode & 0o022, mask.toString(8)).to.equal(0);
        part.close();
        const again = PartFile.open(at('x.part'), part.mode);
        await publish(again, at('x'), 'overwrite');
        again.close();
        expect(statSync(at('x')).mode, mask.toString(8)).to.equal(statSync(at('plain')).mode);
      } finally {
        process.umask(before);
      }
      for (const name of ['plain', 'x']) execFileSync('rm', ['-f', at(name)]);
    }
  });

  it('quotes what a shell would not take as it is', () => {
    expect(shellWord('/d/x-1.iso.part')).to.equal('/d/x-1.iso.part');
    const said = (shell: string, words: string[]): string[] => {
      const line = `printf '%s\\0' ${words.map(shellWord).join(' ')}`;
      return execFileSync(shell, ['-c', line], { encoding: 'utf8' }).split('\0').slice(0, -1);
    };
    const words = ['a b', "it's", '$(x)', '`x`', '*', '', '-rf', 'a\\b', '~', 'é'];
    expect(said('sh', words)).to.deep.equal(words);
    // What a message would show as an escape is written as one, in the way of most shells.
    const strange = ['a\nb', "it's\t1", '\x1b[31m\\', '\x7f9'];
    for (const word of strange) expect(shellWord(word)).to.equal(showText(shellWord(word)));
    expect(said('bash', strange)).to.deep.equal(strange);
    expect(shellCommand('rm -f', '-x', 'a b')).to.equal("`rm -f -- -x 'a b'`");
    expect(shellCommand('rm -f', 'x')).to.equal('`rm -f x`');
  });
});
