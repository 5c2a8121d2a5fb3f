/** Values that change and events that happen, without a framework. */

import type { Observable, Unsubscribe } from "./api.js";

/** Listeners; one that throws does not keep the others from hearing. */
export class Listeners<T> {
  private readonly all = new Set<(value: T) => void>();

  get size(): number {
    return this.all.size;
  }

  add(listener: (value: T) => void): Unsubscribe {
    const own = (value: T) => listener(value);
    this.all.add(own);
    return () => {
      this.all.delete(own);
    };
  }

  tell(value: T): void {
    for (const listener of [...this.all]) {
      try {
        listener(value);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

/** A value that its owner sets. */
export class Value<T> implements Observable<T> {
  private readonly listeners = new Listeners<T>();

  constructor(
    private current: T,
    private readonly watched: (isWatched: boolean) => void = () => {},
  ) {}

  get value(): T {
    return this.current;
  }

  set(value: T): void {
    if (Object.is(value, this.current)) return;
    this.current = value;
    this.listeners.tell(value);
  }

  subscribe(listener: (value: T) => void): Unsubscribe {
    const remove = this.listeners.add(listener);
    if (this.listeners.size === 1) this.watched(true);
    return () => {
      const before = this.listeners.size;
      remove();
      if (before === 1 && this.listeners.size === 0) this.watched(false);
    };
  }
}
