/** Reads what `--trace` has written: a record a line (`src/trace.ts`), into leases, samples and events by file. */
import { SluiceError } from '../errors.js';
import { showText } from '../http/redact.js';
import { TRACE_BEGINS, TRACE_VERSION } from '../trace.js';
import { Pace } from './pace.js';

/** Bytes of a file, of a line, and files in it. */
export const MAX_TRACE_BYTES = 256 * 1024 * 1024;
const MAX_LINE = 256 * 1024;
const MAX_FILES = 1_000_000;

/** A range that one connection was asked for. Times are milliseconds since the trace began. */
export interface TracedLease {
  lease: number;
  connection: number;
  /** Half-open, as it was asked for. */
  start: number;
  end: number;
  askedMs: number;
  /** When the first byte of its range came, as far as is known; never after its end. */
  receivingMs: number;
  /** Null while it was not over at the end of the trace. */
  endedMs: number | null;
  /** What its dial took; null when a kept connection served. */
  dialMs: number | null;
  /** Null while it was not over. */
  result: string | null;
  /** `[start, written)` is in the file. */
  written: number;
  received: number;
  address: string | null;
  isBehind: boolean;
  /** The lease whose end it fetched as well. */
  hedges: number | null;
  cuts: number;
  abandoned: string | null;
}

/** One file of a run. */
export interface TracedFile {
  index: number;
  url: string;
  path: string;
  /** Length in bytes; null when it was not told. */
  size: number | null;
  leases: TracedLease[];
  /** Bytes received since the sample before. */
  samples: Array<{ ms: number; bytes: number }>;
  /** What was wanted, and what held the download back, from then on. */
  levels: Array<{ ms: number; target: number; limitedBy: string }>;
  roundTrips: Array<{ ms: number; tookMs: number | null }>;
  /** Retries, warnings and the end, as sentences. */
  events: Array<{ ms: number; type: string; code: string | null; text: string }>;
  /** How it ended: `downloaded`, `complete`, `skipped`, or the code of the error; null when that is not told. */
  outcome: string | null;
}

/** A run. */
export interface Traced {
  /** When it began, as ISO 8601 has it. */
  startedAt: string;
  /** When the last record was made. */
  ms: number;
  /** Whether the run came to its end. */
  isWhole: boolean;
  /** By their number. */
  files: TracedFile[];
}

/**
 * The records of a trace, put together.
 * @param where its path, for errors
 * @throws SluiceError TRACE_INVALID, which names the line; the signal's reason
 */
export async function parseTrace(
  pieces: Iterable<Uint8Array>,
  where: string,
  signal: AbortSignal,
): Promise<Traced> {
  const pace = new Pace(signal);
  const reader = new Reader(where);
  let rest: Buffer = Buffer.alloc(0);
  for (const piece of pieces) {
    const bytes = rest.length === 0 ? Buffer.from(piece) : Buffer.concat([rest, piece]);
    let from = 0;
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
      reader.line(bytes.subarray(from, at));
      from = at + 1;
      if (pace.isDue) await pace.turn();
    }
    rest = bytes.subarray(from);
    if (rest.length > MAX_LINE) throw reader.invalid('it is longer than a record may be');
  }
  return reader.end(rest);
}

class Reader {
  private lineNumber = 0;
  private head: { startedAt: string } | null = null;
  private ms = 0;
  private isWhole = false;
  private readonly files = new Map<number, FileReader>();

  constructor(private readonly where: string) {}

  line(bytes: Buffer): void {
    this.lineNumber++;
    if (this.head === null) {
      this.head = this.readHead(bytes);
      return;
    }
    if (bytes.length > MAX_LINE) throw this.invalid('it is longer than a record may be');
    const record = new Fields(this.objectOf(bytes), (what) => this.invalid(what));
    const ms = record.number('t');
    this.ms = Math.max(this.ms, ms);
    if (record.text('type') === 'end') {
      this.isWhole = true;
      return;
    }
    this.fileOf(record.number('file')).take(record, ms);
  }

  /** @param rest what follows the last line feed: of a run that was killed, half of a record */
  end(rest: Buffer): Traced {
    if (this.head === null) this.line(rest);
    const files = [...this.files.values()].map((file) => file.end());
    files.sort((a, b) => a.index - b.index);
    const { startedAt } = this.head as { startedAt: string };
    return { startedAt, ms: this.ms, isWhole: this.isWhole, files };
  }

  invalid(what: string): SluiceError {
    const message = `${this.where}, line ${this.lineNumber}: ${what}`;
    return new SluiceError('TRACE_INVALID', message, {
      path: this.where,
      next: 'Record another one: `sluice get URL --trace FILE`.',
    });
  }

  private readHead(bytes: Buffer): { startedAt: string } {
    const begins = bytes.subarray(0, TRACE_BEGINS.length).toString('latin1');
    if (begins !== TRACE_BEGINS)
      throw new SluiceError('TRACE_INVALID', `${this.where} is no trace of sluice`, {
        path: this.where,
        next: 'Name a file that `sluice get URL --trace FILE` has written.',
      });
    if (bytes.length > MAX_LINE) throw this.invalid('it is longer than a record may be');
    const head = new Fields(this.objectOf(bytes), (what) => this.invalid(what));
    if (head.number('version') > TRACE_VERSION)
      throw new SluiceError('TRACE_INVALID', `${this.where} is of a newer sluice`, {
        path: this.where,
        next: 'Read it with the sluice that has written it.',
      });
    return { startedAt: head.text('startedAt') };
  }

