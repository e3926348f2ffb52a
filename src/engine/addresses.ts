/**
 * Which address of its host each connection goes to. Connections are spread over all addresses of
 * the family that answered first; one that refuses, is slow or serves something else is passed
 * over for a while, and the others take over.
 */
import type { SluiceError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import { strongValidator } from '../http/validators.js';
import type { Log } from '../log.js';
import type { Address, Endpoint } from '../net/endpoint.js';
import type { LeaseOutcome, Source } from '../lease/task.js';

/** How long an address that failed gets no more connections, in milliseconds; doubled each time. */
export const ASIDE_MS = 30_000;

/** How often that time is doubled at most. */
const MAX_DOUBLINGS = 6;

/** A connection leaves an address for one with this many fewer connections. */
const STAY = 2;

/** How often in a row, without a byte, a connection goes to another address without a pause (P21). */
const MAX_MOVES = 3;

/** Addresses that one connection may try. */
const MAX_CANDIDATES = 4;

/** Failures that another address of the same host may not have. */
const OF_ONE_ADDRESS: ReadonlySet<ErrorCode> = new Set([
  'CONNECT_FAILED',
  'CONNECT_TIMEOUT',
  'CONNECTION_LOST',
  'FIRST_BYTE_TIMEOUT',
  'STALLED',
  'TLS_HANDSHAKE',
  'TLS_CERTIFICATE',
  'PROXY_FAILED',
  'PROXY_CERTIFICATE',
  'PROXY_REFUSED',
  'HTTP_REFUSED',
  'HTTP_SERVER_ERROR',
  'HTTP_UNEXPECTED',
  'HTTP_MALFORMED',
  'HTTP_TOO_LARGE',
  'HTTP_ENCODED',
  'HTTP_RANGE_MISMATCH',
  'HTTP_RANGE_IGNORED',
  'CHANGED',
]);

/** Too many requests (RFC 6585): that is said of the client, not of the address. */
const TOO_MANY = 429;

/** What is known of one address. */
interface Book {
  address: Address;
  /** Connections that it may have until {@link untilMs}. */
  most: number;
  untilMs: number;
  failures: number;
  /** It serves another representation. */
  foreign: boolean;
}

/** Where a connection is. */
interface Place {
  book: Book;
  working: boolean;
  /** How often in a row it came here because another address failed. */
  moves: number;
}

export class Addresses {
  private books: Book[];
  private readonly places = new Map<number, Place>();
  /** Only a strong validator shows that two addresses serve the same bytes; else the first one stays. */
  private readonly spreads: boolean;

  /** @param source what the first answer told; its first address gave that answer */
  constructor(
    source: Source,
    private readonly log: Log,
  ) {
    const { addresses } = source.endpoint;
    this.books = addresses.map((address) => ({
      address,
      most: Infinity,
      untilMs: 0,
      failures: 0,
      foreign: false,
    }));
    this.spreads = addresses.length > 1 && strongValidator(source.validators) !== null;
  }

  /** The source for a lease in a slot, with the address that it is to go to in front. */
  sourceFor(source: Source, slot: number, nowMs: number): Source {
    const [first] = this.books;
    if (first === undefined || (this.books.length === 1 && source.endpoint.addresses.length === 1))
      return source;
    const books = this.spreads ? this.candidates(slot, nowMs) : this.books;
    const moves = this.places.get(slot)?.moves ?? 0;
    this.places.set(slot, { book: books[0] ?? first, working: true, moves });
    const addresses = books.slice(0, MAX_CANDIDATES).map(({ address }) => address);
    return { ...source, endpoint: withAddresses(source.endpoint, addresses) };
  }

  /**
   * Addresses for a slot, best first: with room, of the first one's family, with few connections.
   * Going elsewhere costs a new connection, so where the slot was counts as less busy.
   */
  private candidates(slot: number, nowMs: number): Book[] {
    const family = this.books[0]?.address.family;
    const here = this.places.get(slot)?.book;
    const rank = (book: Book): number[] => [
      this.hasRoom(book, slot, nowMs) ? 0 : book.untilMs,
      book.address.family === family ? 0 : 1,
      this.load(book, slot) - (book === here ? STAY : 0),
      book === here ? 0 : 1,
    ];
    return this.books
      .filter(({ foreign }) => !foreign)
      .map((book) => ({ book, rank: rank(book) }))
      .sort((a, b) => compare(a.rank, b.rank))
      .map(({ book }) => book);
  }

  /** Connections at work at an address, but for one. */
  private load(book: Book, exceptSlot: number): number {
    let count = 0;
    for (const [slot, place] of this.places)
      if (slot !== exceptSlot && place.working && place.book === book) count++;
    return count;
  }

  private hasRoom(book: Book, slot: number, nowMs: number): boolean {
    return nowMs >= book.untilMs || this.load(book, slot) < book.most;
  }

  /** Takes note of how a lease in a slot went, and of the address that served it. */
  ended(
    slot: number,
    { address, dialMs, received }: Pick<LeaseOutcome, 'address' | 'dialMs' | 'received'>,
    nowMs: number,
  ): void {
    const place = this.places.get(slot);
    if (place === undefined) return;
    place.working = false;
    if (received > 0) place.moves = 0;
    const book = this.books.find((each) => each.address.address === address);
    if (book === undefined) return;
    // The other address was faster by more than the head start that a dial gives.
    if (this.spreads && book !== place.book && dialMs !== null)
      this.passOver(place.book, slot, nowMs, 'silent');
    place.book = book;
  }

  /** The next lease in a slot was asked for already where the last one was. */
  goesOn(slot: number): void {
    const place = this.places.get(slot);
    if (place !== undefined) place.working = true;
  }

  /** A lease brought nothing; whether another address takes over at once. */
  takesOver(slot: number, error: SluiceError, nowMs: number): boolean {
    const place = this.places.get(slot);
    if (!this.spreads || place === undefined || !OF_ONE_ADDRESS.has(error.code)) return false;
    const { httpStatus, retryAfterMs } = error.details;
    if (httpStatus === TOO_MANY || retryAfterMs !== undefined) return false;
    this.passOver(place.book, slot, nowMs, error.code);
    if (++place.moves > MAX_MOVES) return false;
    return this.books.some((book) => !book.foreign && this.hasRoom(book, slot, nowMs));
  }

  /** The connection in a slot is far slower than its peers: its next one goes elsewhere. */
  slow(slot: number, nowMs: number): void {
    const place = this.places.get(slot);
    if (this.spreads && place !== undefined) this.passOver(place.book, slot, nowMs, 'slow');
  }

  /** Whether an answer with another validator came from an address that can be done without. */
  isForeign(address: string | null): boolean {
    const [first] = this.books;
    const book = this.books.find((each) => each.address.address === address);
    if (!this.spreads || book === undefined || book === first) return false;
    if (!book.foreign) this.log.info({ address }, 'the address serves another representation');
    return (book.foreign = true);
  }

  /** From now on there is only the address of the first answer. */
  pin(): void {
    this.books = this.books.slice(0, 1);
  }

  private passOver(book: Book, slot: number, nowMs: number, why: string): void {
    book.most = this.load(book, slot);
    // Connections that fail together are one failure.
    if (nowMs >= book.untilMs)
      book.untilMs = nowMs + ASIDE_MS * 2 ** Math.min(book.failures++, MAX_DOUBLINGS);
    const { address } = book.address;
    this.log.info({ address, why, connections: book.most }, 'passing over an address');
  }
}

const withAddresses = (endpoint: Endpoint, addresses: Address[]): Endpoint => ({
  ...endpoint,
  addresses,
});

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
