/** Each command and flag that a message or a page proposes exists: the real parser reads them as they are written. */
import type { Command } from '@oclif/core/command';
import { parse } from '@oclif/core/parser';
import { expect } from 'chai';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { COMMANDS } from '../../../src/commands/index.js';
import { TOPICS } from '../../../src/cli/topics.js';
import { readOrder } from '../../../src/cli/words.js';
import { commandWords } from '../../../src/formats/command-words.js';

interface Said {
  where: string;
  text: string;
}

const filesBelow = (folder: string, end: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(end))
    .map((name) => path.posix.join(folder, name));

/** Lines of a source that are no comments, with the word X for each value that is put in. */
function* linesOf(file: string): Generator<Said> {
  for (const [at, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    if (/^\s*(?:\*|\/\/|\/\*)/.test(line)) continue;
    const text = line.replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, 'X');
    yield { where: `${file}:${at + 1}`, text };
  }
}

/** What stands between backticks. In a template of the source they are escaped. */
function* quotedIn({ where, text }: Said): Generator<Said> {
  const sign = text.includes('\\`') ? '\\\\`' : '`';
  for (const [, inner = ''] of text.matchAll(new RegExp(`${sign}(.*?)${sign}`, 'g')))
    yield { where, text: inner.replaceAll("\\'", "'").trim() };
}

/** Blocks of code of a page: what is typed there. */
function* typedIn(file: string): Generator<Said> {
  let isCode = false;
  const lines = readFileSync(file, 'utf8').split('\n');
  for (const [at, line] of lines.entries()) {
    if (line.startsWith('```')) isCode = !isCode;
    const where = `${file}:${at + 1}`;
    const [, typed] = /^(?:\$ )?(sluice .*)$/.exec(line) ?? [];
    if (isCode && typed !== undefined) yield { where, text: typed };
    if (!isCode) yield* quotedIn({ where, text: line });
  }
}

/** Files whose texts have flags of other programs, or of CSS. */
const OF_OTHERS =
  /^src\/(?:formats\/(?:curl|command-words|checksum-lines)|cli\/(?:foreign|trace-page|trace-charts))\.ts$/;

/** What a reader puts in. The word X stands for a value that the source puts in. */
const PLACEHOLDERS: Readonly<Record<string, string>> = {
  URL: 'https://h.test/f',
  TOPIC: 'environment',
  SHELL: 'bash',
  '--version': 'help',
};

/** The words of each command of sluice in a line of a shell, without the program's name. */
function* sluiceCommands(line: string): Generator<string[]> {
  for (const part of line.split(/ [|>&]+ /)) {
    const [, own] =
      /^(?:sudo -u \S+ |nohup |source <\()?(sluice .*?)(?:\s+#.*|\)|\s*&)?$/.exec(part) ?? [];
    if (own === undefined) continue;
    yield commandWords(own)
      .slice(1)
      .map((word) => PLACEHOLDERS[word] ?? word);
  }
}

/** Why the command line would be refused; null where it is taken. */
async function refusal(words: string[]): Promise<string | null> {
  if (words.filter((word) => word !== 'help')[0] === 'X') return null;
  const order = readOrder(words, Object.keys(COMMANDS), Object.keys(TOPICS));
  if (order.kind === 'unknown') return `there is no command ${order.word}`;
  if (order.kind !== 'run') return null;
  const { args, flags, strict } = COMMANDS[
    order.command as keyof typeof COMMANDS
  ] as typeof Command;
  try {
    await parse(order.words, { args, flags, strict });
    return null;
  } catch (thrown) {
    return (thrown as Error).message;
  }
}

async function refusals(said: Iterable<Said>): Promise<{ seen: number; refused: string[] }> {
  const refused: string[] = [];
  let seen = 0;
  for (const { where, text } of said)
    for (const words of sluiceCommands(text)) {
      seen++;
      const why = await refusal(words);
      if (why !== null) refused.push(`${where}: ${text}: ${why}`);
    }
  return { seen, refused };
}

describe('cli/next: what is proposed', () => {
  it('in a message is a command that the parser takes', async () => {
    const said = filesBelow('src', '.ts').flatMap((file) =>
      [...linesOf(file)].flatMap((line) => [...quotedIn(line)]),
    );
    const { seen, refused } = await refusals(said);
    expect(refused).to.deep.equal([]);
    expect(seen).to.be.above(20);
  });

  it('in a message has only flags that there are', () => {
    const known = new Set(['help', 'version']);
    for (const { flags } of Object.values(COMMANDS))
      for (const [name, flag] of Object.entries(flags as Command['ctor']['flags'])) {
        known.add(name);
        if (flag.type === 'boolean' && flag.allowNo) known.add(`no-${name}`);
        for (const alias of flag.aliases ?? []) known.add(alias);
      }
    const strange = filesBelow('src', '.ts')
      .filter((file) => !OF_OTHERS.test(file))
      .flatMap((file) => [...linesOf(file)])
      .flatMap(({ where, text }) =>
        [
          ...text
            .replace(/\\?`(?:curl|aws|openssl) [^`]*`/g, '')
            .matchAll(/(?<=['"`].*[^\w-]|['"`])--(?!\w+\.)([a-z][\w-]*)/g),
        ]
          .filter(([, name = '']) => !known.has(name))
          .map(([flag]) => `${where}: ${flag}`),
      );
    expect(strange).to.deep.equal([]);
  });

  it('on a page is a command that the parser takes', async () => {
    const pages = ['README.md', ...filesBelow('docs', '.md')];
    const { seen, refused } = await refusals(pages.flatMap((page) => [...typedIn(page)]));
    expect(refused).to.deep.equal([]);
    expect(seen).to.be.above(50);
  });
});
