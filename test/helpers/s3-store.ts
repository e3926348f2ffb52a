/**
 * A store that speaks S3: objects by path, ranges, lists in pages. The signature of every request for a private
 * bucket is checked by AWS's own code, so that ours is not judged by itself. (s3rver 3.7 computes no signature of
 * version 4, and fails at the second page of a list; Debian 12 has no store that a test could start.)
 */
import { SignatureV4 } from '@smithy/signature-v4';
import { createHash, createHmac } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const STORE_KEY = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret/of+test' };
export const STORE_REGION = 'eu-test-1';
/** Nothing of this bucket needs a signature. */
export const PUBLIC_BUCKET = 'public';

/** As the signer wants a hash. */
class Sha256 {
  private hash: Hash;

  constructor(private readonly secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash = this.made();
  }

  private made(): Hash {
    const { secret } = this;
    if (secret === undefined) return createHash('sha256');
    const key = typeof secret === 'string' ? secret : bytesOf(secret);
    return createHmac('sha256', key) as unknown as Hash;
  }

  update(bytes: string | ArrayBuffer | ArrayBufferView): void {
    this.hash.update(typeof bytes === 'string' ? bytes : bytesOf(bytes));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.hash.digest());
  }

  reset(): void {
    this.hash = this.made();
  }
}

function bytesOf(bytes: ArrayBuffer | ArrayBufferView): Buffer {
  return ArrayBuffer.isView(bytes)
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : Buffer.from(bytes);
}

