/** The store of a browser: one IndexedDB database, one object store for each table. */

import type { Change, Key, Range, Row, Store, Table } from "./store.js";

const VERSION = 1;
const TABLES: readonly Table[] = ["meta", "conversations", "items", "outbox", "users", "uploads"];

export class IndexedDbStore implements Store {
  private constructor(private readonly database: IDBDatabase) {}

  /** Open the database, made where there is none. */
  static async open(name: string, factory: IDBFactory = globalThis.indexedDB): Promise<Store> {
    const opening = factory.open(name, VERSION);
    opening.onupgradeneeded = () => {
      for (const table of TABLES) {
        if (!opening.result.objectStoreNames.contains(table)) {
          opening.result.createObjectStore(table);
        }
      }
    };
    const database = await done(opening);
    database.onversionchange = () => database.close();
    return new IndexedDbStore(database);
  }

  async get<T>(table: Table, key: Key): Promise<T | undefined> {
    const store = this.database.transaction(table).objectStore(table);
    return (await done(store.get(key as IDBValidKey))) as T | undefined;
  }

  async range<T>(table: Table, range: Range = {}): Promise<Row<T>[]> {
    const store = this.database.transaction(table).objectStore(table);
    const bounds = boundsOf(range.from, range.to);
    if (bounds === null) return [];
    if (range.reverse) return backward(store, bounds, range.limit);
    const [keys, values] = await Promise.all([
      done(store.getAllKeys(bounds, range.limit)),
      done(store.getAll(bounds, range.limit)),
    ]);
    return keys.map((key, index) => ({ key: key as Key, value: values[index] as T }));
  }

  async write(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return;
    const tables = new Set(changes.map(tableOf));
    const transaction = this.database.transaction([...tables], "readwrite");
    const finished = completed(transaction);
    for (const change of changes) {
      const store = transaction.objectStore(tableOf(change));
      if ("put" in change) store.put(change.value, change.key as IDBValidKey);
      else if ("drop" in change) store.delete(change.key as IDBValidKey);
      else {
        const bounds = boundsOf(change.from, change.to);
        if (bounds) store.delete(bounds);
      }
    }
    await finished;
  }

  async clear(): Promise<void> {
    const transaction = this.database.transaction([...TABLES], "readwrite");
    const finished = completed(transaction);
    for (const table of TABLES) transaction.objectStore(table).clear();
    await finished;
  }

  async close(): Promise<void> {
    this.database.close();
  }
}

function tableOf(change: Change): Table {
  if ("put" in change) return change.put;
  return "drop" in change ? change.drop : change.dropRange;
}

/** Null for an empty range, undefined for all. */
function boundsOf(from: Key | undefined, to: Key | undefined): IDBKeyRange | null | undefined {
  if (from !== undefined && to !== undefined) {
    if (indexedDB.cmp(from, to) > 0) return null;
    return IDBKeyRange.bound(from, to);
  }
  if (from !== undefined) return IDBKeyRange.lowerBound(from);
  return to === undefined ? undefined : IDBKeyRange.upperBound(to);
}

function backward<T>(
  store: IDBObjectStore,
  bounds: IDBKeyRange | undefined,
  limit = Number.POSITIVE_INFINITY,
): Promise<Row<T>[]> {
  return new Promise((resolve, reject) => {
    const rows: Row<T>[] = [];
    const request = store.openCursor(bounds, "prev");
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const cursor = request.result;
      if (cursor === null || rows.length >= limit) {
        resolve(rows);
        return;
      }
      rows.push({ key: cursor.primaryKey as Key, value: cursor.value });
      cursor.continue();
    };
  });
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function completed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
}
