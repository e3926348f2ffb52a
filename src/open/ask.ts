/**
 * The first request of a download: name resolution, connection, redirects, credentials by origin.
 * Its answer decides everything else, and its body is already the first lease.
 */
import { SluiceError } from '../errors.js';
import type { Log } from '../log.js';
import { shellWord } from '../disk/shell.js';
import { contentCodings } from '../http/content-coding.js';
import type { Expected } from '../http/content-coding.js';
import { rangeValue } from '../http/content-range.js';
import type { ResponseHead } from '../http/head.js';
import { redactUrl } from '../http/redact.js';
import { MAX_REDIRECTS, isRedirect, isForOwner, resolveRedirect } from '../http/redirect.js';
import { baseFields, hostHeader, requestTarget, writeRequest } from '../http/request.js';
import { duplicates } from '../http/link.js';
import { linkedSize, promisedDigests } from '../http/service-digests.js';
import type { GivenDigest } from '../http/service-digests.js';
import { excerpt } from '../http/syntax.js';
import { parseUserUrl } from '../http/url.js';
import { ifRangeValue, readValidators } from '../http/validators.js';
import { onAbort, throwIfCalledOff } from '../net/calling-off.js';
import { slabBytes } from '../net/slab.js';
import type { Answer, BodySink } from '../net/exchange.js';
import type { Connection } from '../net/connection.js';
import { deadline } from '../net/deadline.js';
import { dialled, isForwarded, proxyName, urlParts } from '../net/endpoint.js';
import type { Address, Endpoint, Proxy, ProxyHop, TlsSettings } from '../net/endpoint.js';
import { hasMoreRoots, isUnknownIssuer } from '../net/system-roots.js';
import { chooseProxy } from '../net/proxies.js';
import type { ProxyRules } from '../net/proxies.js';
import { ofProxy } from '../net/proxy-errors.js';
import { asksDigest, proxyAuthorization, takesChallenge } from '../net/proxy-login.js';
import type { Connections, Taken } from '../lease/slots.js';
import type { Source } from '../lease/task.js';
import { Credentials } from './credentials.js';
import { valuesFor, valuesForUrl } from './host-sections.js';
import { logExchange } from './exchange-log.js';
import { Hosts } from './hosts.js';
import { Logins } from './logins.js';
import type { RequestOptions } from './options.js';

/** One redirect that was followed. */
export interface Hop {
  status: number;
  /** Redacted. */
  location: string;
}

/** The final answer to a first request. */
export interface Asked {
  connection: Connection;
  answer: Answer;
  /** Where the answer came from, after redirects. */
  url: URL;
  hops: Hop[];
  /** Digests that redirects gave of the file. */
  promised: GivenDigest[];
  /** How long redirects said that the file is, in bytes; null when they did not. */
  promisedSize: number | null;
  /** Mirrors that the server, or one that redirected, named (RFC 6249). */
  mirrors: URL[];
  /** Names of fields that the user gave and that were not sent there (P11). */
  withheld: string[];
  /** How to ask for more of the same. */
  source: Source;
  /** The shorter of the times that the dial and the answer took, in milliseconds. */
  roundTripMs: number;
  /** From the request to the head of the answer, in milliseconds. */
  firstByteMs: number;
}

/** Redirect bodies up to this are read, so that the connection can serve again. */
const DRAIN_BYTES = 64 * 1024;

/** The bodies of all redirects of one request may take so long together, in milliseconds. */
const DRAIN_MS = 1000;

/** A connection that sat idle for longer, in milliseconds, may have been closed by its peer meanwhile. */
const FRESH_MS = 1000;

/** Nobody is told: one will do, and its stack is not taken for each file of a list. */
const OVER = new SluiceError('CONNECTION_LOST', 'the download is over');

/** What all requests for one URL have in common. */
type Request = Pick<Source, 'target' | 'host' | 'fields'>;

/** A connection that is opened before anything is asked. */
interface Ahead {
  endpoint: Promise<Endpoint>;
  opening: Promise<Taken>;
}

/** What askers of one run share. */
export interface Shared {
  /** Addresses that were looked up. */
  hosts?: Hosts;
  /** Something is being asked at an endpoint; returns what is called when the answer is in, or none came. */
  asking?: (endpoint: Endpoint) => () => void;
}

