/** Use case: tell what a URL offers, or what an unfinished download holds. */
import { SluiceError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import { partPath, targetOf } from '../disk/names.js';
import { requireOurs } from '../disk/own-file.js';
import { lstatOrNull } from '../disk/part-file.js';
import { givenDigests } from '../http/service-digests.js';
import { showText, redactUrl } from '../http/redact.js';
import { chooseName } from '../http/names.js';
import {
  keptValidators,
  readValidators,
  strongValidator,
  whyUnproven,
} from '../http/validators.js';
import { silentLog } from '../log.js';
import type { Log } from '../log.js';
import type { TlsFacts } from '../net/connection.js';
import { deadline } from '../net/deadline.js';
import { proxyName } from '../net/endpoint.js';
import type { Endpoint } from '../net/endpoint.js';
import { chooseProxy } from '../net/proxies.js';
import { ExtentSet } from '../schedule/extents.js';
import { Concurrency } from '../schedule/concurrency.js';
import { Ledger } from '../schedule/ledger.js';
import { Scheduler } from '../schedule/scheduler.js';
import { TUNING } from '../schedule/tuning.js';
import { recall } from '../engine/memory.js';
import { Ladder } from '../open/ladder.js';
import type { Rung } from '../open/ladder.js';
import { Asker, proxiesFor } from '../open/ask.js';
import type { Asked } from '../open/ask.js';
import { withHostOptions } from '../open/host-sections.js';
import * as presence from '../net/exclusive.js';
import { isClaimed } from '../disk/claim.js';
import { isComplete, isMixed, wasRefused } from '../disk/marks.js';
import { Session, ofOne } from '../transfer/session.js';
import { SMALL_FILE } from '../transfer/useful.js';
import { readAnswer } from '../transfer/questions.js';
import type { Offer } from '../open/offer.js';
import type { DownloadOptions } from '../transfer/options.js';
import { keptChecksums } from '../verify/checksum.js';
import { readResumable } from './resume.js';
import { logWithout } from './without.js';

/** What a URL offers. All texts are escaped, URLs redacted. */
export interface UrlReport {
  kind: 'url';
  url: string;
  finalUrl: string;
  redirects: Array<{ status: number; location: string }>;
  status: number;
  /** Length in bytes; null when the server does not tell. */
  size: number | null;
  name: string;
  /** Whether byte ranges work, are claimed to, or do not. */
  ranges: 'yes' | 'claimed' | 'no';
  /** Ways to ask that the server did not like, in order, before the one that it answered. */
  tried: Array<{ rung: Rung; code: ErrorCode; why: string }>;
  etag: string | null;
  lastModified: string | null;
  /** What would prove that kept bytes belong to the same representation. */
  strongValidator: 'etag' | 'date' | null;
  /** Why the ETag and Last-Modified prove nothing, field by field; null when one of them proves. */
  unproven: string | null;
  type: string | null;
  server: string | null;
  /** What the server gives, and in which field. */
  digests: Array<{ algorithm: string; hex: string; field: string }>;
  /** Of the server; none where a proxy looks them up. */
  addresses: string[];
  /** The address that the connection leads to: the server's, or the proxy's. */
  address: string;
  /** The proxy that answered for the last URL, without its credentials; null for none. And why, where any is named. */
  proxy: { url: string | null; why: string | null };
  tls: TlsFacts | null;
  /** What `get` would start with. */
  plan: { connections: number; leaseBytes: number | null };
}

/** What an unfinished download holds. */
export interface PathReport {
  kind: 'path';
  target: string;
  part: string;
  url: string;
  finalUrl: string | null;
  size: number | null;
  /** Bytes that are durable and need not be fetched again. */
  bytes: number;
  /** Durable ranges, half-open. */
  extents: Array<{ start: number; end: number }>;
  missing: number | null;
  etag: string | null;
  lastModified: string | null;
  /**
   * Whether `resume` can prove that the bytes belong to what the server has, if that is still the same:
   * by a strong validator, by a digest that the journal has, or because they were verified already.
   */
  provable: boolean;
  /** Whether a digest refused the bytes. `resume` then ends with exit status 9, or 8 after a change. */
  refused: boolean;
  /** Whether a run is at work on it now; `bytes` is then what was durable at its last checkpoint. */
  running: boolean;
  /** Whether the last run stopped gracefully. */
  clean: boolean;
  /** Whether a torn or damaged end of the journal was left out. */
  journalDamaged: boolean;
  partPresent: boolean;
  startedAt: string;
}

/**
 * Asks a URL as `get` would, reads only the head, and tells what it says.
 * @param watch gets a function that ends the asking with an error; returns what is to be called at the end
 * @throws SluiceError as the first request of a download
 */
export async function inspectUrl(
  given: DownloadOptions,
  log: Log = silentLog,
  watch: (abort: (error: SluiceError) => void) => () => void = () => () => undefined,
): Promise<UrlReport> {
  const options = withHostOptions(given);
  const session = new Session(ofOne(options, log));
  const asker = new Asker(options, session.engine.connections, log);
  const unwatch = watch((error) => asker.abort(error));
  const endMaxTime = bound(options.maxTimeMs, (error) => asker.abort(error));
  const off = logWithout(log);
  try {
    const ladder = new Ladder();
    const [asked, offer] = await askAsGet(asker, ladder);
    const report = urlReport(options, asker.url, asked, offer, ladder);
    asked.connection.destroy();
    return report;
  } finally {
    off();
    unwatch();
    endMaxTime();
    asker.close();
    await session.close();
  }
}

/** Ends the asking after so many milliseconds; returns what calls that off. */
function bound(ms: number | null, abort: (error: SluiceError) => void): () => void {
  if (ms === null) return () => undefined;
  return deadline(ms, () => {
    const message = `the server did not tell within ${ms / 1000} s`;
    abort(new SluiceError('MAX_TIME', message, { next: 'Give more time with --max-time.' }));
  });
}

/** Asks more plainly each time that the server objects, as `get` does (P22). */
async function askAsGet(asker: Asker, ladder: Ladder): Promise<[Asked, Offer]> {
  for (;;) {
    const range = ladder.asking({ start: 0, end: null });
    try {
      const asked = await asker.ask(range);
      const offer = readAnswer(asked, range === null ? null : 0);
      if (offer.kind !== 'none') return [asked, offer];
      await asker.release(asked.connection, asked.answer);
      throw new SluiceError('HTTP_RANGE_MISMATCH', 'the server finds no such range (416)');
    } catch (thrown) {
      if (!ladder.descend(SluiceError.from(thrown), true)) throw thrown;
    }
  }
}

function urlReport(
  options: DownloadOptions,
  origin: URL,
  asked: Asked,
  offer: Offer,
  ladder: Ladder,
): UrlReport {
  const { head } = asked.answer;
  const validators = readValidators(head);
  const field = (name: string): string | null => {
    const value = head.fields.get(name);
    return value === undefined ? null : showText(value);
  };
  return {
    kind: 'url',
    url: redactUrl(origin),
    finalUrl: redactUrl(asked.url),
    redirects: asked.hops,
    status: head.status,
    size: offer.total,
    name: options.output ?? chooseName(head, asked.url),
    ranges:
      offer.kind === 'range' ? 'yes' : offer.kind === 'whole' && offer.ranges ? 'claimed' : 'no',
    tried: ladder.tried.map(({ rung, code, why }) => ({ rung, code, why })),
    etag: field('etag'),
    lastModified: field('last-modified'),
    strongValidator: strongValidator(validators)?.kind ?? null,
    unproven: whyUnproven(head),
    type: field('content-type'),
    server: field('server'),
    digests: options.serverDigests ? givenDigests(head, asked.promised) : [],
    addresses: serverAddresses(asked.source.endpoint),
    address: asked.connection.address,
    proxy: proxyOf(options, asked.url),
    tls: asked.connection.tls,
    plan: planOf(options, offer, asked),
  };
}

function serverAddresses({ addresses, proxy }: Endpoint): string[] {
  return (proxy ? (proxy.targets ?? []) : addresses).map(({ address }) => address);
}

function proxyOf(options: DownloadOptions, url: URL): UrlReport['proxy'] {
  const { proxy, why } = chooseProxy(proxiesFor(options, url), url);
  return { url: proxy === null ? null : proxyName(proxy), why };
}

/** What the scheduler of a download would begin with. */
function planOf(
  { connections }: DownloadOptions,
  offer: Offer,
  { source, roundTripMs, firstByteMs, connection }: Asked,
): UrlReport['plan'] {
  const size = offer.total;
  if (size === null || offer.kind !== 'range' || size <= SMALL_FILE)
    return { connections: 1, leaseBytes: size };
  const known = connections === 'auto' ? recall(source.endpoint, roundTripMs) : null;
  const concurrency = new Concurrency(connections, roundTripMs, TUNING, known);
  const scheduler = new Scheduler({
    ledger: new Ledger(size, new ExtentSet()),
    concurrency,
    connections: concurrency.target,
    order: 'any',
    mayHedge: false,
    roundTripMs,
    dialMs: connection.dialMs,
    firstByteMs,
    firstLease: 1,
  });
  scheduler.adopt({ start: 0, end: size }, true, 0);
  const second = scheduler.act(0).find((action) => action.kind === 'fetch');
  return {
    connections: concurrency.target,
    leaseBytes: second === undefined ? size : second.span.end - second.span.start,
  };
}

/** What will not be gone on with is told as `get` tells it. */
function isPartThere(part: string): boolean {
  const stats = lstatOrNull(part);
  if (stats !== null) requireOurs(stats, part);
  return stats?.isFile() === true;
}

/**
 * Tells what an unfinished download holds, without touching it.
 * @param path the final path, the part's or the journal's
 * @throws SluiceError NOTHING_TO_RESUME, JOURNAL_DAMAGED, TARGET_FOREIGN
 */
export async function inspectPath(path: string): Promise<PathReport> {
  const held = heldAt(path);
  return { ...held, running: await isClaimed(held.target, presence) };
}

/** The same without looking for a run that is at work. */
export function heldAt(path: string): Omit<PathReport, 'running'> {
  const target = targetOf(path);
  const { identity, extents, clean, publish, damaged } = readResumable(target);
  const written = new ExtentSet(extents);
  const validators = keptValidators(identity.validators);
  const verified = publish !== null || isComplete(identity);
  const isTied = strongValidator(validators) !== null && !isMixed({ identity });
  return {
    kind: 'path',
    target,
    part: partPath(target),
    url: redactUrl(identity.url),
    finalUrl: identity.finalUrl === null ? null : redactUrl(identity.finalUrl),
    size: identity.size,
    bytes: written.total(),
    extents: written.toArray(),
    missing: identity.size === null ? null : identity.size - written.total(),
    etag: validators.etag === null ? null : showText(validators.etag.opaque),
    lastModified: validators.lastModified === null ? null : showText(validators.lastModified),
    provable: isTied || verified || keptChecksums(identity.options['checksums']).length > 0,
    refused: wasRefused({ identity, verified }),
    clean: clean !== null,
    journalDamaged: damaged,
    partPresent: isPartThere(partPath(target)),
    startedAt: new Date(identity.createdMs).toISOString(),
  };
}
