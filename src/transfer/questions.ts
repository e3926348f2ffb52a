/**
 * The requests that find out what the server has: the first one, and those after a break. Each goes down
 * the ladder (P22) before there is an error.
 */
import { SluiceError } from '../errors.js';
import { isWorthAsking } from '../engine/failures.js';
import { encodedError } from '../http/answer.js';
import { WHOLE, beyondEnd, lastOf, lengthIn, toServer } from '../http/part-of-file.js';
import type { Cut } from '../http/part-of-file.js';
import { onTheWay } from '../http/intermediary.js';
import { redactUrl } from '../http/redact.js';
import { excerpt } from '../http/syntax.js';
import { compareValidators, readValidators } from '../http/validators.js';
import type { Source } from '../lease/task.js';
import { changedError, judge } from '../open/adopt.js';
import type { Asked, Asker } from '../open/ask.js';
import type { Job, Known } from './job.js';
import { pageInstead } from './page.js';
import type { Event } from './machine.js';
import { readOffer } from '../open/offer.js';
import type { Offer } from '../open/offer.js';

export class Questions {
  /** Fields that make the first request conditional; an answer that is no part of the file may come of them. */
  conditions: ReadonlyArray<[string, string]> = [];
  /** When this request fails there will be no other one. */
  isLast = false;
  /** A range of kept bytes was answered with the whole file, once. */
  private sawWhole = false;
  /** A link may have expired since. */
  private hasAsked = false;
  /** Why the last answer could not be read. */
  private malformed: string | null = null;

  /** @param facts what the representation was known by before a request */
  constructor(
    private readonly job: Job,
    private readonly facts: () => Known | null,
  ) {}

  /**
   * The answer, or the event that tells why there is none and that another try may help. A range of
   * kept bytes that is answered with the whole is asked for once more: it may have been one bad node.
   */
  async ask(from: number, end: number | null): Promise<{ asked: Asked; offer: Offer } | Event> {
    const { ladder } = this.job;
    try {
      if (this.hasAsked) await this.job.refreshLink();
      this.hasAsked = true;
      ladder.begin(from);
      const [asked, offer] = await this.askFor(from, end);
      this.malformed = null;
      const isSure = ladder.rung === 'plain' || this.sawWhole || this.isLast;
      if (from === 0 || offer.kind !== 'whole' || isSure) return { asked, offer };
      asked.connection.destroy();
      this.sawWhole = true;
      const why = 'the server answered a range with the whole file';
      throw new SluiceError('HTTP_RANGE_IGNORED', why);
    } catch (thrown) {
      if (this.job.abort.signal.aborted) throw thrown;
      const error = SluiceError.from(thrown);
      const isFinal = this.isMeant(error) || ladder.isExhausted(error);
      if (isFinal || !isWorthAsking(error)) throw error;
      if (from === 0) ladder.failed();
      return { type: 'broken', error, progressed: false };
    }
  }

  /** Whether an answer that cannot be read came twice in a row: once may be an accident on the way. */
  private isMeant({ code, message }: SluiceError): boolean {
    const isAgain = code === 'HTTP_MALFORMED' && this.malformed === message;
    this.malformed = code === 'HTTP_MALFORMED' ? message : null;
    return isAgain;
  }

  /** Asks for the bytes from an offset on, more plainly each time that the server objects (P22). */
  private async askFor(from: number, end: number | null): Promise<[Asked, Offer]> {
    const { ladder } = this.job;
    for (;;) {
      try {
        return await this.askOnce(from, end);
      } catch (thrown) {
        const error = SluiceError.from(thrown);
        if (this.job.abort.signal.aborted || !ladder.descend(error, this.isLast)) throw error;
        const { rung } = ladder;
        this.job.log.info({ code: error.code, rung }, `${error.message}; asking more plainly`);
      }
    }
  }

