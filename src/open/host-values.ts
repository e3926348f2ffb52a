/** What the user has set for hosts, as downloads are told. */
import type { Deadlines } from '../lease/task.js';
import type { TlsSettings } from '../net/endpoint.js';
import type { ProxyRules } from '../net/proxies.js';

/** What may be set for a host; what is left out is as for every other. */
export interface HostValues {
  /** Header lines, `Name: value`. */
  headers?: readonly string[];
  userAgent?: string;
  referer?: string;
  user?: { user: string; password: string };
  bearer?: string;
  /** PEM texts, and what else TLS is told. */
  tls?: Partial<TlsSettings>;
  proxies?: ProxyRules;
  /** For downloads whose URL is of the host. */
  options?: { connections?: number | 'auto'; maxTimeMs?: number | null; retries?: number };
  /** `lowSpeed` null takes back what is set for all. */
  deadlines?: Partial<Omit<Deadlines, 'lowSpeed'>> & { lowSpeed?: Deadlines['lowSpeed'] | null };
  /** Connections to the host over all files. */
  perHost?: number;
}

/** The values of some hosts. */
export interface HostSection {
  /** `example.org`, `example.org:8443` (this port only), `*.example.org` (every host below it) or `*`; in lower case. */
  pattern: string;
  /** Read when the host is met. @throws SluiceError TLS_FILES, USAGE */
  values: () => HostValues;
}
