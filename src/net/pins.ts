/** Public keys that a server must have one of (RFC 7469 section 2.4: SHA-256 of SubjectPublicKeyInfo). */
import type { TLSSocket } from 'node:tls';
import { SluiceError } from '../errors.js';

/**
 * The digests of `--pinned-sha256`, as base64: 64 hex digits, base64, or curl's `sha256//BASE64;sha256//...`.
 * @throws SluiceError USAGE
 */
export function parsePins(texts: readonly string[]): string[] {
  return texts
    .flatMap((text) => text.split(';'))
    .map((part) => {
      const text = part.trim().replace(/^sha256\/\//, '');
      if (/^[\da-f]{64}$/i.test(text)) return Buffer.from(text, 'hex').toString('base64');
      if (/^[A-Za-z\d+/]{43}=$/.test(text)) return text;
      throw new SluiceError('USAGE', '--pinned-sha256 takes the SHA-256 of a public key', {
        next: 'Write it as sha256//BASE64 or as 64 hex digits; `openssl x509 -in FILE -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256` gives it.',
      });
    });
}

/** Why the certificate of a socket is not one of the pinned keys'; null when it is. */
export function wrongPin(
  socket: TLSSocket,
  pins: readonly string[],
  peer: string,
): SluiceError | null {
  // A session is resumed only where its certificate was checked by the same rules.
  if (socket.isSessionReused()) return null;
  const key = socket.getPeerX509Certificate()?.publicKey.export({ type: 'spki', format: 'der' });
  const { createHash } = process.getBuiltinModule('node:crypto');
  const found = key === undefined ? 'none' : createHash('sha256').update(key).digest('base64');
  if (pins.includes(found)) return null;
  return new SluiceError(
    'TLS_CERTIFICATE',
    `the public key of ${peer} is not a pinned one: sha256//${found}`,
    {
      errno: 'PINNED_KEY',
      next: 'Somebody may be in between, or the server has a new key: ask its owner, then give the new --pinned-sha256.',
    },
  );
}