  private objectOf(bytes: Buffer): Record<string, unknown> {
    try {
      const value: unknown = JSON.parse(bytes.toString('utf8'));
      if (typeof value === 'object' && value !== null && !Array.isArray(value))
        return value as Record<string, unknown>;
    } catch {
      // Told below.
    }
    throw this.invalid('it is no record: the file is damaged');
  }

  private fileOf(index: number): FileReader {
    let file = this.files.get(index);
    if (file === undefined) {
      if (this.files.size >= MAX_FILES) throw this.invalid('it is of too many files');
      this.files.set(index, (file = new FileReader(index)));
    }
    return file;
  }
}

/** The fields of a record, each of the type that it has to have. */
class Fields {
  constructor(
    readonly fields: Record<string, unknown>,
    private readonly invalid: (what: string) => SluiceError,
  ) {}

  number(name: string): number {
    const value = this.fields[name];
    if (typeof value !== 'number' || !(value >= 0)) throw this.invalid(`${name} is no number`);
    return value;
  }

  numberOrNull(name: string): number | null {
    const value = this.fields[name];
    return value === null || value === undefined ? null : this.number(name);
  }

  text(name: string): string {
    const value = this.fields[name];
    if (typeof value !== 'string') throw this.invalid(`${name} is no text`);
    return showText(value, MAX_TEXT);
  }

  textOrNull(name: string): string | null {
    const value = this.fields[name];
    return value === null || value === undefined ? null : this.text(name);
  }

  inner(name: string): Fields | null {
    const value = this.fields[name];
    if (typeof value !== 'object' || value === null) return null;
    return new Fields(value as Record<string, unknown>, this.invalid);
  }
}

/** Characters of a text that are shown. */
const MAX_TEXT = 500;

class FileReader {
  private readonly file: TracedFile;
  private readonly leases = new Map<number, TracedLease>();
  /** When the last lease of each connection ended. */
  private readonly freeMs = new Map<number, number>();

  constructor(index: number) {
    this.file = {
      index,
      url: '',
      path: '',
      size: null,
      leases: [],
      samples: [],
      levels: [],
      roundTrips: [],
      events: [],
      outcome: null,
    };
  }

  /** Takes a record; one of a kind that is not known says nothing. */
  take(record: Fields, ms: number): void {
    const { file } = this;
    switch (record.text('type')) {
      case 'lease':
        return this.asked(record, ms);
      case 'cut': {
        const lease = this.leases.get(record.number('lease'));
        if (lease !== undefined) lease.cuts++;
        return;
      }
      case 'abandon': {
        const lease = this.leases.get(record.number('lease'));
        if (lease !== undefined) lease.abandoned = record.text('why');
        return;
      }
      case 'ended':
        return this.ended(record, ms);
      case 'level':
        file.levels.push({
          ms,
          target: record.number('target'),
          limitedBy: record.text('limitedBy'),
        });
        return;
      case 'sample':
        file.samples.push({ ms, bytes: record.number('bytes') });
        return;
      case 'roundTrip':
        file.roundTrips.push({ ms, tookMs: record.numberOrNull('ms') });
        return;
      case 'event':
        return this.told(record.inner('event'), ms);
    }
  }

  end(): TracedFile {
    return this.file;
  }

  private asked(record: Fields, ms: number): void {
    const first = record.inner('first');
    const dialMs = first === null ? null : first.number('dialMs');
    const beforeMs = first === null ? 0 : first.number('firstByteMs') + (dialMs ?? 0);
    const lease: TracedLease = {
      lease: record.number('lease'),
      connection: record.number('connection'),
      start: record.number('start'),
      end: record.number('end'),
      askedMs: Math.max(0, ms - beforeMs),
      receivingMs: ms,
      endedMs: null,
      dialMs,
      result: null,
      written: record.number('start'),
      received: 0,
      address: null,
      isBehind: record.fields['behind'] === true,
      hedges: record.numberOrNull('hedges'),
      cuts: 0,
      abandoned: null,
    };
    this.leases.set(lease.lease, lease);
    this.file.leases.push(lease);
  }

  private ended(record: Fields, ms: number): void {
    const lease = this.leases.get(record.number('lease'));
    if (lease === undefined) return;
    this.leases.delete(lease.lease);
    lease.endedMs = ms;
    lease.result = record.text('result');
    lease.written = record.number('written');
    lease.received = record.number('received');
    lease.address = record.textOrNull('address');
    const firstByteMs = record.numberOrNull('firstByteMs');
    // The first answer was there already.
    const isFirst = lease.dialMs !== null;
    if (!isFirst) {
      lease.dialMs = record.numberOrNull('dialMs');
      // What was asked for behind another lease may not say: it came when that one was over.
      const answerMs = firstByteMs ?? (lease.received > 0 ? 0 : Infinity);
      const answeredMs = lease.askedMs + (lease.dialMs ?? 0) + answerMs;
      const freeMs = this.freeMs.get(lease.connection) ?? 0;
      lease.receivingMs = Math.min(ms, Math.max(answeredMs, freeMs));
    }
    this.freeMs.set(lease.connection, ms);
  }

  private told(event: Fields | null, ms: number): void {
    if (event === null) return;
    const { file } = this;
    const type = event.text('type');
    file.url = event.textOrNull('url') ?? file.url;
    file.path = event.textOrNull('path') ?? file.path;
    const code = event.textOrNull('code');
    const text = event.textOrNull('message') ?? event.textOrNull('reason') ?? '';
    if (type === 'start') file.size = event.numberOrNull('size');
    if (type === 'done') file.outcome = event.text('outcome');
    if (type === 'done') file.size = event.number('bytes');
    if (type === 'error') file.outcome = code;
    file.events.push({ ms, type, code, text });
  }
}
