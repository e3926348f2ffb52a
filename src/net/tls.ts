/** TLS over a connection: what it is told of the peer, and its handshake. */
import { isIP } from 'node:net';
import type { Socket } from 'node:net';
import type { ConnectionOptions, PeerCertificate, TLSSocket } from 'node:tls';
import { SluiceError } from '../errors.js';
import { calledOff, onAbort } from './calling-off.js';
import { deadline } from './deadline.js';
import { endpointKey, peerName } from './endpoint.js';
import type { Endpoint, TlsSettings } from './endpoint.js';
import { socketError } from './errors.js';
import { wrongPin } from './pins.js';
import { allRoots, contextOfAllRoots } from './system-roots.js';

/** Begins a TLS connection. Node's TLS takes 2 ms to load, and http does without it. */
export function overTls(options: ConnectionOptions): TLSSocket {
  return process.getBuiltinModule('node:tls').connect(options);
}

/** The built-in authorities, verified. */
const NO_TLS_SETTINGS: TlsSettings = { ca: null, cert: null, key: null, verify: true };

/**
 * What TLS is told about the peer of an endpoint. Left to itself Node compares the certificate with
 * the name that is sent, and where none is sent, with the address that is dialled.
 */
export function tlsOptions(endpoint: Endpoint): ConnectionOptions {
  const { ca, cert, key, verify, minVersion, system } = endpoint.tls ?? NO_TLS_SETTINGS;
  const least = minVersion === '1.3' ? 'TLSv1.3' : 'TLSv1.2';
  const options: ConnectionOptions = {
    servername: serverName(endpoint.host),
    checkServerIdentity: (_host, certificate) => wrongHost(endpoint, certificate),
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: verify,
  };
  if (minVersion) options.minVersion = least;
  if (ca !== null) options.ca = ca;
  else if (system === true && cert !== null) options.ca = allRoots();
  else if (system === true) options.secureContext = contextOfAllRoots(least);
  if (cert !== null) options.cert = cert;
  if (key !== null) options.key = key;
  const { session } = endpoint;
  if (session?.key === endpointKey(endpoint)) options.session = Buffer.from(session.bytes);
  return options;
}

/** The name that the server is told (RFC 6066 section 3): without a final dot, and none for an address. */
function serverName(host: string): string {
  return isIP(host) === 0 ? host.replace(/\.$/, '') : '';
}

/** What is wrong when a certificate is not for the host of the URL. */
function wrongHost({ host }: Endpoint, certificate: PeerCertificate): Error | undefined {
  return process.getBuiltinModule('node:tls').checkServerIdentity(host, certificate);
}

/**
 * Waits for the end of the TLS handshake. Whatever ends it otherwise destroys the socket.
 * @throws SluiceError CONNECT_TIMEOUT, TLS_CERTIFICATE, TLS_HANDSHAKE, CONNECTION_LOST; the signal's reason
 */
export function handshake(
  socket: Socket,
  endpoint: Endpoint,
  timeoutMs: number,
  signal: AbortSignal | null,
): Promise<void> {
  const peer = peerName(endpoint);
  return new Promise((resolve, reject) => {
    const settle = (error: SluiceError | null): void => {
      endDeadline();
      forget();
      socket.removeAllListeners('secureConnect');
      socket.removeAllListeners('error');
      socket.removeAllListeners('close');
      if (error === null) {
        resolve();
        return;
      }
      socket.on('error', () => undefined);
      socket.destroy();
      reject(error);
    };
    const endDeadline = deadline(timeoutMs, () => settle(silentInTls(endpoint, timeoutMs)));
    const forget = onAbort(signal, () => settle(calledOff(signal)));
    const pins = endpoint.tls?.pins ?? null;
    socket.once('secureConnect', () =>
      settle(pins === null ? null : wrongPin(socket as TLSSocket, pins, peer)),
    );
    socket.once('error', (error) => settle(socketError(error, 'handshake', peer)));
    socket.once('close', () => {
      const error = Object.assign(new Error('closed'), { code: 'ECONNRESET' });
      settle(socketError(error, 'handshake', peer));
    });
  });
}

/** The peer took the connection, and its handshake did not end in time. */
export function silentInTls(endpoint: Endpoint, timeoutMs: number): SluiceError {
  const message = `the TLS handshake with ${peerName(endpoint)} took over ${timeoutMs / 1000} s`;
  const next = 'Check that the port speaks TLS, or give more time with --connect-timeout.';
  return new SluiceError('CONNECT_TIMEOUT', message, { next });
}
