/** Waiting, and doing things not too often. */

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A promise and what settles it. */
export interface Deferred<T> {
  promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}

/** Resolve or reject as the promise does, but reject with `error()` after so long. */
export function within<T>(promise: Promise<T>, ms: number, error: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(error()), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Runs the work for a key at most once at a time; who asks meanwhile shares the run. */
export class Once {
  private readonly running = new Map<string, Promise<void>>();

  run(key: string, work: () => Promise<void>): Promise<void> {
    const known = this.running.get(key);
    if (known !== undefined) return known;
    const run = work().finally(() => this.running.delete(key));
    this.running.set(key, run);
    return run;
  }
}

/**
 * Runs the latest work of each key: at once when the key was quiet, else when `ms` have passed
 * since its last run. Work that a newer one replaced is not run.
 */
export class Throttle {
  private readonly waiting = new Map<string, () => void>();
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(
    private readonly ms: number,
    private readonly leading = true,
  ) {}

  run(key: string, work: () => void): void {
    if (this.timers.has(key)) {
      this.waiting.set(key, work);
      return;
    }
    if (this.leading) work();
    else this.waiting.set(key, work);
    this.arm(key);
  }

  /** Run what waits, now. */
  flush(): void {
    for (const key of [...this.waiting.keys()]) this.fire(key);
  }

  cancel(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
    this.waiting.clear();
  }

  private arm(key: string): void {
    this.timers.set(
      key,
      setTimeout(() => {
        this.timers.delete(key);
        if (this.fire(key)) this.arm(key);
      }, this.ms),
    );
  }

  private fire(key: string): boolean {
    const work = this.waiting.get(key);
    this.waiting.delete(key);
    work?.();
    return work !== undefined;
  }
}
