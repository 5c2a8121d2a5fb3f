/** One case of `protocol/folds`: entries in, state out, as this SDK folds them. */

import type { Message, TimelineItem } from "../src/api.js";
import { applyEntry, applyUserEntry, type Reader } from "../src/incoming.js";
import { Journal } from "../src/journal.js";
import type { Conversation, Entry } from "../src/protocol.js";
import { beginRecord, type ConversationRecord, mergeRemote, unreadOf } from "../src/records.js";
import { MemoryStore } from "../src/store_memory.js";

/** A conversation as the server told it first, and what came then; see the README there. */
export interface Case {
  name: string;
  me: string;
  conversation: Conversation;
  entries: Entry[];
  state: object;
}

/** Return the state that the entries lead to. */
export async function folded({ me, conversation, entries }: Case): Promise<object> {
  const id = conversation.conversation_id;
  const broken = (error: unknown) => {
    throw error;
  };
  const journal = new Journal(new MemoryStore(), () => {}, broken);
  const reader: Reader = { me, isNews: () => true };
  await journal.run((step) => {
    const first = beginRecord(conversation, (conversation.head.seq ?? 0) + 1);
    step.putRecord(mergeRemote(first, conversation));
  });
  for (const entry of entries) {
    const apply = entry.log_id === id ? applyEntry : applyUserEntry;
    await journal.run((step) => apply(step, entry, reader));
  }
  const record = journal.records.get(id) as ConversationRecord;
  const items = await journal.run((step) => step.range(id, 1, record.tip, 10_000));
  const unread = unreadOf(record);
  const { name, notice, dissolved } = record.group ?? {};
  return {
    tip: record.tip,
    read_seq: record.readSeq,
    unread,
    mentions: unread > 0 ? record.mentions : 0,
    marked_unread: record.preference.marked_unread ?? false,
    active: record.active,
    role: record.member.role ?? "member",
    member_count: record.memberCount,
    group: { ...(name && { name }), ...(notice && { notice }), ...(dissolved && { dissolved }) },
    messages: items.filter(isMessage).map(shown),
  };
}

function isMessage(item: TimelineItem): item is Message {
  return item.type === "message";
}

function shown(message: Message): object {
  const reactions = message.reactions.map(({ emoji, count, mine }) => [emoji, { count, mine }]);
  return {
    seq: message.seq,
    content: message.content,
    version: message.version,
    edited_at_ms: message.editedAtMs,
    recalled_by: message.recalledBy,
    burned: message.burned,
    pinned: message.pinned,
    reactions: Object.fromEntries(reactions),
    ...(message.poll && { poll: message.poll }),
  };
}
