/**
 * Mirrors at work beside the first source. Each is asked for one byte of the file, to learn where its
 * redirects lead, how far it is, and whether it has a file of the same length; then its connections
 * join the schedule. One that fails is left, and the next one takes its place.
 *
 * Bytes of several sources make one file only where a digest will tell whether they do (P24).
 */
import { SluiceError } from '../errors.js';
import type { Dispatcher } from '../engine/dispatcher.js';
import { recall } from '../engine/memory.js';
import { redactUrl } from '../http/redact.js';
import { excerpt } from '../http/syntax.js';
import { readValidators, strongValidator } from '../http/validators.js';
import type { Validators } from '../http/validators.js';
import type { Share, Shares } from '../schedule/shares.js';
import type { Span } from '../schedule/types.js';
import type { Asked } from '../open/ask.js';
import type { Job } from './job.js';
import { SOURCES_AT_ONCE, maxConnections } from './most.js';
import { readAnswer, renewedFrom } from './questions.js';
import { SMALL_FILE } from './useful.js';

/** Whether a digest will tell if bytes of several sources make one file. */
export function mayMix({ verification, sources, options }: Job): boolean {
  return sources > 1 && options.range === null && verification.canCheck;
}

export class FurtherSources {
  /** The source of each number of the dispatcher's, by our number. */
  private readonly numbers: number[];
  private readonly waiting: number[];
  private readonly shares: Array<[Shares, Share]> = [];
  private dispatcher: Dispatcher | null = null;
  private isOver = false;
  private isMarked = false;

  /** @param reader what is read in order: how long its leases may be, in bytes, for they go through a window */
  constructor(
    private readonly job: Job,
    private readonly reader: { longest: number } | null = null,
  ) {
    const { present, sources } = job;
    this.numbers = [present];
    const others = Array.from({ length: sources - 1 }, (_, at) => (present + 1 + at) % sources);
    this.waiting = others.filter((source) => !job.suspects.isAside(source));
  }

  /** A source of the dispatcher's brought a range. */
  brought(number: number, span: Span): void {
    this.job.suspects.brought(this.numbers[number] as number, span);
  }

  /** A source of the dispatcher's is asked no more: the next one takes its place. */
  left(number: number, error: SluiceError): void {
    const url = this.shown(this.numbers[number] as number);
    this.job.warn(`${url} failed (${error.code}): ${error.message}. The other sources go on.`);
    this.openNext();
  }

  /** Begins to ask as many of them as may work at once. */
  begin(dispatcher: Dispatcher): void {
    this.dispatcher = dispatcher;
    const { work } = this.job;
    if (work === null || !dispatcher.mayJoin) return;
    if (!this.mayMix) return this.tellAlone();
    if (work.ledger.missing.total() + this.firstLeft() <= SMALL_FILE) return;
    for (let count = 1; count < SOURCES_AT_ONCE; count++) this.openNext();
  }

  /** Digests of pieces are not looked at on the way to a reader. */
  private get mayMix(): boolean {
    return mayMix(this.job) && (this.reader === null || this.job.verification.wanted);
  }

  /** Who gave mirrors wants to know why only one works. */
  private tellAlone(): void {
    const { job } = this;
    if (job.options.mirrors.length === 0 || job.toldAlone || job.options.range !== null) return;
    job.toldAlone = true;
    const how =
      this.reader === null
        ? 'the mirrors are used one after the other'
        : 'only the first source is used';
    job.warn(`No digest is known, so ${how}. With --checksum they work at the same time.`);
  }

  /** Bytes that the first answer is to bring. */
  private firstLeft(): number {
    let sum = 0;
    for (const { start, end } of this.job.work?.ledger.leases ?? []) sum += end - start;
    return sum;
  }

  /** No further one joins. */
  end(): void {
    this.isOver = true;
    for (const [shares, share] of this.shares) shares.leave(share);
  }

  private openNext(): void {
    const source = this.waiting.shift();
    if (source === undefined || this.isOver) return;
    this.open(source).catch((thrown: unknown) => {
      if (this.isOver || this.job.abort.signal.aborted) return;
      const error = SluiceError.from(thrown);
      this.job.warn(`${this.shown(source)} is left out (${error.code}): ${error.message}`);
      this.openNext();
    });
  }

  private shown(source: number): string {
    return redactUrl(this.job.askerAt(source).url);
  }

  private async open(source: number): Promise<void> {
    const { job, dispatcher } = this;
    const asker = job.askerAt(source);
    const total = job.known?.total ?? null;
    const at = job.work?.ledger.gaps()[0]?.start ?? 0;
    const asked = await asker.ask({ start: at, end: at + 1 });
    const offer = readAnswer(asked, at, total);
    await asker.release(asked.connection, asked.answer);
    if (offer.kind !== 'range')
      throw leftOut('HTTP_RANGE_IGNORED', 'it does not serve byte ranges');
    if (offer.total !== total)
      throw leftOut('SIZE_MISMATCH', `its file has ${offer.total} bytes, not ${total}`);
    const validators = readValidators(asked.answer.head);
    this.requireSameOfHost(asked.url, validators);
    await this.mark();
    if (this.isOver || dispatcher?.mayJoin !== true) return;
    this.numbers.push(source);
    this.join(dispatcher, source, asked, { validators, total });
  }

  /** Another strong validator on the same host is another file there. */
  private requireSameOfHost(url: URL, validators: Validators): void {
    const { known, work } = this.job;
    const [theirs, ours] = [
      strongValidator(validators),
      known && strongValidator(known.validators),
    ];
    if (url.host !== this.job.asker.url.host || work === null) return;
    if (!theirs || !ours || theirs.value === ours.value) return;
    const how = `its validator is ${excerpt(theirs.value)}, not ${excerpt(ours.value)}, on the same host`;
    throw leftOut('CHANGED', how);
  }

  /** The journal learns that only a digest ties the bytes together, before there are any. */
  private async mark(): Promise<void> {
    const { job } = this;
    if (this.isMarked || job.workspace === null || job.identity === null) return;
    this.isMarked = true;
    job.identity = await job.workspace.note(job.identity, { mixed: true });
  }

  private join(
    dispatcher: Dispatcher,
    source: number,
    asked: Asked,
    known: { validators: Validators; total: number | null },
  ): void {
    const { job } = this;
    const { engine } = job.session;
    const { endpoint } = asked.source;
    const { roundTripMs, firstByteMs, connection } = asked;
    const most = maxConnections(job.options);
    const shares = engine
      .host(endpoint)
      .shared(job.options.connections, roundTripMs, () => recall(endpoint, roundTripMs));
    const share = shares.join(most);
    this.shares.push([shares, share]);
    job.log.info({ url: this.shown(source), roundTripMs }, 'a further source joins');
    dispatcher.addSource(
      {
        source: { ...asked.source, total: known.total },
        forLease: (each) => job.askerAt(source).forLease(each),
        redirected: asked.hops.length > 0,
        concurrency: share,
        mayMeasure: () => engine.mayMeasure(endpoint),
        refresh: () => renewedFrom(job, job.askerAt(source), known),
        roundTripMs,
        dialMs: Math.max(roundTripMs, connection.dialMs),
        firstByteMs,
        alone: false,
        longest: this.reader?.longest ?? Infinity,
        proven: true,
      },
      most,
    );
  }
}

function leftOut(
  code: 'HTTP_RANGE_IGNORED' | 'SIZE_MISMATCH' | 'CHANGED',
  why: string,
): SluiceError {
  return new SluiceError(code, why);
}
