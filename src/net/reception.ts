/** What is left to receive of one answer: how its body is framed, and what may follow it. */
import { SluiceError } from '../errors.js';
import { ChunkedDecoder } from '../http/chunked.js';
import { bodyFraming, lengthOf, mayReuse } from '../http/framing.js';
import type { Framing } from '../http/framing.js';
import type { ResponseHead } from '../http/head.js';
import type { Slab } from './slab.js';

/** What one read has brought. */
export interface Unframed {
  /** Whether the body is complete. */
  done: boolean;
  /** Bytes of the body. */
  taken: number;
  /** Bytes behind its end. */
  surplus: number;
  /** What is wrong behind them, if something is; the last `doubtful` bytes of the body so far may be wrong too. */
  defect?: { error: SluiceError; doubtful: number };
}

export class Reception {
  readonly framing: Framing;
  /** Whether another exchange may follow on the connection (RFC 9112 section 9.3). */
  isReusable: boolean;
  private remaining: number;
  private readonly decoder: ChunkedDecoder | null;

  /** @throws SluiceError HTTP_MALFORMED when the head leaves the framing in doubt */
  constructor(method: 'GET' | 'HEAD', head: ResponseHead) {
    this.framing = bodyFraming(method, head);
    this.isReusable = mayReuse(head, this.framing);
    this.remaining = this.framing.kind === 'length' ? this.framing.length : 0;
    this.decoder =
      this.framing.kind === 'chunked' ? new ChunkedDecoder(lengthOf(this.framing)) : null;
  }

  /** Whether a request may be sent before the body has come: it will end where it says, and leave a connection. */
  get mayBeFollowed(): boolean {
    return this.framing.kind === 'length' && this.isReusable;
  }

  /** Whether the end of the connection is the end of the body. */
  get endsWithConnection(): boolean {
    return this.framing.kind === 'close';
  }

  /** Whether only trailers can still come. */
  get isBehindData(): boolean {
    return this.decoder?.isBehindData === true;
  }

  /**
   * Takes the `bytes` new ones at `slab.to` apart; those of the body are taken into the slab.
   */
  unframe(slab: Slab, bytes: number): Unframed {
    switch (this.framing.kind) {
      case 'none':
        return { done: true, taken: 0, surplus: bytes };
      case 'length': {
        const taken = Math.min(bytes, this.remaining);
        this.remaining -= taken;
        slab.to += taken;
        return { done: this.remaining === 0, taken, surplus: bytes - taken };
      }
      case 'chunked':
        return this.unchunk(slab, bytes, this.decoder as ChunkedDecoder);
      case 'close':
        slab.to += bytes;
        return { done: false, taken: bytes, surplus: 0 };
    }
  }

  private unchunk(slab: Slab, bytes: number, decoder: ChunkedDecoder): Unframed {
    const raw = slab.to + bytes;
    const before = slab.to;
    try {
      const { done, consumed } = decoder.decode(slab.bytes, before, raw);
      if (decoder.hasBareLf) this.isReusable = false;
      slab.to = decoder.dataEnd;
      return { done, taken: slab.to - before, surplus: raw - consumed };
    } catch (thrown) {
      // How far the body could be read does not depend on how its bytes came.
      slab.to = decoder.dataEnd;
      const defect = { error: SluiceError.from(thrown), doubtful: decoder.unconfirmed };
      return { done: false, taken: slab.to - before, surplus: 0, defect };
    }
  }
}
