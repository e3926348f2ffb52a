/**
 * Signatures of requests, AWS's version 4, for GET without content. What is signed is the host, the target and
 * the x-amz-* fields, so that a range may change; each request is signed anew, with its own time.
 */
import { createHash, createHmac } from 'node:crypto';

/** Who signs. */
export interface SigningKey {
  accessKeyId: string;
  secretAccessKey: string;
  /** Of temporary credentials; null for others. */
  sessionToken: string | null;
}

/** For what the signature holds. */
export interface Scope {
  region: string;
  service: string;
}

/** The SHA-256 of no content. */
const EMPTY = createHash('sha256').digest('hex');

/**
 * The fields that sign a GET.
 * @param more further x-amz-* fields, lower-case names, which are signed too
 */
export function signedFields(
  url: URL,
  more: ReadonlyArray<[string, string]>,
  { accessKeyId, secretAccessKey, sessionToken }: SigningKey,
  { region, service }: Scope,
  now: Date,
): Array<[string, string]> {
  const time = now.toISOString().replace(/[-:]|\.\d{3}/g, '');
  const day = time.slice(0, 8);
  const amz: Array<[string, string]> = [
    ...more,
    ['x-amz-content-sha256', EMPTY],
    ['x-amz-date', time],
    ...(sessionToken === null ? [] : [['x-amz-security-token', sessionToken] as [string, string]]),
  ];
  const signed = [['host', url.host] as [string, string], ...amz].sort(([a], [b]) => order(a, b));
  const names = signed.map(([name]) => name).join(';');
  const canonical = [
    'GET',
    url.pathname,
    canonicalQuery(url),
    ...signed.map(([name, value]) => `${name}:${value.trim()}`),
    '',
    names,
    EMPTY,
  ].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${secretAccessKey}`,
  );
  const signature = createHmac('sha256', key).update(text).digest('hex');
  const value = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  return [['Authorization', value], ...amz];
}

/** A component as the signature has it: all but the unreserved characters of RFC 3986 as %XX. */
export function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function canonicalQuery(url: URL): string {
  return [...url.searchParams]
    .map(([name, value]) => [encodeStrictly(name), encodeStrictly(value)] as const)
    .sort(([a, x], [b, y]) => order(a, b) || order(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
