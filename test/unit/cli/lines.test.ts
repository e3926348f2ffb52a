import { expect } from 'chai';
import { LineReporter, type LineOptions } from '../../../src/cli/lines.js';
import { SluiceError } from '../../../src/errors.js';
import type { DownloadEvent } from '../../../src/transfer/events.js';
import * as sample from './samples.js';

class Run {
  readonly lines: string[] = [];
  time = 0;
  readonly reporter: LineReporter;

  constructor(options: Partial<LineOptions> = {}) {
    this.reporter = new LineReporter({
      write: (line) => this.lines.push(line),
      quiet: false,
      verbose: false,
      progress: true,
      now: () => this.time,
      ...options,
    });
  }

  at(time: number, event: DownloadEvent): this {
    this.time = time;
    this.reporter.event(event);
    return this;
  }
}

const prefix = 'sluice: big.iso: ';

describe('cli/lines', () => {
  it('tells the start, retries, warnings and the end', () => {
    const run = new Run();
    for (const event of [sample.start, sample.retry, sample.warning, sample.done]) {
      run.reporter.event(event);
    }
    expect(run.lines).to.deep.equal([
      `${prefix}4.00 GiB from https://example.org/pub/big.iso, up to 8 connections`,
      `${prefix}503 Service Unavailable; connection 3 tries again in 2 s`,
      `${prefix}warning: no validator`,
      `${prefix}done: 4.00 GiB in 40.0 s, 102 MiB/s, 8 connections, sha256 verified`,
    ]);
  });

  it('tells why only one stream is used, and what is already here', () => {
    expect(new Run().at(0, sample.oneStream).lines).to.deep.equal([
      `${prefix}unknown size from https://example.org/pub/big.iso, 1.00 MiB already here, up to 1 connection, the server does not serve ranges`,
    ]);
    const complete = { ...sample.done, outcome: 'complete' as const, digests: {} };
    expect(new Run().at(0, complete).lines).to.deep.equal([
      `${prefix}done: already complete, 4.00 GiB`,
    ]);
  });

  it('writes progress after 5 s and then every 30 s', () => {
    const run = new Run().at(0, sample.start);
    const seen: number[] = [];
    for (let time = 0; time <= 100_000; time += 500) {
      const before = run.lines.length;
      run.at(time, sample.progress);
      if (run.lines.length > before) seen.push(time);
    }
    expect(seen).to.deep.equal([5000, 35_000, 65_000, 95_000]);
    expect(run.lines.at(-1)).to.equal(
      `${prefix}1.00 of 4.00 GiB (25%), 100 MiB/s, 0:31 left, 8 connections`,
    );
    expect(new Run({ progress: false }).at(0, sample.progress).at(9000, sample.progress).lines).to
      .be.empty;
  });

  it('writes one line for the same retry of many connections at once', () => {
    const run = new Run();
    for (let connection = 0; connection < 16; connection++) {
      run.at(connection, { ...sample.retry, connection });
    }
    run.at(5000, sample.retry);
    expect(run.lines).to.have.length(2);
    const verbose = new Run({ verbose: true }).at(0, sample.retry).at(1, sample.retry);
    expect(verbose.lines[1]).to.include('(attempt 1, HTTP_SERVER_ERROR)');
  });

  it('is silent with quiet, but for errors', () => {
    const run = new Run({ quiet: true });
    for (const event of sample.everyEvent.filter(({ type }) => type !== 'done')) run.at(0, event);
    expect(run.lines).to.deep.equal([
      'sluice: the server answered 503 Service Unavailable',
      '  url: https://example.org/pub/big.iso',
      '  file: /data/big.iso',
      '  kept: 1 GiB of 4 GiB are kept in big.iso.part',
      '  next: run the same command again',
      '  (HTTP_SERVER_ERROR, exit status 6)',
    ]);
  });

  it('tells an error that no event has told', () => {
    const run = new Run({ quiet: true });
    run.reporter.end(new SluiceError('USAGE', 'no URL'));
    expect(run.lines).to.deep.equal(['sluice: no URL', '  (USAGE, exit status 2)']);
  });

  it('adds digests and received bytes with verbose', () => {
    const run = new Run({ verbose: true }).at(0, sample.done);
    expect(run.lines[0])
      .to.include('4.00 GiB received')
      .and.include(`sha256 ${'ab'.repeat(32)}`);
  });

  it('P14: escapes every text of every event', () => {
    const h = sample.HOSTILE;
    const events: DownloadEvent[] = [
      { ...sample.oneStream, url: h, path: h, reason: h },
      { ...sample.progress, url: h, path: h },
      { ...sample.retry, url: h, path: h, reason: h },
      { ...sample.warning, url: h, path: h, message: h },
      { ...sample.done, url: h, path: h, digests: { [h]: h } },
      { ...sample.failure, url: h, path: `${h}2`, message: h, kept: h, next: h },
    ];
    const run = new Run({ verbose: true });
    events.forEach((event, i) => run.at(i * 10_000, event));
    run.reporter.note(h);
    expect(run.lines).to.have.length(12);
    for (const line of run.lines) expect(line).not.to.match(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
  });
});
