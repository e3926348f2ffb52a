/** Whether a content coding stands between the bytes and the file. */
import { expect } from 'chai';
import { contentCodings, foreignCoding } from '../../../src/http/content-coding.js';
import { headOf } from './support.js';

const codings = (value: string | string[]): string[] =>
  contentCodings(headOf({ 'content-encoding': value }).fields);

const foreign = (
  coding: string,
  names: string[],
  fields: Record<string, string> = {},
  digest = false,
): string | null =>
  foreignCoding(headOf({ 'content-encoding': coding, ...fields }), { names, digest });

describe('http/content-coding: P10: contentCodings', () => {
  for (const word of [
    ...[
      '',
      ' ',
      ',',
      'identity',
      'Identity',
      'none',
      'NONE',
      'aws-chunked',
      'binary',
      'utf-8',
      'UTF8',
    ],
    ...[
      '8bit',
      '7bit',
      'base64',
      'null',
      'undefined',
      'false',
      'chunked',
      'text/plain',
      'raw',
      'plain',
    ],
    ...[
      'default',
      'x',
      'x-',
      '*',
      'identity, none',
      'constructor',
      '__proto__',
      'x-toString',
      'gzipped',
    ],
  ]) {
    it(`${JSON.stringify(word)} names none`, () => {
      expect(codings(word)).to.deep.equal([]);
      expect(foreign(word, [])).to.equal(null);
    });
  }

  for (const [value, names] of [
    ['gzip', ['gzip']],
    ['X-GZIP', ['gzip']],
    ['x-bzip2', ['bzip2']],
    ['gz', ['gzip']],
    ['"gzip"', ['gzip']],
    ['gzip;q=1.0', ['gzip']],
    ['aws-chunked, gzip', ['gzip']],
    ['identity,br', ['br']],
    ['gzip, br', ['gzip', 'br']],
    ['gzip br', ['gzip', 'br']],
    ['zstd', ['zstd']],
    ['dcz', ['dcz']],
    ['x-compress', ['compress']],
    ['pack200-gzip', ['pack200-gzip']],
  ] as const) {
    it(`${JSON.stringify(value)} names ${names.join(' and ')}`, () => {
      expect(codings(value)).to.deep.equal(names);
    });
  }

  it('reads all lines, and nothing where there is none', () => {
    expect(codings(['gzip', 'none', 'br'])).to.deep.equal(['gzip', 'br']);
    expect(contentCodings(headOf({}).fields)).to.deep.equal([]);
  });
});

describe('http/content-coding: P10: foreignCoding', () => {
  for (const [name, coding] of [
    ...[
      ['/a.tar.gz', 'gzip'],
      ['/a.TGZ', ' x-gzip '],
      ['/a.svgz', 'gzip'],
      ['/a.br', 'br'],
    ],
    ...[
      ['/a.zst', 'zstd'],
      ['/a.tzst', 'zstd'],
      ['/a.Z', 'compress'],
      ['/a.taz', 'x-compress'],
    ],
    ...[
      ['/a.bz2', 'x-bzip2'],
      ['/a.tbz', 'bzip2'],
      ['/a.xz', 'xz'],
      ['/a.txz', 'x-xz'],
    ],
    ...[
      ['/a.lzma', 'lzma'],
      ['/a.lz4', 'lz4'],
      ['/a.lz', 'lzip'],
      ['/a.pack.gz', 'pack200-gzip'],
    ],
    ...[
      ['/a.gz', 'aws-chunked,gzip'],
      ['/a.gz', 'none, gzip'],
    ],
  ] as Array<[string, string]>) {
    it(`${coding} is the form of ${name}, whichever of its names says so`, () => {
      expect(foreign(coding, [name])).to.equal(null);
      expect(foreign(coding, ['/download', name])).to.equal(null);
      const disposition = `attachment; filename="${name.slice(1)}"`;
      expect(foreign(coding, ['/x'], { 'content-disposition': disposition })).to.equal(null);
    });
  }

  for (const [type, coding] of [
    ...[
      ['application/gzip', 'gzip'],
      ['application/x-gzip; charset=binary', 'x-gzip'],
    ],
    ...[
      ['application/x-compressed-tar', 'gzip'],
      ['application/vnd.x+gzip', 'gzip'],
    ],
    ...[
      ['Application/X-TGZ', 'gzip'],
      ['application/x-bzip2', 'bzip2'],
      ['application/x-xz', 'xz'],
    ],
    ...[
      ['application/zstd', 'zstd'],
      ['application/x-compress', 'compress'],
    ],
  ] as Array<[string, string]>) {
    it(`${coding} is the form of a ${type}`, () => {
      expect(foreign(coding, ['/x'], { 'content-type': type })).to.equal(null);
    });
  }

  for (const [name, coding] of [
    ...[
      ['/a.tar', 'gzip'],
      ['/a.gz', 'br'],
      ['/a.gz', 'gzip, br'],
      ['/a.gz', 'gzip, gzip'],
    ],
    ...[
      ['/gz', 'gzip'],
      ['/a.z', 'compress'],
      ['/a.gz.txt', 'gzip'],
      ['/a.gz', 'deflate'],
    ],
    ...[
      ['/a.snappy', 'snappy'],
      ['/', 'gzip'],
      ['/a.gz', 'bzip2'],
    ],
  ] as Array<[string, string]>) {
    it(`${coding} is foreign to ${name}, unless a digest is to decide`, () => {
      expect(foreign(coding, [name])).to.equal(coding);
      expect(foreign(coding, [name], { 'content-type': 'text/html' })).to.equal(coding);
      expect(foreign(coding, [name], {}, true)).to.equal(null);
    });
  }
});
