/** Failures in a row over all connections of a download; any real progress between them starts the count anew. */

export class Streak {
  private count = 0;
  /** When a failure was last counted. */
  private countedMs = 0;

  /**
   * @param retries failures in a row that are tried again
   * @param mark bytes in place at the beginning
   */
  constructor(
    private readonly retries: number,
    private mark: number,
  ) {}

  get length(): number {
    return this.count;
  }

  /**
   * Counts a failure. Tries that were under way together and fail together are one failure.
   * @param beganMs when the try began
   * @param inPlace bytes in the file now; what is received and thrown away is no progress
   */
  failed(beganMs: number, progressed: boolean, inPlace: number): void {
    if (progressed || inPlace > this.mark) this.count = 0;
    this.mark = Math.max(this.mark, inPlace);
    if (this.count > 0 && beganMs < this.countedMs) return;
    this.count++;
    this.countedMs = performance.now();
  }

  /**
   * Whether as many failures have come in a row as are allowed. Connections that all wait in vain
   * always see another one at work.
   * @param others leases that are out
   */
  isOver(others: number): boolean {
    return this.count > (others === 0 ? this.retries : (this.retries + 1) * 2);
  }
}
