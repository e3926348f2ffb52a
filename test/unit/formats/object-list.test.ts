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

  it('reads blobs of Azure: names that XML cannot have, no directories, the marker', async () => {
    const blob = (name: string, more = '') =>
      `<Blob>${name}<Properties>${more}</Properties></Blob>`;
    const blobs = [
      blob('<Name>a%20b/c</Name>', '<Content-Length>3</Content-Length>'),
      blob('<Name Encoded="true">%ef%bf%be.bin</Name>'),
      blob('<Name>a</Name>', '<ResourceType>directory</ResourceType>'),
      blob('<Name>d</Name>', '<ResourceType>file</ResourceType>'),
    ].join('');
    const azure = (marker: string) =>
      `\ufeff<?xml version="1.0"?><EnumerationResults ContainerName="c"><Prefix>p</Prefix><Blobs>${blobs}</Blobs>${marker}</EnumerationResults>`;
    const keys = ['a%20b/c', '\ufffe.bin', 'd'];
    expect(await read(azure('<NextMarker>2!8!</NextMarker>'))).deep.equal({ keys, next: '2!8!' });
    expect(await read(azure('<NextMarker />'))).deep.equal({ keys, next: null });
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
