import type { Observable } from "../src/index.js";

/** Resolve when the value fulfils the condition; fail after so long. */
export function until<T>(
  observable: Observable<T>,
  condition: (value: T) => boolean,
  timeoutMs = 25_000,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (condition(observable.value)) {
      resolve(observable.value);
      return;
    }
    const remove = observable.subscribe((value) => {
      if (!condition(value)) return;
      clearTimeout(timer);
      remove();
      resolve(value);
    });
    const timer = setTimeout(() => {
      remove();
      reject(
        new Error(`not in ${timeoutMs} ms: ${JSON.stringify(observable.value).slice(0, 2000)}`),
      );
    }, timeoutMs);
  });
}
