// Writes dist/bundle/index.d.ts: the types of the library in one file, which needs no other types, those of
// Node included.
import { renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';

const dist = fileURLToPath(new URL('../dist', import.meta.url));

/** What a project without the types of Node or of the DOM does not have, and what stands for it there. */
const GLOBALS = {
  AbortSignal: `{
    readonly aborted: boolean;
    readonly reason: unknown;
    addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
    removeEventListener(type: 'abort', listener: () => void): void;
}`,
  URL: '{ readonly href: string }',
};

/** The name as the project knows it, if it does. */
const globalType = ([name, instead]) =>
  `type ${name} = typeof globalThis extends { ${name}: { prototype: infer T } } ? T : ${instead};\n`;

/** A module of Node without types is no mistake of the project: what comes from it is any. */
const withoutNode = (line) =>
  line.replace(/^import (?:type )?(\{.*\} from 'node:.*)$/, '// @ts-ignore\nimport type $1');

export async function writeTypes() {
  const built = await rollup({
    input: `${dist}/src/index.d.ts`,
    external: [/^node:/],
    plugins: [dts()],
    onwarn: ({ message }) => {
      throw new Error(message);
    },
  });
  const { output } = await built.generate({ format: 'es' });
  const [{ code }] = output;
  const text = code.split('\n').map(withoutNode).join('\n');
  const [imports, rest] = split(text);
  const globals = Object.entries(GLOBALS)
    .filter(([name]) => new RegExp(`\\b${name}\\b`).test(rest))
    .map(globalType);
  const file = `${dist}/bundle/index.d.ts`;
  writeFileSync(`${file}.new`, `${imports}\n${globals.join('')}\n${rest}`);
  renameSync(`${file}.new`, file);
}

/** The imports at the top, and what follows them. */
function split(text) {
  const lines = text.split('\n');
  const first = lines.findIndex((line) => line !== '' && !/^(import |\/\/ @ts-ignore)/.test(line));
  return [lines.slice(0, first).join('\n'), lines.slice(first).join('\n')];
}
