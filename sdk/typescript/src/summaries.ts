/** The list of conversations, kept in order as it changes. */

import type { ConversationSummary, Typing, UnreadTotal } from "./api.js";
import { type OutboxItem, pendingMessage } from "./fold.js";
import { Value } from "./observable.js";
import { type ConversationRecord, unreadOf } from "./records.js";
import { lowerBound } from "./store_memory.js";
import type { UserCache } from "./users.js";

const TYPING_MS = 10_000;

interface Typist {
  state: Typing["state"];
  timer: ReturnType<typeof setTimeout>;
}

export class Summaries {
  readonly list = new Value<readonly ConversationSummary[]>([]);
  readonly unread = new Value<UnreadTotal>({ messages: 0, mentions: 0, conversations: 0 });
  private readonly records = new Map<string, ConversationRecord>();
  private readonly outbox = new Map<string, OutboxItem>();
  private readonly byId = new Map<string, Value<ConversationSummary | null>>();
  private readonly typists = new Map<string, Map<string, Typist>>();

  constructor(private readonly users: UserCache) {
    users.changes.subscribe((changed) => this.renamed(changed));
  }

  record(id: string): ConversationRecord | undefined {
    return this.records.get(id);
  }

  waiting(): Iterable<OutboxItem> {
    return this.outbox.values();
  }

  /** The summary of a conversation, also of one that is not in the list. */
  observe(id: string): Value<ConversationSummary | null> {
    let value = this.byId.get(id);
    if (value === undefined) {
      value = new Value<ConversationSummary | null>(null);
      this.byId.set(id, value);
    }
    return value;
  }

  /** Show these and no others. */
  reset(records: readonly ConversationRecord[], outbox: readonly OutboxItem[]): void {
    this.records.clear();
    this.outbox.clear();
    for (const record of records) this.records.set(record.id, record);
    for (const item of outbox) this.outbox.set(item.clientId, item);
    for (const [id, value] of this.byId) if (!this.records.has(id)) value.set(null);
    for (const record of records) this.observe(record.id).set(this.summaryOf(record));
    const shown = records.map(({ id }) => this.observe(id).value).filter(isListed);
    this.publish(shown.sort(compare));
  }

  putRecord(record: ConversationRecord): void {
    this.records.set(record.id, record);
  }

  putItem(item: OutboxItem): void {
    this.outbox.set(item.clientId, item);
  }

  dropItem(clientId: string): void {
    this.outbox.delete(clientId);
  }

  /** Make the summaries of these conversations anew, and put them where they belong. */
  update(ids: ReadonlySet<string>): void {
    const changed = [...ids].filter((id) => this.records.has(id));
    if (changed.length === 0) return;
    const list = this.list.value.filter(({ id }) => !ids.has(id));
    const told: [Value<ConversationSummary | null>, ConversationSummary][] = [];
    for (const id of changed) {
      const summary = this.summaryOf(this.records.get(id) as ConversationRecord);
      told.push([this.observe(id), summary]);
      if (!isListed(summary)) continue;
      list.splice(
        lowerBound(list, (one) => compare(one, summary) > 0),
        0,
        summary,
      );
    }
    for (const [value, summary] of told) value.set(summary);
    this.publish(list);
  }

  /** Note that somebody writes, or has stopped; it lapses by itself. */
  typing(id: string, userId: string, state: string): void {
    const typists = this.typists.get(id) ?? new Map<string, Typist>();
    this.typists.set(id, typists);
    clearTimeout(typists.get(userId)?.timer);
    const wasThere = typists.delete(userId);
    if (state !== "stopped") {
      const timer = setTimeout(() => this.typing(id, userId, "stopped"), TYPING_MS);
      (timer as { unref?: () => void }).unref?.();
      typists.set(userId, { state: state as Typing["state"], timer });
    }
    if (wasThere || typists.has(userId)) this.update(new Set([id]));
  }

  private renamed(changed: ReadonlySet<string>): void {
    const ids = [...this.records.values()]
      .filter(({ peerId }) => changed.has(peerId))
      .map(({ id }) => id);
    this.update(new Set(ids));
  }

  private publish(list: readonly ConversationSummary[]): void {
    this.list.set(list);
    let [messages, mentions, conversations] = [0, 0, 0];
    const now = Date.now();
    for (const one of list) {
      const isMuted = one.mutedUntilMs === -1 || one.mutedUntilMs > now;
      if (one.archived || !(one.unread > 0 || one.markedUnread)) continue;
      mentions += one.mentions;
      if (isMuted) continue;
      messages += one.unread;
      conversations += 1;
    }
    const before = this.unread.value;
    const isSame =
      before.messages === messages &&
      before.mentions === mentions &&
      before.conversations === conversations;
    if (!isSame) this.unread.set({ messages, mentions, conversations });
  }

  private summaryOf(record: ConversationRecord): ConversationSummary {
    const { preference, group } = record;
    const peer = record.peerId ? this.users.get(record.peerId) : undefined;
    const own = [...this.outbox.values()].filter((item) => item.conversationId === record.id);
    const newest = own.reduce<OutboxItem | null>(
      (last, item) => (last === null || item.clientId > last.clientId ? item : last),
      null,
    );
    const unread = unreadOf(record);
    const typists = this.typists.get(record.id) ?? new Map<string, Typist>();
    return {
      id: record.id,
      kind: record.kind,
      title: group?.name ?? peer?.title ?? "",
      avatar: group?.avatar ?? peer?.avatar ?? "",
      peerId: record.peerId,
      group,
      memberCount: record.memberCount,
      member: record.member,
      active: record.active,
      unread,
      mentions: unread > 0 ? record.mentions : 0,
      markedUnread: preference.marked_unread ?? false,
      pinned: preference.pinned ?? false,
      mutedUntilMs: preference.muted_until_ms ?? 0,
      archived: preference.archived ?? false,
      folder: preference.folder ?? "",
      draft: preference.draft ?? "",
      last: newest === null ? record.last : pendingMessage(newest),
      activeAtMs: Math.max(record.activeAtMs || record.joinedAtMs, newest?.createdAtMs ?? 0),
      typing: [...typists].map(([userId, { state }]) => ({ userId, state })),
      readSeq: record.readSeq,
      headSeq: record.tip,
      peerReadSeq: record.peerReadSeq,
      peerDeliveredSeq: record.peerDeliveredSeq,
      failed: own.filter(({ error }) => error !== null).length,
      hidden: (preference.hidden ?? false) && record.lastMessageSeq <= (preference.hidden_seq ?? 0),
    };
  }
}

function isListed(summary: ConversationSummary | null): summary is ConversationSummary {
  return summary !== null && !summary.hidden;
}

/** Pinned ones first, then the newest; by id where that is the same. */
function compare(a: ConversationSummary, b: ConversationSummary): number {
  if (a.pinned !== b.pinned) return a.pinned ? -1 : 1;
  if (a.activeAtMs !== b.activeAtMs) return b.activeAtMs - a.activeAtMs;
  return a.id < b.id ? -1 : 1;
}
