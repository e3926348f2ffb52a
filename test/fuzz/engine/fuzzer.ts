/**
 * Tries inputs on one target. Inputs that reach a branch or an outcome which no earlier one has
 * reached are kept, and are what later inputs are made from.
 */
import { Coverage } from './coverage.js';
import { mutate } from './mutate.js';
import { Random } from './random.js';
import { Watchdog } from './watchdog.js';

/** Something that reads bytes from outside. */
export interface Target {
  name: string;
  /** Ends of the URLs of the modules under test. */
  modules: string[];
  /** Where inputs come from at first, as latin1. */
  seeds: string[];
  /** What is worth inserting, as latin1. */
  dictionary: string[];
  /** Longest input. */
  maxBytes: number;
  /**
   * Reads the input; anything thrown is a finding.
   * @returns what came of it, in a few words: an error's code, the kind of a result
   */
  run(input: Buffer): string | Promise<string>;
}

export interface Campaign {
  runs: number;
  /** Further inputs to begin with. */
  corpus: Buffer[];
  /** Ends the campaign early, in milliseconds. */
  limitMs: number;
}

export interface Report {
  runs: number;
  seconds: number;
  /** Inputs beyond the ones to begin with that reached something new. */
  kept: Buffer[];
  /** How often each outcome came. */
  outcomes: Map<string, number>;
  /** Characters of the modules' functions that ran. */
  reached: number;
  /** The longest time that one input took. */
  slowestMs: number;
}

/** An input that breaks a rule. */
export class Finding extends Error {
  constructor(
    readonly target: string,
    readonly input: Buffer,
    cause: unknown,
  ) {
    super(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause), { cause });
  }
}

/** Inputs between two looks at the coverage. */
const BATCH = 250;
/** A thousand times what the longest inputs need: only what is not linear takes as long. */
const SLOW_MS = 1_000;
const HANG_MS = 20_000;
/** Kinds of outcomes that are worth an input of their own. */
const MAX_OUTCOMES = 100;

export class Fuzzer {
  readonly #target: Target;
  readonly #random: Random;
  readonly #dictionary: Buffer[];
  readonly #corpus: Buffer[] = [];
  readonly #outcomes = new Map<string, number>();
  readonly #coverage: Coverage;
  readonly #watchdog: Watchdog;
  #slowestMs = 0;

  constructor(target: Target, seed: number) {
    this.#target = target;
    this.#random = new Random(seed);
    this.#dictionary = target.dictionary.map((text) => Buffer.from(text, 'latin1'));
    this.#coverage = new Coverage(target.modules);
    this.#watchdog = new Watchdog(target.maxBytes, HANG_MS);
  }

  /** @throws Finding for the first input that breaks a rule */
  async campaign({ runs, corpus, limitMs }: Campaign): Promise<Report> {
    const started = performance.now();
    const elapsed = (): number => performance.now() - started;
    try {
      const seeds = this.#target.seeds.map((text) => Buffer.from(text, 'latin1'));
      for (const input of [...seeds, ...corpus]) {
        await this.#try(input);
        this.#coverage.take(true);
        this.#corpus.push(input);
      }
      const given = this.#corpus.length;
      let done = 0;
      while (done < runs && elapsed() < limitMs) {
        const batch = Array.from({ length: Math.min(BATCH, runs - done) }, () => this.#make());
        await this.#tryAll(batch);
        done += batch.length;
      }
      return {
        runs: done,
        seconds: elapsed() / 1000,
        kept: this.#corpus.slice(given),
        outcomes: this.#outcomes,
        reached: this.#coverage.reached,
        slowestMs: this.#slowestMs,
      };
    } finally {
      this.#coverage.close();
      await this.#watchdog.close();
    }
  }

  #make(): Buffer {
    const input = this.#random.pick(this.#corpus);
    const other = this.#random.pick(this.#corpus);
    const { maxBytes } = this.#target;
    return mutate(input, this.#random, { other, dictionary: this.#dictionary, maxBytes });
  }

  /** Tries a batch, and what is new in it once more alone to see which input was it. */
  async #tryAll(batch: Buffer[]): Promise<void> {
    for (const input of batch) {
      if (await this.#try(input)) this.#corpus.push(input);
    }
    if (this.#coverage.take(false) === 0) return;
    for (const input of batch) {
      await this.#read(input);
      if (this.#coverage.take(true) > 0) this.#corpus.push(input);
    }
  }

  /** Returns whether the outcome is a new one. */
  async #try(input: Buffer): Promise<boolean> {
    let ms = await this.#timed(input);
    // A machine that is busy with something else is slow once, not three times.
    for (let again = 0; again < 2 && ms.ms > SLOW_MS; again++) ms = await this.#timed(input);
    if (ms.ms > SLOW_MS) throw this.#finding(input, `it takes ${Math.round(ms.ms)} ms`);
    this.#slowestMs = Math.max(this.#slowestMs, ms.ms);
    const count = this.#outcomes.get(ms.outcome) ?? 0;
    const fresh = count === 0 && this.#outcomes.size < MAX_OUTCOMES;
    if (count > 0 || fresh) this.#outcomes.set(ms.outcome, count + 1);
    return fresh;
  }

  async #timed(input: Buffer): Promise<{ outcome: string; ms: number }> {
    const started = performance.now();
    const outcome = await this.#read(input);
    return { outcome, ms: performance.now() - started };
  }

  async #read(input: Buffer): Promise<string> {
    this.#watchdog.begin(input);
    try {
      const outcome = this.#target.run(input);
      return typeof outcome === 'string' ? outcome : await outcome;
    } catch (thrown) {
      throw this.#finding(input, thrown);
    } finally {
      this.#watchdog.end();
    }
  }

  #finding(input: Buffer, cause: unknown): Finding {
    return new Finding(this.#target.name, input, cause);
  }
}
