/** `s3://bucket/key`: S3 and what speaks like it. Every request is signed anew, where there are credentials. */
import { SluiceError } from '../errors.js';
import { region } from './aws-config.js';
import { currentKey } from './aws-credentials.js';
import { encodeStrictly, signedFields } from './sigv4.js';
import { objectsBelow, s3Bucket } from './listing.js';
import { endpointOf, parsePrefix, parseReference } from './stores.js';
import type { SourceKind, Surroundings } from './source.js';

export const s3: SourceKind = {
  scheme: 's3',

  listsPrefixes: true,

  bearerFor: () => null,

  settled(around) {
    const endpoint = givenEndpoint(around);
    return { ...around.settings, region: regionOf(around), ...(endpoint !== null && { endpoint }) };
  },

  async signerFor(url, around) {
    const { anonymous, requesterPays } = around.settings;
    if (!isOurs(url, around) || anonymous === true) return null;
    const key = await keyOf(around);
    if (key === null) return null;
    const scope = { region: regionOf(around), service: 's3' };
    // S3 tells the digests of an object to whoever asks for them.
    const more: Array<[string, string]> = [['x-amz-checksum-mode', 'ENABLED']];
    if (requesterPays === true) more.push(['x-amz-request-payer', 'requester']);
    return (each) => signedFields(each, more, key(), scope, new Date());
  },

  async files(text, wanted, around) {
    if (wanted.recursive) {
      const { bucket, prefix } = parsePrefix(text, 's3://BUCKET/PREFIX');
      return objectsBelow(s3Bucket(bucketUrl(bucket, around)), prefix, wanted, around);
    }
    const { bucket, key } = parseReference(text, 's3://BUCKET/KEY');
    if (key.split('/').some((part) => part === '.' || part === '..'))
      throw new SluiceError('URL_INVALID', 'a key with . or .. as a part cannot be asked for', {
        next: 'Use a presigned URL of the object.',
      });
    const path = key
      .split('/')
      .map((part) => encodeStrictly(decodeURIComponent(part)))
      .join('/');
    return [{ url: `${bucketUrl(bucket, around)}/${path}`, path: null }];
  },
};

/** Looked for once for all files of a reference. */
const found = new WeakMap<Surroundings, ReturnType<typeof currentKey>>();

function keyOf(around: Surroundings): ReturnType<typeof currentKey> {
  const key = found.get(around) ?? currentKey(around);
  found.set(around, key);
  return key;
}

const regionOf = (around: Surroundings): string => around.settings.region ?? region(around);

function givenEndpoint({ env, settings }: Surroundings): string | null {
  const given = settings.endpoint ?? env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL'];
  return given === undefined || given === '' ? null : endpointOf('the endpoint of S3', given, '');
}

/** A service that is named is asked by path; AWS's by the name of the bucket, unless a certificate could not have it. */
function bucketUrl(bucket: string, around: Surroundings): string {
  const endpoint = givenEndpoint(around);
  if (endpoint !== null) return `${endpoint}/${bucket}`;
  const host = `s3.${regionOf(around)}.amazonaws.com`;
  const isHost = /^[a-z0-9-]+$/.test(bucket);
  return isHost ? `https://${bucket}.${host}` : `https://${host}/${bucket}`;
}

/** A signature is made for S3 only. */
function isOurs(url: URL, around: Surroundings): boolean {
  const endpoint = givenEndpoint(around);
  if (endpoint !== null) return url.origin === new URL(endpoint).origin;
  const host = `s3.${regionOf(around)}.amazonaws.com`;
  const isHost = url.hostname === host || url.hostname.endsWith(`.${host}`);
  return url.protocol === 'https:' && isHost;
}