  private async askOnce(from: number, end: number | null): Promise<[Asked, Offer]> {
    const { job } = this;
    const cut = (job.cut ??= await findCut(job));
    const range = job.ladder.asking(toServer(cut, { start: from, end }));
    const { conditions } = this;
    const answered = await job.asker.ask(range, conditions);
    job.way = onTheWay(answered.answer.head);
    if (answered.answer.head.status === 304 && conditions.length > 0) {
      await job.asker.release(answered.connection, answered.answer);
      return [answered, { kind: 'unchanged', total: null }];
    }
    const known = cut === WHOLE ? (this.facts()?.total ?? null) : job.whole;
    const offer = await this.offerOf(answered, range?.start ?? null, known);
    refuseOtherForm(offer, answered, known);
    if (range !== null && this.mayBePart(offer, answered, range, known)) {
      answered.connection.destroy();
      const why = 'what the server sent may be the part that was asked for, and is not marked so';
      throw new SluiceError('HTTP_RANGE_IGNORED', why, {
        httpStatus: answered.answer.head.status,
      });
    }
    const asked = cut === WHOLE ? answered : ofPart(job, cut, answered, offer.total);
    if (offer.kind !== 'none') return [asked, inFile(cut, offer)];
    await job.asker.release(asked.connection, asked.answer);
    const isThere = known !== null && known > cut.start + from && (offer.total ?? known) === known;
    return this.askAnew(from, isThere);
  }

  /** A 416 came: nothing is left of what is kept, or the server errs. */
  private askAnew(from: number, isThere: boolean): Promise<[Asked, Offer]> {
    const { options, work, target, shownUrl } = this.job;
    if (from === 0 || isThere)
      throw new SluiceError('HTTP_RANGE_MISMATCH', 'the server finds no such range (416)');
    const how = `nothing is left of it at offset ${from}`;
    if (options.mode !== 'get' || work !== null) throw changedError(how, target ?? '', shownUrl);
    return this.askFor(0, null);
  }

  /** What an answer offers. One that refuses leaves its connection to the next file, if it is short. */
  private async offerOf(asked: Asked, from: number | null, known: number | null): Promise<Offer> {
    try {
      return whatIsOffered(asked, from, known);
    } catch (thrown) {
      // After an error of the server's the next request is to go to another of its addresses.
      if (asked.answer.head.status >= 500) asked.connection.destroy();
      else await this.job.asker.release(asked.connection, asked.answer);
      throw thrown;
    }
  }

  /** Whether a 200 is as long as the part, or nothing tells that it is not one. */
  private mayBePart(
    offer: Offer,
    { answer }: Asked,
    { start, end }: { start: number; end: number | null },
    length: number | null,
  ): boolean {
    if (offer.kind !== 'whole' || answer.head.status !== 200) return false;
    if (start === 0 && end === null) return false;
    if (end !== null && offer.total === end - start) return true;
    const known = this.facts();
    if (known === null || (offer.total !== null && length === offer.total)) return false;
    if (start > 0) return true;
    return compareValidators(known.validators, readValidators(answer.head)) === 'same';
  }
}

/** A coded whole is another form of a file of which a length is known already: it may not replace that. */
function refuseOtherForm(offer: Offer, { answer, connection }: Asked, known: number | null): void {
  if (offer.kind !== 'whole' || offer.coding === undefined) return;
  if (known === null || known === offer.total) return;
  connection.destroy();
  throw encodedError(answer.head);
}

/** What an answer offers; the connection is closed when it offers nothing. */
export function readAnswer(asked: Asked, from: number | null, known: number | null = null): Offer {
  try {
    return whatIsOffered(asked, from, known);
  } catch (error) {
    asked.connection.destroy();
    throw error;
  }
}

/** @throws SluiceError with the URL that answered */
function whatIsOffered(
  { answer, url, source, withheld }: Asked,
  from: number | null,
  known: number | null,
): Offer {
  try {
    return readOffer(answer.head, answer.framing, from, source.expected, known);
  } catch (error) {
    throw withWithheld(SluiceError.from(error), url, withheld).with({ url: redactUrl(url) });
  }
}

