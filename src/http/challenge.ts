/** Challenges of WWW-Authenticate (RFC 9110 section 11.6.1) and answers to Digest (RFC 7616). Pure. */
import { TOKEN, trimOws } from './syntax.js';

/** A scheme with its parameters; names in lower case. */
export interface Challenge {
  scheme: string;
  parameters: Map<string, string>;
}

/** Characters of all challenges of one answer that are read. */
const MAX_CHARS = 16 * 1024;

/**
 * The challenges of the values of a field, in order. What cannot be read ends the reading: what stands
 * before counts.
 */
export function parseChallenges(values: readonly string[]): Challenge[] {
  const text = values.join(', ').slice(0, MAX_CHARS);
  const challenges: Challenge[] = [];
  let at = 0;
  const skip = (characters: string): void => {
    while (at < text.length && characters.includes(text[at] as string)) at++;
  };
  const word = (): string => {
    const from = at;
    while (at < text.length && !' \t,="'.includes(text[at] as string)) at++;
    return text.slice(from, at);
  };
  for (;;) {
    skip(' \t,');
    if (at >= text.length) return challenges;
    const name = word();
    if (!TOKEN.test(name)) return challenges;
    const end = at;
    skip(' \t');
    if (text[at] !== '=') {
      challenges.push({ scheme: name.toLowerCase(), parameters: new Map() });
      if (end === at && text[at] !== ',' && at < text.length) return challenges;
      continue;
    }
    at++;
    skip(' \t');
    const value = text[at] === '"' ? quoted() : word();
    // The padding of what is one token (token68) is no parameter.
    skip('=');
    const last = challenges.at(-1);
    if (value === null || last === undefined) return challenges;
    if (!last.parameters.has(name.toLowerCase())) last.parameters.set(name.toLowerCase(), value);
  }

  function quoted(): string | null {
    let value = '';
    for (at++; at < text.length; at++) {
      const char = text[at] as string;
      if (char === '"') {
        at++;
        return value;
      }
      if (char === '\\') at++;
      value += text[at] ?? '';
    }
    return null;
  }
}

/** What a server wants for Digest, and how it is answered. */
export interface DigestChallenge {
  realm: string;
  nonce: string;
  opaque: string | null;
  /** As the server wrote it; null when it did not. */
  algorithm: string | null;
  /** As Node's crypto calls it. */
  hash: 'md5' | 'sha256' | 'sha512-256';
  /** The session's key is made of the nonces as well. */
  isSession: boolean;
  /** False for the older form without qop (RFC 2069). */
  hasQop: boolean;
  isStale: boolean;
  hidesUser: boolean;
  isUtf8: boolean;
}

/** From the strongest on. */
const HASHES: ReadonlyArray<readonly [name: string, hash: DigestChallenge['hash']]> = [
  ['sha-512-256', 'sha512-256'],
  ['sha-256', 'sha256'],
  ['md5', 'md5'],
];

/** The strongest Digest challenge that can be answered; null when there is none. */
export function chooseDigest(challenges: readonly Challenge[]): DigestChallenge | null {
  const all = challenges.flatMap(({ scheme, parameters }) =>
    scheme === 'digest' ? (readDigest(parameters) ?? []) : [],
  );
  const rank = ({ hash }: DigestChallenge): number => HASHES.findIndex(([, each]) => each === hash);
  return all.sort((a, b) => rank(a) - rank(b))[0] ?? null;
}

function readDigest(parameters: Map<string, string>): DigestChallenge | null {
  const algorithm = parameters.get('algorithm') ?? null;
  const [, base, session] = /^(.*?)(-sess)?$/.exec((algorithm ?? 'md5').toLowerCase()) ?? [];
  const hash = HASHES.find(([name]) => name === base)?.[1];
  const nonce = parameters.get('nonce');
  const qop = parameters.get('qop');
  const qops = (qop ?? '').split(',').map((each) => trimOws(each).toLowerCase());
  if (hash === undefined || nonce === undefined) return null;
  if (qop !== undefined && !qops.includes('auth')) return null;
  const is = (name: string, value: string): boolean =>
    parameters.get(name)?.toLowerCase() === value;
  return {
    realm: parameters.get('realm') ?? '',
    nonce,
    opaque: parameters.get('opaque') ?? null,
    algorithm,
    hash,
    isSession: session !== undefined,
    hasQop: qop !== undefined,
    isStale: is('stale', 'true'),
    hidesUser: is('userhash', 'true'),
    isUtf8: is('charset', 'utf-8'),
  };
}

/** What a request is answered with beside the challenge. */
export interface DigestAnswer {
  user: string;
  password: string;
  method: string;
  /** The request target in origin-form. */
  uri: string;
  cnonce: string;
  /** How many requests were sent with this nonce, this one included. */
  count: number;
  /** The digest of a text's bytes in UTF-8, in lower-case hex. */
  hash: (algorithm: DigestChallenge['hash'], text: string) => string;
}

/** The value of Authorization (RFC 7616 section 3.4), each character a byte. */
export function digestCredentials(challenge: DigestChallenge, answer: DigestAnswer): string {
  const { realm, nonce, opaque, algorithm, isSession, hasQop, hidesUser } = challenge;
  const { user, password, method, uri, cnonce, count } = answer;
  const hash = (...parts: string[]): string => answer.hash(challenge.hash, parts.join(':'));
  const nc = count.toString(16).padStart(8, '0');
  const plain = hash(user, realm, password);
  const secret = isSession ? hash(plain, nonce, cnonce) : plain;
  const request = hash(method, uri);
  const response = hasQop
    ? hash(secret, nonce, nc, cnonce, 'auth', request)
    : hash(secret, nonce, request);
  const name = hidesUser ? ['username', quote(hash(user, realm))] : userParameter(user, challenge);
  const parts: Array<readonly string[]> = [
    name,
    ['realm', quote(realm)],
    ['nonce', quote(nonce)],
    ['uri', quote(uri)],
    ['response', quote(response)],
    ...(algorithm === null ? [] : [['algorithm', algorithm]]),
    ...(opaque === null ? [] : [['opaque', quote(opaque)]]),
    ...(hasQop
      ? [
          ['qop', 'auth'],
          ['nc', nc],
        ]
      : []),
    ...(hasQop || isSession ? [['cnonce', quote(cnonce)]] : []),
    ...(hidesUser ? [['userhash', 'true']] : []),
  ];
  return `Digest ${parts.map((pair) => pair.join('=')).join(', ')}`;
}

function userParameter(user: string, { isUtf8 }: DigestChallenge): readonly string[] {
  if (!isUtf8 || /^[\x00-\x7f]*$/.test(user)) return ['username', quote(bytesOf(user))];
  const encoded = encodeURIComponent(user).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return ['username*', `UTF-8''${encoded}`];
}

const bytesOf = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
const quote = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`;
