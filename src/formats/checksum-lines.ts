/**
 * The lines of a list of checksums. Each program writes its own: sha256sum and its kin, BSD, OpenSSL, gpg
 * --print-md, CertUtil, Get-FileHash, rhash, Gentoo, Debian, and people. What a line says may depend on
 * headings before it, and a digest of gpg's takes several lines; so lines are read in order.
 */
import { LIST_DIGITS } from '../digests.js';
import { trimOws } from '../http/syntax.js';
import {
  labelOf,
  labelled,
  OPENPGP,
  usualAlgorithm,
  type Label,
  type ListAlgorithm,
} from './algorithms.js';

/** A digest of a list. */
export interface LineEntry {
  /** Null when it cannot be computed. */
  algorithm: ListAlgorithm | null;
  /** What the list calls the algorithm. */
  spelling: string;
  /** Lower-case hexadecimal. */
  hex: string;
  /** The path that the list gives; null for a digest alone. */
  path: string | null;
}

/** Lengths of digests, in hexadecimal digits. */
const LENGTHS = new Set<number>(Object.values(LIST_DIGITS));
/** The longest of them. */
const MAX_DIGITS = Math.max(...LENGTHS);

/**
 * `HEX  name`, `HEX *name`, or HEX alone; a backslash in front when the name is escaped. What comes after
 * the blank is taken as it is: an expression that parts it would try each of many blanks.
 */
const GNU = /^(\\?)([0-9A-Fa-f]{32,128})(?:[ \t](.*))?$/s;

/** `SHA256 (name) = HEX`, and `SHA2-256(name)= HEX` as OpenSSL writes it. */
const BSD = /^(\\?)([A-Za-z][A-Za-z0-9/_.-]{1,23}) ?\((.+)\) ?= ?([0-9A-Fa-f]{32,256})$/s;