export class Asker {
  private origin: URL;
  /** Whose origin gets what the user said to send. */
  private readonly owner: URL;
  private readonly credentials: Credentials;
  private readonly logins: Logins;
  private tls: TlsSettings;
  private readonly hosts: Hosts;
  private readonly asking: (endpoint: Endpoint) => () => void;
  private current: Connection | null = null;
  private ahead: Ahead | null = null;
  /** A body of this download ended with its TLS connection: the end of every one has to be seen. */
  private watched = false;
  /** Calls off whatever is being asked; its reason is the error. */
  private readonly abortion = new AbortController();

  /** @throws SluiceError URL_INVALID, USAGE */
  constructor(
    private readonly options: RequestOptions,
    private readonly connections: Connections,
    private readonly log: Log,
    shared: Shared = {},
  ) {
    const { url, userinfo } = parseUserUrl(options.url);
    this.origin = url;
    const { credentialsFor } = options;
    this.owner = credentialsFor === null ? url : parseUserUrl(credentialsFor).url;
    this.credentials = new Credentials(options, this.owner, userinfo);
    this.tls = options.tls;
    this.logins = new Logins((each) => this.credentials.loginFor(each));
    this.hosts = shared.hosts ?? new Hosts(options, log);
    this.asking = shared.asking ?? (() => () => undefined);
  }

  /** The URL that the user gave, without userinfo and fragment. */
  get url(): URL {
    return this.origin;
  }

  /**
   * The link has expired, and this is a fresh one to the same.
   * @throws SluiceError URL_INVALID
   */
  moveTo(url: string): void {
    this.origin = parseUserUrl(url).url;
  }

  /** The source for one more lease: Digest, of the server or of a proxy, wants another value for each request. */
  forLease(source: Source): Source {
    return withProxyLogin(this.withOwnLogin(source));
  }

  private withOwnLogin(source: Source): Source {
    const { scheme, host, port } = source.endpoint;
    const name = host.includes(':') ? `[${host}]` : host;
    const path = source.target.replace(/^http:\/\/[^/]*/, '');
    const url = new URL(`${scheme}://${name}:${port}${path}`);
    const signed = this.signatureFor(url);
    if (signed.length > 0) return { ...source, fields: withFields(source.fields, signed) };
    const value = this.logins.valueFor(url);
    if (value === null) return source;
    const others = source.fields.filter(([each]) => each.toLowerCase() !== 'authorization');
    return { ...source, fields: [['Authorization', value], ...others] };
  }

  /** The fields that sign a request to the user's origin; they hold for one request only. */
  private signatureFor(url: URL): Array<[string, string]> {
    return isForOwner(this.owner, url) ? (this.options.sign?.(url) ?? []) : [];
  }

  /** Ends whatever is being asked; nothing is asked any more. */
  abort(error: SluiceError): void {
    this.abortion.abort(error);
    this.current?.destroy();
  }

