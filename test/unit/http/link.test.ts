/** Mirrors in Link fields (RFC 6249). */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { duplicates } from '../../../src/http/link.js';
import type { ResponseHead } from '../../../src/http/head.js';

const read = (value: string, from = 'https://origin.example/dir/file'): string[] =>
  duplicates({ fields: new Map([['link', value]]) } as unknown as ResponseHead, new URL(from)).map(
    ({ href }) => href,
  );

describe('mirrors in Link fields', () => {
  it('are read by rel=duplicate, best first', () => {
    const value =
      '<https://two.example/f>; rel=duplicate; pri=2; geo=de, <https://one.example/f>; rel="duplicate"; pri=1, ' +
      '<https://x.example/f.meta4>; rel=describedby; type="application/metalink4+xml", <https://none.example/f>; rel="x, y"';
    expect(read(value)).deep.equal(['https://one.example/f', 'https://two.example/f']);
  });

  it('may be relative, and lose userinfo and fragment', () => {
    expect(read('<../g#x>; rel=duplicate')).deep.equal(['https://origin.example/g']);
    expect(read('<https://u:p@m.example/g>; rel=duplicate')).deep.equal(['https://m.example/g']);
  });

  it('never lead from https to http, or to another protocol', () => {
    expect(read('<http://m.example/g>; rel=duplicate')).deep.equal([]);
    expect(read('<http://m.example/g>; rel=duplicate', 'http://o.example/')).length(1);
    expect(read('<ftp://m.example/g>; rel=duplicate, <file:///etc/x>; rel=duplicate')).deep.equal(
      [],
    );
  });

  it('are read of anything in linear time, and never throw', () => {
    fc.assert(fc.property(fc.string(), (value) => void read(value)));
    const parts = fc.array(
      fc.constantFrom('<', '>', ',', ';', '"', '\\', 'rel=duplicate', 'https://m/'),
    );
    fc.assert(fc.property(parts, (all) => void read(all.join(''))));
    const began = performance.now();
    for (const part of ['<', '<>,', '<>;"', '<a>;rel="']) read(part.repeat(20_000));
    expect(performance.now() - began).below(2000);
  });
});
