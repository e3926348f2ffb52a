/** `gs://bucket/key`: Google Cloud Storage, public objects or with an access token. */
import { endpointOf, parseReference } from './stores.js';
import type { SourceKind, Surroundings } from './source.js';

export const gs: SourceKind = {
  scheme: 'gs',

  bearerFor(url, around) {
    if (url.origin !== new URL(endpoint(around)).origin) return null;
    return around.env['CLOUDSDK_AUTH_ACCESS_TOKEN']?.trim() || null;
  },

  files(text, _wanted, around) {
    const { bucket, key } = parseReference(text, 'gs://BUCKET/KEY');
    return Promise.resolve([{ url: `${endpoint(around)}/${bucket}/${key}`, path: null }]);
  },
};

const endpoint = ({ env }: Surroundings): string =>
  endpointOf(
    'STORAGE_EMULATOR_HOST',
    env['STORAGE_EMULATOR_HOST'],
    'https://storage.googleapis.com',
  );
