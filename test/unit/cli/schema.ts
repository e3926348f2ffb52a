/** As much of JSON Schema as the schemas in docs/ use; a keyword beyond that is an error. */

type Schema = Record<string, unknown>;

const KNOWN = new Set([
  '$schema',
  '$defs',
  '$ref',
  'title',
  'type',
  'const',
  'enum',
  'oneOf',
  'properties',
  'required',
  'additionalProperties',
  'minimum',
  'pattern',
  'items',
]);

function typeMatches(type: string, value: unknown): boolean {
  if (type === 'null') return value === null;
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'object') return typeof value === 'object' && value !== null;
  if (type === 'array') return Array.isArray(value);
  return typeof value === type;
}

function resolve(root: Schema, ref: string): Schema {
  return ref
    .slice(2)
    .split('/')
    .reduce((at, name) => at[name] as Schema, root);
}

function checkObject(root: Schema, schema: Schema, value: Schema, at: string): string[] {
  const properties = (schema['properties'] ?? {}) as Record<string, Schema>;
  const missing = ((schema['required'] ?? []) as string[]).filter((name) => !(name in value));
  const rest = schema['additionalProperties'] as Schema | undefined;
  return [
    ...missing.map((name) => `${at}.${name} is missing`),
    ...Object.entries(value).flatMap(([name, part]) => {
      const own = properties[name] ?? rest;
      return own ? violations(root, own, part, `${at}.${name}`) : [`${at}.${name} is unknown`];
    }),
  ];
}

function checkScalar(schema: Schema, value: unknown, at: string): string[] {
  const found: string[] = [];
  const { type, minimum, pattern } = schema;
  const types = type === undefined ? [] : [type].flat().map(String);
  if (types.length > 0 && !types.some((one) => typeMatches(one, value))) {
    found.push(`${at} is not ${types.join(' or ')}`);
  }
  if ('const' in schema && value !== schema['const']) found.push(`${at} is another constant`);
  if (schema['enum'] && !(schema['enum'] as unknown[]).includes(value)) found.push(`${at}: enum`);
  if (typeof minimum === 'number' && typeof value === 'number' && value < minimum) {
    found.push(`${at} is below ${minimum}`);
  }
  if (
    typeof pattern === 'string' &&
    typeof value === 'string' &&
    !new RegExp(pattern).test(value)
  ) {
    found.push(`${at} does not match`);
  }
  return found;
}

/** What of `value` breaks `schema`. Stricter than the standard: unknown properties are listed. */
export function violations(root: Schema, schema: Schema, value: unknown, at = '$'): string[] {
  for (const keyword of Object.keys(schema)) {
    if (!KNOWN.has(keyword)) throw new Error(`unknown keyword ${keyword}`);
  }
  if (typeof schema['$ref'] === 'string') {
    return violations(root, resolve(root, schema['$ref']), value, at);
  }
  if (schema['oneOf']) {
    const results = (schema['oneOf'] as Schema[]).map((one) => violations(root, one, value, at));
    const matches = results.filter((found) => found.length === 0).length;
    return matches === 1 ? [] : [`${at} matches ${matches} alternatives`, ...results.flat()];
  }
  const found = checkScalar(schema, value, at);
  if (schema['items'] && Array.isArray(value)) {
    const items = schema['items'] as Schema;
    found.push(...value.flatMap((one, i) => violations(root, items, one, `${at}[${i}]`)));
  }
  if (schema['properties'] || schema['additionalProperties']) {
    found.push(...checkObject(root, schema, (value ?? {}) as Schema, at));
  }
  return found;
}
