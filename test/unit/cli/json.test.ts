import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { JsonReporter } from '../../../src/cli/json.js';
import { ERROR_CODES, EXIT_STATUSES, SluiceError } from '../../../src/errors.js';
import type { DownloadEvent } from '../../../src/transfer/events.js';
import * as sample from './samples.js';
import { violations } from './schema.js';

const schema = JSON.parse(readFileSync('docs/events.schema.json', 'utf8')) as Record<
  string,
  unknown
>;

type Written = DownloadEvent & { v: number };

class Run {
  readonly lines: string[] = [];
  time = 0;
  readonly reporter = new JsonReporter(
    (line) => this.lines.push(line),
    undefined,
    () => this.time,
  );

  get events(): Written[] {
    return this.lines.map((line) => JSON.parse(line) as Written);
  }

  get types(): string[] {
    return this.events.map(({ type }) => type);
  }
}

const handle = (fields = {}) => ({ snapshot: () => sample.snapshot(fields) });

describe('cli/json', () => {
  it('writes every type of event as docs/events.schema.json says', () => {
    for (const event of sample.everyEvent) {
      const run = new Run();
      run.reporter.event(event);
      expect(run.events).to.deep.equal([{ v: 1, ...event }]);
      expect(violations(schema, schema, run.events[0])).to.deep.equal([]);
    }
  });

  it('has a schema that refuses what is wrong', () => {
    const wrong = [
      { ...sample.done, v: 2 },
      { ...sample.done, v: 1, bytes: -1 },
      { ...sample.done, v: 1, bytes: '1' },
      { ...sample.retry, v: 1, attempt: 0 },
      { ...sample.failure, v: 1, exitStatus: 0 },
      { ...sample.failure, v: 1, extra: true },
      { v: 1, type: 'start', url: '', path: '' },
    ];
    for (const event of wrong) expect(violations(schema, schema, event)).not.to.be.empty;
  });

  it('has every exit status but 0, and a form for every code, in the schema', () => {
    const { $defs } = schema as {
      $defs: {
        error: { properties: { exitStatus: { enum: number[] } } };
        code: { pattern: string };
      };
    };
    const statuses = Object.keys(EXIT_STATUSES).map(Number);
    expect($defs.error.properties.exitStatus.enum).to.deep.equal(statuses.slice(1));
    for (const code of Object.keys(ERROR_CODES))
      expect(code).to.match(new RegExp($defs.code.pattern));
  });

  it('writes progress of a file at most four times a second', () => {
    const run = new Run();
    const other = { ...sample.progress, path: '/data/other' };
    for (run.time = 0; run.time < 1000; run.time += 10) run.reporter.event(sample.progress);
    expect(run.lines).to.have.length(4);
    run.reporter.event(other);
    expect(run.events.at(-1)?.path).to.equal('/data/other');
  });

  it('ends each file exactly once, with done or error', () => {
    const run = new Run();
    run.reporter.begin(handle());
    for (const event of [sample.start, sample.done, sample.progress, sample.failure, sample.done]) {
      run.reporter.event(event);
    }
    run.reporter.end();
    expect(run.types).to.deep.equal(['start', 'done']);
  });

  it('ends with an error what the engine left open, with the reason when there is one', () => {
    const run = new Run();
    run.reporter.begin(handle({ path: '' }));
    run.reporter.begin(handle({ url: 'https://example.org/two', path: '/data/two' }));
    run.reporter.event(sample.start);
    run.reporter.end(new SluiceError('WORKER_LOST', 'a worker died'));
    run.reporter.end();
    expect(run.types).to.deep.equal(['start', 'error', 'error']);
    expect(run.events.map(({ path }) => path)).to.deep.equal([
      sample.path,
      sample.path,
      '/data/two',
    ]);
    const last = run.events.at(-1);
    expect(last).to.include({ code: 'WORKER_LOST', exitStatus: 1, message: 'a worker died' });
    for (const event of run.events) expect(violations(schema, schema, event)).to.deep.equal([]);

    const silent = new Run();
    silent.reporter.begin(handle());
    silent.reporter.end();
    expect(silent.events[0]).to.include({ type: 'error', code: 'DEFECT' });
  });

  it('tells an error that belongs to no file, and tells none twice', () => {
    const error = new SluiceError('USAGE', 'no URL');
    const run = new Run();
    run.reporter.end(error);
    expect(run.events).to.deep.equal([
      { v: 1, type: 'error', url: '', path: '', code: 'USAGE', exitStatus: 2, message: 'no URL' },
    ]);
    const told = new Run();
    told.reporter.begin(handle());
    told.reporter.event(sample.failure);
    told.reporter.end(new SluiceError('HTTP_SERVER_ERROR', sample.failure.message));
    expect(told.types).to.deep.equal(['error']);
  });

  it('tells several downloads of one URL apart by their paths', () => {
    const run = new Run();
    run.reporter.begin(handle({ path: '' }));
    run.reporter.begin(handle({ path: '' }));
    run.reporter.event({ ...sample.start, path: '/one' });
    run.reporter.event({ ...sample.start, path: '/two' });
    run.reporter.event({ ...sample.done, path: '/one' });
    run.reporter.end();
    expect(run.events.map(({ type, path }) => `${type} ${path}`)).to.deep.equal([
      'start /one',
      'start /two',
      'done /one',
      'error /two',
    ]);
  });

  it('P14: leaves no control character raw, and the text is the same after parsing', () => {
    const run = new Run();
    const message = sample.HOSTILE + '\u2066\u{e0001}';
    run.reporter.event({ ...sample.warning, message, path: message });
    expect(run.lines[0]).not.to.match(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
    expect(run.events[0]).to.include({ message });
  });
});
