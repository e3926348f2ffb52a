/**
 * What is sent beside the request, and to whom (P11). What the user gave goes to the origin of the URL
 * only. A netrc's entry goes to its host: to others than that origin by name and over https only, for a
 * redirect, which may be a stranger's, decides who is asked. So does what is set for a host.
 */
import { netrcFor } from '../formats/netrc.js';
import { basicCredentials, bearerCredentials } from '../http/auth.js';
import { isForOwner } from '../http/redirect.js';
import { parseHeaderFlag } from '../http/request.js';
import type { UserField } from '../http/request.js';
import { urlParts } from '../net/endpoint.js';
import { sentTo } from './host-sections.js';
import type { RequestOptions } from './options.js';

/** Userinfo of a URL. */
type User = { user: string; password: string } | null;

/** What of the environment is for the owner's host. */
interface Environment {
  user: User;
  bearer: string | null;
}

export class Credentials {
  /** For the owner's origin, without Authorization unless the user wrote that field. */
  private readonly fields: UserField[];
  /** The user's own value of Authorization, for the owner's origin. */
  private readonly given: string | null;
  private readonly saysAuthorization: boolean;
  /** What the environment says, when nobody else does. */
  private readonly fallback: string | null;
  private readonly environment: Environment;

  /**
   * @param owner the URL whose origin gets what the user gave
   * @param userinfo of the URL that is asked for
   * @throws SluiceError USAGE
   */
  constructor(
    private readonly options: RequestOptions,
    private readonly owner: URL,
    private readonly userinfo: User,
  ) {
    const { referer, headers, user, bearer } = options;
    const environment = boundTo(owner, options.environment);
    this.environment = environment;
    this.fields = referer === null ? [] : [['Referer', referer]];
    for (const line of headers) {
      const { name, value } = parseHeaderFlag(line);
      this.fields.push([name, value]);
    }
    this.saysAuthorization = this.fields.some(([name]) => name.toLowerCase() === 'authorization');
    this.given = authorization(bearer, user ?? (this.asksNetrc ? null : userinfo));
    this.fallback = authorization(environment.bearer, environment.user);
  }

  /** A user without a password in the URL is whom the netrc is asked for. */
  private get asksNetrc(): boolean {
    return this.options.netrc !== null && this.userinfo?.password === '';
  }

  /** The fields for a URL. Always a new list. */
  fieldsFor(url: URL): UserField[] {
    // A program's name is no secret: many servers answer only to one that they know.
    const own = isForOwner(this.owner, url) ? [...this.fields] : this.fields.filter(isProgramName);
    const value = this.authorizationFor(url);
    const all: UserField[] = value === null ? own : [['Authorization', value], ...own];
    return [...all, ...this.setFields(url, all)];
  }

  /** Names of the fields that the user gave and that do not go to a URL (P11), for messages. */
  withheldFrom(url: URL): string[] {
    if (isForOwner(this.owner, url)) return [];
    const names = this.fields.filter((field) => !isProgramName(field)).map(([name]) => name);
    const isGiven = this.given !== null || this.fallback !== null;
    return [...new Set([...(isGiven ? ['Authorization'] : []), ...names])];
  }

  /** Who one is on a server that asks for more than a name and a password in clear; null when nobody said. */
  loginFor(url: URL): User {
    if (!isForOwner(this.owner, url))
      return url.protocol === 'https:' ? (this.entryFor(url, false) ?? this.setUser(url)) : null;
    const { user, bearer } = this.options;
    const { environment } = this;
    if (this.saysAuthorization || bearer !== null) return null;
    const given = user ?? (this.asksNetrc ? null : this.userinfo);
    const fallback = environment.bearer === null ? environment.user : null;
    const isBearer = environment.bearer !== null;
    const set = isBearer ? null : this.setUser(url);
    return given ?? this.entryFor(url, true) ?? this.userinfo ?? fallback ?? set;
  }

  /** What is set for the host, but for what is said already. */
  private setFields(url: URL, said: readonly UserField[]): UserField[] {
    const { headers = [], referer, bearer, user } = sentTo(this.options.sections, this.owner, url);
    const fields = headers.map((line): UserField => {
      const { name, value } = parseHeaderFlag(line);
      return [name, value];
    });
    if (referer !== undefined) fields.push(['Referer', referer]);
    const value = authorization(bearer ?? null, user ?? null);
    const saysItself = fields.some(([name]) => name.toLowerCase() === 'authorization');
    if (value !== null && !saysItself) fields.push(['Authorization', value]);
    const names = new Set(said.map(([name]) => name.toLowerCase()));
    return fields.filter(([name]) => !names.has(name.toLowerCase()));
  }

  private setUser(url: URL): User {
    const { bearer, user } = sentTo(this.options.sections, this.owner, url);
    return bearer === undefined ? (user ?? null) : null;
  }

  private authorizationFor(url: URL): string | null {
    const isOwn = isForOwner(this.owner, url);
    if (!isOwn) return url.protocol === 'https:' ? this.ofNetrc(url, false) : null;
    if (this.saysAuthorization) return null;
    return this.given ?? this.ofNetrc(url, true) ?? this.ofUserinfo() ?? this.fallback;
  }

  private ofNetrc(url: URL, isOwn: boolean): string | null {
    return authorization(null, this.entryFor(url, isOwn));
  }

  private entryFor(url: URL, isOwn: boolean): User {
    const { netrc } = this.options;
    const login = isOwn ? (this.userinfo?.user ?? null) : null;
    const entry = netrc === null ? null : netrcFor(netrc, urlParts(url).host, login, isOwn);
    return entry === null ? null : { user: login ?? entry.login, password: entry.password };
  }

  /** The netrc does not know the user of the URL. */
  private ofUserinfo(): string | null {
    return authorization(null, this.userinfo);
  }
}

/** What a variable says is for its host only: the next URL may be of a stranger's (P11). */
function boundTo(owner: URL, { user, bearer }: RequestOptions['environment']): Environment {
  const { host, port } = urlParts(owner);
  const name = host.includes(':') ? `[${host}]` : host;
  const isFor = (bound: string): boolean =>
    [host, name, `${name}:${port}`].includes(bound.toLowerCase());
  return {
    user: user !== null && isFor(user.host) ? user : null,
    bearer: bearer !== null && isFor(bearer.host) ? bearer.token : null,
  };
}

const isProgramName = ([name]: UserField): boolean => name.toLowerCase() === 'user-agent';

function authorization(bearer: string | null, user: User): string | null {
  if (bearer !== null) return bearerCredentials(bearer);
  return user === null ? null : basicCredentials(user.user, user.password);
}
