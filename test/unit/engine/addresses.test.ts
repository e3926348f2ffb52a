/** Which address each connection goes to. */
import { expect } from 'chai';
import { SluiceError } from '../../../src/errors.js';
import type { ErrorCode, ErrorDetails } from '../../../src/errors.js';
import { silentLog } from '../../../src/log.js';
import type { Address } from '../../../src/net/endpoint.js';
import { ASIDE_MS, Addresses } from '../../../src/engine/addresses.js';
import type { LeaseOutcome, Source } from '../../../src/lease/task.js';

const address = (text: string): Address => ({
  address: text,
  family: text.includes(':') ? 6 : 4,
});

function sourceWith(addresses: string[], strong = true): Source {
  const endpoint = {
    scheme: 'http' as const,
    host: 'h',
    port: 80,
    addresses: addresses.map(address),
    tls: null,
  };
  const etag = strong ? { opaque: '"x"', weak: false } : null;
  const validators = { etag, lastModified: null, lastModifiedMs: null, dateMs: null };
  const expected = { names: [], digest: false };
  const facts = { validators, expected, ifRange: null, total: 1 };
  return { endpoint, target: '/', host: 'h', fields: [], ...facts };
}

/** Slots that ask where to go, and tell how it went. */
class Slots {
  readonly addresses: Addresses;
  nowMs = 0;

  constructor(readonly source: Source) {
    this.addresses = new Addresses(source, silentLog);
  }

  list(slot: number): string[] {
    const { endpoint } = this.addresses.sourceFor(this.source, slot, this.nowMs);
    return endpoint.addresses.map((each) => each.address);
  }

  begin(...slots: number[]): string[] {
    return slots.map((slot) => this.list(slot)[0] ?? '');
  }

  end(slot: number, at: string | null, outcome: Partial<LeaseOutcome> = {}): void {
    const known = { received: 0, dialMs: 1, address: at };
    this.addresses.ended(slot, { ...known, ...outcome }, this.nowMs);
  }

  /** The slot's lease failed at an address; whether another one takes over. */
  fail(slot: number, at: string | null, code: ErrorCode, details: ErrorDetails = {}): boolean {
    this.end(slot, at);
    return this.addresses.takesOver(slot, new SluiceError(code, 'x', details), this.nowMs);
  }
}

const THREE = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];
const [ONE, TWO, OTHER] = THREE as [string, string, string];

