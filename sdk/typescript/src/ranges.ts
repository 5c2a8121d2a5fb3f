/** The stretches of a log that are kept here. */

/** `fresh`: everything in it is as the server says; else something may have changed since. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly fresh: boolean;
}

/** Sorted, without overlap. */
export type Spans = readonly Span[];

const SPANS_MAX = 64;

/** Return the spans with this stretch fresh. */
export function cover(spans: Spans, from: number, to: number): Spans {
  if (from > to) return spans;
  const left: Span[] = [];
  let first = from;
  let last = to;
  for (const span of spans) {
    if (span.to < from - 1 || span.from > to + 1) left.push(span);
    else if (span.fresh) {
      first = Math.min(first, span.from);
      last = Math.max(last, span.to);
    } else {
      if (span.from < from) left.push({ ...span, to: from - 1 });
      if (span.to > to) left.push({ ...span, from: to + 1 });
    }
  }
  left.push({ from: first, to: last, fresh: true });
  return left
    .filter((span) => span.fresh || span.from <= span.to)
    .sort((a, b) => a.from - b.from)
    .slice(-SPANS_MAX);
}

/** Return the spans when something may have been missed in all of them. */
export function allStale(spans: Spans): Spans {
  return spans.map((span) => ({ ...span, fresh: false }));
}

/** Return the spans without what is at or before this seq. */
export function dropUpTo(spans: Spans, seq: number): Spans {
  return spans
    .filter((span) => span.to > seq)
    .map((span) => ({ ...span, from: Math.max(span.from, seq + 1) }));
}

/** Return the span that holds a seq; without stale ones unless asked for. */
export function spanAt(spans: Spans, seq: number, withStale: boolean): Span | undefined {
  return spans.find((span) => span.from <= seq && seq <= span.to && (span.fresh || withStale));
}
