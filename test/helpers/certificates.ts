/**
 * Certificates for tests, made once a process: a root, good and bad server certificates, and a
 * client certificate. Nothing is written to disk.
 */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

/** A key and its certificate chain, both PEM. */
export interface KeyAndCert {
  key: string;
  cert: string;
}

export interface Certificates {
  /** PEM of the root that signs all but `selfSigned` and `unknownRoot`. */
  ca: string;
  /** For localhost, 127.0.0.1 and ::1. */
  server: KeyAndCert;
  /** For wrong.example only. */
  wrongHost: KeyAndCert;
  expired: KeyAndCert;
  notYetValid: KeyAndCert;
  selfSigned: KeyAndCert;
  /** Signed by a root that nobody knows. */
  unknownRoot: KeyAndCert;
  /** Extended key usage is clientAuth only. */
  badUsage: KeyAndCert;
  /** Key usage is the signing of certificates only. */
  badKeyUsage: KeyAndCert;
  /** As good as `server`, and another one. */
  renewed: KeyAndCert;
  /** For TLS client authentication. */
  client: KeyAndCert;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY = 24 * 60 * 60 * 1000;
const LOCAL = ['localhost', '127.0.0.1', '::1'];

interface Authority {
  certificate: x509.X509Certificate;
  keys: webcrypto.CryptoKeyPair;
}

interface Request {
  names?: string[];
  /** Days from now. */
  from?: number;
  until?: number;
  usage?: x509.ExtendedKeyUsage;
  keyUsage?: x509.KeyUsageFlags;
}

let serial = 1;
const nextSerial = (): string => (serial++).toString(16).padStart(4, '0');
const days = (count: number): Date => new Date(Date.now() + count * DAY);
const makeKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

async function pemOfKey(keys: webcrypto.CryptoKeyPair): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
}

/** `dns:` in front of a name says that it is none of an address, whatever it looks like. */
const generalNames = (names: string[]): x509.JsonGeneralName[] =>
  names.map((name) =>
    name.startsWith('dns:')
      ? { type: 'dns', value: name.slice(4) }
      : { type: /^[\d.]+$|:/.test(name) ? 'ip' : 'dns', value: name },
  );

async function makeRoot(name: string): Promise<Authority> {
  const keys = await makeKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: nextSerial(),
    name: `CN=${name}`,
    notBefore: days(-1),
    notAfter: days(30),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate, keys };
}

/** Makes a certificate of its own key; without an issuer it signs itself. */
async function issue(issuer: Authority | null, request: Request = {}): Promise<KeyAndCert> {
  const { names = LOCAL, from = -1, until = 30 } = request;
  const { keyUsage = x509.KeyUsageFlags.digitalSignature } = request;
  const keys = await makeKeys();
  const usage = request.usage ?? x509.ExtendedKeyUsage.serverAuth;
  const name = `CN=${names[0]}`;
  const common = {
    serialNumber: nextSerial(),
    notBefore: days(from),
    notAfter: days(until),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(keyUsage, true),
      new x509.ExtendedKeyUsageExtension([usage]),
      new x509.SubjectAlternativeNameExtension(generalNames(names)),
    ],
  };
  const certificate =
    issuer === null
      ? await x509.X509CertificateGenerator.createSelfSigned({ ...common, name, keys })
      : await x509.X509CertificateGenerator.create({
          ...common,
          subject: name,
          issuer: issuer.certificate.subject,
          publicKey: keys.publicKey,
          signingKey: issuer.keys.privateKey,
        });
  return { key: await pemOfKey(keys), cert: `${certificate.toString('pem')}\n` };
}

async function make(): Promise<Certificates> {
  const root = await makeRoot('sluice test root');
  const stranger = await makeRoot('sluice unknown root');
  return {
    ca: `${root.certificate.toString('pem')}\n`,
    server: await issue(root),
    wrongHost: await issue(root, { names: ['wrong.example'] }),
    expired: await issue(root, { from: -20, until: -10 }),
    notYetValid: await issue(root, { from: 10, until: 20 }),
    selfSigned: await issue(null),
    unknownRoot: await issue(stranger),
    badUsage: await issue(root, { usage: x509.ExtendedKeyUsage.clientAuth }),
    badKeyUsage: await issue(root, { keyUsage: x509.KeyUsageFlags.keyCertSign }),
    renewed: await issue(root),
    client: await issue(root, {
      names: ['sluice-client'],
      usage: x509.ExtendedKeyUsage.clientAuth,
    }),
  };
}

let made: Promise<Certificates> | null = null;

/** The certificates of this process. */
export function certificates(): Promise<Certificates> {
  made ??= make();
  return made;
}

/** A server certificate for other names, signed by the known root of its own call. */
export async function certificateFor(names: string[]): Promise<KeyAndCert & { ca: string }> {
  const root = await makeRoot('sluice test root for names');
  return { ...(await issue(root, { names })), ca: `${root.certificate.toString('pem')}\n` };
}
