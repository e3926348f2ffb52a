/** What runs did to the files of one directory, read from `strace -f -y -xx`. */

/** One step. Files are known by the order of their creation. */
export type Step =
  | { kind: 'create'; file: number; name: string }
  | { kind: 'truncate'; file: number; size: number }
  | Write
  | { kind: 'written'; call: number }
  | { kind: 'sync'; file: number; call: number }
  | { kind: 'sync-directory'; call: number }
  | { kind: 'synced'; call: number }
  | { kind: 'link'; from: string; to: string }
  | { kind: 'rename'; from: string; to: string }
  | { kind: 'unlink'; name: string };

export interface Write {
  kind: 'write';
  file: number;
  offset: number;
  bytes: Buffer;
  call: number;
}

/** A change of names. */
export type NameStep = Extract<Step, { kind: 'create' | 'link' | 'rename' | 'unlink' }>;

/** Flags for strace that make a trace for {@link TraceReader}. */
export const STRACE = [
  ...['strace', '-f', '-y', '-xx', '-s', '4000000', '-qq'],
  ...['-e', 'trace=openat,pwrite64,pwritev,ftruncate,fdatasync,fsync,link,linkat,rename,unlink'],
];

/** A lock is no file and says nothing of any; what a power cut leaves of it is laid out apart. */
export const isLock = (name: string): boolean => name.includes('.sluice.lock');

const plain = (text: string): string =>
  text.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));

const bytesOf = (text: string): Buffer => Buffer.from(text.replaceAll('\\x', ''), 'hex');

/** What is to be done when a call returns, with its result; NaN when it was killed before. */
type AtEnd = (result: number) => void;

/** Reads the traces of one run after the other. */
export class TraceReader {
  readonly steps: Step[] = [];
  /** Which file has which name now. */
  readonly names = new Map<string, number>();
  /** Files with a write that was killed before it returned: nobody knows whether it happened. */
  readonly unsure = new Set<number>();
  private files = 0;
  private readonly open = new Map<string, AtEnd>();
  private calls = 0;

  constructor(private readonly directory: string) {}

  /** Takes up the next run's trace. A call that did not return counts as one that did not happen. */
  read(trace: string): void {
    this.open.clear();
    this.unsure.clear();
    for (const line of trace.split('\n')) if (line !== '') this.line(line);
  }

  /** A file that was there, and safe, before the first run. */
  given(name: string, bytes: Buffer): void {
    this.create(name);
    const file = this.names.get(name) as number;
    const call = this.calls++;
    this.steps.push({ kind: 'write', file, offset: 0, bytes, call }, { kind: 'written', call });
    this.steps.push({ kind: 'sync', file, call }, { kind: 'synced', call });
    const last = this.calls++;
    this.steps.push({ kind: 'sync-directory', call: last }, { kind: 'synced', call: last });
  }

  private line(line: string): void {
    const [, pid = '', rest = ''] = /^(\d+)\s+(.*)$/s.exec(line) ?? [];
    const result = /\) += (-?\d+)[^)]*(?:\([^)]*\))?$/.exec(rest)?.[1];
    if (/^<\.\.\. \w+ resumed>/.test(rest)) {
      this.open.get(pid)?.(Number(result));
      this.open.delete(pid);
      return;
    }
    const [, name = '', args = ''] = /^(\w+)\((.*)$/s.exec(rest) ?? [];
    const atEnd = this.begin(name, args);
    if (atEnd === null) return;
    if (rest.endsWith('<unfinished ...>')) this.open.set(pid, atEnd);
    else atEnd(Number(result));
  }

  private begin(name: string, args: string): AtEnd | null {
    switch (name) {
      case 'openat':
        return this.opened(args);
      case 'pwrite64':
        return this.write(args);
      case 'ftruncate':
        return this.truncate(args);
      case 'fdatasync':
      case 'fsync':
        return this.sync(args);
      case 'link':
      case 'rename':
      case 'unlink':
        return this.name(name, args);
      case 'pwritev':
      case 'linkat':
        if (args.includes(hexOf(this.directory))) throw new Error(`not modelled: ${name}`);
        return null;
      default:
        return null;
    }
  }

  private opened(args: string): AtEnd | null {
    const [, given = ''] = /, "([^"]*)", [^,]*O_CREAT/.exec(args) ?? [];
    const name = this.inDirectory(plain(given));
    if (name === null) return null;
    return (result) => {
      if (result >= 0 && !this.names.has(name)) this.create(name);
    };
  }

  private create(name: string): void {
    const file = this.files++;
    this.names.set(name, file);
    this.steps.push({ kind: 'create', file, name });
  }

  private inDirectory(given: string): string | null {
    if (given === '') return null;
    const whole = given.startsWith('/') ? given : `${this.directory}/${given}`;
    const name = whole.slice(this.directory.length + 1);
    if (isLock(name) || name.includes('/')) return null;
    return whole.startsWith(`${this.directory}/`) ? name : null;
  }

  private fileOf(args: string): [file: number, tail: string] | null {
    const [, path = '', tail = ''] = /^\d+<([^>]*)>(.*)$/s.exec(args) ?? [];
    const name = this.inDirectory(plain(path));
    const file = name === null ? undefined : this.names.get(name);
    return file === undefined ? null : [file, tail];
  }

  private truncate(args: string): AtEnd | null {
    const [file, tail] = this.fileOf(args) ?? [];
    if (file === undefined || tail === undefined) return null;
    const size = Number(/^, (\d+)/.exec(tail)?.[1]);
    return (result) => {
      if (result === 0) this.steps.push({ kind: 'truncate', file, size });
    };
  }

  private write(args: string): AtEnd | null {
    const [file, tail] = this.fileOf(args) ?? [];
    if (file === undefined || tail === undefined) return null;
    const [, hex = '', cut, length = '', offset = ''] =
      /^, "([^"]*)"(\.\.\.)?, (\d+), (\d+)/.exec(tail) ?? [];
    const bytes = bytesOf(hex);
    if (cut !== undefined || bytes.length !== Number(length)) throw new Error('a cut write');
    const call = this.calls++;
    const step: Write = { kind: 'write', file, offset: Number(offset), bytes, call };
    this.steps.push(step);
    return (result) => {
      if (Number.isNaN(result)) this.unsure.add(file);
      step.bytes = bytes.subarray(0, Math.max(0, result));
      this.steps.push({ kind: 'written', call });
    };
  }

  private sync(args: string): AtEnd | null {
    const [, path = ''] = /^\d+<([^>]*)>/.exec(args) ?? [];
    const call = this.calls++;
    const file = this.fileOf(args)?.[0];
    if (plain(path) === this.directory) this.steps.push({ kind: 'sync-directory', call });
    else if (file !== undefined) this.steps.push({ kind: 'sync', file, call });
    else return null;
    return (result) => {
      if (result === 0) this.steps.push({ kind: 'synced', call });
    };
  }

  private name(kind: 'link' | 'rename' | 'unlink', args: string): AtEnd | null {
    const [from = null, to = null] = [...args.matchAll(/"([^"]*)"/g)].map(([, text = '']) =>
      this.inDirectory(plain(text)),
    );
    if (from === null) return null;
    return (result) => {
      if (result !== 0) return;
      const file = this.names.get(from) as number;
      if (kind !== 'link') this.names.delete(from);
      if (kind === 'unlink') this.steps.push({ kind, name: from });
      else if (to !== null) {
        this.names.set(to, file);
        this.steps.push({ kind, from, to });
      }
    };
  }
}

const hexOf = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