/** A key of S3. */
export interface StoreKey {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** The value of Authorization that AWS's own code makes for a GET with these fields, all of them signed. */
export async function awsAuthorization(
  url: URL,
  headers: Record<string, string>,
  credentials: StoreKey,
  region: string,
  signingDate: Date,
): Promise<string | undefined> {
  const signer = new SignatureV4({
    service: 's3',
    region,
    credentials,
    sha256: Sha256,
    uriEscapePath: false,
    applyChecksum: false,
  });
  const request = {
    method: 'GET',
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers,
  };
  const signed = await signer.sign(request, { signingDate });
  return signed.headers['authorization'];
}

/** One request, as it came. */
export interface StoreRequest {
  url: string;
  fields: IncomingHttpHeaders;
}

export class S3Store {
  asked: StoreRequest[] = [];
  /** By bucket and key, `bucket/key`. */
  readonly objects = new Map<string, Buffer>();
  /** Further fields of the answer for an object, for whoever asked with these. */
  moreFields: (asked: IncomingHttpHeaders) => Record<string, string> = () => ({});
  /** How far the store's clock is ahead, in milliseconds. */
  clockMs = 0;
  /** The key that requests must be signed with, and its session's token. */
  key: StoreKey = STORE_KEY;
  /** Keys that a page of a list has. */
  pageKeys = 1000;
  /** Bytes after which a body is cut, once for each entry; null lets it pass. */
  cuts: Array<number | null> = [];
  /** The next body stops after 1 MiB until another object is asked for: so others get their turn. */
  holds = false;
  private goOn: () => void = () => undefined;
  /** Takes a request before anything else; true when it has answered. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;

  private constructor(
    private readonly server: Server,
    readonly endpoint: string,
  ) {}

  static async start(): Promise<S3Store> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const store = new S3Store(server, `http://127.0.0.1:${port}`);
    server.on('request', (request, response) => {
      store.answer(request, response).catch((error: unknown) => {
        response.writeHead(500).end(String(error));
      });
    });
    return store;
  }

  reset(): void {
    this.asked = [];
    this.clockMs = 0;
    this.cuts = [];
    this.holds = false;
    this.pageKeys = 1000;
    this.key = STORE_KEY;
    this.moreFields = () => ({});
    this.intercept = () => false;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url = '', headers } = request;
    this.asked.push({ url, fields: headers });
    if (this.intercept(request, response)) return;
    response.setHeader('x-amz-request-id', 'T1');
    response.setHeader('Date', new Date(Date.now() + this.clockMs).toUTCString());
    const asked = new URL(url, this.endpoint);
    const [bucket = '', ...rest] = asked.pathname.slice(1).split('/').map(decodeURIComponent);
    const isOpen = bucket === PUBLIC_BUCKET && headers.authorization === undefined;
    if (this.clockMs !== 0 || !(isOpen || (await this.isSigned(asked, headers))))
      return void response.writeHead(403, { 'Content-Length': 0 }).end();
    const key = rest.join('/');
    if (key === '' && asked.searchParams.has('list-type'))
      return this.list(bucket, asked.searchParams, response);
    const object = this.objects.get(`${bucket}/${key}`);
    if (object === undefined) return void response.writeHead(404, { 'Content-Length': 0 }).end();
    this.send(object, headers, response);
  }

  private send(object: Buffer, headers: IncomingHttpHeaders, response: ServerResponse): void {
    const [, from, to = ''] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? [];
    const start = Number(from ?? 0);
    const end = to === '' ? object.length : Math.min(object.length, Number(to) + 1);
    response.writeHead(from === undefined ? 200 : 206, {
      ETag: '"e1"',
      ...(from !== undefined && { 'Content-Range': `bytes ${start}-${end - 1}/${object.length}` }),
      'Content-Length': end - start,
      ...this.moreFields(headers),
    });
    const cut = this.cuts.shift() ?? null;
    const body = object.subarray(start, end);
    this.goOn();
    this.goOn = () => undefined;
    if (this.holds) {
      this.holds = false;
      response.write(body.subarray(0, 1024 * 1024));
      this.goOn = () => void response.end(body.subarray(1024 * 1024));
      return;
    }
    if (cut === null || cut >= body.length) return void response.end(body);
    response.write(body.subarray(0, cut), () => response.destroy());
  }

  /** ListObjectsV2 (the reference of S3's API). */
  private list(bucket: string, query: URLSearchParams, response: ServerResponse): void {
    const prefix = query.get('prefix') ?? '';
    const after = Buffer.from(query.get('continuation-token') ?? '', 'base64').toString();
    const quoted = (text: string): string =>
      query.get('encoding-type') === 'url'
        ? encodeURIComponent(text).replaceAll('%2F', '/').replaceAll('%20', '+')
        : text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
    const keys = [...this.objects.keys()]
      .filter((each) => each.startsWith(`${bucket}/${prefix}`))
      .map((each) => each.slice(bucket.length + 1))
      .sort()
      .filter((key) => key > after);
    const page = keys.slice(0, this.pageKeys);
    const isMore = keys.length > page.length;
    const body = [
      '<?xml version="1.0" encoding="UTF-8"?>',
      '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">',
      `<Name>${bucket}</Name><Prefix>${quoted(prefix)}</Prefix><KeyCount>${page.length}</KeyCount>`,
      `<MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>${isMore}</IsTruncated>`,
      ...page.map((key) => {
        const size = this.objects.get(`${bucket}/${key}`)?.length ?? 0;
        return `<Contents><Key>${quoted(key)}</Key><Size>${size}</Size><StorageClass>STANDARD</StorageClass></Contents>`;
      }),
      isMore
        ? `<NextContinuationToken>${Buffer.from(page.at(-1) ?? '').toString('base64')}</NextContinuationToken>`
        : '',
      '</ListBucketResult>',
    ].join('');
    response.setHeader('Content-Type', 'application/xml');
    response.setHeader('Content-Length', Buffer.byteLength(body));
    response.end(body);
  }

  private async isSigned(url: URL, headers: IncomingHttpHeaders): Promise<boolean> {
    const time = String(headers['x-amz-date']).replace(
      /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/,
      '$1-$2-$3T$4:$5:$6Z',
    );
    if (Number.isNaN(Date.parse(time))) return false;
    const [, region = '', signedNames = ''] =
      /Credential=[^/]+\/\d+\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]*)/.exec(
        headers.authorization ?? '',
      ) ?? [];
    const names = signedNames.split(';');
    const isRight = ['host', 'x-amz-date', 'x-amz-content-sha256'].every((n) => names.includes(n));
    const amz = Object.keys(headers).filter((name) => name.startsWith('x-amz-'));
    if (!isRight || !amz.every((name) => names.includes(name))) return false;
    const given = Object.fromEntries(names.map((name) => [name, String(headers[name])]));
    const value = await awsAuthorization(url, given, this.key, region, new Date(time));
    return value === headers.authorization;
  }
}
