/** Node's socket and TLS errors as ours. */
import { SluiceError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import { excerpt } from '../http/syntax.js';
import { isUnknownIssuer } from './system-roots.js';

/** Error names of OpenSSL's certificate verification that Node passes on, besides those found by pattern. */
const CERTIFICATE_CODES = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'CERT_REJECTED',
  'CERT_UNTRUSTED',
  'CERT_CHAIN_TOO_LONG',
  'CERT_SIGNATURE_FAILURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_TLS_CERT_ALTNAME_FORMAT',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
]);

function isCertificateCode(code: string): boolean {
  return CERTIFICATE_CODES.has(code) || /^(UNABLE_TO_|ERROR_IN_CERT|CRL_)/.test(code);
}

/**
 * Node's reason: it ends with all the names of the certificate, of which there may be thousands. What newer versions
 * say about a flag of their own is no help: sluice reads the system's authorities without it.
 */
function reasonOf(text: string): string {
  const [own = ''] = text.split('; if the root CA is installed locally');
  const [why = '', ...names] = own.split(': ');
  return names.length === 0 ? why : `${why}: ${excerpt(names.join(': '))}`;
}

/** Which phase of a connection an error fell into. */
export type Phase = 'connecting' | 'handshake' | 'exchange';

/**
 * Maps an error of a socket to one of ours.
 * @param peer what was talked to, as `host:port`
 */
export function socketError(
  thrown: NodeJS.ErrnoException,
  phase: Phase,
  peer: string,
): SluiceError {
  const errno = thrown.code ?? 'unknown';
  const { code, message, next } = describe(errno, thrown.message, phase, peer);
  return new SluiceError(code, message, { errno, next }, thrown);
}

/** What the system means, in words. The others keep their name alone. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was reset',
  ENETUNREACH: 'no network leads there',
  EHOSTUNREACH: 'no route leads there',
  ENETDOWN: 'the network is down',
  EADDRNOTAVAIL: 'there is no address to connect from',
  ETIMEDOUT: 'nobody answered in time',
  EACCES: 'the system does not allow it',
  EPERM: 'the system does not allow it',
  EAI_AGAIN: 'no name server answered',
};

/** What failed, and why: in words where there are some, and by the name that the system gives it. */
export function failed(what: string, errno: string): string {
  const words = Object.hasOwn(WORDS, errno) ? WORDS[errno] : undefined;
  return words === undefined ? `${what} failed (${errno})` : `${what} failed: ${words} (${errno})`;
}

function describe(
  errno: string,
  text: string,
  phase: Phase,
  peer: string,
): { code: ErrorCode; message: string; next: string } {
  if (isCertificateCode(errno)) {
    return {
      code: 'TLS_CERTIFICATE',
      message: `the certificate of ${peer} was not accepted: ${reasonOf(text)} (${errno})`,
      next: isUnknownIssuer(errno)
        ? "Check the URL; give the server's own authority with --cacert FILE if you trust it: neither Node nor the system knows it."
        : "Check the URL; give the server's own authority with --cacert if it has one.",
    };
  }
  const isTls = errno === 'EPROTO' || errno.startsWith('ERR_SSL') || errno.startsWith('ERR_TLS');
  if (
    isTls &&
    /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|wrong version number|packet length too long/.test(
      `${errno} ${text}`,
    )
  ) {
    return {
      code: 'TLS_HANDSHAKE',
      message: `${peer} does not speak TLS: what it answered may be plain http`,
      next: 'Write http:// in place of https:// if it does, or check the port.',
    };
  }
  if (isTls) {
    return {
      code: 'TLS_HANDSHAKE',
      message: `TLS with ${peer} failed: ${text} (${errno})`,
      next: 'Check that the port speaks TLS and which versions it allows.',
    };
  }
  if (phase === 'connecting') {
    return {
      code: 'CONNECT_FAILED',
      message: failed(`connecting to ${peer}`, errno),
      next: 'Check the host, the port and the network, and run the same command again.',
    };
  }
  const during = phase === 'handshake' ? 'in the TLS handshake' : 'in the middle of an exchange';
  return {
    code: 'CONNECTION_LOST',
    message: `${peer} closed the connection ${during} (${errno})`,
    next: 'Run the same command again: it continues where it stopped.',
  };
}
