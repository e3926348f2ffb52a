import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { bootId } from '../../../src/disk/boot.js';
import {
  inspectTarget,
  journalPath,
  MAX_NAME_BYTES,
  partPath,
  resolveOutput,
  targetOf,
} from '../../../src/disk/target.js';
import { expectCode, failure, temporaryDirectory } from './files.js';

describe('disk/target', () => {
  const at = temporaryDirectory();

  it('P13: tells what a path names without following it', () => {
    writeFileSync(at('file'), 'abc');
    symlinkSync(at('file'), at('link'));
    mkdirSync(at('directory'));
    execFileSync('mkfifo', [at('fifo')]);
    const kinds = ['none', 'file', 'link', 'directory', 'fifo'].map((n) => inspectTarget(at(n)));
    expect(kinds.map(({ kind }) => kind)).to.deep.equal([
      'absent',
      'file',
      'symlink',
      'directory',
      'other',
    ]);
    const stats = statSync(at('file'), { bigint: true });
    expect(kinds[1]).to.deep.include({
      size: 3,
      nlink: 1,
      mtimeNs: String(stats.mtimeNs),
      ino: String(stats.ino),
      dev: String(stats.dev),
    });
  });

  it('joins names to the directory that the user chose, and creates it', () => {
    expect(resolveOutput({ dir: at('a/b'), name: 'x.iso' })).to.equal(at('a/b/x.iso'));
    expect(statSync(at('a/b')).isDirectory()).to.equal(true);
    expect(resolveOutput({ name: 'x.iso' })).to.equal('x.iso');
    expect(resolveOutput({ dir: at(), output: 'c/d/y', name: 'x' })).to.equal(at('c/d/y'));
    expect(statSync(at('c/d')).isDirectory()).to.equal(true);
    expect(resolveOutput({ dir: at('z'), output: at('e/y'), name: 'x' })).to.equal(at('e/y'));
    expect(resolveOutput({ output: at('e/y\\z'), name: 'x' })).to.equal(at('e/y\\z'));
    expect(resolveOutput({ dir: at('a'), output: '../up', name: 'x' })).to.equal(at('up'));
  });

  it('P13: no name from a server leaves the directory', async () => {
    mkdirSync(at('in'));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.constantFrom('', '.', '..', '../x', '/etc/passwd', 'a/..', 'a\\b', 'x\0', '..\\x'),
        ),
        (name) => {
          try {
            const target = resolveOutput({ dir: at('in'), name });
            expect(path.dirname(target)).to.equal(at('in'));
            expect(path.basename(target)).to.equal(name);
          } catch (thrown) {
            expect((thrown as { code?: string }).code).to.equal('TARGET_UNSAFE');
          }
        },
      ),
    );
    for (const name of ['', '.', '..', '../x', '/x', 'a/b', 'a\\b', 'x\0']) {
      await expectCode('TARGET_UNSAFE', () => resolveOutput({ dir: at('in'), name }));
    }
  });

  it('P13: shortens a long name so that its part and its journal fit', () => {
    const target = resolveOutput({ dir: at(), name: `${'\u{1f4be}'.repeat(100)}.iso` });
    const name = path.basename(target);
    expect(Buffer.byteLength(name)).to.be.within(MAX_NAME_BYTES - 4, MAX_NAME_BYTES);
    expect(name).to.match(/^\u{1f4be}+\.iso$/u);
    writeFileSync(`${journalPath(target)}~`, '');
    writeFileSync(partPath(target), '');
    const tail = resolveOutput({ dir: at(), name: `a.${'x'.repeat(300)}` });
    expect(path.basename(tail).length).to.equal(MAX_NAME_BYTES);
  });

  it('refuses paths that are no file names', async () => {
    for (const output of ['', 'a/', '.', '..', 'a/..', 'x\0y', 'n'.repeat(MAX_NAME_BYTES + 1)]) {
      const error = await failure(() => resolveOutput({ dir: at(), output, name: 'x' }));
      expect(error.code, output).to.equal('USAGE');
    }
    await expectCode('USAGE', () => resolveOutput({ dir: 'a\0b', name: 'x' }));
    writeFileSync(at('file'), 'old');
    await failure(() => resolveOutput({ dir: at('file'), name: 'x' }));
    expect(readFileSync(at('file'), 'latin1')).to.equal('old');
  });

  it('finds the target of a final path, a part and a journal', () => {
    expect(targetOf(partPath('d/x.iso'))).to.equal('d/x.iso');
    expect(targetOf(journalPath('d/x.iso'))).to.equal('d/x.iso');
    expect(targetOf('d/x.iso')).to.equal('d/x.iso');
    expect(targetOf('d/.part')).to.equal('d/.part');
    writeFileSync(at('film.part.sluice'), '');
    expect(targetOf(at('film.part'))).to.equal(at('film.part'));
    expect(targetOf(at('film.part.part'))).to.equal(at('film.part'));
  });

  it('knows this boot', function () {
    if (process.platform !== 'linux') return this.skip();
    expect(bootId()).to.match(/^[0-9a-f-]{36}$/);
    expect(bootId()).to.equal(bootId());
  });
});
