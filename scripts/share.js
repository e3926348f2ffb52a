// Writes dist/share: the man pages, and what shells complete by, both made from the table of flags.
import { fileURLToPath } from 'node:url';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { completion } from '../dist/src/cli/manual/completion.js';
import { manPages } from '../dist/src/cli/manual/man.js';
import { COMMANDS } from '../dist/src/commands/index.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version, oclif } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

/** What each file is called where its reader looks for it. */
const files = {
  'completion/sluice.bash': completion('bash', COMMANDS),
  'completion/_sluice': completion('zsh', COMMANDS),
  'completion/sluice.fish': completion('fish', COMMANDS),
};
for (const [name, page] of Object.entries(manPages(COMMANDS, oclif.description, version)))
  files[`man/man1/${name}`] = page;

const share = path.join(root, 'dist', 'share');
rmSync(share, { recursive: true, force: true });
for (const [name, text] of Object.entries(files)) {
  const file = path.join(share, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}
