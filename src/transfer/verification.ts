/** What a file must be before it gets its name: its length, its digests, those of its pieces (P8). */
import { SluiceError } from '../errors.js';
import type { ResponseHead } from '../http/head.js';
import { parseDigestFields } from '../http/digest.js';
import { checksumError } from '../verify/checksum.js';
import type { ChecksumAlgorithm, ChecksumSpec } from '../verify/checksum.js';
import { Follower } from '../verify/follower.js';
import { hashFile } from '../verify/file.js';
import type { FileDigests } from '../verify/file.js';
import { badPieces, fitsPieces, provenPieces } from '../verify/pieces.js';
import type { Pieces } from '../verify/pieces.js';
import { ExtentSet, joinedTo, longestRuns, MAX_RANGES } from '../schedule/extents.js';
import type { DownloadOptions } from './options.js';

/** Names of RFC 9530 and RFC 3230 as ours. */
const SERVER_ALGORITHMS: Record<string, ChecksumAlgorithm> = {
  'sha-256': 'sha256',
  'sha-512': 'sha512',
  'sha-1': 'sha1',
  md5: 'md5',
};

/**
 * What came of the comparison; `bad` are the ranges of the pieces that are wrong, and what lies between
 * them where they are very many.
 */
export type Verdict =
  | { kind: 'right' }
  | { kind: 'spoiled'; bad: Array<{ start: number; end: number }>; error: SluiceError };

const NEXT =
  'If the checksum is right, the bytes are wrong: fetch them again with --on-exists overwrite. If it is not, run `sluice get` with the right one, or without: the server is asked whether it still has these bytes.';

export class Verification {
  private readonly ofUser: ChecksumSpec[];
  private ofServer: ChecksumSpec[] = [];
  private follower: Follower | null = null;
  private fd: number | null = null;
  /** What each piece must be; null when that is not known. */
  readonly pieces: Pieces | null;
  private readonly size: number | null;
  /** What a server says of the whole does not hold of it. */
  private readonly isPart: boolean;
  /** Digests that were verified, by algorithm. */
  digests: Record<string, string> = {};
  /** How many pieces were verified. */
  verifiedPieces = 0;

  constructor({
    checksums,
    size,
    pieces,
    range,
  }: Pick<DownloadOptions, 'checksums' | 'size' | 'pieces' | 'range'>) {
    this.ofUser = [...checksums];
    this.size = size;
    this.pieces = pieces;
    this.isPart = range !== null;
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

  /** The file is hashed while it comes in. */
  get isFollowing(): boolean {
    return this.follower !== null;
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

  /** Takes up what the server says of the representation (RFC 9530). */
  addServerDigests(head: ResponseHead): void {
    if (this.isPart) return;
    for (const { algorithm, hex } of parseDigestFields(head)) {
      const ours = SERVER_ALGORITHMS[algorithm];
      if (ours === undefined) continue;
      const spec = { algorithm: ours, hex };
      if (!knows(this.specs, spec)) this.ofServer.push(spec);
    }
  }

  /** What the server said of the representation. */
  get serverChecksums(): ChecksumSpec[] {
    return [...this.ofServer];
  }

  /** Takes up what the server said in an earlier run, as far as it says nothing newer. */
  addKeptDigests(specs: readonly ChecksumSpec[]): void {
    const newer = this.ofServer.map(({ algorithm }) => algorithm);
    for (const spec of specs)
      if (!newer.includes(spec.algorithm) && !knows(this.specs, spec)) this.ofServer.push(spec);
  }

  /** What the last server said of the representation says nothing of what the next one has. */
  forgetServer(): void {
    this.ofServer = [];
  }

  /** The error of a length that cannot be the file's; null when it may be. */
  misfit(size: number | null): SluiceError | null {
    if (size === null) return null;
    const isOther = this.size !== null && size !== this.size;
    const fits = !isOther && (this.pieces === null || fitsPieces(this.pieces, size));
    if (fits) return null;
    const expected = isOther ? `it must have ${this.size}` : 'its pieces are of another length';
    return new SluiceError('SIZE_MISMATCH', `the file has ${size} bytes, but ${expected}`, {
      next: 'The source has another file, or the Metalink is wrong: try another one.',
    });
  }

  /** Starts the thread that will hash what is known to be needed: it takes as long as the first answer. */
  prepare(): void {
    const { follower, algorithms, pieces } = this;
    if (follower !== null && algorithms.every((name) => follower.algorithms.includes(name))) return;
    if (algorithms.length === 0 && pieces === null) return;
    void follower?.stop();
    this.follower = new Follower(algorithms, pieces);
  }

  /** Begins to hash the part while it is written. */
  start(fd: number): void {
    this.fd = fd;
    this.prepare();
    this.follower?.follow(fd);
  }

  /** `[0, offset)` is in place. */
  advance(offset: number): void {
    this.follower?.advance(offset);
  }

  /** What was hashed is not what the file holds now: the hashing begins anew. */
  restart(): void {
    if (this.fd === null || this.follower === null) return;
    void this.follower.stop();
    this.follower = null;
    this.start(this.fd);
  }

  /** Part of the hashing that is done, 0 to 1. */
  progress(size: number): number {
    if (this.follower === null || size === 0) return 0;
    return Math.min(1, this.follower.hashed / size);
  }

  /**
   * Waits for the digests and compares them.
   * @throws SluiceError SIZE_MISMATCH, CHECKSUM_MISMATCH when it cannot be told which bytes are wrong
   */
  async finish(size: number, path: string): Promise<Verdict> {
    const misfit = this.misfit(size);
    if (misfit !== null) throw misfit.with({ path });
    if (this.follower === null) return { kind: 'right' };
    const whole = await this.follower.finish(size);
    return this.compare({ size, whole, pieces: this.follower.pieceDigests }, path);
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
      const error = checksumError(wrong, whole.get(wrong.algorithm) ?? '', path).with({
        next: NEXT,
      });
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
    if (wrong !== undefined) throw checksumError(wrong, whole.get(wrong.algorithm) ?? '', path);
    for (const { algorithm, hex } of this.specs) this.digests[algorithm] = hex;
  }

  async stop(): Promise<void> {
    await this.follower?.stop();
  }
}

const knows = (specs: readonly ChecksumSpec[], { algorithm, hex }: ChecksumSpec): boolean =>
  specs.some((spec) => spec.algorithm === algorithm && spec.hex === hex);

function pieceError(path: string): SluiceError {
  const message = 'pieces of the file have other digests than they must have';
  return new SluiceError('CHECKSUM_MISMATCH', message, { path, next: NEXT });
}
