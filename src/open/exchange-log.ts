/** What the log says of a request and the head of its answer: all fields, the values only of those that hold no secret. */
import type { ResponseHead } from '../http/head.js';
import { redactUrl } from '../http/redact.js';
import { excerpt } from '../http/syntax.js';
import { isSilent } from '../log.js';
import type { Log } from '../log.js';
import type { Connection } from '../net/connection.js';

/** Fields that say how bytes are asked for and what they are. Any other may be a secret, or have one in it. */
const SHOWN = new Set(
  `accept accept-encoding accept-ranges age cache-control connection content-encoding content-length
  content-md5 content-range content-type date digest etag expires host if-match if-modified-since
  if-none-match if-range if-unmodified-since keep-alive last-modified range repr-digest retry-after server
  transfer-encoding vary via want-repr-digest`.split(/\s+/),
);

const REDACTED = '[redacted]';

function shown([name, value]: readonly [string, string | null]): string {
  const isLocation = name.toLowerCase() === 'location' && value !== null && URL.canParse(value);
  if (isLocation) return `${name}: ${redactUrl(value)}`;
  return `${name}: ${SHOWN.has(name.toLowerCase()) ? excerpt(value ?? '') : REDACTED}`;
}

export interface Exchanged {
  url: URL;
  host: string;
  fields: ReadonlyArray<readonly [string, string | null]>;
  connection: Connection;
  /** It was open before. */
  reused: boolean;
  head: ResponseHead;
  firstByteMs: number;
}

/** Writes one exchange to the log. */
export function logExchange(log: Log, exchanged: Exchanged): void {
  if (isSilent(log)) return;
  const { url, host, fields, connection, reused, head, firstByteMs } = exchanged;
  const { tls, address } = connection;
  log.debug(
    {
      url,
      request: ['GET', `Host: ${host}`, ...fields.map(shown)],
      status: head.status,
      answer: head.fields.entries.map(shown),
      address,
      reused,
      ...(tls !== null && {
        tls: `${tls.protocol}, ${tls.cipher}`,
        certificate: `${tls.subject}, by ${tls.issuer}, until ${tls.validTo}`,
      }),
      firstByteMs: Math.round(firstByteMs),
    },
    'asked',
  );
}
