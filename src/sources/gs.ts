/** `gs://bucket/key`: Google Cloud Storage, public objects or with an access token. */
import { objectsBelow } from './listing.js';
import { endpointOf, parsePrefix, parseReference } from './stores.js';
import type { SourceKind, Surroundings } from './source.js';

export const gs: SourceKind = {
  scheme: 'gs',
  listsPrefixes: true,

  bearerFor(url, around) {
    if (url.origin !== new URL(endpoint(around)).origin) return null;
    return around.env['CLOUDSDK_AUTH_ACCESS_TOKEN']?.trim() || null;
  },

  async files(text, wanted, around) {
    if (wanted.recursive) {
      const { bucket, prefix } = parsePrefix(text, 'gs://BUCKET/PREFIX');
      return objectsBelow(`${endpoint(around)}/${bucket}`, prefix, wanted, around);
    }
    const { bucket, key } = parseReference(text, 'gs://BUCKET/KEY');
    return [{ url: `${endpoint(around)}/${bucket}/${key}`, path: null }];
  },
};

const endpoint = ({ env }: Surroundings): string =>
  endpointOf(
    'STORAGE_EMULATOR_HOST',
    env['STORAGE_EMULATOR_HOST'],
    'https://storage.googleapis.com',
  );
