/**
 * Lists of URLs, as aria2's `--input-file` takes them: a URL a line, TABs between mirrors of one file,
 * and below it, indented, options of that file alone.
 */
import { SluiceError } from '../errors.js';
import { showText } from '../http/redact.js';
import { parseUserUrl, referenceScheme } from '../http/url.js';
import type { Pace } from './pace.js';

/** A list may have this many bytes. */
export const MAX_INPUT_BYTES = 16 * 1024 * 1024;

/** A list may name this many files. */
export const MAX_INPUT_FILES = 100_000;

/** A line may have this many characters: some mirrors, each as long as a signed URL may be. */
export const MAX_INPUT_LINE = 256 * 1024;

/** A file may have this many mirrors, its first URL included. */
export const MAX_INPUT_MIRRORS = 64;

/** A file may have this many lines of options. */
export const MAX_INPUT_OPTIONS = 256;

/** Options that are known by name. aria2 has a hundred more; those are passed over. */
const KNOWN = ['out', 'dir', 'header', 'checksum', 'split', 'referer', 'user-agent'] as const;
export type InputOptionName = (typeof KNOWN)[number];

/** An option of one file, and where it stands. */
export interface InputOption {
  name: InputOptionName;
  value: string;
  /** From 1. */
  line: number;
}

/** A file of the list. */
export interface InputEntry {
  /** The line of its URLs, from 1. */
  line: number;
  /** At least one; the first comes first. */
  urls: string[];
  options: InputOption[];
}

export interface InputList {
  entries: InputEntry[];
  /** Options that are not known, each once, with its first line. */
  passedOver: Array<{ name: string; line: number }>;
}

/** Most names of unknown options that are remembered: they are only told. */
const MAX_PASSED_OVER = 20;

/**
 * Reads a list in a time that grows with its length only.
 * @param text in pieces, cut anywhere
 * @param origin what the list is called in errors, as it may be shown
 * @throws SluiceError INPUT_LIST_INVALID, which names the line; and what the pace throws
 */
export async function parseInputList(
  text: Iterable<string>,
  origin: string,
  pace: Pace,
): Promise<InputList> {
  const reader = new Reader(origin);
  let rest = '';
  for (const piece of text) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      reader.take(line);
      if (pace.isDue) await pace.turn();
    }
    // What is carried on to the next piece must not grow for ever.
    reader.requireBounded(rest);
  }
  reader.take(rest);
  return reader.end();
}

class Reader {
  private readonly list: InputList = { entries: [], passedOver: [] };
  private readonly unknown = new Set<string>();
  private line = 0;

  constructor(private readonly origin: string) {}

  /** Takes the next line, without its line feed. */
  take(given: string): void {
    this.line++;
    const whole = this.line === 1 ? given.replace(/^\ufeff/, '') : given;
    const line = whole.endsWith('\r') ? whole.slice(0, -1) : whole;
    this.bound(line, this.line);
    if (line.includes('\0'))
      throw this.invalid('it is no text', 'Check that it is the right file.');
    const content = line.trim();
    if (content === '' || content.startsWith('#')) return;
    if (line.startsWith(' ') || line.startsWith('\t')) this.takeOption(content);
    else this.takeUrls(line);
  }

  /** @throws SluiceError when a line that has not ended is too long already */
  requireBounded(rest: string): void {
    this.bound(rest, this.line + 1);
  }

  /** @throws SluiceError when the list names no file */
  end(): InputList {
    if (this.list.entries.length > 0) return this.list;
    const message = `${this.origin} names no file`;
    throw new SluiceError('INPUT_LIST_INVALID', message, { next: 'Write a URL a line.' });
  }

  private bound(line: string, number: number): void {
    if (line.length <= MAX_INPUT_LINE) return;
    const message = `${this.origin}, line ${number}: it is longer than ${MAX_INPUT_LINE} characters`;
    throw new SluiceError('INPUT_LIST_INVALID', message, {
      next: 'Check that it is the right file.',
    });
  }

  private takeUrls(line: string): void {
    const urls = line.split('\t').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]));
    if (urls.length > MAX_INPUT_MIRRORS)
      throw this.invalid(`it has more than ${MAX_INPUT_MIRRORS} mirrors`, 'Give fewer.');
    if (this.list.entries.length >= MAX_INPUT_FILES)
      throw this.invalid(`the list has more than ${MAX_INPUT_FILES} files`, 'Cut it in two.');
    for (const url of urls) this.requireUrl(url);
    this.list.entries.push({ line: this.line, urls, options: [] });
  }

  private requireUrl(url: string): void {
    // What a reference names is read where it becomes a URL.
    if (referenceScheme(url) !== null) return;
    try {
      parseUserUrl(url);
    } catch (thrown) {
      const { message, details } = SluiceError.from(thrown);
      throw this.invalid(message, details.next ?? 'Write it with https:// in front.');
    }
  }

  private takeOption(content: string): void {
    const at = content.indexOf('=');
    const name = at < 0 ? '' : content.slice(0, at).trim();
    if (name === '') {
      const next = 'An indented line is an option of the URL above: name=value.';
      throw this.invalid('it is indented, and no option', next);
    }
    const entry = this.list.entries.at(-1);
    if (entry === undefined)
      throw this.invalid('an option stands before the first URL', 'Write the URL above it.');
    if (!isKnown(name)) return this.passOver(name);
    if (entry.options.length >= MAX_INPUT_OPTIONS)
      throw this.invalid(`the file has more than ${MAX_INPUT_OPTIONS} options`, 'Give fewer.');
    entry.options.push({ name, value: content.slice(at + 1).trim(), line: this.line });
  }

  private passOver(name: string): void {
    if (this.unknown.has(name) || this.unknown.size >= MAX_PASSED_OVER) return;
    this.unknown.add(name);
    this.list.passedOver.push({ name: showText(name, 60), line: this.line });
  }

  private invalid(what: string, next: string): SluiceError {
    return lineError(this.origin, this.line, what, next);
  }
}

/** The error of one line of a list. */
export function lineError(origin: string, line: number, what: string, next: string): SluiceError {
  return new SluiceError('INPUT_LIST_INVALID', `${origin}, line ${line}: ${what}`, { next });
}

function isKnown(name: string): name is InputOptionName {
  return (KNOWN as readonly string[]).includes(name);
}
