import type { Observable } from "@hongyan/sdk";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

/** The value now; the component is drawn again when it changes. */
export function useValue<T>(source: Observable<T>): T {
  const [, redraw] = useState(0);
  const shown = useRef<T>(source.value);
  shown.current = source.value;
  useLayoutEffect(() => {
    const check = () => {
      if (!Object.is(source.value, shown.current)) redraw((n) => n + 1);
    };
    const stop = source.subscribe(check);
    check();
    return stop;
  }, [source]);
  return source.value;
}

/** As `useValue`, drawn again only when what `select` makes of it changes. */
export function useSelected<T, S>(source: Observable<T>, select: (value: T) => S): S {
  const [, redraw] = useState(0);
  const chosen = select(source.value);
  const latest = useRef({ select, chosen });
  latest.current = { select, chosen };
  useLayoutEffect(
    () =>
      source.subscribe((value) => {
        if (!Object.is(latest.current.select(value), latest.current.chosen)) redraw((n) => n + 1);
      }),
    [source],
  );
  return chosen;
}

export type Loaded<T> =
  | { state: "loading"; data: undefined; error: undefined }
  | { state: "ready"; data: T; error: undefined }
  | { state: "failed"; data: undefined; error: unknown };

/** Load something when `keys` change; `reload` loads it again. */
export function useLoaded<T>(load: () => Promise<T>, keys: readonly unknown[]): Loaded<T> & { reload: () => void } {
  const [result, setResult] = useState<Loaded<T>>({ state: "loading", data: undefined, error: undefined });
  const [round, setRound] = useState(0);
  useEffect(() => {
    let current = true;
    load().then(
      (data) => current && setResult({ state: "ready", data, error: undefined }),
      (error) => current && setResult({ state: "failed", data: undefined, error }),
    );
    return () => {
      current = false;
    };
  }, [...keys, round]);
  const reload = useCallback(() => setRound((n) => n + 1), []);
  return { ...result, reload };
}

/** Whether the media query holds. */
export function useMedia(query: string): boolean {
  const [holds, setHolds] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const change = () => setHolds(list.matches);
    change();
    list.addEventListener("change", change);
    return () => list.removeEventListener("change", change);
  }, [query]);
  return holds;
}

/** Do something again and again while the component is there and the page is seen. */
export function useInterval(work: () => void, everyMs: number): void {
  const latest = useRef(work);
  latest.current = work;
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && latest.current(), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
}

/** The minute, so that "5 minutes ago" stays true. */
export function useMinute(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 60_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
