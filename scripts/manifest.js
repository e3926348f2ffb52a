// Writes oclif.manifest.json, from which help is printed without loading a command.
// With --check it writes nothing, and fails when the file is not what it would write.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Plugin } from '@oclif/core/config';

const root = fileURLToPath(new URL('..', import.meta.url));
const file = `${root}oclif.manifest.json`;

const plugin = new Plugin({
  root,
  type: 'core',
  ignoreManifest: true,
  respectNoCacheDefault: true,
});
await plugin.load();
const text = `${JSON.stringify(plugin.manifest, null, 2)}\n`;

if (!process.argv.includes('--check')) {
  writeFileSync(file, text);
} else if (readFileSync(file, 'utf8') !== text) {
  console.error('oclif.manifest.json is not current: run `npm run build` and commit it');
  process.exitCode = 1;
}
