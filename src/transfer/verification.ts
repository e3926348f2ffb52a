/** The digests that a file must have before it gets its name (P8). */
import type { ResponseHead } from '../http/head.js';
import { parseDigestFields } from '../http/digest.js';
import { checksumError } from '../verify/checksum.js';
import type { ChecksumAlgorithm, ChecksumSpec } from '../verify/checksum.js';
import { Follower } from '../verify/follower.js';
import { hashFile } from '../verify/file.js';

/** Names of RFC 9530 and RFC 3230 as ours. */
const SERVER_ALGORITHMS: Record<string, ChecksumAlgorithm> = {
  'sha-256': 'sha256',
  'sha-512': 'sha512',
  'sha-1': 'sha1',
  md5: 'md5',
};

export class Verification {
  private readonly specs: ChecksumSpec[];
  private follower: Follower | null = null;
  private fd: number | null = null;
  /** Digests that were verified, by algorithm. */
  digests: Record<string, string> = {};

  constructor(specs: readonly ChecksumSpec[]) {
    this.specs = [...specs];
    this.ofUser = specs.length > 0;
  }

  private readonly ofUser: boolean;

  /** The user gave a digest of the whole file. */
  get wanted(): boolean {
    return this.ofUser;
  }

  /** The file is hashed while it comes in. */
  get isFollowing(): boolean {
    return this.follower !== null;
  }

  /** Takes up what the server says of the representation (RFC 9530). */
  addServerDigests(head: ResponseHead): void {
    for (const { algorithm, hex } of parseDigestFields(head)) {
      const ours = SERVER_ALGORITHMS[algorithm];
      const known = this.specs.some((spec) => spec.algorithm === ours && spec.hex === hex);
      if (ours !== undefined && !known) this.specs.push({ algorithm: ours, hex });
    }
  }

  private get algorithms(): ChecksumAlgorithm[] {
    return [...new Set(this.specs.map(({ algorithm }) => algorithm))];
  }

  /** Begins to hash the part while it is written. */
  start(fd: number): void {
    this.fd = fd;
    if (this.specs.length > 0) this.follower ??= new Follower(fd, this.algorithms);
  }

  /** `[0, offset)` is in place. */
  advance(offset: number): void {
    this.follower?.advance(offset);
  }

  /** What was hashed is not what the file holds now: the hashing begins anew. */
  restart(): void {
    const old = this.follower;
    this.follower = null;
    void old?.stop();
    if (this.fd !== null && old !== null) this.start(this.fd);
  }

  /** Part of the hashing that is done, 0 to 1. */
  progress(size: number): number {
    if (this.follower === null || size === 0) return 0;
    return Math.min(1, this.follower.hashed / size);
  }

  /**
   * Waits for the digests and compares them.
   * @throws SluiceError CHECKSUM_MISMATCH
   */
  async finish(size: number, path: string): Promise<void> {
    if (this.follower === null) return;
    this.compare(await this.follower.finish(size), path);
  }

  /**
   * Compares a file that is there with the user's digests.
   * @throws SluiceError CHECKSUM_MISMATCH
   */
  async checkFile(path: string): Promise<void> {
    this.compare(await hashFile(path, this.algorithms), path);
  }

  private compare(actual: Map<ChecksumAlgorithm, string>, path: string): void {
    for (const spec of this.specs) {
      const hex = actual.get(spec.algorithm) ?? '';
      if (hex !== spec.hex) {
        throw checksumError(spec, hex, path).with({
          next: 'If the checksum is right, the bytes are wrong: fetch them again with --on-exists overwrite.',
        });
      }
      this.digests[spec.algorithm] = hex;
    }
  }

  async stop(): Promise<void> {
    await this.follower?.stop();
  }
}
