/** What a file must be before it gets its name: its length, its digests, those of its pieces (P8). */
import { SluiceError } from '../errors.js';
import type { ResponseHead } from '../http/head.js';
import { givenDigests, worthChecking } from '../http/service-digests.js';
import type { GivenDigest } from '../http/service-digests.js';
import { checksumError, startHash } from '../verify/checksum.js';
import type { ChecksumAlgorithm, ChecksumSpec } from '../verify/checksum.js';
import { readFully } from '../disk/io.js';
import { isCrc } from '../verify/crc-combine.js';
import { Follower } from '../verify/follower.js';
import { hashFile } from '../verify/file.js';
import type { FileDigests } from '../verify/file.js';
import { Summer } from '../verify/summer.js';
import { badPieces, fitsPieces, provenPieces } from '../verify/pieces.js';
import type { Pieces } from '../verify/pieces.js';
import { ExtentSet, joinedTo, longestRuns, MAX_RANGES } from '../schedule/extents.js';
import type { DownloadOptions } from './options.js';

/** A smaller file, in bytes, is hashed at its end: to start a thread would take longer. */
const NO_THREAD = 1024 * 1024;

/** A part is summed when it has grown by so many bytes: each one costs a combination in the end. */
const SUM_STEP = 1024 * 1024;

/**
 * What came of the comparison; `bad` are the ranges of the pieces that are wrong, and what lies between
 * them where they are very many.
 */
export type Verdict =
  | { kind: 'right' }
  | { kind: 'spoiled'; bad: Array<{ start: number; end: number }>; error: SluiceError };

const NEXT =
  "If the checksum is right, the bytes are wrong: fetch them again with --on-exists overwrite. If it is not, run `sluice get` with the right one, or without (--checksum none: the server's are not used either): the server is asked whether it still has these bytes.";

export class Verification {
  private readonly ofUser: ChecksumSpec[];
  private ofServer: ChecksumSpec[] = [];
  /** In which field each of the server's stood, as far as this run has heard it. */
  private fields = new Map<ChecksumAlgorithm, string>();
  private follower: Follower | null = null;
  /** Sums what needs no pass in order. */
  private summer: Summer | null = null;
  /** What it was told of. */
  private summed = new ExtentSet();
  private fd: number | null = null;
  /** What each piece must be; null when that is not known. */
  readonly pieces: Pieces | null;
  private readonly size: number | null;
  /** What the server says counts: not of a part, for it says that of the whole. */
  private readonly listens: boolean;
  /** Digests that were verified, by algorithm. */
  digests: Record<string, string> = {};
  /** How many pieces were verified. */
  verifiedPieces = 0;
  private promisedSize: number | null = null;

  constructor({
    checksums,
    size,
    pieces,
    range,
    serverDigests,
  }: Pick<DownloadOptions, 'checksums' | 'size' | 'pieces' | 'range' | 'serverDigests'>) {
    this.ofUser = [...checksums];
    this.size = size;
    this.pieces = pieces;
    this.listens = serverDigests && range === null;
  }

  /** The user gave a digest of the whole file. */
  get wanted(): boolean {
    return this.ofUser.length > 0;
  }

  /** Whether a file that is there can be told from another one. */
  get canCheck(): boolean {
    return this.wanted || this.pieces !== null;
  }

  /** The digests that the user gave, in whatever form. */
  get userChecksums(): ChecksumSpec[] {
    return [...this.ofUser];
  }

  /** The file is hashed in order while it comes in. */
  get isFollowing(): boolean {
    return this.follower !== null;
  }

  /** The file is read while it comes in. */
  get isReading(): boolean {
    return this.follower !== null || this.summer !== null;
  }

  private get specs(): ChecksumSpec[] {
    return [...this.ofUser, ...this.ofServer];
  }

  /** What has to be computed of the file. */
  get algorithms(): ChecksumAlgorithm[] {
    return [...new Set(this.specs.map(({ algorithm }) => algorithm))];
  }

  /** Takes up what a list of the user's says of the file. */
  addUserDigests(specs: readonly ChecksumSpec[]): void {
    for (const spec of specs) if (!knows(this.ofUser, spec)) this.ofUser.push(spec);
  }

  /**
   * Takes up what the server says of the representation.
   * @param promised what redirects said of it
   */
  addServerDigests(head: ResponseHead, promised: readonly GivenDigest[]): void {
    if (!this.listens) return;
    for (const { algorithm, hex, field } of worthChecking(givenDigests(head, promised))) {
      const spec = { algorithm, hex };
      if (knows(this.specs, spec)) continue;
      this.ofServer.push(spec);
      this.fields.set(algorithm, field);
    }
  }

  /** Takes up how long redirects said that the file is: who serves it may have another one, or a part. */
  expectSize(promised: number | null): void {
    if (this.listens) this.promisedSize = promised;
  }

  /** What the server said of the representation. */
  get serverChecksums(): ChecksumSpec[] {
    return [...this.ofServer];
  }

