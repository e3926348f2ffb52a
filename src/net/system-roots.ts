/**
 * The authorities that the machine trusts, beside Node's own: `SSL_CERT_FILE` and `SSL_CERT_DIR`, or else
 * the bundle at the place where the system keeps it. Each thread reads them once, when they are needed.
 */
import type { SecureContext, SecureVersion } from 'node:tls';

/** Debian and Alpine, Fedora, SUSE, Alpine and macOS, FreeBSD. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
  '/usr/local/share/certs/ca-root-nss.crt',
];

/** Bytes of one file, and files of a directory. */
const MAX_BYTES = 16 * 1024 * 1024;
const MAX_FILES = 4096;

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z\d+/=\s]+-----END CERTIFICATE-----/g;

/** What Node says when it knows nobody who vouches for a certificate. */
const UNKNOWN_ISSUER = new Set([
  ...['UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
  ...[
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
  ],
]);

/** Whether the system's authorities may accept what Node's do not. */
export const isUnknownIssuer = (errno: string | undefined): boolean =>
  UNKNOWN_ISSUER.has(errno ?? '');

let read: string[] | null = null;
const contexts = new Map<string, SecureContext>();

/** Node's authorities and the system's, each as PEM. A file that cannot be read has none. */
export function allRoots(env: NodeJS.ProcessEnv = process.env): string[] {
  read ??= [
    ...new Set([...process.getBuiltinModule('node:tls').rootCertificates, ...ofSystem(env)]),
  ];
  return read;
}

/** Whether the system has authorities that Node does not have. */
export function hasMoreRoots(): boolean {
  return allRoots().length > process.getBuiltinModule('node:tls').rootCertificates.length;
}

/** What trusts {@link allRoots}: to set it up takes long (0.2 s on a busy machine with 290 of them), so it is kept. */
export function contextOfAllRoots(minVersion: SecureVersion): SecureContext {
  const known = contexts.get(minVersion);
  if (known !== undefined) return known;
  const tls = process.getBuiltinModule('node:tls');
  const made = tls.createSecureContext({ ca: allRoots(), minVersion });
  contexts.set(minVersion, made);
  return made;
}

/** Certificates of the system. */
export function ofSystem(env: NodeJS.ProcessEnv): string[] {
  const { SSL_CERT_FILE: file, SSL_CERT_DIR: directories } = env;
  if (!file && !directories) {
    for (const bundle of BUNDLES) {
      const found = certificatesIn(bundle);
      if (found.length > 0) return found;
    }
    return [];
  }
  const paths = [...(file ? [file] : []), ...(directories ?? '').split(':').flatMap(filesIn)];
  return paths.flatMap(certificatesIn);
}

function filesIn(directory: string): string[] {
  if (directory === '') return [];
  try {
    const names = process.getBuiltinModule('node:fs').readdirSync(directory);
    return names.slice(0, MAX_FILES).map((name) => `${directory}/${name}`);
  } catch {
    return [];
  }
}

function certificatesIn(file: string): string[] {
  const fs = process.getBuiltinModule('node:fs');
  try {
    const { size } = fs.statSync(file);
    if (size > MAX_BYTES || !fs.statSync(file).isFile()) return [];
    return fs.readFileSync(file, 'latin1').match(CERTIFICATE) ?? [];
  } catch {
    return [];
  }
}
