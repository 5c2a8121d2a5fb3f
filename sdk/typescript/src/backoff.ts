/** Exponential back-off with full jitter: from 0 to a bound that doubles with each failure. */
export class Backoff {
  private failures = 0;

  constructor(
    private readonly firstMs = 1000,
    private readonly limitMs = 60_000,
    private readonly chance: () => number = Math.random,
  ) {}

  /** Something worked. */
  reset(): void {
    this.failures = 0;
  }

  /** Return the wait now, and count a failure. */
  nextMs(): number {
    const bound = Math.min(this.limitMs, this.firstMs * 2 ** Math.min(this.failures, 30));
    this.failures += 1;
    return bound * this.chance();
  }
}