  /** Takes up what the server said in an earlier run, as far as it says nothing newer. */
  addKeptDigests(specs: readonly ChecksumSpec[]): void {
    if (!this.listens) return;
    const newer = this.ofServer.map(({ algorithm }) => algorithm);
    for (const spec of specs)
      if (!newer.includes(spec.algorithm) && !knows(this.specs, spec)) this.ofServer.push(spec);
  }

  /** What the last server said of the representation says nothing of what the next one has. */
  forgetServer(): void {
    this.ofServer = [];
    this.promisedSize = null;
  }

  /** The error of a length that cannot be the file's; null when it may be. */
  misfit(size: number | null): SluiceError | null {
    if (size === null) return null;
    const wanted = this.size ?? this.promisedSize;
    const isOther = wanted !== null && size !== wanted;
    const fits = !isOther && (this.pieces === null || fitsPieces(this.pieces, size));
    if (fits) return null;
    const expected = isOther ? `it must have ${wanted}` : 'its pieces are of another length';
    return new SluiceError('SIZE_MISMATCH', `the file has ${size} bytes, but ${expected}`, {
      next: 'The source has another file, or what was said of its length is wrong: try another one.',
    });
  }

  /** Starts the threads that hash what is known to be needed. */
  private prepare(): void {
    const sums = this.algorithms.filter(isCrc);
    const algorithms = this.algorithms.filter((algorithm) => !isCrc(algorithm));
    if (needsMore(this.summer, sums)) {
      void this.summer?.stop();
      this.summer = new Summer(sums);
      this.summed = new ExtentSet();
    }
    const isNeeded = this.pieces !== null && this.follower === null;
    if (!isNeeded && !needsMore(this.follower, algorithms)) return;
    void this.follower?.stop();
    this.follower = new Follower(algorithms, this.pieces);
  }

  /**
   * Begins to hash the part while it is written.
   * @param size of the whole file, null while it is unknown
   */
  start(fd: number, size: number | null = null): void {
    this.fd = fd;
    const isSmall = size !== null && size <= NO_THREAD && this.pieces === null;
    if (!isSmall || this.isReading) this.prepare();
    this.follower?.follow(fd);
    this.summer?.follow(fd);
  }

  /** What is in place. */
  advance(written: ExtentSet): void {
    this.follower?.advance(written.firstGap(0));
    this.sumMore(written);
  }

  private sumMore(written: ExtentSet): void {
    if (this.summer === null) return;
    const fresh = written
      .toArray()
      .flatMap(({ start, end }) => this.unsummed(start, end))
      .filter(({ start, end }) => end - start >= SUM_STEP);
    for (const { start, end } of fresh) this.summed.add(start, end);
    this.summer.add(fresh);
  }

  private unsummed(start: number, end: number): Array<{ start: number; end: number }> {
    return this.summed.gaps(start, end).map(([from, to]) => ({ start: from, end: to }));
  }

  /** What was hashed is not what the file holds now: the hashing begins anew. */
  restart(): void {
    if (this.fd === null || !this.isReading) return;
    void this.follower?.stop();
    void this.summer?.stop();
    this.follower = this.summer = null;
    this.start(this.fd);
  }

  /** Part of the hashing that is done, 0 to 1. */
  progress(size: number): number {
    if (!this.isReading || size === 0) return 0;
    const hashed = [this.follower, this.summer].flatMap((each) => each?.hashed ?? []);
    return Math.min(1, Math.min(...hashed) / size);
  }

  /**
   * Waits for the digests and compares them.
   * @throws SluiceError SIZE_MISMATCH, CHECKSUM_MISMATCH when it cannot be told which bytes are wrong
   */
  async finish(size: number, path: string): Promise<Verdict> {
    const misfit = this.misfit(size);
    if (misfit !== null) throw misfit.with({ path });
    if (!this.isReading && (this.specs.length === 0 || this.fd === null)) return { kind: 'right' };
    const whole = this.isReading ? await this.heard(size) : await this.hashHere(this.fd, size);
    return this.compare({ size, whole, pieces: this.follower?.pieceDigests ?? '' }, path);
  }

  private async heard(size: number): Promise<Map<ChecksumAlgorithm, string>> {
    const [whole, sums] = await Promise.all([
      this.follower?.finish(size) ?? [],
      this.summer?.finish(this.unsummed(0, size), size) ?? [],
    ]);
    return new Map<ChecksumAlgorithm, string>([...whole, ...sums]);
  }

  /**
   * Whether bytes are the whole file, by all that is known of it. Of those that are not, or of which only
   * pieces tell, nothing is noted.
   */
  async accepts(bytes: Uint8Array): Promise<boolean> {
    if (this.pieces !== null || this.misfit(bytes.length) !== null) return false;
    const whole = await this.hashesOf(bytes);
    if (this.specs.some(({ algorithm, hex }) => whole.get(algorithm) !== hex)) return false;
    for (const { algorithm, hex } of this.specs) this.digests[algorithm] = hex;
    return true;
  }

