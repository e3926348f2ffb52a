/** PEM texts of TLS: read from files, and looked at before a server is asked. */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readSmallText } from './files.js';
import { SluiceError } from '../errors.js';

/** PEM files are small. */
const MAX_PEM_BYTES = 4 * 1024 * 1024;

/** Authorities, a client's certificate and its key: paths or texts. */
export interface Pems {
  ca: string | null;
  cert: string | null;
  key: string | null;
}

/**
 * The texts of files.
 * @throws SluiceError TLS_FILES, USAGE
 */
export function readPemFiles(paths: Pems): Pems {
  const { ca, cert, key } = paths;
  return checkPems({ ca: read(ca), cert: read(cert), key: read(key) }, paths);
}

/**
 * The texts, once they are what they should be. As for curl, the text of the certificate may hold its
 * key too.
 * @param paths where they are from, as far as they are files
 * @throws SluiceError TLS_FILES; USAGE for one of certificate and key alone
 */
export function checkPems(texts: Pems, paths: Pems = NO_PATHS): Pems {
  const { ca, cert } = texts;
  if (ca !== null) parse(paths.ca, 'certificate', () => new X509Certificate(ca));
  if (cert === null) {
    if (texts.key !== null) throw alone('there is a client key, but no certificate');
    return texts;
  }
  const own = /^-----BEGIN [A-Z ]*PRIVATE KEY-----/m.test(cert) ? cert : null;
  const key = texts.key ?? own;
  if (key === null) throw alone('there is a client certificate, but no key');
  const keyPath = paths.key ?? paths.cert;
  if (/^(?:-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED)/m.test(key)) {
    const next = 'Give one without a passphrase: openssl pkey -in FILE -out PLAIN.';
    throw unusable(keyPath, 'the private key is encrypted', next);
  }
  const certificate = parse(paths.cert, 'certificate', () => new X509Certificate(cert));
  const secret = parse(keyPath, 'private key', () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(secret)) {
    throw unusable(keyPath, 'the private key is not that of the certificate');
  }
  return { ca, cert, key };
}

const NO_PATHS: Pems = { ca: null, cert: null, key: null };

function parse<Parsed>(path: string | null, what: string, reading: () => Parsed): Parsed {
  try {
    return reading();
  } catch {
    throw unusable(path, `there is no ${what} in the PEM file`);
  }
}

function read(path: string | null): string | null {
  if (path === null) return null;
  try {
    return readSmallText(path, MAX_PEM_BYTES);
  } catch (error) {
    throw unusable(path, `the PEM file cannot be read: ${SluiceError.from(error).message}`);
  }
}

function unusable(
  path: string | null,
  message: string,
  next = 'Check the path, its permissions, and what the file holds.',
): SluiceError {
  return new SluiceError('TLS_FILES', message, { ...(path !== null && { path }), next });
}

function alone(message: string): SluiceError {
  return new SluiceError('USAGE', message, { next: 'Give both, each as PEM.' });
}
