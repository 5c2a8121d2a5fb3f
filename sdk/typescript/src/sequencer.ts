/** Entries of one log, in whatever order they come, into the order of the log. */

import type { Entry } from "./protocol.js";

/** Holds back what came too early; hands on each seq once, in order. */
export class Sequencer {
  private readonly held = new Map<number, Entry>();
  private known: number;

  /** Everything up to `tip` was handed on before. */
  constructor(public tip: number) {
    this.known = tip;
  }

  /** The first run of seqs that are known to exist and have not come; null for none. */
  get missing(): { first: number; last: number } | null {
    if (this.known <= this.tip) return null;
    const last = this.held.size > 0 ? Math.min(...this.held.keys()) - 1 : this.known;
    return { first: this.tip + 1, last };
  }

  /** Note that the log has come this far, without the entries themselves. */
  expect(seq: number): void {
    this.known = Math.max(this.known, seq);
  }

  /** Take an entry and return those that are now in order; one seen before is dropped. */
  offer(entry: Entry): Entry[] {
    if (entry.seq <= this.tip) return [];
    this.expect(entry.seq);
    if (!this.held.has(entry.seq)) this.held.set(entry.seq, entry);
    return this.release();
  }

  /** Give up what is missing up to this seq. Returns what was held, now in order. */
  skip(seq: number): Entry[] {
    const before = [...this.held.values()]
      .filter((entry) => entry.seq <= seq)
      .sort((a, b) => a.seq - b.seq);
    for (const entry of before) this.held.delete(entry.seq);
    this.tip = Math.max(this.tip, seq);
    this.expect(this.tip);
    return [...before, ...this.release()];
  }

  private release(): Entry[] {
    const ready: Entry[] = [];
    for (;;) {
      const next = this.held.get(this.tip + 1);
      if (next === undefined) return ready;
      this.tip += 1;
      this.held.delete(this.tip);
      ready.push(next);
    }
  }
}
