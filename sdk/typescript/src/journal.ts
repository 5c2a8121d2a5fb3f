/** The engine's state, changed step by step: decide, store, then publish. */

import type { TimelineItem } from "./api.js";
import type { CoreChange, CoreEvent } from "./core.js";
import type { OutboxItem } from "./fold.js";
import type { ConversationRecord } from "./records.js";
import type { Change, Store } from "./store.js";
import { type Deferred, deferred } from "./timing.js";

const JOBS_PER_WRITE = 500;
/** Sorts behind all ids. */
const LAST = "\uffff";

interface Job {
  work: (step: Step) => unknown;
  done: Deferred<unknown>;
}

/**
 * Runs changes one after the other. Those that came together are stored in one transaction;
 * what they did can be seen outside, and is published, when it is stored.
 */
export class Journal {
  readonly records = new Map<string, ConversationRecord>();
  /** By client id, in the order of writing. */
  readonly outbox = new Map<string, OutboxItem>();
  /** The last seq of the user's own log that is folded in; null before the first sync. */
  userTip: number | null = null;
  /** The generation of the server's logs that is known here; empty for none yet. */
  generation = "";
  /** Drafts that were not sent to the server when the logs were forgotten, by conversation. */
  readonly drafts = new Map<string, string>();
  private queue: Job[] = [];
  private isRunning = false;

  constructor(
    readonly store: Store,
    private readonly tell: (events: readonly CoreEvent[]) => void,
    /** Called when the store failed: what was in hand is lost, and must be fetched again. */
    private readonly broken: (error: unknown) => void,
  ) {}

  async load(): Promise<void> {
    const [records, items, tip, generation, drafts] = await Promise.all([
      this.store.range<ConversationRecord>("conversations"),
      this.store.range<OutboxItem>("outbox"),
      this.store.get<number>("meta", "userTip"),
      this.store.get<string>("meta", "generation"),
      this.store.get<[string, string][]>("meta", "drafts"),
    ]);
    for (const { value } of records) this.records.set(value.id, value);
    for (const { value } of items) this.outbox.set(value.clientId, value);
    this.userTip = tip ?? null;
    this.generation = generation ?? "";
    for (const [id, text] of drafts ?? []) this.drafts.set(id, text);
  }

  /** Run the work when its turn comes; resolves when all it changed is stored and published. */
  run<T>(work: (step: Step) => T | Promise<T>): Promise<T> {
    const done = deferred<unknown>();
    this.queue.push({ work, done });
    if (!this.isRunning) void this.drain();
    return done.promise as Promise<T>;
  }

  /**
   * Forget all that is known of another generation of the logs, and return whether it was so.
   * What is still to be sent stays, and drafts that were not sent to the server.
   */
  async adopt(generation: string): Promise<boolean> {
    if (generation === "" || generation === this.generation) return false;
    while (this.isRunning) await this.run(() => {});
    const isOther = this.generation !== "";
    this.isRunning = true;
    try {
      await this.store.write([
        { put: "meta", key: "generation", value: generation },
        ...(isOther ? this.forgetting() : []),
      ]);
      this.generation = generation;
      if (isOther) {
        this.records.clear();
        this.userTip = null;
      }
    } finally {
      this.isRunning = false;
      if (this.queue.length > 0) void this.drain();
    }
    return isOther;
  }

  private forgetting(): Change[] {
    for (const { id, draftWanted, preference } of this.records.values()) {
      if (draftWanted) this.drafts.set(id, preference.draft ?? "");
    }
    return [
      { put: "meta", key: "drafts", value: [...this.drafts] },
      { drop: "meta", key: "userTip" },
      { dropRange: "conversations", from: "", to: LAST },
      { dropRange: "items", from: ["", 0], to: [LAST, Number.MAX_SAFE_INTEGER] },
    ];
  }

  /** Forget everything, here and in the store. */
  async clear(): Promise<void> {
    await this.run(() => {});
    await this.store.clear();
    this.records.clear();
    this.outbox.clear();
    this.drafts.clear();
    this.userTip = null;
    this.generation = "";
  }

  private async drain(): Promise<void> {
    this.isRunning = true;
    await Promise.resolve(); // let more come together
    while (this.queue.length > 0) {
      const jobs = this.queue.splice(0, JOBS_PER_WRITE);
      const step = new Step(this);
      const settle: (() => void)[] = [];
      for (const { work, done } of jobs) {
        try {
          const result = await work(step);
          settle.push(() => done.resolve(result));
        } catch (error) {
          settle.push(() => done.reject(error));
        }
      }
      try {
        await this.commit(step);
      } catch (error) {
        for (const { done } of jobs) done.reject(error);
        this.broken(error);
        continue;
      }
      for (const one of settle) one();
    }
    this.isRunning = false;
  }

  private async commit(step: Step): Promise<void> {
    const changes = step.changes();
    if (changes.length > 0) await this.store.write(changes);
    const events = step.events();
    for (const [id, record] of step.records) this.records.set(id, record);
    for (const [id, item] of step.outbox) {
      if (item === null) this.outbox.delete(id);
      else this.outbox.set(id, item);
    }
    if (step.userTip !== null) this.userTip = step.userTip;
    if (events.length > 0) this.tell(events);
  }
}

/** The state that one turn of the journal reads and changes. */
export class Step {
  readonly records = new Map<string, ConversationRecord>();
  readonly outbox = new Map<string, OutboxItem | null>();
  userTip: number | null = null;
  private readonly items = new Map<string, Map<number, TimelineItem | null>>();
  private readonly cleared = new Map<string, number>();
  private readonly jumped = new Set<string>();
  private readonly metas = new Map<string, unknown>();
  private readonly happened: CoreChange[] = [];
  private readonly more: CoreEvent[] = [];