const WORD = /[^ \t]+/g;
/** `sha256:HEX`, `SHA256=HEX`, `--hash=sha256:HEX`. */
const JOINED = /^(?:--hash=)?([A-Za-z0-9-]{2,24})[:=]([0-9A-Fa-f]{32,128})$/;
/** How gpg parts a digest: two, four or eight digits each. */
const GROUP = /^(?:[0-9A-Fa-f]{2}|[0-9A-Fa-f]{4}|[0-9A-Fa-f]{8})$/;
/** MD5 has the fewest groups: four of eight digits. */
const LEAST_GROUPS = 4;
/** Words beside the name of an algorithm that say nothing more. */
const FILLER = /^(?:checksums?|sums?|hash(?:es)?|digests?|of|files?|the|[:=#;*/-]+)$/i;
/** `name:8:HEX:`, of gpg --with-colons. */
const COLONS = /^(.+):(\d{1,3}):([0-9A-F]{32,128}):$/s;
/** The fields of Get-FileHash | Format-List. */
const PROPERTY = /^(Algorithm|Hash|Path) *:(.*)$/s;

/** A word of a line, and where it stands. */
interface Word {
  text: string;
  start: number;
  end: number;
}

/** A digest whose lines are not all read. */
interface OpenDigest {
  hex: string;
  label: Label | null;
  path: string | null;
}

/** Reads lines in order. */
export class LineReader {
  /** What the heading of the section says that its digests are. */
  private section: Label | null = null;
  /** The name that a heading gives to the digests right behind it. */
  private heading: string | null = null;
  private open: OpenDigest | null = null;
  private readonly record = new Map<string, string>();
  /** What of an OpenPGP signature is around. */
  private armor: 'none' | 'header' | 'signature' = 'none';

  /** @param ofList what the list's name says that its digests are */
  constructor(private readonly ofList: Label | null) {}

  /** What a line says, together with those before it. */
  read(line: string): LineEntry[] {
    const text = line.trimEnd();
    if (this.isArmor(text)) return this.end();
    const body = trimOws(text);
    const isIndented = text.length > 0 && body.length < text.length;
    const words = [...body.matchAll(WORD)].map(({ 0: word, index }) => ({
      text: word,
      start: index,
      end: index + word.length,
    }));
    if (this.open !== null && words.length > 0 && words.every(isGroup)) {
      if (isIndented || this.open.hex === '') {
        this.open.hex += words.map((word) => word.text).join('');
        return [];
      }
    }
    return [...this.end(), ...this.readWhole(body, words, isIndented)];
  }

  /** What the last lines said, when nothing follows. */
  end(): LineEntry[] {
    const { open } = this;
    this.open = null;
    if (open === null || !LENGTHS.has(open.hex.length)) return [];
    return this.entry(open.label, open.hex, open.path);
  }

  /** Passes over what OpenPGP puts around a text: its header names an algorithm that is of the signature. */
  private isArmor(text: string): boolean {
    if (text.startsWith('-----BEGIN PGP SIGNED MESSAGE')) this.armor = 'header';
    else if (text.startsWith('-----BEGIN PGP SIGNATURE')) this.armor = 'signature';
    else if (this.armor === 'header' && text === '') this.armor = 'none';
    else if (text.startsWith('-----END PGP')) this.armor = 'none';
    else return this.armor !== 'none';
    return true;
  }

  /** A line that does not go on with the one before it. */
  private readWhole(body: string, words: Word[], isIndented: boolean): LineEntry[] {
    const found =
      this.bsd(body) ??
      this.gnu(body, isIndented) ??
      this.property(body) ??
      this.colons(body) ??
      this.labelledWords(body, words) ??
      this.groups(body, words);
    if (found === null) this.readHeading(body, words);
    return found ?? [];
  }

  private bsd(body: string): LineEntry[] | null {
    const match = BSD.exec(body);
    if (match === null) return null;
    const [, escaped = '', spelling = '', name = '', hex = ''] = match;
    const label = labelOf(spelling) ?? { spelling, algorithm: null };
    return this.entry(label, hex, unescape(escaped, name));
  }

  private gnu(body: string, isIndented: boolean): LineEntry[] | null {
    const match = GNU.exec(body);
    if (match === null || !LENGTHS.has(match[2]!.length)) return null;
    const [, escaped = '', first = '', rest = ''] = match;
    const { digests, label, name } = afterDigest(first, trimOws(rest));
    // Debian's Release has the length between, in a section with a heading.
    const path = isIndented && this.section !== null ? withoutLength(name) : name;
    const plain = path.replace(/^\*/, '');
    const named = plain === '' ? this.heading : plain === '-' ? null : unescape(escaped, plain);
    return digests.flatMap((hex) => this.entry(label, hex, named));
  }

  /** A record of Get-FileHash: its algorithm and its digest come before its path. */
  private property(body: string): LineEntry[] | null {
    const begun = this.record.get('Hash');
    if (begun !== undefined && !isDigest(begun) && /^[0-9A-F]+$/.test(body)) {
      this.record.set('Hash', (begun + body).slice(0, MAX_DIGITS));
      return [];
    }
    const [, key = '', text = ''] = PROPERTY.exec(body) ?? [];
    const value = trimOws(text);
    const label = labelOf(key === 'Algorithm' ? value : (this.record.get('Algorithm') ?? ''));
    if (key === '' || label === null) return null;
    this.record.set(key, value);
    const hex = this.record.get('Hash') ?? '';
    if (key !== 'Path' || !isDigest(hex)) return [];
    this.record.clear();
    return this.entry(label, hex, value);
  }

  private colons(body: string): LineEntry[] | null {
    const match = COLONS.exec(body);
    const spelling = OPENPGP[match?.[2] ?? ''];
    if (match === null || spelling === undefined) return null;
    return this.entry(labelOf(spelling), match[3]!, percentDecoded(match[1]!));
  }

  /**
   * Digests among other words: `name HEX`, `name SHA256 HEX`, `SHA256: HEX`, `SHA256 HEX name`, and the
   * pairs of Gentoo's Manifest (`DIST name 1000 BLAKE2B HEX SHA512 HEX`).
   */
  private labelledWords(body: string, words: Word[]): LineEntry[] | null {
    const first = words.findIndex(({ text }) => digestOf(text) !== null);
    if (first === -1) return null;
    const { pairs, end } = pairsFrom(words, first);
    // What names the algorithm stands right before the digest, or at the very front.
    let to = first;
    while (to > 0 && isLabelOrFiller(words[to - 1]!.text)) to--;
    let from = 0;
    while (from < to && isLabelOrFiller(words[from]!.text)) from++;
    const label = labelAmong(words.slice(to, first)) ?? labelAmong(words.slice(0, from));
    if (labelAmong(words.slice(0, from)) === null) from = 0;
    const before = from === to ? '' : body.slice(words[from]!.start, words[to - 1]!.end);
    const after = end === words.length ? '' : body.slice(words[end]!.start);
    if (before !== '' && after !== '') return null;
    const name = after === '' ? nameBefore(before) : after.replace(/^\*/, '');
    const path = name === '' ? this.heading : name;
    return pairs.flatMap(([own, hex]) => this.entry(own ?? label, hex, path));
  }

  /** The first line of a digest that is parted into groups: gpg --print-md, and CertUtil of old. */
  private groups(body: string, words: Word[]): LineEntry[] | null {
    let from = words.length;
    while (from > 0 && isGroup(words[from - 1]!)) from--;
    if (words.length - from < LEAST_GROUPS) return null;
    const before = from === 0 ? '' : trimOws(body.slice(0, words[from - 1]!.end));
    if (before !== '' && !before.endsWith(':') && !before.endsWith('=')) return null;
    const hex = words
      .slice(from)
      .map(({ text }) => text)
      .join('');
    const named = before.endsWith('=') ? labelOf(stripped(words[from - 2]?.text ?? '')) : null;
    const end = named === null ? before.length : words[from - 2]!.start;
    const name = nameBefore(before.slice(0, end));
    this.open = { hex, label: named, path: name === '' ? this.heading : name };
    return [];
  }

  /** A line without a digest: it may name the algorithm, or the file, of those that follow. */
  private readHeading(body: string, words: Word[]): void {
    this.heading = null;
    if (words.length === 0 || words.length > 64) return;
    const named = words.map(({ text }) => labelOf(stripped(text.replace(/^Checksums-/i, ''))));
    const labels = named.filter((label) => label !== null);
    const isPlain = words.every(({ text }, at) => named[at] !== null || FILLER.test(text));
    const of = body.toLowerCase().indexOf('hash of ');
    if (labels.length === 1 && (isPlain || of !== -1 || '#;/'.includes(body[0]!)))
      this.section = labels[0]!;
    if (!body.endsWith(':') || isPlain) return;
    // CertUtil: `SHA256 hash of name:`, or `hash of file name:`.
    const name = trimOws(body.slice(of === -1 ? 0 : of + 'hash of '.length, -1));
    this.heading = of === -1 ? name : name.replace(/^file /, '');
  }

  /** The entry of a digest; none when what names its algorithm cannot be right. */
  private entry(own: Label | null, digits: string, path: string | null): LineEntry[] {
    const hex = digits.toLowerCase();
    const label =
      own !== null ? labelled(own, hex.length) : (this.hinted(hex.length) ?? usual(hex.length));
    return label === null ? [] : [{ ...label, hex, path }];
  }

  /** What the heading, or the name of the list, says of a digest that is not named itself. */
  private hinted(digits: number): Label | null {
    for (const hint of [this.section, this.ofList]) {
      const label = hint === null ? null : labelled(hint, digits);
      if (label !== null && (label.algorithm !== null || mayHave(label, digits))) return label;
    }
    return null;
  }
}

/** Digits of the digests that have a name but cannot be computed, where that is one length. */
const OTHER_DIGITS: ReadonlyArray<[RegExp, number]> = [
  [/^(?:rmd|ripemd|has-?160)/i, 40],
  [/^(?:whirlpool|gost-?12-?512|streebog-?512|keccak-?512|edonr-?512)/i, 128],
  [/^(?:tiger)/i, 48],
  [
    /^(?:sm3|blake2s|blake2b-?256|gost|streebog-?256|keccak-?256|edonr-?256|snefru|shake-?256)/i,
    64,
  ],
  [/^(?:md4|md2|shake-?128|ed2k)/i, 32],
];

/** Whether a digest of so many digits may be one of an algorithm that cannot be computed. */
function mayHave({ spelling }: Label, digits: number): boolean {
  return OTHER_DIGITS.some(([name, length]) => length === digits && name.test(spelling));
}

function usual(digits: number): Label | null {
  const algorithm = usualAlgorithm(digits);
  return algorithm === null ? null : { spelling: algorithm, algorithm };
}

const isGroup = ({ text }: Word): boolean => GROUP.test(text);

const isDigest = (text: string): boolean => LENGTHS.has(text.length) && /^[0-9A-Fa-f]+$/.test(text);

/** The digest that a word is, with the algorithm that may stand in it. */
function digestOf(word: string): { hex: string; label: Label | null } | null {
  if (isDigest(word)) return { hex: word, label: null };
  const joined = JOINED.exec(word);
  const label = joined === null ? null : labelOf(joined[1]!);
  return label === null || !isDigest(joined![2]!) ? null : { hex: joined![2]!, label };
}

/** A word without the marks around it: `(SHA256):`. */
function stripped(word: string): string {
  let start = 0;
  let end = Math.min(word.length, 40);
  while (start < end && '([<|#*='.includes(word[start]!)) start++;
  while (end > start && ')]>|:='.includes(word[end - 1]!)) end--;
  return word.slice(start, end);
}

/** The digests from a word on, with what names their algorithms between them, and where they end. */
function pairsFrom(
  words: readonly Word[],
  first: number,
): { pairs: Array<[label: Label | null, hex: string]>; end: number } {
  const pairs: Array<[Label | null, string]> = [];
  let label: Label | null = null;
  let end = first;
  for (let at = first; at < words.length; at++) {
    const { text } = words[at]!;
    const digest = digestOf(text);
    if (digest !== null) {
      pairs.push([digest.label ?? label, digest.hex]);
      end = at + 1;
    } else {
      label = labelOf(stripped(text));
      if (label === null) break;
    }
  }
  return { pairs, end };
}

/** The last algorithm that is named among some words. */
function labelAmong(words: readonly Word[]): Label | null {
  return words.map(({ text }) => labelOf(stripped(text))).findLast((each) => each !== null) ?? null;
}

function isLabelOrFiller(word: string): boolean {
  return labelOf(stripped(word)) !== null || FILLER.test(word);
}

/** What follows the first digest of a line: further digests, the algorithm between, and the name. */
function afterDigest(
  first: string,
  rest: string,
): { digests: string[]; label: Label | null; name: string } {
  const digests = [first];
  let name = rest;
  for (;;) {
    const word = wordOf(name);
    const behind = trimOws(name.slice(word.length));
    if (behind === '' || word.length === first.length || !isDigest(word)) break;
    digests.push(word);
    name = behind;
  }
  const word = wordOf(name);
  const label = labelOf(stripped(word));
  const behind = trimOws(name.slice(word.length));
  const isLabel = behind !== '' && label !== null && labelled(label, first.length) !== null;
  return isLabel ? { digests, label, name: behind } : { digests, label: null, name };
}

function wordOf(text: string): string {
  const blank = text.search(/[ \t]/);
  return blank === -1 ? text : text.slice(0, blank);
}

/** `1000 name` without the length. */
function withoutLength(name: string): string {
  const word = wordOf(name);
  const rest = trimOws(name.slice(word.length));
  return rest !== '' && /^\d+$/.test(word) ? rest : name;
}

/** The name that stands before a digest; that of Gentoo's Manifest has its kind and its length around it. */
function nameBefore(text: string): string {
  let end = text.length;
  while (end > 0 && ' \t:=|'.includes(text[end - 1]!)) end--;
  const name = text.slice(0, end);
  const manifest = /^(?:DIST|AUX|EBUILD|MISC|DATA|MANIFEST) (.+) \d{1,20}$/s.exec(name);
  return manifest?.[1] ?? name.replace(/^\*/, '');
}

/** As gpg writes blanks and colons. */
function percentDecoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** As coreutils writes names with a line feed or a backslash. */
function unescape(mark: string, name: string): string {
  if (mark === '') return name;
  return name.replace(/\\([\\nr])/g, (_all, letter: string) =>
    letter === 'n' ? '\n' : letter === 'r' ? '\r' : '\\',
  );
}
