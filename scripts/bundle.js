// Writes dist/quick.cjs: the modules behind src/cli/quick.ts in one file, so that a start reads one
// file instead of ninety. Each module stays a function of its own, run when it is first required.
// bin/run.js uses the file only when it is newer than what tsc wrote.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const entry = 'src/cli/quick.js';
const compilerOptions = {
  module: ts.ModuleKind.CommonJS,
  target: ts.ScriptTarget.ES2023,
  removeComments: true,
};

/** Compiled text of each module, by its path from dist/. */
const modules = new Map();

/** Takes in the module `name`, and everything of ours that it imports. */
function add(name) {
  if (modules.has(name)) return;
  modules.set(name, '');
  const source = readFileSync(path.join(dist, name), 'utf8')
    .replace(/^\/\/# sourceMappingURL=.*$/m, '')
    .replaceAll('import.meta.url', `urlOf(${JSON.stringify(name)})`)
    // Packages are imported by Node itself, only when they are needed.
    .replace(/\bimport\('([^.'][^']*)'\)/g, "importPackage('$1')");
  const { outputText } = ts.transpileModule(source, { compilerOptions });
  const text = outputText.replace(/\brequire\(["'](\.[^"']+)["']\)/g, (_, to) => {
    const target = path.posix.join(path.posix.dirname(name), to);
    add(target);
    return `load(${JSON.stringify(target)})`;
  });
  modules.set(name, text);
}

add(entry);

// The parentheses have V8 compile each function at once, not parse it twice.
const members = [...modules].map(
  ([name, text]) => `${JSON.stringify(name)}: (function (exports) {${text}})`,
);
const bundle = `'use strict';
const { pathToFileURL } = require('node:url');
const urlOf = (name) => pathToFileURL(__dirname + '/' + name).href;
const importPackage = (name) => import(name);
const loaded = new Map();
function load(name) {
  let exports = loaded.get(name);
  if (exports === undefined) {
    loaded.set(name, (exports = {}));
    modules[name](exports);
  }
  return exports;
}
const modules = {
${members.join(',\n')}
};
module.exports = load(${JSON.stringify(entry)});
`;
writeFileSync(path.join(dist, 'quick.cjs'), bundle);
