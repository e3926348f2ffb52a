// The licences of the packages that a bundle has parts of: they ask for their notice wherever their code goes.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const PACKAGE = /^(?:.*node_modules\/)(?:@[^/]+\/)?[^/]+/;

/**
 * @param inputs paths of the modules in a bundle, as esbuild's metafile has them
 * @returns a text, the same whenever they are the same
 */
export function licensesOf(inputs) {
  const folders = new Set(inputs.flatMap((name) => PACKAGE.exec(name)?.[0] ?? []));
  const notices = [...folders].sort().map((folder) => noticeOf(path.join(root, folder)));
  return `The files of this folder have parts of these packages.\n\n${notices.join('\n')}`;
}

function noticeOf(folder) {
  const about = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((name) => /^licen[cs]e(\.|$)/i.test(name));
  const text = file && existsSync(path.join(folder, file)) ? path.join(folder, file) : null;
  const author = typeof about.author === 'string' ? about.author : (about.author?.name ?? '');
  const notice =
    text === null ? `Licence: ${about.license}. ${author}` : readFileSync(text, 'utf8');
  return `-- ${about.name} ${about.version} (${about.license})\n\n${notice.trim()}\n`;
}
