/** The chunked transfer coding (RFC 9112 §7.1), decoded in place. */
import { SluiceError } from '../errors.js';
import { BROKEN } from './syntax.js';

/** Most hexadecimal digits of a chunk's size, leading zeros included. */
export const MAX_CHUNK_SIZE_DIGITS = 16;
/** Longest chunk extension in bytes, for each chunk. */
export const MAX_CHUNK_EXTENSION_BYTES = 4 * 1024;
/** The extensions of a body may be so much longer than its data, in bytes. */
export const MAX_EXTENSIONS_BEYOND_DATA = 64 * 1024;
/** Longest trailer section in bytes. */
export const MAX_TRAILER_BYTES = 16 * 1024;

const HTAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const COLON = 0x3a;
const SEMICOLON = 0x3b;
const DEL = 0x7f;

const TOKEN_BYTES = new Set(
  Buffer.from(
    "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    'latin1',
  ),
);

/** After the digits of a chunk's size: blanks, then whatever stands behind `;` (RFC 9112 §7.1.1). */
type ExtensionState = 'size-blank' | 'extension';

/** What the next byte belongs to. */
type State =
  | 'size'
  | ExtensionState
  | 'size-lf'
  | 'data'
  | 'data-cr'
  | 'data-lf'
  | 'trailer-start'
  | 'trailer-name'
  | 'trailer-value'
  | 'trailer-lf'
  | 'end-lf'
  | 'done';

/**
 * Decodes one chunked body across any split of its bytes. Lines end in CRLF, or in a bare LF where a reader
 * that wants CRLF finds no chunk at all: everywhere but in an extension. Extensions and trailer fields are counted and dropped. Blanks behind the digits of a size are read, for
 * servers pad with them (RFC 9112 §7.1.1, BWS). An extension is whatever text comes behind `;`: all
 * that counts of it is where its line ends.
 */
export class ChunkedDecoder {
  #state: State = 'size';
  /** Size of the chunk while it is read; then the bytes of it that are still to come. */
  #left = 0;
  #digits = 0;
  #extension = 0;
  #trailer = 0;
  /** Bytes of all extensions, less those of all data. */
  #beyondData = 0;
  #isBehindData = false;
  #hasBareLf = false;
  #dataEnd = 0;
  /** Bytes of data that have been taken. */
  #taken = 0;
  /** Those of chunks behind which another one began: they end where they say. */
  #confirmed = 0;
  readonly #length: number | null;

  /**
   * @param length what Content-Length says beside the coding, in bytes; null when it is not there. A
   *   body that decodes to another length was cut before it was chunked, or is not what that field tells.
   */
  constructor(length: number | null = null) {
    this.#length = length;
  }

  /** Whether the last chunk has come: what follows is no data (RFC 9112 §8: the body is complete). */
  get isBehindData(): boolean {
    return this.#isBehindData;
  }

  /** Where the data ends that the last {@link decode} has moved together, also when it was refused. */
  get dataEnd(): number {
    return this.#dataEnd;
  }

  /**
   * Bytes of the data so far that are of a chunk behind which no other has begun. When that fails, its size may
   * have been wrong, and what was taken for data may have been the frame of others.
   */
  get unconfirmed(): number {
    return this.#taken - this.#confirmed;
  }

  /** Whether a line ended in a bare LF: another reader may see another end, so nothing may follow the body. */
  get hasBareLf(): boolean {
    return this.#hasBareLf;
  }