  constructor(private readonly journal: Journal) {}

  record(id: string): ConversationRecord | undefined {
    return this.records.get(id) ?? this.journal.records.get(id);
  }

  putRecord(record: ConversationRecord): void {
    if (record !== this.record(record.id)) this.records.set(record.id, record);
  }

  /** Let `change` make another record of the known one; does nothing where none is known. */
  updateRecord(id: string, change: (record: ConversationRecord) => ConversationRecord): void {
    const record = this.record(id);
    if (record !== undefined) this.putRecord(change(record));
  }

  outboxItem(clientId: string): OutboxItem | undefined {
    const changed = this.outbox.get(clientId);
    return (changed === undefined ? this.journal.outbox.get(clientId) : changed) ?? undefined;
  }

  async item(id: string, seq: number): Promise<TimelineItem | undefined> {
    const changed = this.items.get(id)?.get(seq);
    if (changed !== undefined) return changed ?? undefined;
    if (seq <= (this.cleared.get(id) ?? 0)) return undefined;
    return this.journal.store.get<TimelineItem>("items", [id, seq]);
  }

  /** Return the items from one seq to another, both included, oldest first. */
  async range(id: string, from: number, to: number, limit = 1000): Promise<TimelineItem[]> {
    const found = await this.read(id, from, to, limit, false);
    return found.slice(0, limit);
  }

  /** Return the newest items at or before a seq, oldest first. */
  async newest(id: string, to: number, limit: number): Promise<TimelineItem[]> {
    const found = await this.read(id, 1, to, limit, true);
    return found.slice(-limit);
  }

  putItem(item: TimelineItem): void {
    this.changed(item.conversationId).set(item.seq, item);
  }

  dropItem(id: string, seq: number): void {
    this.changed(id).set(seq, null);
  }

  /** Drop all items at or before a seq. */
  dropUpTo(id: string, seq: number): void {
    this.cleared.set(id, Math.max(seq, this.cleared.get(id) ?? 0));
    const changed = this.changed(id);
    for (const at of changed.keys()) if (at <= seq) changed.set(at, null);
  }

  /** Note that a stretch of this timeline was left out. */
  noteJump(id: string): void {
    this.jumped.add(id);
  }

  putMeta(name: string, value: unknown): void {
    this.metas.set(name, value);
  }

  /** Return what was typed in a conversation that was forgotten; it is known again now. */
  takeDraft(id: string): string | undefined {
    const text = this.journal.drafts.get(id);
    if (this.journal.drafts.delete(id)) this.putMeta("drafts", [...this.journal.drafts]);
    return text;
  }

  /** Publish to the app, after everything else. */
  news(news: CoreChange): void {
    this.happened.push(news);
  }

  event(event: CoreEvent): void {
    this.more.push(event);
  }

  changes(): Change[] {
    const changes: Change[] = [];
    for (const [id, seq] of this.cleared) {
      changes.push({ dropRange: "items", from: [id, 0], to: [id, seq] });
    }
    for (const [id, items] of this.items) {
      for (const [seq, item] of items) {
        const key = [id, seq] as const;
        changes.push(item === null ? { drop: "items", key } : { put: "items", key, value: item });
      }
    }
    for (const [key, value] of this.records) changes.push({ put: "conversations", key, value });
    for (const [key, value] of this.outbox) {
      changes.push(value === null ? { drop: "outbox", key } : { put: "outbox", key, value });
    }
    for (const [key, value] of this.metas) changes.push({ put: "meta", key, value });
    if (this.userTip !== null) changes.push({ put: "meta", key: "userTip", value: this.userTip });
    return changes;
  }

  events(): CoreEvent[] {
    const events: CoreEvent[] = [];
    const tipOf = (id: string) => this.record(id)?.tip ?? 0;
    for (const id of this.jumped) events.push({ type: "jumped", id, tip: tipOf(id) });
    for (const [id, changed] of this.items) {
      const items = [...changed.values()].filter((item) => item !== null);
      const gone = [...changed].filter(([, item]) => item === null).map(([seq]) => seq);
      if (items.length + gone.length > 0) {
        events.push({ type: "items", id, items, gone, tip: tipOf(id) });
      }
    }
    for (const [id, upTo] of this.cleared) events.push({ type: "cleared", id, upTo });
    for (const [clientId, item] of this.outbox) {
      if (item !== null) events.push({ type: "outbox", item });
      else {
        const conversationId = this.journal.outbox.get(clientId)?.conversationId ?? "";
        events.push({ type: "unboxed", clientId, conversationId });
      }
    }
    for (const record of this.records.values()) events.push({ type: "conversation", record });
    events.push(...this.more);
    for (const news of this.happened) events.push({ type: "news", news });
    return events;
  }

  private changed(id: string): Map<number, TimelineItem | null> {
    let changed = this.items.get(id);
    if (changed === undefined) {
      changed = new Map();
      this.items.set(id, changed);
    }
    return changed;
  }

  private async read(
    id: string,
    from: number,
    to: number,
    limit: number,
    reverse: boolean,
  ): Promise<TimelineItem[]> {
    const first = Math.max(from, (this.cleared.get(id) ?? 0) + 1);
    if (first > to) return [];
    const changed = this.items.get(id) ?? new Map<number, TimelineItem | null>();
    const rows = await this.journal.store.range<TimelineItem>("items", {
      from: [id, first],
      to: [id, to],
      limit: limit + changed.size,
      reverse,
    });
    const found = new Map(rows.map(({ value }) => [value.seq, value]));
    for (const [seq, item] of changed) {
      if (item === null) found.delete(seq);
      else if (seq >= first && seq <= to) found.set(seq, item);
    }
    return [...found.values()].sort((a, b) => a.seq - b.seq);
  }
}
