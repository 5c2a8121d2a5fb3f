/** The port to what is kept: rows in tables, by key, in order; written in atomic batches. */

export type Table = "meta" | "conversations" | "items" | "outbox" | "users" | "uploads";

/** Texts compare by code units; a pair by its text, then by its number. */
export type Key = string | readonly [string, number];

export type Change =
  | { put: Table; key: Key; value: unknown }
  | { drop: Table; key: Key }
  /** Both ends included. */
  | { dropRange: Table; from: Key; to: Key };

export interface Range {
  /** Both ends included; no end where left out. */
  from?: Key;
  to?: Key;
  limit?: number;
  /** Begin at the end. */
  reverse?: boolean;
}

export interface Row<T> {
  key: Key;
  value: T;
}

/** Values are what structured cloning takes. */
export interface Store {
  get<T>(table: Table, key: Key): Promise<T | undefined>;
  range<T>(table: Table, range?: Range): Promise<Row<T>[]>;
  /** All of it or nothing; durable when it resolves, in the order of the calls. */
  write(changes: readonly Change[]): Promise<void>;
  clear(): Promise<void>;
  close(): Promise<void>;
}