  /** Hashes a small file. */
  private async hashHere(fd: number | null, size: number): Promise<Map<ChecksumAlgorithm, string>> {
    const bytes = Buffer.allocUnsafe(size);
    if (fd === null || readFully(fd, bytes, 0, size, 0) < size)
      throw new SluiceError('DISK_IO', 'the part is shorter than what was written to it');
    return this.hashesOf(bytes);
  }

  private async hashesOf(bytes: Uint8Array): Promise<Map<ChecksumAlgorithm, string>> {
    const whole = new Map<ChecksumAlgorithm, string>();
    for (const algorithm of this.algorithms) {
      const hash = await startHash(algorithm);
      hash.update(bytes);
      whole.set(algorithm, hash.digest());
    }
    return whole;
  }

  /**
   * Compares a file that is there with what the user knows of it.
   * @throws SluiceError CHECKSUM_MISMATCH, SIZE_MISMATCH
   */
  async checkFile(path: string): Promise<void> {
    const found = await hashFile(path, this.algorithms, this.pieces);
    const misfit = this.misfit(found.size);
    if (misfit !== null) throw misfit.with({ path });
    const verdict = this.compare(found, path);
    if (verdict.kind === 'spoiled') throw verdict.error;
  }

  /**
   * The ranges that are proven by their pieces, of those that are in the part.
   * @param size of the whole file, which {@link misfit} has passed
   */
  async proven(
    fd: number,
    written: ExtentSet,
    size: number,
    signal: AbortSignal,
  ): Promise<ExtentSet> {
    if (this.pieces === null) return new ExtentSet();
    const held = { written: written.toArray(), size };
    const proven = await provenPieces(fd, this.pieces, held, signal);
    return new ExtentSet(longestRuns(proven, MAX_RANGES));
  }

  /** A digest of the whole file outweighs those of its pieces. */
  private compare({ size, whole, pieces: actual }: FileDigests, path: string): Verdict {
    const { pieces } = this;
    const bad = pieces === null ? [] : joinedTo(badPieces(pieces, actual, size), MAX_RANGES);
    const wrong = this.specs.find(({ algorithm, hex }) => whole.get(algorithm) !== hex);
    if (wrong !== undefined) {
      const error = this.refusal(wrong, whole, path).with({ next: NEXT });
      if (bad.length === 0) throw error;
      return { kind: 'spoiled', bad, error };
    }
    if (bad.length > 0 && !this.wanted) return { kind: 'spoiled', bad, error: pieceError(path) };
    for (const { algorithm, hex } of this.specs) this.digests[algorithm] = hex;
    this.verifiedPieces = bad.length > 0 ? 0 : (pieces?.hexes.length ?? 0);
    return { kind: 'right' };
  }

  /**
   * Compares what went past in order.
   * @throws SluiceError SIZE_MISMATCH, CHECKSUM_MISMATCH
   */
  checkStream(size: number, whole: Map<ChecksumAlgorithm, string>, path: string): void {
    const misfit = this.misfit(size);
    if (misfit !== null) throw misfit;
    const wrong = this.specs.find(({ algorithm, hex }) => whole.get(algorithm) !== hex);
    if (wrong !== undefined) throw this.refusal(wrong, whole, path);
    for (const { algorithm, hex } of this.specs) this.digests[algorithm] = hex;
  }

  /** The fields in which the server gave what was verified, by algorithm. */
  get digestFields(): Record<string, string> {
    const given = [...this.fields].filter(([name]) => Object.hasOwn(this.digests, name));
    return Object.fromEntries(given);
  }

  private refusal(
    wrong: ChecksumSpec,
    whole: ReadonlyMap<ChecksumAlgorithm, string>,
    path: string,
  ): SluiceError {
    const error = checksumError(wrong, whole.get(wrong.algorithm) ?? '', path);
    const field = knows(this.ofUser, wrong) ? undefined : this.fields.get(wrong.algorithm);
    if (field === undefined) return error;
    const message = `${error.message} by the server's ${field}`;
    return new SluiceError(error.code, message, error.details);
  }

  async stop(): Promise<void> {
    await Promise.all([this.follower?.stop(), this.summer?.stop()]);
  }
}

/** Whether a thread lacks some of what it is to compute. */
const needsMore = (
  thread: { algorithms: readonly ChecksumAlgorithm[] } | null,
  algorithms: readonly ChecksumAlgorithm[],
): boolean => algorithms.some((name) => thread?.algorithms.includes(name) !== true);

const knows = (specs: readonly ChecksumSpec[], { algorithm, hex }: ChecksumSpec): boolean =>
  specs.some((spec) => spec.algorithm === algorithm && spec.hex === hex);

function pieceError(path: string): SluiceError {
  const message = 'pieces of the file have other digests than they must have';
  return new SluiceError('CHECKSUM_MISMATCH', message, { path, next: NEXT });
}
