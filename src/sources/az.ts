/** `az://account/container/blob`: Azure's blobs, public or with a shared access signature. */
import { SluiceError } from '../errors.js';
import { encodedPath, objectsBelow } from './listing.js';
import type { Store } from './listing.js';
import { encodeStrictly } from './sigv4.js';
import { endpointOf, parsePrefix, parseReference } from './stores.js';
import type { SourceKind } from './source.js';

export const az: SourceKind = {
  scheme: 'az',
  listsPrefixes: true,

  bearerFor: () => null,

  async files(text, wanted, around) {
    const { env } = around;
    const [reference = '', query] = text.trim().split('?', 2);
    // What is written on the command line beats the environment.
    const signature = query ?? env['AZURE_STORAGE_SAS_TOKEN']?.trim().replace(/^\?/, '') ?? '';
    const baseOf = (account: string): string =>
      endpointOf(SERVICE, env[SERVICE], `https://${account}.blob.core.windows.net`);
    if (wanted.recursive) {
      const { bucket: account, prefix: path } = parsePrefix(reference, PREFIX_FORM);
      const [container = '', ...rest] = path.split('/');
      if (container === '') throw noContainer(PREFIX_FORM);
      const url = `${baseOf(account)}/${encodeStrictly(container)}`;
      return objectsBelow(containerAt(url, signature), rest.join('/'), wanted, around);
    }
    const { bucket: account, key } = parseReference(reference, FORM);
    if (!key.includes('/')) throw noContainer(FORM);
    const url = `${baseOf(account)}/${key}${signature === '' ? '' : `?${signature}`}`;
    return [{ url, path: null }];
  },
};

const SERVICE = 'AZURE_STORAGE_SERVICE_ENDPOINT';
const FORM = 'az://ACCOUNT/CONTAINER/BLOB';
const PREFIX_FORM = 'az://ACCOUNT/CONTAINER/PREFIX';

/** Blobs of a page. It has up to 5,000 unless told; each may have a name of 1,024 characters. */
const PAGE_BLOBS = 1000;

/**
 * A container (List Blobs).
 * @param url its URL, without a slash at its end
 * @param signature a shared access signature, which goes with every request; empty for none
 */
function containerAt(url: string, signature: string): Store {
  return {
    page(prefix, token) {
      const query = [
        `restype=container&comp=list&maxresults=${PAGE_BLOBS}`,
        ...(prefix === '' ? [] : [`prefix=${encodeStrictly(prefix)}`]),
        ...(token === null ? [] : [`marker=${encodeStrictly(token)}`]),
        ...(signature === '' ? [] : [signature]),
      ];
      return `${url}?${query.join('&')}`;
    },
    object: (key) => `${url}/${encodedPath(key)}${signature === '' ? '' : `?${signature}`}`,
  };
}

function noContainer(form: string): SluiceError {
  return new SluiceError('URL_INVALID', 'the blob has no container', { next: `Write ${form}.` });
}