  /**
   * Begins to open the connection for the first request, so that what is done before it takes no
   * time of its own. When that fails, whoever asks is told. Resolves when an address that needs no
   * look-up is being connected to.
   */
  dialAhead(): Promise<void> {
    const { connectMs } = this.options.deadlines;
    const { signal } = this.abortion;
    const endpoint = this.endpoint(this.origin, signal);
    const opening = endpoint.then((to) => this.connections.take(to, connectMs, this.slab, signal));
    opening.catch(() => undefined);
    this.ahead = { endpoint, opening };
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Closes what is being opened, or was opened, and never asked for. */
  close(): void {
    this.abortion.abort(OVER);
    this.ahead?.opening.then(
      ({ connection }) => this.connections.keep(connection),
      () => undefined,
    );
    this.ahead = null;
  }

  private takeAhead(url: URL): Ahead | null {
    if (url !== this.origin || this.watched) return null;
    const { ahead } = this;
    this.ahead = null;
    return ahead;
  }

  private get slab(): number {
    const { connections } = this.options;
    return slabBytes(connections === 'auto' ? 1 : connections);
  }

  /**
   * Asks for `[start, end)`, or for everything when `range` is null, and follows redirects.
   * @param range offsets in bytes, half-open; `end` null for up to the last byte
   * @param conditions fields of RFC 9110 section 13, for this request only
   * @throws SluiceError of name resolution, connection, TLS, HTTP and redirects; what {@link abort} was given
   */
  async ask(
    range: { start: number; end: number | null } | null,
    conditions: ReadonlyArray<[string, string]> = [],
  ): Promise<Asked> {
    const more: Array<[string, string]> = [...conditions];
    if (range !== null) more.push(['Range', rangeValue(range.start, range.end)]);
    // Who has a digest of the whole may give it (RFC 9530 section 4). Without Range nothing is asked that a
    // plain client would not ask: the server may have refused just that.
    const { serverDigests, checksums } = this.options;
    if (range !== null && serverDigests && checksums.length === 0)
      more.push(['Want-Repr-Digest', 'sha-256=10']);
    const hops: Hop[] = [];
    const promised: GivenDigest[] = [];
    let size: number | null = null;
    const mirrors: URL[] = [];
    const asking = new AbortController();
    const forget = onAbort(this.abortion.signal, () => asking.abort(this.abortion.signal.reason));
    let endRedirects = (): void => undefined;
    try {
      throwIfCalledOff(this.abortion.signal);
      const drain = { leftMs: Math.min(DRAIN_MS, this.options.deadlines.stallMs) };
      let tries = 0;
      for (let url = this.origin; ;) {
        const asked = await this.exchange(url, more, asking.signal);
        const { connection, answer } = asked;
        if (this.logins.take(url, answer.head, tries)) {
          tries++;
          this.log.info({ url: redactUrl(url) }, 'the server asks for Digest authentication');
          await this.release(connection, answer, drain);
          continue;
        }
        if (this.hearsProxy(asked.source.endpoint, answer.head, tries)) {
          tries++;
          this.log.info({}, 'the proxy asks for Digest authentication');
          await this.release(connection, answer, drain);
          continue;
        }
        tries = 0;
        mirrors.push(...duplicates(answer.head, url));
        if (!isRedirect(answer.head)) {
          const withheld = this.credentials.withheldFrom(url);
          // In a coding it has another length.
          const isCoded = contentCodings(answer.head.fields).length > 0;
          const promisedSize = isCoded ? null : size;
          return { ...asked, url, hops, promised, promisedSize, mirrors, withheld };
        }
        promised.push(...promisedDigests(answer.head));
        size = linkedSize(answer.head) ?? size;
        const next = this.follow(url, answer.head, hops);
        if (hops.length === 1) endRedirects = this.boundRedirects(asking, hops);
        await this.release(connection, answer, drain);
        url = next;
      }
    } finally {
      forget();
      endRedirects();
    }
  }

  /** What a proxy asks for counts where it answers itself: in a tunnel it would be the server that says so. */
  private hearsProxy(endpoint: Endpoint, head: ResponseHead, tries: number): boolean {
    const { proxy } = endpoint;
    return proxy ? isForwarded(endpoint) && takesChallenge(proxy, head, tries) : false;
  }

  /**
   * All the redirects of a request together may take as long as one answer may: else a server that
   * answers each just in time has as many times that as there may be of them.
   */
  private boundRedirects(asking: AbortController, hops: Hop[]): () => void {
    const { connectMs, firstByteMs } = this.options.deadlines;
    const ms = 3 * connectMs + firstByteMs;
    return deadline(ms, () => {
      const message = `following ${hops.length} redirects took over ${ms / 1000} s`;
      const next = 'Check the URL, or give more time with --connect-timeout and --stall-timeout.';
      asking.abort(new SluiceError('FIRST_BYTE_TIMEOUT', message, { next }));
      this.current?.destroy();
    });
  }

  private follow(from: URL, head: ResponseHead, hops: Hop[]): URL {
    if (hops.length >= MAX_REDIRECTS) {
      const message = `over ${MAX_REDIRECTS} redirects, the last one to ${excerpt(redactUrl(from))}`;
      throw new SluiceError('REDIRECT_LIMIT', message, {
        next: 'Check the URL: the server sends it in a circle.',
      });
    }
    const to = resolveRedirect(from, head, { allowDowngrade: this.options.allowDowngrade });
    hops.push({ status: head.status, location: redactUrl(to) });
    this.log.info({ status: head.status, from: redactUrl(from), to: redactUrl(to) }, 'redirected');
    return to;
  }

  private async exchange(
    url: URL,
    more: ReadonlyArray<[string, string]>,
    signal: AbortSignal,
  ): Promise<Pick<Asked, 'connection' | 'answer' | 'source' | 'roundTripMs' | 'firstByteMs'>> {
    const ahead = this.takeAhead(url);
    const endpoint = await (ahead?.endpoint ?? this.endpoint(url, signal));
    const over = this.asking(endpoint);
    try {
      return await this.exchangeAt(endpoint, url, more, ahead, signal);
    } finally {
      over();
    }
  }

  private async exchangeAt(
    endpoint: Endpoint,
    url: URL,
    more: ReadonlyArray<[string, string]>,
    opened: Ahead | null,
    signal: AbortSignal,
  ): ReturnType<Asker['exchange']> {
    const { deadlines } = this.options;
    let ahead = opened;
    const login = this.logins.valueFor(url);
    const { target, host, fields } = await this.requestFor(url, endpoint, login);
    const bytes = writeRequest({ method: 'GET', target, host, fields: [...fields, ...more] });
    for (;;) {
      throwIfCalledOff(signal);
      const { connection, reused } = await this.connect(
        endpoint,
        deadlines.connectMs,
        ahead,
        signal,
      );
      ahead = null;
      endpoint.addresses = this.answered(endpoint, connection.address);
      this.current = connection;
      this.checkWanted(signal);
      try {
        const sent = performance.now();
        const answer = await connection.request(bytes, 'GET', deadlines.firstByteMs);
        const firstByteMs = performance.now() - sent;
        const roundTripMs = Math.min(connection.dialMs, firstByteMs);
        const { head } = answer;
        const all = [...fields, ...more];
        logExchange(this.log, { url, host, fields: all, connection, reused, head, firstByteMs });
        if (endsUnseen(connection, answer)) {
          this.log.info({}, 'the body ends with the TLS connection; asking again to see that end');
          connection.destroy();
          this.watched = true;
          continue;
        }
        if (answer.head.status >= 500) this.failed(endpoint);
        await this.options.cookies.hear(url, answer.head);
        // With the cookies that this answer has set.
        const again = await this.requestFor(url, endpoint, login);
        const source = sourceOf(answer.head, endpoint, again, this.expected(url));
        return { connection, answer, source, roundTripMs, firstByteMs };
      } catch (error) {
        this.checkWanted(signal);
        if (!reused || !(error instanceof SluiceError) || error.code !== 'CONNECTION_LOST') {
          this.failed(endpoint);
          throw withLook(error, url);
        }
      }
    }
  }

  /** What all requests for a URL have in common. */
  private async requestFor(url: URL, endpoint: Endpoint, login: string | null): Promise<Request> {
    const extra = withAuthorization(this.credentials.fieldsFor(url), login);
    const own = extra.find(([name]) => name.toLowerCase() === 'cookie')?.[1] ?? null;
    const cookie = await this.options.cookies.valueFor(url, own);
    const others = extra.filter(([name]) => name.toLowerCase() !== 'cookie');
    const fields = baseFields({
      userAgent: this.userAgentFor(url),
      extra: cookie === null ? others : [...others, ['Cookie', cookie]],
    });
    const target = targetOf(url, endpoint, fields);
    return { target, host: hostHeader(url), fields: withFields(fields, this.signatureFor(url)) };
  }

  private async connect(
    endpoint: Endpoint,
    timeoutMs: number,
    ahead: Ahead | null,
    signal: AbortSignal,
  ): Promise<Taken> {
    try {
      return await this.take(endpoint, timeoutMs, ahead, signal);
    } catch (error) {
      if (this.mayAskSystem(endpoint, error))
        return this.connect(endpoint, timeoutMs, null, signal);
      // The next request begins with another address.
      this.failed(endpoint);
      throw error;
    }
  }

  /** The system may trust whom Node does not know: its authorities are read when one is met, and not before. */
  private mayAskSystem(endpoint: Endpoint, error: unknown): boolean {
    const { tls } = endpoint;
    if (!(error instanceof SluiceError) || error.code !== 'TLS_CERTIFICATE') return false;
    if (tls === null || tls.ca !== null || tls.system === true) return false;
    if (!isUnknownIssuer(error.details.errno) || !hasMoreRoots()) return false;
    this.log.info({}, 'nobody whom Node trusts vouches for the certificate; asking the system');
    this.tls = { ...this.tls, system: true };
    endpoint.tls = { ...tls, system: true };
    return true;
  }

  private async take(
    endpoint: Endpoint,
    timeoutMs: number,
    ahead: Ahead | null,
    signal: AbortSignal,
  ): Promise<Taken> {
    const { watched, slab } = this;
    if (watched)
      return {
        connection: await this.connections.open(endpoint, timeoutMs, slab, signal, watched),
        reused: false,
      };
    const taken = await (ahead?.opening ?? null);
    if (taken?.connection.isIdle === true) {
      const { connection, reused } = taken;
      return { connection, reused: reused || connection.ageMs > FRESH_MS };
    }
    return this.connections.take(endpoint, timeoutMs, slab, signal);
  }

  /** What tells that a content coding is the form of the file that is wanted. */
  private expected(url: URL): Expected {
    const { output, checksums, checksumLists, pieces } = this.options;
    const digest = checksums.length > 0 || checksumLists.length > 0 || pieces !== null;
    const names = [this.origin.pathname, url.pathname, ...(output === null ? [] : [output])];
    return { names, digest };
  }

  /** Closes what has come for a request that was called off meanwhile. */
  private checkWanted(signal: AbortSignal): void {
    if (signal.aborted) this.current?.destroy();
    throwIfCalledOff(signal);
  }

  private answered(endpoint: Endpoint, address: string): Address[] {
    const { host, port } = dialled(endpoint);
    return this.hosts.answered(host, port, address);
  }

  /** The next request begins with other addresses: of whom was dialled, and of whom the proxy was asked for. */
  private failed(endpoint: Endpoint): void {
    const { host, port } = dialled(endpoint);
    this.hosts.failed(host, port);
    if (endpoint.proxy?.targets) this.hosts.failed(endpoint.host, endpoint.port);
  }

  private async endpoint(url: URL, signal: AbortSignal): Promise<Endpoint> {
    const { scheme, host, port } = urlParts(url);
    const tls = scheme === 'https' ? this.tlsFor(url) : null;
    const { proxy, why } = chooseProxy(proxiesFor(this.options, url), url);
    if (proxy === null) {
      const addresses = await this.hosts.addresses(host, port, signal);
      return { scheme, host, port, addresses, tls };
    }
    this.log.debug({ host, proxy: proxyName(proxy), why }, 'going through a proxy');
    const addresses = await this.addressesOf(proxy, signal);
    const hop = await this.hop(proxy, host, port, signal);
    return { scheme, host, port, addresses, tls, proxy: hop };
  }

  private async addressesOf(proxy: Proxy, signal: AbortSignal): Promise<Address[]> {
    try {
      return await this.hosts.addresses(proxy.host, proxy.port, signal);
    } catch (error) {
      throw signal.aborted ? error : ofProxy(proxy, error);
    }
  }

  /** Only a `socks5` proxy is told addresses; all others look up the name, and we do not. */
  private async hop(
    proxy: Proxy,
    host: string,
    port: number,
    signal: AbortSignal,
  ): Promise<ProxyHop> {
    const isOurs = proxy.kind === 'socks5';
    const targets = isOurs ? await this.hosts.addresses(host, port, signal) : null;
    const set = valuesFor(this.options.sections, proxy);
    const own = { ...this.options.tls, ...set.tls, cert: null, key: null, pins: null };
    const tls = proxy.kind === 'https' ? own : null;
    const userAgent = set.userAgent ?? this.options.userAgent ?? DEFAULT_USER_AGENT;
    return { ...proxy, tls, targets, userAgent };
  }

  /** The client certificate is a credential: it stays on the origin that it was given for (P11). So do pins. */
  private tlsFor(url: URL): TlsSettings {
    const { tls } = this;
    const own = isForOwner(this.owner, url) ? tls : { ...tls, cert: null, key: null, pins: null };
    const set = valuesForUrl(this.options.sections, url).tls;
    return set === undefined ? own : { ...own, ...set };
  }

  private userAgentFor(url: URL): string {
    const { userAgent, sections } = this.options;
    return valuesForUrl(sections, url).userAgent ?? userAgent ?? DEFAULT_USER_AGENT;
  }

  /**
   * Reads a short body to its end, so that the connection may be used for the next hop. That is worth
   * no more than what a new connection costs.
   * @param drain what is left of the time for the bodies of one request, in milliseconds
   */
  async release(
    connection: Connection,
    { framing }: Answer,
    drain = { leftMs: Math.min(DRAIN_MS, this.options.deadlines.stallMs) },
  ): Promise<void> {
    const short =
      framing.kind === 'none' || (framing.kind === 'length' && framing.length <= DRAIN_BYTES);
    if (!short || drain.leftMs <= 0) {
      connection.destroy();
      return;
    }
    const began = performance.now();
    try {
      await connection.readBody(discard, drain.leftMs);
      this.connections.keep(connection);
    } catch {
      connection.destroy();
    }
    drain.leftMs -= performance.now() - began;
  }
}

/**
 * The request target. A proxy that is asked for it itself gets the whole URL, and its credentials among
 * the fields.
 */
function targetOf(url: URL, endpoint: Endpoint, fields: Array<[string, string]>): string {
  const target = requestTarget(url);
  if (!endpoint.proxy || !isForwarded(endpoint)) return target;
  const whole = `http://${url.host}${target}`;
  const authorization = proxyAuthorization(endpoint.proxy, 'GET', whole);
  if (authorization !== null) fields.push(['Proxy-Authorization', authorization]);
  return whole;
}

function withProxyLogin(source: Source): Source {
  const { endpoint, target, fields } = source;
  const { proxy } = endpoint;
  if (!proxy || !isForwarded(endpoint) || !asksDigest(proxy)) return source;
  const value = proxyAuthorization(proxy, 'GET', target);
  if (value === null) return source;
  return { ...source, fields: withFields(fields, [['Proxy-Authorization', value]]) };
}

/** The fields with this value of Authorization, if there is one, in the place of any other. */
function withAuthorization<Field extends readonly [string, unknown]>(
  fields: Field[],
  value: string | null,
): Array<Field | readonly [string, string]> {
  if (value === null) return fields;
  const others = fields.filter(([name]) => name.toLowerCase() !== 'authorization');
  return [['Authorization', value], ...others];
}

/** Fields in place of those of the same names. */
function withFields(
  fields: ReadonlyArray<[string, string]>,
  others: ReadonlyArray<[string, string]>,
): Array<[string, string]> {
  const names = new Set(others.map(([name]) => name.toLowerCase()));
  return [...fields.filter(([name]) => !names.has(name.toLowerCase())), ...others];
}

/** Whether nothing would tell a whole body from a cut one (RFC 9112 section 9.8). */
function endsUnseen(connection: Connection, { head, framing }: Answer): boolean {
  return framing.kind === 'close' && head.status < 300 && !connection.seesTruncation;
}

/** The proxies for a URL: what is set for its host comes before what is for all. */
export const proxiesFor = ({ sections, proxies }: RequestOptions, url: URL): ProxyRules =>
  valuesForUrl(sections, url).proxies ?? proxies;

/** What we call ourselves when the user does not say otherwise. */
export const DEFAULT_USER_AGENT = 'sluice/0.1';

const discard: BodySink = {
  isHeld: false,
  isSated: true,
  arrived: () => false,
  room: () => DRAIN_BYTES,
  take: () => true,
};

function sourceOf(
  head: ResponseHead,
  endpoint: Endpoint,
  request: Request,
  expected: Expected,
): Source {
  const validators = readValidators(head);
  return {
    endpoint,
    ...request,
    validators,
    expected,
    ifRange: ifRangeValue(validators),
    total: null,
  };
}

/** Of a head that was refused, the user sees more with a tool that shows any: how, is said here. */
function withLook(thrown: unknown, url: URL): unknown {
  if (!(thrown instanceof SluiceError)) return thrown;
  if (thrown.code !== 'HTTP_MALFORMED' && thrown.code !== 'HTTP_TOO_LARGE') return thrown;
  const look = `\`curl -sS --http1.1 -r 0-0 -D - -o /dev/null -- ${shellWord(redactUrl(url))}\``;
  const next = `Another source of the file may do better; ${look} shows what this one answers.`;
  return new SluiceError(thrown.code, thrown.message, { ...thrown.details, next }, thrown.cause);
}
