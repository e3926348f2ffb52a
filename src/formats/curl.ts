/** A curl command, as browsers' "Copy as cURL" writes it: what it says of a download. Pure. */
import { SluiceError } from '../errors.js';
import { commandWords } from './command-words.js';

/** What a command says; null where it says nothing. */
export interface CurlCommand {
  url: string;
  /** `Name: value`, as for `-H`. Cookies are among them. */
  headers: string[];
  /** A file with cookies. */
  cookieFile: string | null;
  userAgent: string | null;
  referer: string | null;
  user: string | null;
  bearer: string | null;
  proxy: string | null;
  insecure: boolean;
}

/** Options with a value, by their letter or name. */
const VALUES: Readonly<Record<string, string>> = {
  ...{ H: 'header', b: 'cookie', A: 'user-agent', e: 'referer', u: 'user', x: 'proxy' },
  ...{ X: 'request', d: 'data', F: 'form', T: 'upload-file', r: 'range', o: 'output' },
};

const TAKEN = new Set([
  ...['header', 'cookie', 'user-agent', 'referer', 'user', 'proxy', 'request', 'url'],
  ...['oauth2-bearer', 'range', 'output'],
]);

/** Options without a value that change nothing of what is downloaded here. */
const PASSED_OVER = new Set([
  ...['compressed', 'location', 'silent', 'show-error', 'fail', 'globoff', 'verbose', 'include'],
  ...[
    'remote-name',
    'http1.1',
    'http2',
    'http3',
    'no-progress-meter',
    'progress-bar',
    'path-as-is',
  ],
  ...['basic', 'digest', 'anyauth', 'tlsv1.2', 'tlsv1.3'],
]);

const LETTERS: Readonly<Record<string, string>> = {
  ...{ L: 'location', s: 'silent', S: 'show-error', f: 'fail', g: 'globoff', v: 'verbose' },
  ...{ i: 'include', O: 'remote-name', k: 'insecure', '#': 'progress-bar', I: 'head', G: 'get' },
};

/** Options that are not of a download, and why. */
const REFUSED: Readonly<Record<string, string>> = {
  data: 'it sends data, and a download asks only',
  'data-raw': 'it sends data, and a download asks only',
  'data-binary': 'it sends data, and a download asks only',
  'data-ascii': 'it sends data, and a download asks only',
  'data-urlencode': 'it sends data, and a download asks only',
  json: 'it sends data, and a download asks only',
  form: 'it sends a form, and a download asks only',
  'form-string': 'it sends a form, and a download asks only',
  'upload-file': 'it sends a file, and a download asks only',
  head: 'it asks for the head only',
  get: 'it goes with --data',
};

/** Fields that are sluice's own business: which bytes are asked for, in which form, on which connection. */
const OWN_FIELDS = new Set([
  ...['range', 'if-range', 'accept-encoding', 'content-length', 'transfer-encoding', 'connection'],
  ...['keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade', 'expect'],
  ...['if-none-match', 'if-modified-since', 'if-match', 'if-unmodified-since'],
]);

/**
 * Reads a command.
 * @throws SluiceError USAGE: what is not of a download is refused by its name. No value is told.
 */
export function parseCurl(text: string): CurlCommand {
  const [program, ...words] = commandWords(text);
  if (program === undefined || !/^(?:.*[\\/])?curl(?:\.exe)?$/i.test(program))
    throw usage('the command is not one of curl', 'It begins with the word curl.');
  const command = new Reading();
  for (const { name, value } of optionsOf(words)) command.take(name, value);
  return command.end();
}

interface Option {
  /** Long name; `url` for an argument. */
  name: string;
  value: string;
}

function* optionsOf(words: readonly string[]): Generator<Option> {
  const left = [...words];
  const valueOf = (name: string): string => {
    const value = left.shift();
    if (value === undefined) throw usage(`--${name} of the curl command has no value`);
    return value;
  };
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    if (word.startsWith('--')) {
      const name = word.slice(2);
      const takes = TAKEN.has(name) || name in REFUSED;
      const value = takes && name !== 'head' && name !== 'get' ? valueOf(name) : '';
      yield { name, value };
    } else if (word.startsWith('-') && word.length > 1) {
      for (let at = 1; at < word.length; at++) {
        const letter = word[at] as string;
        const name = VALUES[letter];
        if (name === undefined) yield { name: LETTERS[letter] ?? `-${letter}`, value: '' };
        else {
          const rest = word.slice(at + 1);
          yield { name, value: rest === '' ? valueOf(name) : rest };
          break;
        }
      }
    } else yield { name: 'url', value: word };
  }
}

/** What has been read of a command. */
class Reading {
  private readonly urls: string[] = [];
  private readonly cookies: string[] = [];
  private readonly said: Omit<CurlCommand, 'url'> = {
    headers: [],
    cookieFile: null,
    userAgent: null,
    referer: null,
    user: null,
    bearer: null,
    proxy: null,
    insecure: false,
  };

  take(name: string, value: string): void {
    const { said } = this;
    switch (name) {
      case 'url':
        this.urls.push(value);
        break;
      case 'header':
        this.header(value);
        break;
      case 'cookie':
        if (value.includes('=')) this.cookies.push(asBytes(value));
        else if (value !== '') said.cookieFile = value;
        break;
      case 'user-agent':
        said.userAgent = asBytes(value);
        break;
      case 'referer':
        // `;auto` is about redirects.
        said.referer = asBytes(value.replace(/;auto$/, ''));
        break;
      case 'user':
        said.user = value;
        break;
      case 'oauth2-bearer':
        said.bearer = value;
        break;
      case 'proxy':
        said.proxy = value;
        break;
      case 'insecure':
        said.insecure = true;
        break;
      case 'request':
        if (value !== 'GET') throw refused('request', 'another method than GET is not a download');
        break;
      case 'range':
      case 'output':
        break;
      default:
        if (!PASSED_OVER.has(name)) throw refused(name, REFUSED[name] ?? 'it is not known here');
    }
  }

  private header(line: string): void {
    const [name = ''] = line.split(/[:;]/, 1);
    const lower = name.trim().toLowerCase();
    if (line.startsWith('@')) throw refused('header @FILE', 'a file of header lines is not read');
    if (lower === 'cookie' && line.includes(':'))
      this.cookies.push(asBytes(line.slice(line.indexOf(':') + 1).trim()));
    else if (lower !== '' && !OWN_FIELDS.has(lower)) this.said.headers.push(asBytes(line));
  }

  end(): CurlCommand {
    const [url, another] = this.urls;
    if (url === undefined) throw usage('the curl command has no URL');
    if (another !== undefined) throw usage('the curl command has several URLs');
    const { said } = this;
    // One field: what the browser sends stands in one too (RFC 6265 section 5.4).
    const cookies = this.cookies.filter((value) => value !== '');
    if (cookies.length > 0) said.headers.push(`Cookie: ${cookies.join('; ')}`);
    return { url: /^[a-z][\w+.-]*:\/\//i.test(url) ? url : `http://${url}`, ...said };
  }
}

/** Text as the bytes that curl sends: UTF-8, each byte one character. */
const asBytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

function refused(name: string, why: string): SluiceError {
  const flag = name.startsWith('-') ? name : `--${name}`;
  return usage(
    `the curl command has ${/^[\w.#@ -]{1,40}$/.test(flag) ? flag : 'an option that is not known'}: ${why}`,
    'Take it out of the command if the file is to be had without it.',
  );
}

function usage(message: string, next = 'Copy the request with "Copy as cURL".'): SluiceError {
  return new SluiceError('USAGE', message, { next });
}
