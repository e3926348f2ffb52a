/** `gs://bucket/key`: Google Cloud Storage, public objects, with an access token, or signed with an HMAC key. */
import { objectsBelow, s3Bucket } from './listing.js';
import { section } from './aws-config.js';
import { signedFields } from './sigv4.js';
import type { SigningKey } from './sigv4.js';
import type { Signer, SourceKind, Surroundings } from './source.js';
import { endpointOf, parsePrefix, parseReference } from './stores.js';

export const gs: SourceKind = {
  scheme: 'gs',
  listsPrefixes: true,

  bearerFor(url, around) {
    if (url.origin !== new URL(endpoint(around)).origin) return null;
    return around.env['CLOUDSDK_AUTH_ACCESS_TOKEN']?.trim() || null;
  },

  signerFor(url, around) {
    const { env } = around;
    const isOurs = url.origin === new URL(endpoint(around)).origin;
    if (!isOurs || env['CLOUDSDK_AUTH_ACCESS_TOKEN']?.trim()) return Promise.resolve(null);
    const key = hmacKey(around);
    // Google takes AWS's signatures, made for any region.
    const scope = { region: 'auto', service: 's3' };
    const sign: Signer | null = key && ((each) => signedFields(each, [], key, scope, new Date()));
    return Promise.resolve(sign);
  },

  async files(text, wanted, around) {
    if (wanted.recursive) {
      const { bucket, prefix } = parsePrefix(text, 'gs://BUCKET/PREFIX');
      return objectsBelow(s3Bucket(`${endpoint(around)}/${bucket}`), prefix, wanted, around);
    }
    const { bucket, key } = parseReference(text, 'gs://BUCKET/KEY');
    return [{ url: `${endpoint(around)}/${bucket}/${key}`, path: null }];
  },
};

/** The HMAC key of the environment, or of the file of gsutil; null for none. */
function hmacKey({ env, read }: Surroundings): SigningKey | null {
  const { GS_ACCESS_KEY_ID: id, GS_SECRET_ACCESS_KEY: secret } = env;
  if (id && secret) return { accessKeyId: id, secretAccessKey: secret, sessionToken: null };
  const kept = section(read(env['BOTO_CONFIG'] ?? '~/.boto'), 'Credentials');
  const [keptId, keptSecret] = [kept.get('gs_access_key_id'), kept.get('gs_secret_access_key')];
  if (!keptId || !keptSecret) return null;
  return { accessKeyId: keptId, secretAccessKey: keptSecret, sessionToken: null };
}

const endpoint = ({ env }: Surroundings): string =>
  endpointOf(
    'STORAGE_EMULATOR_HOST',
    env['STORAGE_EMULATOR_HOST'],
    'https://storage.googleapis.com',
  );
