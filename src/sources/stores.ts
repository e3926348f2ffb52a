/** What references to object stores have in common. */
import { SluiceError } from '../errors.js';
import { excerpt } from '../http/syntax.js';
import type { StoreSettings } from './source.js';

/** `scheme://first/rest`: the key, each part of it percent-encoded once. */
export interface StoreReference {
  bucket: string;
  key: string;
}

/**
 * A bucket, and a prefix of its keys as it is written; empty for none.
 * @throws SluiceError URL_INVALID
 */
export function parsePrefix(text: string, form: string): { bucket: string; prefix: string } {
  const [, bucket = '', prefix = ''] =
    /^[a-z0-9]+:\/\/([^/?#]+)(?:\/(.*))?$/i.exec(text.trim()) ?? [];
  if (/^[\w.-]{1,255}$/.test(bucket)) return { bucket, prefix };
  throw new SluiceError('URL_INVALID', 'this does not name a bucket', { next: `Write ${form}.` });
}

/** @throws SluiceError URL_INVALID */
export function parseReference(text: string, form: string): StoreReference {
  const [, bucket = '', key = ''] = /^[a-z0-9]+:\/\/([^/?#]+)\/(.+)$/i.exec(text.trim()) ?? [];
  if (!/^[\w.-]{1,255}$/.test(bucket) || key === '' || key.endsWith('/'))
    throw new SluiceError('URL_INVALID', 'this does not name an object of a store', {
      next: `Write ${form}; for all that is below a prefix, add --recursive.`,
    });
  const encoded = key
    .split('/')
    .map((part) => encodeURIComponent(part))
    .join('/');
  return { bucket, key: encoded };
}

/** The endpoint that a variable names, without a slash at its end. @throws SluiceError USAGE */
export function endpointOf(name: string, text: string | undefined, usual: string): string {
  const url = text === undefined || text === '' ? usual : text;
  if (/^https?:\/\/[^/?#]+(?:\/[^?#]*)?$/i.test(url)) return url.replace(/\/$/, '');
  throw new SluiceError('USAGE', `${name} is not the URL of a service: ${excerpt(url)}`, {
    next: `Unset it, or write it as ${usual}.`,
  });
}

/** The settings among what a journal or a program says; what is none is left out. */
export function storeSettings(said: unknown): StoreSettings {
  const given = (said ?? {}) as Record<string, unknown>;
  const { endpoint, region, anonymous, requesterPays } = given;
  return {
    ...(typeof endpoint === 'string' && { endpoint }),
    ...(typeof region === 'string' && { region }),
    ...(typeof anonymous === 'boolean' && { anonymous }),
    ...(typeof requesterPays === 'boolean' && { requesterPays }),
  };
}

/** What a journal says of a store; null where it says nothing that can be used. */
export function keptStore(kept: unknown): { scheme: string; settings: StoreSettings } | null {
  const { scheme, settings } = (kept ?? {}) as { scheme?: unknown; settings?: unknown };
  if (typeof scheme !== 'string') return null;
  return { scheme, settings: storeSettings(settings) };
}
