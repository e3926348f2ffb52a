import { expect } from 'chai';
import { bodyFraming } from '../../../src/http/framing.js';
import { readOffer } from '../../../src/open/offer.js';
import { readValidators } from '../../../src/http/validators.js';
import type { Asked } from '../../../src/open/ask.js';
import type { Known } from '../../../src/transfer/job.js';
import { isPage, pageInstead } from '../../../src/transfer/page.js';
import { headOf } from '../http/support.js';

const FROM = new URL('http://files.example/a.iso');
const HTML = { 'content-type': 'Text/HTML; charset=utf-8', 'content-length': '7' };

function codeOf(fields: Record<string, string>, known: Partial<Known>, at = FROM): string | null {
  const head = headOf(fields);
  const framing = bodyFraming('GET', head);
  const asked = { answer: { head, framing }, url: at } as Asked;
  const offer = readOffer(head, framing, null, { names: [], digest: false });
  const facts = { validators: readValidators(headOf({ etag: '"1"' })), total: 9, ...known };
  return pageInstead(asked, offer, facts, FROM)?.message ?? null;
}

describe('a page instead of the file', () => {
  it('is one of another length and validator, and no file calls itself so by accident', () => {
    expect(codeOf(HTML, {})).match(/^the server answers with a web page/);
    expect(codeOf({ 'content-type': 'application/xhtml+xml' }, {})).match(/web page/);
    expect(codeOf(HTML, {}, new URL('https://login.example/?u=1'))).match(/^login\.example, where/);
  });

  it('is none where the file was a page, has this length or validator, or the type is another', () => {
    expect(codeOf(HTML, { isPage: true })).equal(null);
    expect(codeOf(HTML, { total: 7 })).equal(null);
    expect(codeOf({ ...HTML, etag: '"1"' }, {})).equal(null);
    expect(codeOf({ ...HTML, 'content-type': 'text/htmlx' }, {})).equal(null);
    expect(isPage(headOf({ 'content-type': 'text/plain' }))).equal(false);
    expect(isPage(headOf({}))).equal(false);
  });
});
