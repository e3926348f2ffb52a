import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
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
  findReceipt,
  hashUrl,
  MAX_RECEIPTS,
  receiptsDirectory,
  writeReceipt,
} from '../../../src/disk/receipts.js';
import { onWithout } from '../../../src/disk/without.js';
import { temporaryDirectory } from './files.js';

const FACTS = {
  url: 'https://files.example/big.iso?X-Signature=canary',
  validators: { etag: '"a"' },
  digests: { sha256: 'ab12' },
  bootId: null,
  synced: true,
};

describe('disk/receipts', () => {
  const at = temporaryDirectory();
  const env = (): Record<string, string> => ({ SLUICE_STATE_DIR: at('state') });
  const only = (): string =>
    path.join(at('state/finished'), readdirSync(at('state/finished'))[0] as string);

  it('gives a receipt back while the file is the same', () => {
    writeFileSync(at('big.iso'), 'data');
    expect(findReceipt(at('big.iso'), env())).to.equal(null);
    expect(writeReceipt(at('big.iso'), FACTS, env())).to.equal(true);
    const receipt = findReceipt(at('big.iso'), env());
    expect(receipt).to.deep.include({
      size: 4,
      validators: FACTS.validators,
      digests: FACTS.digests,
      synced: true,
      urlSha256: hashUrl(FACTS.url),
    });
    symlinkSync(at(), at('way'));
    expect(findReceipt(at('way/big.iso'), env())).to.deep.equal(receipt);
    expect(findReceipt(at('other.iso'), env())).to.equal(null);
  });

  it('gives none when the file was changed, touched, replaced or removed', () => {
    const file = at('big.iso');
    const changes = [
      (): void => writeFileSync(file, 'x', { flag: 'a' }),
      (): void => utimesSync(file, 1, 1),
      (): void => symlinkSync(file, at('link')),
    ];
    for (const change of changes) {
      writeFileSync(file, 'data');
      writeReceipt(file, FACTS, env());
      expect(findReceipt(file, env())).not.to.equal(null);
      change();
      expect(findReceipt(change === changes[2] ? at('link') : file, env())).to.equal(null);
    }
  });

  it('P12: holds no URL and is for its owner only', () => {
    const before = process.umask(0);
    try {
      writeFileSync(at('big.iso'), 'data');
      writeReceipt(at('big.iso'), FACTS, env());
    } finally {
      process.umask(before);
    }
    expect(readFileSync(only(), 'latin1')).not.to.match(/canary|files\.example/);
    expect(statSync(only()).mode & 0o777).to.equal(0o600);
    expect(statSync(at('state/finished')).mode & 0o777).to.equal(0o700);
  });

  it('believes no receipt that anyone could have written', () => {
    writeFileSync(at('big.iso'), 'data');
    writeReceipt(at('big.iso'), FACTS, env());
    const good = JSON.parse(readFileSync(only(), 'utf8')) as Record<string, unknown>;
    for (const field of Object.keys(good)) {
      for (const value of [undefined, [], { x: 1 }, -0.5]) {
        if (field === 'validators' && value !== undefined) continue;
        writeFileSync(only(), JSON.stringify({ ...good, [field]: value }));
        expect(findReceipt(at('big.iso'), env()), `${field}: ${JSON.stringify(value)}`).to.equal(
          null,
        );
      }
    }
    const text = JSON.stringify(good);
    const most = 64 * 1024;
    for (const damaged of ['', '{', 'null', '[]', ' '.repeat(100_000), text.padEnd(most + 1)]) {
      writeFileSync(only(), damaged);
      expect(findReceipt(at('big.iso'), env())).to.equal(null);
    }
    writeFileSync(only(), text.padEnd(most));
    expect(findReceipt(at('big.iso'), env())).not.to.equal(null);
  });

  it('keeps a bounded number, the newest', () => {
    writeFileSync(at('big.iso'), 'data');
    const named = (number: number): string => `${hashUrl(String(number))}.json`;
    mkdirSync(at('state/finished'), { recursive: true });
    for (let number = 0; number < MAX_RECEIPTS + 3; number += 1) {
      const file = at(`state/finished/${named(number)}`);
      writeFileSync(file, '{}');
      utimesSync(file, 1000 + number, 1000 + number);
    }
    writeReceipt(at('big.iso'), FACTS, env());
    const left = new Set(readdirSync(at('state/finished')));
    expect(left.size).to.equal(MAX_RECEIPTS);
    for (const gone of [0, 1, 2, 3]) expect(left.has(named(gone))).to.equal(false);
    expect(left.has(named(4))).to.equal(true);
    expect(findReceipt(at('big.iso'), env())).not.to.equal(null);
  });

  it('P25: whatever else lies in the directory stays, and is not counted', () => {
    writeFileSync(at('big.iso'), 'data');
    mkdirSync(at('state/finished'), { recursive: true });
    const hex = 'a'.repeat(64);
    const films = Array.from({ length: MAX_RECEIPTS + 5 }, (_, number) => `film ${number}.mkv`);
    const alike = [hex, `${hex}.JSON`, `${hex}.json.bak`, `0${hex}.json`, `${hex}.json.0~`];
    for (const name of [...films, ...alike]) {
      writeFileSync(at(`state/finished/${name}`), 'a film');
      utimesSync(at(`state/finished/${name}`), 1, 1);
    }
    mkdirSync(at(`state/finished/${'b'.repeat(64)}.json`));
    symlinkSync('/etc/passwd', at(`state/finished/${'c'.repeat(64)}.json`));
    expect(writeReceipt(at('big.iso'), FACTS, env())).to.equal(true);
    const left = readdirSync(at('state/finished'));
    expect(left).to.include.members([...films, ...alike]);
    expect(left.length).to.equal(films.length + alike.length + 3);
  });

  it('what an interrupted writing left goes with the oldest', () => {
    writeFileSync(at('big.iso'), 'data');
    const file = at(`state/finished/${'a'.repeat(64)}.json.${'0'.repeat(12)}~`);
    mkdirSync(at('state/finished'), { recursive: true });
    writeFileSync(file, '{');
    utimesSync(file, 1, 1);
    for (let number = 0; number < MAX_RECEIPTS - 1; number += 1)
      writeFileSync(at(`state/finished/${hashUrl(String(number))}.json`), '{}');
    writeReceipt(at('big.iso'), FACTS, env());
    expect(existsSync(file)).to.equal(false);
    expect(readdirSync(at('state/finished')).length).to.equal(MAX_RECEIPTS);
  });

  it('P25: a directory that is not ours alone is done without, and that is told once', () => {
    writeFileSync(at('big.iso'), 'data');
    const told: string[] = [];
    const off = onWithout(({ directory, reason }) => {
      if (directory.startsWith(at())) told.push(reason);
    });
    mkdirSync(at('open/finished'), { recursive: true });
    const open = { SLUICE_STATE_DIR: at('open') };
    expect(writeReceipt(at('big.iso'), FACTS, open)).to.equal(true);
    for (let time = 0; time < 2; time += 1) {
      chmodSync(at('open'), 0o777);
      expect(findReceipt(at('big.iso'), open)).to.equal(null);
      expect(writeReceipt(at('big.iso'), FACTS, open)).to.equal(false);
    }
    chmodSync(at('open'), 0o700);
    expect(findReceipt(at('big.iso'), open)).not.to.equal(null);
    off();
    expect(told).to.deep.equal([`others may write to ${at('open')} (chmod go-w takes that away)`]);
    const later: string[] = [];
    onWithout(({ reason }) => later.push(reason))();
    expect(later, 'so far').to.include.members(told);
  });

  it('P25: looks again at a directory that it has open: it may be gone, moved or open to others', () => {
    const directory = at('state/finished');
    const kept = (): boolean => writeReceipt(at('a'), FACTS, env());
    writeFileSync(at('a'), 'a');
    expect(kept()).to.equal(true);
    rmSync(directory, { recursive: true });
    expect(kept()).to.equal(true);
    expect(readdirSync(directory).length, 'made anew').to.equal(1);
    renameSync(directory, at('moved'));
    mkdirSync(directory, { mode: 0o700 });
    expect(findReceipt(at('a'), env()), 'not the one that was moved').to.equal(null);
    chmodSync(directory, 0o777);
    expect(kept()).to.equal(false);
    expect(readdirSync(directory)).to.deep.equal([]);
    rmSync(directory, { recursive: true });
    symlinkSync(at('moved'), directory);
    expect(kept()).to.equal(false);
    expect(findReceipt(at('a'), env())).to.equal(null);
  });

  it('does without when nothing can be kept', () => {
    writeFileSync(at('state'), 'a file where the directory should be');
    writeFileSync(at('big.iso'), 'data');
    expect(writeReceipt(at('big.iso'), FACTS, env())).to.equal(false);
    expect(findReceipt(at('big.iso'), env())).to.equal(null);
    expect(writeReceipt(at('none'), FACTS, { SLUICE_STATE_DIR: at('s2') })).to.equal(false);
  });

  it('follows the environment', () => {
    expect(receiptsDirectory({ SLUICE_STATE_DIR: '/s', XDG_STATE_HOME: '/x' })).to.equal(
      '/s/finished',
    );
    expect(receiptsDirectory({ XDG_STATE_HOME: '/x' })).to.equal('/x/sluice/finished');
    const home = path.join(os.homedir(), '.local/state/sluice/finished');
    expect(receiptsDirectory({ XDG_STATE_HOME: 'relative' })).to.equal(home);
    expect(receiptsDirectory({})).to.equal(home);
  });
});