describe('transfer/addresses', () => {
  it('spreads connections evenly, and leaves each where it is', () => {
    const slots = new Slots(sourceWith(THREE));
    const where = slots.begin(0, 1, 2, 3, 4, 5);
    expect(where).deep.equal([...THREE, ...THREE]);
    for (let slot = 0; slot < 6; slot++) {
      slots.end(slot, where[slot] ?? null, { received: 1 });
      expect(slots.begin(slot)).deep.equal([where[slot]]);
    }
  });

  it('tries the others when the chosen one does not answer', () => {
    const slots = new Slots(sourceWith([...THREE, '10.0.0.4', '10.0.0.5', '::1']));
    expect(slots.list(0)).deep.equal([...THREE, '10.0.0.4']);
  });

  it('keeps to the family that answered first while it works', () => {
    const slots = new Slots(sourceWith([ONE, '::1', TWO, '::2']));
    expect(slots.begin(0, 1, 2, 3)).deep.equal([ONE, TWO, ONE, TWO]);
    expect(slots.fail(0, ONE, 'CONNECT_FAILED')).equal(true);
    for (const slot of [1, 2, 3]) slots.fail(slot, slots.list(slot)[0] ?? '', 'CONNECT_FAILED');
    for (const slot of [1, 2, 3]) slots.end(slot, null);
    slots.fail(0, TWO, 'CONNECT_FAILED');
    expect(slots.begin(0)[0]).include(':');
  });

  it('without a strong validator it stays with the first', () => {
    const slots = new Slots(sourceWith(THREE, false));
    expect(slots.begin(0, 1, 2)).deep.equal([ONE, ONE, ONE]);
    expect(slots.list(3)).deep.equal(THREE);
    expect(slots.fail(0, ONE, 'CONNECT_FAILED')).equal(false);
    expect(slots.addresses.isForeign(TWO)).equal(false);
  });

  it('one that another one outran is passed over, for 30 s and twice as long the next time', () => {
    const slots = new Slots(sourceWith([ONE, TWO]));
    for (const passedMs of [ASIDE_MS, 2 * ASIDE_MS]) {
      expect(slots.begin(0, 1)).deep.equal([ONE, TWO]);
      slots.end(1, ONE);
      expect(slots.begin(1, 2, 3)).deep.equal([ONE, ONE, ONE]);
      slots.nowMs += passedMs - 1;
      slots.end(2, ONE);
      expect(slots.begin(2)).deep.equal([ONE]);
      slots.nowMs += 1;
      slots.end(2, ONE);
      expect(slots.begin(2)).deep.equal([TWO]);
      for (const slot of [0, 1, 2, 3]) slots.end(slot, slot === 2 ? TWO : ONE);
      slots.end(1, TWO, { dialMs: null });
    }
  });

  it('a kept connection to another address says nothing against the chosen one', () => {
    const slots = new Slots(sourceWith([ONE, TWO]));
    slots.begin(0, 1);
    slots.end(1, ONE, { dialMs: null });
    expect(slots.begin(2)).deep.equal([TWO]);
  });

  it('P21: one that refuses keeps the connections that it has', () => {
    const slots = new Slots(sourceWith([ONE, TWO]));
    slots.begin(0, 1, 2, 3, 4, 5);
    expect(slots.fail(5, TWO, 'HTTP_SERVER_ERROR', { httpStatus: 503 })).equal(true);
    expect(slots.begin(5, 6)).deep.equal([ONE, ONE]);
    slots.end(3, TWO, { received: 1 });
    expect(slots.begin(3)).deep.equal([TWO]);
  });

  it('P21: 429, Retry-After and errors of our own are no matter of the address', () => {
    const slots = new Slots(sourceWith(THREE));
    slots.begin(0, 1, 2);
    const tooMany = { httpStatus: 429 };
    expect(slots.fail(1, TWO, 'HTTP_SERVER_ERROR', tooMany)).equal(false);
    const later = { httpStatus: 503, retryAfterMs: 1000 };
    expect(slots.fail(1, TWO, 'HTTP_SERVER_ERROR', later)).equal(false);
    expect(slots.fail(1, TWO, 'DISK_FULL')).equal(false);
    expect(slots.fail(9, TWO, 'CONNECT_FAILED'), 'a slot that nobody knows').equal(false);
    expect(slots.begin(1)).deep.equal([TWO]);
  });

  it('P21: a connection goes on to another address three times in a row without a pause', () => {
    const many = Array.from({ length: 8 }, (_, i) => `10.0.0.${i + 1}`);
    const slots = new Slots(sourceWith(many));
    const moves = (): boolean[] =>
      [1, 2, 3, 4].map(() => slots.fail(0, slots.begin(0)[0] ?? '', 'CONNECT_FAILED'));
    expect(moves()).deep.equal([true, true, true, false]);
    slots.begin(0);
    slots.end(0, null, { received: 1 });
    expect(moves()).deep.equal([true, true, true, false]);
  });

  it('when every address is passed over there is no other', () => {
    const slots = new Slots(sourceWith([ONE, TWO]));
    slots.begin(0);
    expect(slots.fail(0, ONE, 'CONNECTION_LOST')).equal(true);
    slots.nowMs = 1;
    expect(slots.begin(0)).deep.equal([TWO]);
    expect(slots.fail(0, TWO, 'CONNECTION_LOST')).equal(false);
    expect(slots.begin(0), 'the one that is to come back first').deep.equal([ONE]);
  });

  it('a slow connection comes back elsewhere, and nobody else goes there', () => {
    const slots = new Slots(sourceWith([ONE, TWO]));
    slots.begin(0, 1, 2, 3);
    slots.addresses.slow(1, slots.nowMs);
    slots.end(1, TWO, { received: 1 });
    expect(slots.begin(1, 4)).deep.equal([ONE, ONE]);
    slots.end(3, TWO, { received: 1 });
    expect(slots.begin(3), 'the other connection there is none the worse').deep.equal([TWO]);
  });

  it('P6: one with another representation is never asked again, but the first one always', () => {
    const slots = new Slots(sourceWith(THREE));
    slots.begin(0, 1, 2);
    expect(slots.addresses.isForeign(ONE)).equal(false);
    expect(slots.addresses.isForeign(null)).equal(false);
    expect(slots.addresses.isForeign(TWO)).equal(true);
    slots.nowMs += 1000 * ASIDE_MS;
    for (let slot = 0; slot < 8; slot++) expect(slots.list(slot)).not.include(TWO);
    slots.addresses.isForeign(OTHER);
    expect(slots.list(9)).deep.equal([ONE]);
  });

  it('P6: pinned, there is the first one only', () => {
    const slots = new Slots(sourceWith(THREE));
    slots.begin(0, 1, 2);
    slots.addresses.pin();
    expect(slots.list(1)).deep.equal([ONE]);
    expect(slots.fail(1, ONE, 'CONNECT_FAILED')).equal(false);
    expect(slots.addresses.isForeign(TWO)).equal(false);
  });
});
