/** Which branches of some modules have run, by V8's block coverage. */
import { Session, type Profiler } from 'node:inspector';

export class Coverage {
  readonly #session = new Session();
  /** By the URL of a script: 1 for each place of its text that has ever run. */
  readonly #seen = new Map<string, Uint8Array>();
  readonly #modules: readonly string[];

  /** @param modules ends of the scripts' URLs, such as `/src/http/head.js` */
  constructor(modules: readonly string[]) {
    this.#modules = modules;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    this.take(true);
  }

  /**
   * How many places of the texts ran for the first time since the last call.
   * @param keep whether they count as known from now on
   */
  take(keep: boolean): number {
    let fresh = 0;
    this.#session.post('Profiler.takePreciseCoverage', (error, report) => {
      if (error !== null) throw error;
      for (const script of report.result) {
        if (this.#modules.some((end) => script.url.endsWith(end))) fresh += this.#add(script, keep);
      }
    });
    return fresh;
  }

  /** How many characters of the modules' functions have run. */
  get reached(): number {
    const texts = [...this.#seen.values()];
    return texts.reduce((sum, text) => sum + text.reduce((all, flag) => all + flag, 0), 0);
  }

  close(): void {
    this.#session.disconnect();
  }

  #add({ url, functions }: Profiler.ScriptCoverage, keep: boolean): number {
    const ends = functions.flatMap(({ ranges }) => ranges.map(({ endOffset }) => endOffset));
    const now = new Uint8Array(Math.max(0, ...ends));
    // Outer functions come before inner ones and outer blocks before inner ones: the last word counts.
    for (const { ranges } of functions) {
      for (const { startOffset, endOffset, count } of ranges) {
        now.fill(count > 0 ? 1 : 0, startOffset, endOffset);
      }
    }
    let seen = this.#seen.get(url) ?? new Uint8Array(0);
    if (seen.length < now.length) {
      const longer = new Uint8Array(now.length);
      longer.set(seen);
      seen = longer;
      this.#seen.set(url, seen);
    }
    let fresh = 0;
    for (let i = 0; i < now.length; i++) {
      if (now[i] === 0 || seen[i] === 1) continue;
      fresh++;
      if (keep) seen[i] = 1;
    }
    return fresh;
  }
}
