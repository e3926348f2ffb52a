import { expect } from 'chai';
import { parseObjectList } from '../../../src/formats/object-list.js';
import { Pace } from '../../../src/formats/pace.js';
import { SluiceError } from '../../../src/errors.js';

const read = (body: string) => parseObjectList([body], new Pace(new AbortController().signal));
const page = (inside: string) =>
  `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inside}</ListBucketResult>`;

describe('formats/object-list', () => {
  it('gives keys as the server says that they are encoded, and what asks for more', async () => {
    const keys = '<Contents><Key>a+b%2Bc/%C3%A9</Key><Size>1</Size></Contents>';
    const more = '<IsTruncated>true</IsTruncated><NextContinuationToken>t=</NextContinuationToken>';
    expect(await read(page(`<EncodingType>url</EncodingType>${keys}${more}`))).deep.equal({
      keys: ['a b+c/é'],
      next: 't=',
    });
    expect(await read(page(`${keys}<IsTruncated>false</IsTruncated>`))).deep.equal({
      keys: ['a+b%2Bc/%C3%A9'],
      next: null,
    });
  });

  for (const [what, body] of [
    ['no XML', 'nope'],
    ['another document', '<Error><Code>AccessDenied</Code></Error>'],
    [
      'a key that is not encoded',
      page('<EncodingType>url</EncodingType><Contents><Key>%zz</Key></Contents>'),
    ],
    ['a document type', `<!DOCTYPE a [<!ENTITY b "c">]>${page('')}`],
  ] as const)
    it(`refuses ${what}`, async () => {
      const error = await read(body).catch((thrown: unknown) => thrown);
      expect(error).instanceOf(SluiceError).include({ code: 'HTTP_UNEXPECTED' });
    });
});
