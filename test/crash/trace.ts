/** What a run did to the files of its directory, read from `strace -f -y -xx -s 4096`. */

/** One step. Files are known by the order of their creation. */
export type Step =
  | { kind: 'create'; file: number; name: string }
  | { kind: 'truncate'; file: number; size: number }
  /** `bytes` is the beginning of what was written, up to 4096 bytes; `end` when the call returned. */
  | { kind: 'write'; file: number; offset: number; length: number; bytes: Buffer; call: number }
  | { kind: 'written'; call: number }
  | { kind: 'sync'; file: number; call: number }
  | { kind: 'sync-directory'; call: number }
  | { kind: 'synced'; call: number }
  | { kind: 'link'; from: string; to: string }
  | { kind: 'unlink'; name: string };

/** Flags for strace that make a trace for {@link readTrace}. */
export const STRACE = [
  ...['strace', '-f', '-y', '-xx', '-s', '4096', '-qq'],
  ...['-e', 'trace=openat,pwrite64,pwritev,ftruncate,fdatasync,fsync,link,linkat,rename,unlink'],
];

const plain = (text: string): string =>
  text.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));

const bytesOf = (text: string): Buffer => Buffer.from(text.replaceAll('\\x', ''), 'hex');

class Reader {
  readonly steps: Step[] = [];
  private readonly files = new Map<string, number>();
  private readonly open = new Map<string, number>();
  private calls = 0;

  constructor(private readonly directory: string) {}

  line(line: string): void {
    const [, pid = '', rest = ''] = /^(\d+)\s+(.*)$/s.exec(line) ?? [];
    const resumed = /^<\.\.\. \w+ resumed>/.test(rest);
    if (resumed) return this.finish(pid, rest);
    const [, name = '', args = ''] = /^(\w+)\((.*)$/s.exec(rest) ?? [];
    const unfinished = rest.endsWith('<unfinished ...>');
    if (!unfinished && / = -1 E/.test(rest)) return;
    const call = this.calls++;
    const waits = this.begin(name, args, call);
    if (!waits) return;
    if (unfinished) this.open.set(pid, call);
    else this.end(name, call);
  }

  private finish(pid: string, rest: string): void {
    const call = this.open.get(pid);
    if (call === undefined) return;
    this.open.delete(pid);
    if (/ = -1 E/.test(rest)) throw new Error(`a call failed: ${rest}`);
    this.end(/^<\.\.\. (\w+)/.exec(rest)?.[1] ?? '', call);
  }

  private end(name: string, call: number): void {
    this.steps.push({ kind: name.startsWith('pwrite') ? 'written' : 'synced', call });
  }

  /** Returns whether the end of the call matters. */
  private begin(name: string, args: string, call: number): boolean {
    switch (name) {
      case 'openat':
        this.created(args);
        return false;
      case 'pwrite64':
        return this.write(args, call);
      case 'ftruncate':
        return this.onFile(args, (file, tail) => {
          this.steps.push({ kind: 'truncate', file, size: Number(/^, (\d+)/.exec(tail)?.[1]) });
          return false;
        });
      case 'fdatasync':
      case 'fsync':
        return this.sync(args, call);
      case 'link':
      case 'unlink':
        this.name(name, args);
        return false;
      case 'pwritev':
      case 'rename':
      case 'linkat':
        if (args.includes(bytesHex(this.directory))) throw new Error(`not modelled: ${name}`);
        return false;
      default:
        return false;
    }
  }

  private created(args: string): void {
    const [, given = ''] = /, "([^"]*)", [^,]*O_CREAT/.exec(args) ?? [];
    const name = this.inDirectory(plain(given));
    if (name === null || this.files.has(name)) return;
    const file = this.files.size;
    this.files.set(name, file);
    this.steps.push({ kind: 'create', file, name });
  }

  private inDirectory(given: string): string | null {
    if (given === '') return null;
    const whole = given.startsWith('/') ? given : `${this.directory}/${given}`;
    const name = whole.slice(this.directory.length + 1);
    return whole.startsWith(`${this.directory}/`) && !name.includes('/') ? name : null;
  }

  private onFile(args: string, then: (file: number, tail: string) => boolean): boolean {
    const [, path = '', tail = ''] = /^\d+<([^>]*)>(.*)$/s.exec(args) ?? [];
    const name = this.inDirectory(plain(path));
    const file = name === null ? undefined : this.files.get(name);
    return file === undefined ? false : then(file, tail);
  }

  private write(args: string, call: number): boolean {
    return this.onFile(args, (file, tail) => {
      const [, hex = '', length = '', offset = ''] =
        /^, "([^"]*)"(?:\.\.\.)?, (\d+), (\d+)/.exec(tail) ?? [];
      const bytes = bytesOf(hex);
      const range = { offset: Number(offset), length: Number(length) };
      this.steps.push({ kind: 'write', file, ...range, bytes, call });
      return true;
    });
  }

  private sync(args: string, call: number): boolean {
    const [, path = ''] = /^\d+<([^>]*)>/.exec(args) ?? [];
    if (plain(path) === this.directory) {
      this.steps.push({ kind: 'sync-directory', call });
      return true;
    }
    return this.onFile(args, (file) => {
      this.steps.push({ kind: 'sync', file, call });
      return true;
    });
  }

  private name(kind: string, args: string): void {
    const [first = null, second = null] = [...args.matchAll(/"([^"]*)"/g)].map(([, text = '']) =>
      this.inDirectory(plain(text)),
    );
    if (first === null) return;
    if (kind === 'unlink') this.steps.push({ kind: 'unlink', name: first });
    else if (second !== null) {
      this.steps.push({ kind: 'link', from: first, to: second });
      this.files.set(second, this.files.get(first) ?? -1);
    }
  }
}

const bytesHex = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');

/** The steps that a trace tells of the files in `directory`. */
export function readTrace(trace: string, directory: string): Step[] {
  const reader = new Reader(directory);
  for (const line of trace.split('\n')) if (line !== '') reader.line(line);
  return reader.steps;
}