/** A refusal may come of what was not sent there, because it was given for another origin (P11). */
function withWithheld(error: SluiceError, url: URL, withheld: readonly string[]): SluiceError {
  if (error.code !== 'HTTP_REFUSED' || withheld.length === 0) return error;
  const names = withheld.map((name) => excerpt(name)).join(', ');
  const message = `${error.message}; not sent to ${excerpt(url.host)}, for it is another origin: ${names}`;
  return new SluiceError(error.code, message, error.details);
}

/**
 * Finds out anew where the original URL leads, and that it is still the same representation (P20).
 * @throws SluiceError CHANGED, and those of a first request
 */
export async function renewedSource(job: Job): Promise<Source> {
  const { known, asker } = job;
  if (known === null) throw new SluiceError('DEFECT', 'refresh without work');
  return renewedFrom(job, asker, known);
}

/**
 * The same of one of several sources.
 * @param known what its representation is known by
 */
export async function renewedFrom(job: Job, asker: Asker, known: Known): Promise<Source> {
  const { work, verification } = job;
  if (work === null) throw new SluiceError('DEFECT', 'refresh without work');
  const at = work.ledger.gaps()[0]?.start ?? 0;
  await job.refreshLink();
  const cut = job.cut ?? WHOLE;
  const range = toServer(cut, { start: at, end: at + 1 });
  const answered = await asker.ask(range);
  const whole = readAnswer(answered, range.start, cut === WHOLE ? known.total : job.whole);
  const asked = cut === WHOLE ? answered : ofPart(job, cut, answered, whole.total);
  const offer = inFile(cut, whole);
  await asker.release(asked.connection, asked.answer);
  const page = pageInstead(asked, offer, known, asker.url);
  if (page !== null) throw page;
  const seen = { validators: readValidators(asked.answer.head), total: offer.total };
  const verdict = judge({ known, seen, digest: verification.wanted, insist: true });
  if (verdict.kind === 'changed') throw changedError(verdict.how, job.path, job.shownUrl);
  return { ...asked.source, validators: known.validators, total: known.total };
}

/** Of the last bytes, only the length tells where they begin. */
async function findCut(job: Job): Promise<Cut> {
  const { range } = job.options;
  if (range === null || !('last' in range)) return WHOLE;
  const asked = await job.asker.ask({ start: 0, end: 1 });
  const offer = readAnswer(asked, 0);
  await job.asker.release(asked.connection, asked.answer);
  const { total } = offer;
  if (total === null)
    throw new SluiceError('HTTP_RANGE_IGNORED', 'the server does not tell the length of the file', {
      url: redactUrl(asked.url),
      next: 'Give --range START-END: where the last bytes begin cannot be known.',
    });
  return lastOf(range.last, (job.whole = total));
}

/**
 * The answer as one about a part.
 * @param total length of the representation as it was told just now
 * @throws SluiceError CHANGED when that is not what it was, RANGE_BEYOND_END when nothing of it is wanted
 */
function ofPart(job: Job, cut: Cut, asked: Asked, total: number | null): Asked {
  const { whole } = job;
  try {
    if (whole !== null && total !== null && total !== whole)
      throw changedError(`it has ${total} bytes, and had ${whole}`, job.path, job.shownUrl);
    job.whole = total ?? whole;
    if (job.whole !== null && job.whole <= cut.start)
      throw beyondEnd(job.options.range, job.whole).with({ url: redactUrl(asked.url) });
  } catch (error) {
    asked.connection.destroy();
    throw error;
  }
  return { ...asked, source: { ...asked.source, part: { start: cut.start, whole: job.whole } } };
}

/** An offer with its offsets and its length as those of the file. */
function inFile(cut: Cut, offer: Offer): Offer {
  if (cut === WHOLE || offer.kind === 'unchanged') return offer;
  const total = lengthIn(cut, offer.total);
  if (offer.kind !== 'range') return { ...offer, total };
  const { start, end } = offer;
  return { ...offer, start: start - cut.start, end: end - cut.start, total: total ?? 0 };
}
