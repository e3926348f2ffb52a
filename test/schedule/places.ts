/** Which address of a name each connection goes to, as the engine chooses: where few are, and not where one failed. */

const ASIDE_MS = 30_000;

/** A connection leaves an address for one with this many fewer connections. */
const STAY = 2;

export class Places {
  private readonly at = new Map<number, number>([[0, 0]]);
  private readonly aside: Array<{ untilMs: number; most: number; failures: number }>;

  constructor(private readonly count: number) {
    this.aside = Array.from({ length: count }, () => ({ untilMs: 0, most: Infinity, failures: 0 }));
  }

  /** The address for a connection that is opened now. */
  choose(connection: number, nowMs: number): number {
    let best = 0;
    let bestRank = Infinity;
    for (let address = 0; address < this.count; address++) {
      const rank = this.rank(address, connection, nowMs);
      if (rank < bestRank) [best, bestRank] = [address, rank];
    }
    this.at.set(connection, best);
    return best;
  }

  private rank(address: number, connection: number, nowMs: number): number {
    const { untilMs, most } = this.aside[address] as { untilMs: number; most: number };
    const load = this.load(address, connection);
    const isHere = this.at.get(connection) === address;
    const full = nowMs < untilMs && load >= most ? untilMs : 0;
    return full * 1000 + load - (isHere ? STAY + 0.5 : 0);
  }

  private load(address: number, except: number): number {
    let count = 0;
    for (const [connection, at] of this.at) if (connection !== except && at === address) count++;
    return count;
  }

  /** A connection failed or was slow; whether another address may take over. */
  passOver(connection: number, nowMs: number): boolean {
    const address = this.at.get(connection);
    if (this.count === 1 || address === undefined) return false;
    const book = this.aside[address] as { untilMs: number; most: number; failures: number };
    book.most = this.load(address, connection);
    if (nowMs >= book.untilMs) book.untilMs = nowMs + ASIDE_MS * 2 ** Math.min(6, book.failures++);
    return this.aside.some(({ untilMs }) => nowMs >= untilMs);
  }
}
