/** The wait before a download asks again. It ends early when the download is stopped. */
import type { SluiceError } from '../errors.js';
import { LONGEST_RETRY_AFTER_MS, backoffMs } from '../engine/backoff.js';
import type { Job } from './job.js';
import { tellRetry } from './telling.js';

export class Pause {
  private wake: (() => void) | null = null;

  constructor(private readonly job: Job) {}

  /**
   * Waits after a failure, and tells for how long.
   * @param attempt failures in a row
   * @throws SluiceError the error itself, when the server asks to wait for longer than anybody would
   */
  async after(error: SluiceError, attempt: number): Promise<void> {
    const delayMs = backoffMs(attempt, error.details.retryAfterMs ?? null, Math.random());
    if (delayMs > LONGEST_RETRY_AFTER_MS * 1.1) throw error;
    tellRetry(this.job, error, attempt, delayMs, null);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = null;
  }

  end(): void {
    this.wake?.();
  }
}
