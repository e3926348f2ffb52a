/** JSON with lines: as Node reads it, and every fault with its line and nothing of the text. */
import { expect } from 'chai';
import fc from 'fast-check';
import { SluiceError } from '../../../src/errors.js';
import { parseJson } from '../../../src/formats/json-document.js';
import type { JsonNode } from '../../../src/formats/json-document.js';

const fail = (line: number, what: string): SluiceError =>
  new SluiceError('CONFIG_INVALID', `${line}: ${what}`);

function plain(node: JsonNode): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'array') return node.items.map(plain);
  return Object.fromEntries(node.members.map(({ key, node: value }) => [key, plain(value)]));
}

describe('a JSON document', () => {
  it('is read as Node reads it, however it is laid out', () => {
    const value = fc
      .jsonValue({ maxDepth: 4 })
      .filter((each) => !JSON.stringify(each).includes('__proto__'));
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 1, '\t'), (each, space) => {
        const text = JSON.stringify(each, null, space);
        expect(plain(parseJson(text, fail))).deep.equal(JSON.parse(text));
      }),
    );
  });

  it('is refused where Node refuses it, and never takes long', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\u0a1-.eE+ \n') }), (text) => {
        const outcome = (read: () => unknown): string => {
          try {
            return JSON.stringify(read());
          } catch {
            return 'refused';
          }
        };
        const ours = outcome(() => plain(parseJson(text, fail)));
        // Node takes a key that is there twice; nobody who writes one means that.
        const nodes = outcome(() => JSON.parse(text));
        if (ours !== 'refused' || !/^[^]*"[^]*"[^]*:/.test(text)) expect(ours).equal(nodes);
      }),
    );
    expect(() => parseJson(`"${'\\'.repeat(1_000_000)}`, fail)).throw('1: a text');
  });

  const faults: Array<[text: string, message: string]> = [
    ['', '1: the document ends too early'],
    ['{"a": 1,\n"secret" 2}', '2: a colon'],
    ['{"a": 1\n"b": 2}', '2: a comma or }'],
    ['{"a": 1,\n}', '2: there is a comma before }'],
    ['[1,\n\n]', '3: there is a comma before ]'],
    ['{"a": 1,\n\n"a": 2}', '3: the key is there twice'],
    ['{a: 1}', '1: a key in double quotes'],
    ['{"a": \n// hello\n1}', '2: a value is expected'],
    ['{"a": "b\nc"}', '1: a text does not end'],
    ['{}\n{}', '2: there is more behind'],
    ['01', '1: there is more behind'],
    ['['.repeat(20), '1: there are more than 16 levels'],
  ];
  for (const [text, message] of faults)
    it(`says where it is wrong: ${JSON.stringify(text)}`, () => {
      expect(() => parseJson(text, fail))
        .throw(SluiceError, message)
        .with.property('message')
        .not.contain('secret');
    });

  it('has the line of each key and value', () => {
    const node = parseJson('\ufeff{\r\n "a": [\n1,\n2]}', fail);
    if (node.kind !== 'object') throw new Error('no object');
    const [member] = node.members;
    expect(member?.line).equal(2);
    if (member?.node.kind !== 'array') throw new Error('no array');
    expect(member.node.items.map(({ line }) => line)).deep.equal([3, 4]);
  });
});
