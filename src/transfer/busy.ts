/** How busy the main thread is. */
export class Busy {
  private seen = performance.eventLoopUtilization();

  /** Part of the time since the last call in which the thread was at work, 0 to 1. */
  part(): number {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.seen);
    this.seen = now;
    return utilization;
  }
}
