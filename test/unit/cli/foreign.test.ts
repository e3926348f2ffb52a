import { expect } from 'chai';
import { meantBy } from '../../../src/cli/foreign.js';
import Get from '../../../src/commands/get.js';

const names = Object.keys(Get.flags);

describe('cli/foreign', () => {
  it('explains the letters of curl, wget and aria2 that sluice does not have', () => {
    for (const flag of ['-O', '-s', '-C', '-P', '-z', '-t', '-V'])
      expect(meantBy(flag, names), flag).to.match(/`|Leave it out/);
  });

  it('says the nearest name of a mistyped flag, and nothing where none is near', () => {
    expect(meantBy('--conections', names)).to.equal('Did you mean `--connections`?');
    expect(meantBy('--chekcsum', names)).to.equal('Did you mean `--checksum`?');
    expect(meantBy('--wxyzabcdef', names)).to.equal(null);
    expect(meantBy('--__proto__', names)).to.equal(null);
  });

  it('names no flag that get does not have', () => {
    const letters = Object.values(Get.flags).map(({ char }) => char);
    const flags = [
      '-O',
      '-s',
      '-C',
      '-P',
      '-z',
      '-t',
      '-f',
      '-T',
      '-m',
      '-r',
      '--split',
      '--retry',
    ];
    for (const flag of flags) {
      const text = meantBy(flag, names) ?? '';
      for (const [, code = ''] of text.matchAll(/`(-[^`]*)`/g)) {
        const [name = ''] = code.split(' ');
        const known = name.startsWith('--')
          ? names.includes(name.slice(2))
          : letters.includes(name[1] as never);
        expect(known, `${flag}: ${name}`).to.equal(true);
      }
    }
  });
});
