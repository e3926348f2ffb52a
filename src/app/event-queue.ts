/** Events that wait for whoever iterates; of progress only the newest waits. */
import type { DownloadEvent } from '../transfer/events.js';

export class EventQueue {
  private readonly waiting: DownloadEvent[] = [];
  private sleepers: Array<() => void> = [];
  private over = false;

  push(event: DownloadEvent): void {
    const last = this.waiting.at(-1);
    if (event.type === 'progress' && last?.type === 'progress') this.waiting.pop();
    this.waiting.push(event);
    this.wake();
  }

  end(): void {
    this.over = true;
    this.wake();
  }

  async *iterate(): AsyncGenerator<DownloadEvent> {
    for (;;) {
      const event = this.waiting.shift();
      if (event !== undefined) yield event;
      else if (this.over) return;
      else await new Promise<void>((resolve) => this.sleepers.push(resolve));
    }
  }

  /** All of them: which of several finds the event does not matter, that each sees the end does. */
  private wake(): void {
    const woken = this.sleepers;
    this.sleepers = [];
    for (const resolve of woken) resolve();
  }
}
