import { expect } from 'chai';
import fc from 'fast-check';
import { encodeStrictly, signedFields } from '../../../src/sources/sigv4.js';
import { awsAuthorization } from '../../helpers/s3-store.js';

/** The examples of "Signature Calculations for the Authorization Header" in the reference of S3's API. */
const KEY = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  sessionToken: null,
};
const SCOPE = { region: 'us-east-1', service: 's3' };
const NOW = new Date('2013-05-24T00:00:00Z');
const EXAMPLES = {
  '?lifecycle': 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  '?max-keys=2&prefix=J': '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
};

describe('sources/sigv4', () => {
  for (const [query, signature] of Object.entries(EXAMPLES))
    it(`signs GET /${query} as published`, () => {
      const url = new URL(`https://examplebucket.s3.amazonaws.com/${query}`);
      const fields = new Map(signedFields(url, [], KEY, SCOPE, NOW));
      expect(fields.get('Authorization')).equal(
        `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=${signature}`,
      );
      expect(fields.get('x-amz-date')).equal('20130524T000000Z');
    });

  it('signs a session token and further fields', () => {
    const url = new URL('https://b.s3.amazonaws.com/k');
    const key = { ...KEY, sessionToken: 'token' };
    const more: Array<[string, string]> = [['x-amz-request-payer', 'requester']];
    const fields = new Map(signedFields(url, more, key, SCOPE, NOW));
    expect(fields.get('x-amz-security-token')).equal('token');
    expect(fields.get('Authorization')).include(
      'SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-request-payer;x-amz-security-token,',
    );
  });

  it('signs GET /test.txt with a range as published', () => {
    const url = new URL('https://examplebucket.s3.amazonaws.com/test.txt');
    const fields = new Map(signedFields(url, [['range', 'bytes=0-9']], KEY, SCOPE, NOW));
    expect(fields.get('Authorization')).include(
      'Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    );
  });

  it("signs whatever keys and queries as AWS's own code does", async () => {
    // AWS's code keeps a query in a plain object, which loses what is called __proto__.
    const text = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter((each) => each !== '__proto__');
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { minLength: 1, maxLength: 4 }),
        text,
        text,
        async (parts, a, b) => {
          const path = parts
            .filter((part) => !/^\.+$/.test(part))
            .map(encodeStrictly)
            .join('/');
          const url = new URL(`https://b.s3.amazonaws.com/${path}`);
          url.searchParams.set('prefix', a);
          url.searchParams.set(b, 'x');
          const fields = signedFields(url, [['x-amz-request-payer', 'requester']], KEY, SCOPE, NOW);
          const [[, value] = [], ...amz] = fields;
          const headers = { host: url.host, ...Object.fromEntries(amz) };
          const { accessKeyId, secretAccessKey } = KEY;
          const key = { accessKeyId, secretAccessKey };
          expect(value).equal(await awsAuthorization(url, headers, key, SCOPE.region, NOW));
        },
      ),
      { numRuns: 100 },
    );
  });
});
