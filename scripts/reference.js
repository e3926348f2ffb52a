// Writes docs/library-reference.md from the types and docstrings of dist/bundle/index.d.ts:
//   npm run reference             writes it
//   npm run reference -- --check  writes nothing; fails when it is not up to date
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const types = `${root}dist/bundle/index.d.ts`;
const page = `${root}docs/library-reference.md`;

const HEAD = `# Library reference

Every name that \`import ... from 'sluice'\` gives, from the docstrings of the code. \`npm run reference\` writes this page; the
[library](library.md) tells how the parts are used together.
`;

const program = ts.createProgram([types], {
  strict: true,
  types: [],
  noResolve: true,
  lib: ['lib.es2023.d.ts'],
});
const checker = program.getTypeChecker();
const source = program.getSourceFile(types);

/** Declarations by their names. */
const declared = new Map();
for (const statement of source.statements)
  if (statement.name !== undefined) declared.set(statement.name.text, statement);

const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(source));

/** A docstring as Markdown: on one line, tags as sentences. */
function docOf(symbol) {
  const text = ts.displayPartsToString(symbol.getDocumentationComment(checker));
  const tags = symbol.getJsDocTags(checker).map(({ name, text: parts }) => {
    const said = ts.displayPartsToString(parts ?? []);
    if (name === 'throws')
      return `Throws ${said.startsWith('SluiceError') ? said : `when ${said}`}.`;
    if (name === 'param') return `\`${said.replace(/^\S+/, (word) => `${word}\``)}.`;
    return `${name === 'returns' ? 'Returns' : name} ${said}.`;
  });
  return [text, ...tags]
    .filter((part) => part !== '')
    .join(' ')
    .replace(/\{@link (?:\S+\s*\|\s*)?(\S+?)\s*\}/g, '`$1`')
    .replace(/ \(P\d+(?:, P\d+)*\)/g, '')
    .replace(/\s+/g, ' ')
    .replace(/\.\.$/, '.');
}

const FLAGS =
  ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.UseSingleQuotesForStringLiteralType;

/** The type of a property as it is written; without the `undefined` of what may be left out. */
function typeOf(property, at) {
  const written = property.valueDeclaration?.type?.getText(source);
  if (written !== undefined && !/\['\w+'\]/.test(written))
    return written.replace(/ \| undefined$/, '');
  const type = checker.getTypeOfSymbolAtLocation(property, at);
  const isOptional = (property.flags & ts.SymbolFlags.Optional) !== 0;
  const shown = isOptional ? checker.getNonNullableType(type) : type;
  const mayBeNull = isOptional && checker.typeToString(type, at, FLAGS).includes('null');
  return checker.typeToString(shown, at, FLAGS) + (mayBeNull ? ' | null' : '');
}

/** What an option says of itself where the type is made from another one. */
function inherited(property, of) {
  if (of.name.text !== 'LibraryOptions') return '';
  const statement = declared.get('DownloadOptions');
  const own = statement && checker.getTypeAtLocation(statement).getProperty(property.name);
  return own === undefined ? '' : docOf(own);
}

/** The members as a list; null where the type has none of its own. */
function members(statement) {
  const type = checker.getTypeAtLocation(statement);
  const properties = type
    .getProperties()
    .filter((property) => property.declarations?.every(isOurs) ?? true)
    .filter(({ name }) => !name.startsWith('__@'));
  if (properties.length === 0) return null;
  const lines = properties.map((property) => {
    const mark = (property.flags & ts.SymbolFlags.Optional) !== 0 ? '?' : '';
    const text = docOf(property) || inherited(property, statement);
    const type = `\`${typeOf(property, statement).replace(/\s+/g, ' ')}\``;
    return `- **\`${property.name}${mark}\`** ${type}${text === '' ? '' : `: ${text}`}`;
  });
  return lines.join('\n');
}

const isOurs = (declaration) => declaration.getSourceFile() === source;

/** The text of a declaration without docstrings. */
const code = (statement) =>
  [
    '```ts',
    statement
      .getText(source)
      .replace(/^(?:export )?declare /, '')
      .replace(/\/\*\*[\s\S]*?\*\/\s*/g, ''),
    '```',
  ].join('\n');

function section(name, symbol) {
  const statements = symbol.declarations ?? [];
  const [first] = statements;
  const doc = docOf(symbol);
  const isTable =
    ts.isInterfaceDeclaration(first) ||
    ts.isClassDeclaration(first) ||
    (ts.isTypeAliasDeclaration(first) && checker.getTypeAtLocation(first).isIntersection());
  const body = isTable ? members(first) : null;
  const shown =
    body ??
    statements
      .map((each) => code(ts.isVariableDeclaration(each) ? each.parent.parent : each))
      .join('\n\n');
  return [`### ${name}`, ...(doc === '' ? [] : [doc]), shown].join('\n\n');
}

const resolved = (symbol) =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

/** Types that are no exports, but stand in a section: what is in them has to be told as well. */
function* mentioned(text, known) {
  for (const [word] of text.matchAll(/\b[A-Z]\w+\b/g))
    if (declared.has(word) && !known.has(word) && !(word in globalThis)) {
      known.add(word);
      const symbol = checker.getSymbolAtLocation(declared.get(word).name);
      const more = section(word, symbol);
      yield more;
      yield* mentioned(more, known);
    }
}

const byKind = (test) => exported.filter((symbol) => test(resolved(symbol)));
const isFunction = ({ flags }) => (flags & ts.SymbolFlags.Function) !== 0;
const isValue = ({ flags }) => (flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Variable)) !== 0;
const sections = (symbols) => symbols.map((symbol) => section(symbol.name, resolved(symbol)));

const functions = sections(byKind(isFunction));
const values = sections(byKind(isValue));
const named = sections(byKind((symbol) => !isFunction(symbol) && !isValue(symbol)));
const known = new Set(exported.map(({ name }) => name));
const others = [...mentioned([...functions, ...values, ...named].join('\n'), known)];
const all = [
  HEAD,
  '## Functions',
  ...functions,
  '## Classes and constants',
  ...values,
  '## Types',
  ...named,
  '## Types that these use',
  ...others,
].join('\n\n');
const text = await format(all, { ...(await resolveConfig(page)), filepath: page });

if (!process.argv.includes('--check')) writeFileSync(page, text);
else if (readFileSync(page, 'utf8') !== text) {
  console.error('docs/library-reference.md is not up to date: npm run reference');
  process.exitCode = 1;
}
