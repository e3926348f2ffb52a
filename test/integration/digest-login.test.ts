/** Digest authentication (RFC 7616) over many connections and threads. */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { parseChallenges } from '../../src/http/challenge.js';
import { Apache } from '../helpers/apache.js';
import { benchPerTest, expectDone, expectFailed } from '../helpers/engine.js';
import { requireServer } from '../helpers/real-server.js';
import type { RunOverrides } from '../helpers/engine.js';
import type { RecordedRequest } from '../helpers/fault-server.js';
import type { Origin, OriginOptions } from '../helpers/origin.js';

const MIB = 1024 * 1024;
const REFERENCE = { seed: 1, size: 6 * MIB };
const ALICE: RunOverrides = { user: { user: 'alice', password: 'secret' } };

/** A server's side: it takes each count once, as strict servers do, and a nonce for some requests. */
class Guard {
  accepted = 0;
  asked = 0;
  private number = 0;
  private left = 0;
  private seen = new Set<string>();

  constructor(
    private readonly algorithm: string,
    private readonly life = Infinity,
  ) {}

  refuses = ({ fields, target }: RecordedRequest): boolean => {
    const [challenge] = parseChallenges([fields['authorization'] ?? '']);
    const given = (name: string): string => challenge?.parameters.get(name) ?? '';
    if (challenge?.scheme !== 'digest' || given('nonce') !== this.nonce || this.left === 0)
      return true;
    const hash = (text: string): string =>
      createHash(this.algorithm.startsWith('SHA') ? 'sha256' : 'md5')
        .update(text)
        .digest('hex');
    const plain = hash('alice:files:secret');
    const key = this.algorithm.endsWith('-sess')
      ? hash(`${plain}:${this.nonce}:${given('cnonce')}`)
      : plain;
    const request = hash(`GET:${target}`);
    const nc = given('nc');
    const right = `${key}:${this.nonce}:${nc}:${given('cnonce')}:auth:${request}`;
    if (given('response') !== hash(right) || this.seen.has(nc)) return true;
    this.seen.add(nc);
    this.left--;
    this.accepted++;
    return false;
  };

  private get nonce(): string {
    return `nonce-${this.number}`;
  }

  /** A new nonce. */
  challenge(): string {
    const isStale = this.number > 0 && this.left === 0;
    this.asked++;
    this.number++;
    this.left = this.life;
    this.seen = new Set();
    return `Digest realm="files", qop="auth", algorithm=${this.algorithm}, nonce="${this.nonce}", opaque="o", stale=${isStale}`;
  }
}

describe('Digest authentication', () => {
  const bench = benchPerTest();

  async function guarded(guard: Guard, options: OriginOptions = {}): Promise<Origin> {
    const origin = await bench.origin({ ...REFERENCE, path: '/a/file.bin?x=1', ...options });
    origin.fault({
      times: Infinity,
      when: guard.refuses,
      fault: {
        kind: 'status',
        status: 401,
        get fields() {
          return { 'WWW-Authenticate': guard.challenge() };
        },
      },
    });
    return origin;
  }

  for (const algorithm of ['MD5', 'MD5-sess', 'SHA-256', 'SHA-256-sess'])
    it(`is answered with ${algorithm}, each count once, over all connections`, async () => {
      const guard = new Guard(algorithm);
      const origin = await guarded(guard, { rate: 8 * MIB });
      const run = await bench.engine({ ...ALICE, connections: 6 }).get(origin.url);
      expectDone(run, REFERENCE);
      expect(guard.asked, 'challenges').equal(1);
      expect(guard.accepted).above(2);
    });

  it('the threads answer as well', async () => {
    const guard = new Guard('SHA-256');
    const origin = await guarded(guard);
    expectDone(await bench.engine({ ...ALICE, threads: 2 }).get(origin.url), REFERENCE);
    expect(guard.asked).equal(1);
  });

  it('P20: a nonce that is stale in the middle is replaced', async () => {
    const guard = new Guard('SHA-256', 4);
    const origin = await guarded(guard, { rate: 8 * MIB });
    expectDone(await bench.engine({ ...ALICE, connections: 4 }).get(origin.url), REFERENCE);
    expect(guard.asked).above(1);
  });

  it('a netrc and userinfo log in too', async () => {
    const guard = new Guard('MD5');
    const origin = await guarded(guard);
    const netrc = [{ machine: '127.0.0.1', login: 'alice', password: 'secret' }];
    expectDone(await bench.engine({ netrc }).get(origin.url), REFERENCE);
    const url = origin.url.replace('//', '//alice:secret@');
    expectDone(await bench.engine().get(url), REFERENCE);
  });

  it('a wrong password is refused after one answer, and none is sent without a user', async () => {
    for (const [given, answers] of [
      [{ user: { user: 'alice', password: 'wrong' } }, 2],
      [{}, 0],
      [{ bearer: 'token' }, 0],
    ] as const) {
      const origin = await guarded(new Guard('SHA-256'));
      expectFailed(await bench.engine(given).get(origin.url), 'HTTP_REFUSED');
      const sent = origin.requests.map(({ fields }) => fields['authorization'] ?? '');
      // The second one is the ladder's, which asks for all without Range.
      expect(sent.filter((value) => value.startsWith('Digest'))).length.at.most(answers);
    }
  });

  it('P11: where a redirect leads gets no answer', async () => {
    const guard = new Guard('MD5');
    const other = await guarded(guard);
    const origin = await bench.origin(REFERENCE);
    origin.fault({ times: Infinity, fault: { kind: 'redirect', location: other.url } });
    expectFailed(await bench.engine(ALICE).get(origin.url), 'HTTP_REFUSED');
    for (const { fields } of other.requests) expect(fields['authorization']).equal(undefined);
  });
});

describe('Digest authentication: Apache httpd', () => {
  const bench = benchPerTest();
  let apache: Apache;
  before(async function () {
    requireServer('apache2', this);
    apache = await Apache.start();
    apache.addContent('file.bin', REFERENCE.seed, REFERENCE.size);
  });
  after(() => apache?.close());

  it('is answered', async () => {
    const url = apache.url('/digest/file.bin');
    expectDone(await bench.engine({ ...ALICE, connections: 6 }).get(url), REFERENCE);
    const wrong = { user: { user: 'alice', password: 'no' } };
    expectFailed(await bench.engine(wrong).get(url), 'HTTP_REFUSED');
  });
});
