/** Requests that are sent behind another one, and servers that do not like it. */
import { expect } from 'chai';
import { certificates } from '../helpers/certificates.js';
import { benchPerTest, expectDone } from '../helpers/engine.js';
import type { EngineRun } from '../helpers/engine.js';
import type { Pipelining } from '../helpers/fault-server.js';
import type { Origin, OriginOptions } from '../helpers/origin.js';

const MIB = 1024 * 1024;
const REFERENCE = { seed: 5, size: 128 * MIB };

/**
 * Requests were sent behind other ones, and by half of four connections at most as long as none got
 * an answer: a busy server may see one so late that it answers it, and then it may be sent more.
 * Those whose connection was given up tell nothing.
 */
function expectFewInVain({ leases }: EngineRun): void {
  const states = leases.map(({ pipelined }) => pipelined).filter((state) => state !== null);
  const answered = states.indexOf('answered');
  const unanswered = answered === -1 ? states : states.slice(0, answered);
  expect(unanswered.filter((state) => state === 'in-vain').length).below(5);
}

describe('pipelining', () => {
  const bench = benchPerTest();

  /** Every answer takes some time, as those of a far server do. */
  async function fetchFromAfar(
    pipelining: Pipelining,
    options: OriginOptions = {},
  ): Promise<[EngineRun, Origin]> {
    const origin = await bench.origin({ ...REFERENCE, rate: 16 * MIB, pipelining, ...options });
    origin.fault({ times: Infinity, fault: { kind: 'latency', ms: 60 } });
    const engine = bench.engine({ connections: 4, deadlines: { firstByteMs: 20_000 } });
    return [await engine.get(origin.url), origin];
  }

  it('P1: a connection is asked for its next lease before the present one has ended', async () => {
    let share = 0;
    // Leases are long: in most runs only one is followed by another.
    for (let attempt = 0; attempt < 15 && share < 0.25; attempt++) {
      const [run, origin] = await fetchFromAfar('serve');
      expectDone(run, REFERENCE);
      const leases = origin.requests.filter(({ onConnection }) => onConnection > 0);
      share = leases.filter(({ pipelined }) => pipelined).length / Math.max(1, leases.length);
    }
    expect(share).least(0.25);
  });

  it('P1, P16: a server that forgets such a request is asked again, and never so again', async () => {
    const [run] = await fetchFromAfar('ignore');
    expectDone(run, REFERENCE);
    expectFewInVain(run);
    expect(run.ms, 'not the deadline of a first byte').below(19_000);
  });

  it('a connection that is held back at the end of its lease goes on with what is behind it', async () => {
    const all = await certificates();
    const origin = await bench.origin({ ...REFERENCE, rate: 64 * MIB, tls: all.server });
    origin.fault({ times: Infinity, fault: { kind: 'latency', ms: 20 } });
    const tls = { ca: all.ca, cert: null, key: null, verify: true };
    const engine = bench.engine({ connections: 8, tls });
    const run = await engine.start(origin.url, {}, 12 * MIB).ended;
    expectDone(run, REFERENCE);
    const starts = origin.requests.map(({ range }) => range?.start);
    expect(starts.length, 'more than one each').above(8);
    // Of what a busy machine does not receive for a second, others ask again.
    expect(starts.length - new Set(starts).size, 'asked for twice').below(3);
  });

  it('P1: a server that resets the connection over such a request is not sent many', async () => {
    const [run] = await fetchFromAfar('reset');
    expectDone(run, REFERENCE);
    expectFewInVain(run);
  });

  it('P1: nothing is sent behind an answer that ends its connection', async () => {
    const close = { kind: 'field', name: 'Connection', value: 'close' } as const;
    const origin = await bench.origin({ ...REFERENCE, rate: 16 * MIB });
    origin.fault({ times: Infinity, fault: { kind: 'latency', ms: 60 } });
    origin.fault({ times: Infinity, fault: close });
    const run = await bench.engine({ connections: 4 }).get(origin.url);
    expectDone(run, REFERENCE);
    expect(origin.requests.every(({ onConnection }) => onConnection === 0)).equal(true);
  });

  it('P1: an answer that breaks off takes only itself and what was asked behind it', async () => {
    const [run] = await fetchFromAfar('serve', {
      faults: [
        { when: ({ pipelined }) => pipelined, times: 3, fault: { kind: 'reset', at: 70_000 } },
        {
          when: ({ pipelined }) => pipelined,
          times: 2,
          fault: { kind: 'status', status: 503 },
        },
      ],
    });
    expectDone(run, REFERENCE);
  });
});
