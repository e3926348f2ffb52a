/** `az://account/container/blob`: Azure's blobs, public or with a shared access signature. */
import { SluiceError } from '../errors.js';
import { endpointOf, parseReference } from './stores.js';
import type { SourceKind } from './source.js';

export const az: SourceKind = {
  scheme: 'az',

  bearerFor: () => null,

  files(text, _wanted, { env }) {
    const [reference = '', query] = text.trim().split('?', 2);
    const { bucket: account, key } = parseReference(reference, FORM);
    if (!key.includes('/'))
      throw new SluiceError('URL_INVALID', 'the blob has no container', { next: `Write ${FORM}.` });
    const usual = `https://${account}.blob.core.windows.net`;
    const base = endpointOf(SERVICE, env[SERVICE], usual);
    // What is written on the command line beats the environment.
    const signature = query ?? env['AZURE_STORAGE_SAS_TOKEN']?.trim().replace(/^\?/, '') ?? '';
    const url = `${base}/${key}${signature === '' ? '' : `?${signature}`}`;
    return Promise.resolve([{ url, path: null }]);
  },
};

const SERVICE = 'AZURE_STORAGE_SERVICE_ENDPOINT';
const FORM = 'az://ACCOUNT/CONTAINER/BLOB';