  /**
   * Decodes the bytes `[from, to)` and moves the data of the chunks together at `[from, dataEnd)`.
   * `consumed` is the index of the first byte that is not of this body: `to`, unless `done`.
   * @throws SluiceError HTTP_MALFORMED, or HTTP_TOO_LARGE above one of the limits.
   */
  decode(
    buffer: Uint8Array,
    from: number,
    to: number,
  ): { dataEnd: number; consumed: number; done: boolean } {
    let at = from;
    let dataEnd = (this.#dataEnd = from);
    while (at < to && this.#state !== 'done') {
      if (this.#state === 'data') {
        const length = Math.min(this.#left, to - at);
        if (at !== dataEnd) buffer.copyWithin(dataEnd, at, at + length);
        at += length;
        this.#dataEnd = dataEnd += length;
        this.#left -= length;
        this.#taken += length;
        this.#beyondData -= length;
        if (this.#left === 0) this.#state = 'data-cr';
      } else {
        this.#state = this.#next(this.#state, buffer[at]!);
        at++;
      }
    }
    const done = this.#state === 'done';
    this.#checkLength();
    return { dataEnd, consumed: at, done };
  }

  #checkLength(): void {
    if (this.#length === null) return;
    const done = this.#isBehindData;
    if (done ? this.#taken === this.#length : this.#taken <= this.#length) return;
    const found = done ? `${this.#taken} bytes` : 'more bytes';
    throw malformed(`the chunked body has ${found} where Content-Length says ${this.#length}`);
  }

  #next(state: Exclude<State, 'data' | 'done'>, byte: number): State {
    switch (state) {
      case 'size':
        return this.#size(byte);
      case 'size-blank':
      case 'extension':
        return this.#inExtension(state, byte);
      case 'size-lf':
        expect(byte, LF, 'a chunk size');
        return this.#startChunk();
      case 'data-cr':
        if (byte === LF) return this.#afterBareLf('size');
        expect(byte, CR, 'a chunk');
        return 'data-lf';
      case 'data-lf':
        expect(byte, LF, 'a chunk');
        return 'size';
      case 'end-lf':
        expect(byte, LF, 'the last chunk');
        return 'done';
      case 'trailer-start':
      case 'trailer-name':
      case 'trailer-value':
      case 'trailer-lf':
        return this.#inTrailer(state, byte);
    }
  }

  #afterBareLf(state: State): State {
    this.#hasBareLf = true;
    return state;
  }

  #size(byte: number): State {
    const digit = hexDigit(byte);
    if (digit !== -1) {
      this.#digits++;
      this.#left = this.#left * 16 + digit;
      if (this.#digits > MAX_CHUNK_SIZE_DIGITS || !Number.isSafeInteger(this.#left)) {
        throw tooLarge('the size of a chunk');
      }
      return 'size';
    }
    if (this.#digits === 0) throw malformed('a chunk has no size');
    return this.#inExtension('size-blank', byte);
  }

  #inExtension(state: ExtensionState, byte: number): State {
    if (++this.#extension > MAX_CHUNK_EXTENSION_BYTES) throw tooLarge('a chunk extension');
    if (++this.#beyondData > MAX_EXTENSIONS_BEYOND_DATA)
      throw tooLarge('the sum of chunk extensions');
    if (byte === CR) return 'size-lf';
    if (byte === LF && state === 'size-blank') return this.#afterBareLf(this.#startChunk());
    if (state === 'extension' ? isText(byte) : byte === SP || byte === HTAB) return state;
    if (state === 'size-blank' && byte === SEMICOLON) return 'extension';
    throw malformed('the size line of a chunk is not valid');
  }

  #startChunk(): State {
    this.#confirmed = this.#taken;
    this.#digits = 0;
    this.#extension = 0;
    this.#isBehindData = this.#left === 0;
    return this.#isBehindData ? 'trailer-start' : 'data';
  }

  #inTrailer(
    state: 'trailer-start' | 'trailer-name' | 'trailer-value' | 'trailer-lf',
    byte: number,
  ): State {
    if (state === 'trailer-start' && byte === CR) return 'end-lf';
    if (state === 'trailer-start' && byte === LF) return this.#afterBareLf('done');
    if (++this.#trailer > MAX_TRAILER_BYTES) throw tooLarge('the trailer section');
    if (state === 'trailer-lf') {
      expect(byte, LF, 'a trailer field');
      return 'trailer-start';
    }
    if (state === 'trailer-value') {
      if (byte === CR) return 'trailer-lf';
      if (byte === LF) return this.#afterBareLf('trailer-start');
      if (isText(byte)) return 'trailer-value';
    } else {
      if (state === 'trailer-name' && byte === COLON) return 'trailer-value';
      if (TOKEN_BYTES.has(byte)) return 'trailer-name';
    }
    throw malformed('a trailer field is not valid');
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}

/** HTAB, SP, VCHAR and obs-text. */
function isText(byte: number): boolean {
  return byte === HTAB || (byte >= SP && byte !== DEL);
}

function expect(byte: number, wanted: number, what: string): void {
  if (byte !== wanted) throw malformed(`${what} does not end in CRLF`);
}

function malformed(message: string): SluiceError {
  return new SluiceError('HTTP_MALFORMED', message, { next: BROKEN });
}

function tooLarge(what: string): SluiceError {
  return new SluiceError('HTTP_TOO_LARGE', `${what} is above its limit`, { next: BROKEN });
}
