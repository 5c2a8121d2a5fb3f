/** A store that forgets when the process ends: for Node, and for tests. */

import type { Change, Key, Range, Row, Store, Table } from "./store.js";

/** Less than 0 when `a` comes first. */
export function compareKeys(a: Key, b: Key): number {
  if (typeof a === "string" || typeof b === "string") {
    return a < b ? -1 : a > b ? 1 : 0;
  }
  if (a[0] !== b[0]) return a[0] < b[0] ? -1 : 1;
  return a[1] - b[1];
}

/** Return the first index for which `isAtOrAfter` holds, or the length. */
export function lowerBound<T>(rows: readonly T[], isAtOrAfter: (row: T) => boolean): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isAtOrAfter(rows[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}

export class MemoryStore implements Store {
  private tables = new Map<Table, Row<unknown>[]>();

  async get<T>(table: Table, key: Key): Promise<T | undefined> {
    const rows = this.rows(table);
    const found = rows[this.place(rows, key)];
    return found !== undefined && compareKeys(found.key, key) === 0
      ? (found.value as T)
      : undefined;
  }

  async range<T>(table: Table, range: Range = {}): Promise<Row<T>[]> {
    const rows = this.rows(table) as Row<T>[];
    const first = range.from === undefined ? 0 : this.place(rows, range.from);
    const end = range.to === undefined ? rows.length : this.after(rows, range.to);
    const limit = range.limit ?? Number.POSITIVE_INFINITY;
    if (range.reverse) {
      return rows.slice(Math.max(first, end - limit), Math.max(first, end)).reverse();
    }
    return rows.slice(first, Math.min(end, first + limit));
  }

  async write(changes: readonly Change[]): Promise<void> {
    for (const change of changes) {
      if ("put" in change) this.put(change.put, change.key, change.value);
      else if ("drop" in change) this.dropRange(change.drop, change.key, change.key);
      else this.dropRange(change.dropRange, change.from, change.to);
    }
  }

  async clear(): Promise<void> {
    this.tables = new Map();
  }

  async close(): Promise<void> {}

  private rows(table: Table): Row<unknown>[] {
    let rows = this.tables.get(table);
    if (rows === undefined) {
      rows = [];
      this.tables.set(table, rows);
    }
    return rows;
  }

  private put(table: Table, key: Key, value: unknown): void {
    const rows = this.rows(table);
    const at = this.place(rows, key);
    const found = rows[at];
    const isThere = found !== undefined && compareKeys(found.key, key) === 0;
    rows.splice(at, isThere ? 1 : 0, { key, value });
  }

  private dropRange(table: Table, from: Key, to: Key): void {
    const rows = this.rows(table);
    const first = this.place(rows, from);
    rows.splice(first, Math.max(0, this.after(rows, to) - first));
  }

  private place(rows: readonly Row<unknown>[], key: Key): number {
    return lowerBound(rows, (row) => compareKeys(row.key, key) >= 0);
  }

  private after(rows: readonly Row<unknown>[], key: Key): number {
    return lowerBound(rows, (row) => compareKeys(row.key, key) > 0);
  }
}
