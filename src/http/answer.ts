/** What the status and the coding of an answer mean to a downloader. */
import { SluiceError } from '../errors.js';
import type { ResponseHead } from './head.js';
import { parseRetryAfter } from './retry-after.js';
import { excerpt } from './syntax.js';

/** The error of a part that is coded, though the file is not: one stream alone can be saved as it is sent. */
export function encodedError(head: ResponseHead): SluiceError {
  const coding = head.fields.get('content-encoding') ?? '';
  return new SluiceError(
    'HTTP_ENCODED',
    `the server applied Content-Encoding: ${excerpt(coding)} although only identity was asked for`,
    {
      httpStatus: head.status,
      next: 'Give `--connections 1`: what comes in one stream is saved as it is sent, not decoded.',
    },
  );
}

/** The error of an answer that is neither success nor redirect (RFC 9110 sections 15.5 and 15.6). */
export function refusal(head: ResponseHead): SluiceError {
  const { status, reason } = head;
  const retryAfterMs = parseRetryAfter(head.fields.getAll('retry-after'), Date.now());
  const details =
    retryAfterMs === null ? { httpStatus: status } : { httpStatus: status, retryAfterMs };
  const said = reason === '' ? String(status) : `${status} ${excerpt(reason)}`;
  if (status >= 500 || [408, 425, 429].includes(status)) {
    const wait = retryAfterMs ? `, and asks to wait ${duration(retryAfterMs)}` : '';
    return new SluiceError('HTTP_SERVER_ERROR', `the server answered ${said}${wait}`, {
      ...details,
      next:
        status === 511
          ? 'The network wants you to log in: open any http page in a browser, then run the same command again.'
          : 'Try again later; fewer --connections may help.',
    });
  }
  if (status === 407) return proxyWantsCredentials(head);
  if (status >= 400) {
    return new SluiceError('HTTP_REFUSED', `the server refused: ${said}`, {
      ...details,
      next: advice(head),
    });
  }
  return new SluiceError('HTTP_UNEXPECTED', `the server answered ${said} to a request for bytes`, {
    ...details,
    next: 'Check the URL: what answers there is not a file.',
  });
}

/** What to do about a 401, by the schemes that it names (RFC 9110 section 11.6.1). */
function authentication(challenges: string[]): string {
  const known =
    challenges.length === 0 || challenges.some((one) => /\b(?:basic|bearer|digest)\b/i.test(one));
  if (known) return 'Give credentials with --user or --bearer, or check those that were given.';
  const scheme = excerpt((challenges[0] ?? '').split(' ')[0] ?? '');
  return `The server wants ${scheme} authentication, and only Basic, Digest and Bearer are spoken here.`;
}

/** The error of a 407: only a proxy says that (RFC 9110 section 15.5.8). */
export function proxyWantsCredentials({ status, reason, fields }: ResponseHead): SluiceError {
  const challenges = fields.getAll('proxy-authenticate');
  const known =
    challenges.length === 0 || challenges.some((one) => /\b(?:basic|digest)\b/i.test(one));
  const scheme = excerpt((challenges[0] ?? '').split(' ')[0] ?? '');
  return new SluiceError(
    'PROXY_AUTH',
    `the proxy wants other credentials: ${`${status} ${excerpt(reason)}`.trim()}`,
    {
      httpStatus: status,
      next: known
        ? "Give them with --proxy 'http://USER:PASSWORD@HOST:PORT', or check those that were given."
        : `The proxy wants ${scheme} authentication, and only Basic and Digest are spoken here.`,
    },
  );
}

/** A time that a server asks for, rounded up to what a person reckons in. */
function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.ceil(seconds / 60)} min` : `${Math.ceil(seconds / 3600)} h`;
}

/** A store takes a signature for a quarter of an hour: what to do when the clocks differ by more; null when they do not. */
function clockSkew(fields: ResponseHead['fields']): string | null {
  const theirs = Date.parse(fields.get('date') ?? '');
  const minutes = Math.round(Math.abs(Date.now() - theirs) / 60_000);
  if (!fields.has('x-amz-request-id') || !(minutes >= 15)) return null;
  return `The clocks differ by ${minutes} minutes, and a signature holds for 15: set this machine's clock.`;
}

/** What the hub of Hugging Face says in x-error-code, and what helps. A private repository is not told from none. */
const HUB_ADVICE: ReadonlyMap<string, string> = new Map([
  [
    'GatedRepo',
    "Accept the conditions on the repository's page, and give a token that may read it: set HF_TOKEN, or --bearer.",
  ],
  [
    'RepoNotFound',
    'Check the name of the repository; if it is private, give a token that may read it: set HF_TOKEN, or --bearer.',
  ],
  ['RevisionNotFound', 'Check the revision behind the @.'],
  ['EntryNotFound', 'Check the path of the file in the repository.'],
]);

const SIGN =
  'give a shared access signature: az://ACCOUNT/CONTAINER/BLOB?SIGNATURE, or AZURE_STORAGE_SAS_TOKEN.';

/** What Azure's store says in x-ms-error-code, and what helps. A private container is not told from none. */
const AZURE_ADVICE: ReadonlyMap<string, string> = new Map([
  ['PublicAccessNotPermitted', `Nothing of this account is public: ${SIGN}`],
  ['NoAuthenticationInformation', `The container is private: ${SIGN}`],
  ['ResourceNotFound', `Check the names of account and container; if it is private, ${SIGN}`],
  [
    'AuthenticationFailed',
    'The shared access signature does not hold: it may have expired, or be of another account.',
  ],
  [
    'AuthorizationPermissionMismatch',
    'The shared access signature does not permit this: to read takes r among its permissions (sp), --recursive l as well.',
  ],
  ['ContainerNotFound', 'Check the name of the container.'],
  ['BlobNotFound', 'Check the name of the blob.'],
]);

function advice({ status, fields }: ResponseHead): string {
  const ofService =
    HUB_ADVICE.get(fields.get('x-error-code') ?? '') ??
    AZURE_ADVICE.get(fields.get('x-ms-error-code') ?? '');
  if (ofService !== undefined) return ofService;
  switch (status) {
    case 401:
      return authentication(fields.getAll('www-authenticate'));
    case 403: {
      const skew = clockSkew(fields);
      if (skew !== null) return skew;
      return 'Check the credentials; a signed address may have expired.';
    }
    case 404:
    case 410:
      return 'Check the URL.';
    default:
      return 'Check the URL and the headers that were given.';
  }
}
