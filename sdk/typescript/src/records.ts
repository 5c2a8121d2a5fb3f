/** A conversation as this device keeps it, and what changes it. */

import type { TimelineItem } from "./api.js";
import { messageOf } from "./fold.js";
import type { Conversation, Cursor, Group, Kind, Member, Preference } from "./protocol.js";
import { allStale, cover, type Spans } from "./ranges.js";

export interface ConversationRecord {
  readonly id: string;
  readonly kind: Kind;
  readonly peerId: string;
  readonly group: Group | null;
  readonly member: Member;
  readonly memberCount: number;
  readonly preference: Preference;
  readonly active: boolean;
  /** Everything up to this seq has been folded in; the fresh span that ends here is live. */
  readonly tip: number;
  readonly spans: Spans;
  /** Countable entries up to `tip`. */
  readonly ordinal: number;
  readonly readSeq: number;
  readonly readOrdinal: number;
  /** The read seq that is still to be sent to the server; 0 for nothing. */
  readonly readWanted: number;
  /** Whether the draft is still to be sent to the server. */
  readonly draftWanted: boolean;
  readonly mentions: number;
  readonly peerReadSeq: number;
  readonly peerDeliveredSeq: number;
  readonly last: TimelineItem | null;
  readonly lastMessageSeq: number;
  readonly activeAtMs: number;
  readonly joinedAtMs: number;
  /** The messages that were edited to what is still to be asked for. */
  readonly outdated?: readonly number[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Return the record of a conversation that was not known; what is before `first` is not kept. */
export function beginRecord(remote: Conversation, first: number): ConversationRecord {
  return {
    id: remote.conversation_id,
    kind: remote.kind,
    peerId: remote.peer_id ?? "",
    group: remote.group ?? null,
    member: remote.member,
    memberCount: remote.member_count ?? 0,
    preference: remote.preference,
    active: true,
    tip: first - 1,
    spans: [],
    ordinal: 0,
    readSeq: 0,
    readOrdinal: 0,
    readWanted: 0,
    draftWanted: false,
    mentions: 0,
    peerReadSeq: 0,
    peerDeliveredSeq: 0,
    last: null,
    lastMessageSeq: 0,
    activeAtMs: 0,
    joinedAtMs: remote.member.joined_at_ms ?? 0,
  };
}

/** Return the record after the server sent the state of the conversation. */
export function mergeRemote(record: ConversationRecord, remote: Conversation): ConversationRecord {
  const head = { seq: remote.head.seq ?? 0, ordinal: remote.head.ordinal ?? 0 };
  const isNewer = head.seq >= record.tip;
  const cursor: Cursor = remote.cursor ?? {};
  const unread = remote.unread ?? 0;
  const readOrdinal = Math.max(record.readOrdinal, head.ordinal - unread);
  const merged: Mutable<ConversationRecord> = {
    ...record,
    kind: remote.kind,
    peerId: remote.peer_id ?? "",
    ordinal: Math.max(record.ordinal, head.ordinal),
    readSeq: Math.max(record.readSeq, cursor.read_seq ?? 0),
    readOrdinal,
    joinedAtMs: remote.member.joined_at_ms ?? 0,
    activeAtMs: Math.max(record.activeAtMs, remote.last?.sent_at_ms ?? 0),
    lastMessageSeq: Math.max(record.lastMessageSeq, remote.last?.seq ?? 0),
  };
  const last = remote.last ?? null;
  if (last !== null && last.seq > (record.last?.seq ?? 0)) merged.last = messageOf(last);
  if (record.tip === head.seq) merged.mentions = remote.mentions ?? 0;
  if (!isNewer) return merged;
  return {
    ...merged,
    group: remote.group ?? null,
    member: remote.member,
    memberCount: remote.member_count ?? 0,
    preference: keepDraft(record, remote.preference),
    active: remote.member.active ?? true,
  };
}

/** Return the record with its tip here, the live span grown with it. */
export function raiseTip(record: ConversationRecord, seq: number): ConversationRecord {
  if (seq <= record.tip) return record;
  return { ...record, tip: seq, spans: cover(record.spans, record.tip + 1, seq) };
}

/** Return the record when all between its tip and `first` was left out. */
export function jumpTo(record: ConversationRecord, first: number): ConversationRecord {
  return { ...record, tip: first - 1, spans: allStale(record.spans) };
}

/** Return what the server says of the preference, but with the draft that it does not know yet. */
export function keepDraft(record: ConversationRecord, preference: Preference): Preference {
  if (!record.draftWanted) return preference;
  return { ...preference, draft: record.preference.draft ?? "" };
}

/** The first seq that this user may see. */
export function floorOf(record: ConversationRecord): number {
  const cleared = record.preference.cleared_seq ?? 0;
  return Math.max(1, record.member.visible_from ?? 1, cleared + 1);
}

/** The number of countable entries that the user has not read. */
export function unreadOf(record: ConversationRecord): number {
  if (!record.active) return 0;
  const read = Math.max(record.readOrdinal, record.preference.cleared_ordinal ?? 0);
  return Math.max(0, record.ordinal - read);
}
