/** The effects of the logs' entries on the state of the engine. */

import type { Message, TimelineItem } from "./api.js";
import { change, itemOf, mentions, messageOf, outdates, renewed, targetOf } from "./fold.js";
import type { Step } from "./journal.js";
import type { Bodies, Entry, Member, Person, Preference } from "./protocol.js";
import { dropUpTo } from "./ranges.js";
import { type ConversationRecord, keepDraft, raiseTip, unreadOf } from "./records.js";

/** The user who reads the entries, and which of them are news to the app. */
export interface Reader {
  me: string;
  isNews(entry: Entry): boolean;
}

/** The fields that a request may name and its answer does not. */
export interface CommandParams {
  conversation_id?: string;
  seqs?: number[];
  seq?: number;
  choice?: number[];
}

/** The fields that the answers to requests may have. */
export interface CommandAnswer {
  entry_seq?: number;
  conversation_id?: string;
  state?: string;
  info?: { group?: { conversation_id?: string } };
}

/** Fold the next entry of a conversation in. To be called in the order of the log, once each. */
export async function applyEntry(step: Step, entry: Entry, reader: Reader): Promise<void> {
  const known = step.record(entry.log_id);
  if (known === undefined) return;
  let record = raiseTip(known, entry.seq);
  record = { ...record, ordinal: Math.max(record.ordinal, entry.ordinal) };
  const item = itemOf(entry);
  if (item !== null) {
    step.putItem(item);
    record = { ...record, last: item };
  }
  if (entry.kind === "message") {
    record = arrived(step, record, entry, reader);
  } else {
    record = noted(record, entry, reader.me);
    if (reader.isNews(entry)) step.news({ event: "entry", data: { entry } });
  }
  const seq = targetOf(entry);
  if (seq > 0) record = await changed(step, record, entry, seq, reader.me);
  step.putRecord(record);
}

function arrived(
  step: Step,
  record: ConversationRecord,
  entry: Entry,
  reader: Reader,
): ConversationRecord {
  const message = messageOf(entry);
  const next = {
    ...record,
    lastMessageSeq: entry.seq,
    activeAtMs: Math.max(record.activeAtMs, entry.sent_at_ms),
  };
  const mentionsMe = mentions(message.content, reader.me, isAdmin(record.member));
  if (entry.sender === reader.me) {
    const waiting = entry.client_id ? step.outboxItem(entry.client_id) : undefined;
    if (waiting?.conversationId === entry.log_id) {
      step.outbox.set(entry.client_id, null);
      step.news({ event: "sent", data: { message } });
    } else if (isNews(record, entry, reader)) {
      step.news({ event: "message", message, mentionsMe: false });
    }
    // to write is to have read
    return {
      ...next,
      readSeq: Math.max(next.readSeq, entry.seq),
      readOrdinal: Math.max(next.readOrdinal, entry.ordinal),
      mentions: 0,
    };
  }
  if (isNews(record, entry, reader)) step.news({ event: "message", message, mentionsMe });
  if (!mentionsMe || entry.seq <= record.readSeq) return next;
  return { ...next, mentions: next.mentions + 1 };
}

function isNews(record: ConversationRecord, entry: Entry, reader: Reader): boolean {
  return entry.sent_at_ms >= record.joinedAtMs && reader.isNews(entry);
}

async function changed(
  step: Step,
  record: ConversationRecord,
  entry: Entry,
  seq: number,
  me: string,
): Promise<ConversationRecord> {
  const before = await step.item(record.id, seq);
  const last = record.last?.seq === seq ? record.last : undefined;
  const target = before ?? last;
  if (target?.type !== "message") return record;
  if (outdates(target, entry)) {
    const others = (record.outdated ?? []).filter((one) => one !== seq);
    return { ...record, outdated: [...others, seq] };
  }
  return replaced(step, record, before, last, change(target, entry, me), me);
}

/** Note what the user chose in a poll: the log does not say it where the poll is anonymous. */
export async function applyVote(
  step: Step,
  id: string,
  { seq = 0, choice = [] }: CommandParams,
): Promise<void> {
  const record = step.record(id);
  const before = await step.item(id, seq);
  if (record === undefined || before?.type !== "message" || before.poll === null) return;
  const last = record.last?.seq === seq ? record.last : undefined;
  const after = { ...before, poll: { ...before.poll, mine: [...choice] } };
  step.putRecord(replaced(step, record, before, last, after, record.member.user_id));
}

/** Put a message as the server has it now in the place of an older one; null leaves it. */
export async function applyCurrent(
  step: Step,
  id: string,
  seq: number,
  now: Entry | null,
  me: string,
): Promise<void> {
  const known = step.record(id);
  if (known === undefined) return;
  const outdated = (known.outdated ?? []).filter((one) => one !== seq);
  let record: ConversationRecord = { ...known, outdated };
  const before = await step.item(id, seq);
  const last = record.last?.seq === seq ? record.last : undefined;
  const target = before ?? last;
  if (now !== null && target?.type === "message") {
    record = replaced(step, record, before, last, renewed(target, now), me);
  }
  step.putRecord(record);
}

/** Give a message, here and as the last one, its new form, and count its mentions anew. */
function replaced(
  step: Step,
  record: ConversationRecord,
  before: TimelineItem | undefined,
  last: TimelineItem | undefined,
  after: Message,
  me: string,
): ConversationRecord {
  const target = (before ?? last) as Message;
  if (after === target) return record;
  if (before !== undefined) step.putItem(after);
  let delta = 0;
  if (after.seq > record.readSeq && target.sender !== me) {
    const admin = isAdmin(record.member);
    delta = +mentions(after.content, me, admin) - +mentions(target.content, me, admin);
  }
  return {
    ...record,
    mentions: Math.max(0, record.mentions + delta),
    last: last === undefined ? record.last : after,
  };
}

/** Return the record after an entry about the conversation itself. */
function noted(record: ConversationRecord, entry: Entry, me: string): ConversationRecord {
  switch (entry.kind) {
    case "members.joined": {
      const { user_ids: users } = entry.body as Bodies["members.joined"];
      const active = users.includes(me) ? true : record.active;
      return { ...record, active, memberCount: record.memberCount + users.length };
    }
    case "members.left": {
      const { user_ids: users } = entry.body as Bodies["members.left"];
      const active = users.includes(me) ? false : record.active;
      const memberCount = Math.max(0, record.memberCount - users.length);
      return { ...record, active, memberCount };
    }
    case "member.changed": {
      const { user_id, ...news } = entry.body as Bodies["member.changed"];
      if (user_id !== me) return record;
      return { ...record, member: { ...record.member, ...given(news) } };
    }
    case "conversation.changed": {
      if (record.group === null) return record;
      const news = given(entry.body as Bodies["conversation.changed"]);
      return { ...record, group: { ...record.group, ...news } };
    }
    case "conversation.dissolved":
      if (record.group === null) return record;
      return { ...record, group: { ...record.group, dissolved: true } };
    default:
      return record;
  }
}

/** Return the fields that are not null: only they say something. */
function given<T extends object>(news: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const found = Object.entries(news).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(found) as { [K in keyof T]?: NonNullable<T[K]> };
}

function isAdmin(member: Member): boolean {
  return (member.role ?? "member") !== "member";
}

/** Fold the next entry of the user's own log in. */
export async function applyUserEntry(step: Step, entry: Entry, reader: Reader): Promise<void> {
  step.userTip = entry.seq;
  switch (entry.kind) {
    case "conversation.read": {
      const body = entry.body as Bodies["conversation.read"];
      await applyRead(step, body.conversation_id, body.read_seq, body.read_ordinal);
      break;
    }
    case "preference.changed":
      await applyPreference(step, entry.body as Preference);
      break;
    case "messages.hidden": {
      const body = entry.body as Bodies["messages.hidden"];
      await applyHidden(step, body.conversation_id, body.seqs);
      break;
    }
    case "user.changed":
      step.putMeta("me", entry.body);
      step.event({ type: "me", account: entry.body as Bodies["user.changed"] });
      break;
    case "relation.changed":
      step.event({ type: "person", person: entry.body as Person });
      break;
  }
  if (reader.isNews(entry)) step.news({ event: "user", data: { entry } });
}

/** Move the read mark; it only ever goes on. */
export async function applyRead(
  step: Step,
  id: string,
  readSeq: number,
  readOrdinal: number,
): Promise<void> {
  const record = step.record(id);
  if (record === undefined) return;
  const preference = { ...record.preference, marked_unread: false };
  const next = {
    ...record,
    preference: record.preference.marked_unread ? preference : record.preference,
    readSeq: Math.max(record.readSeq, readSeq),
    readOrdinal: Math.max(record.readOrdinal, readOrdinal),
  };
  step.putRecord({ ...next, mentions: await mentionsLeft(step, next) });
}

async function mentionsLeft(step: Step, record: ConversationRecord): Promise<number> {
  if (record.mentions === 0 || unreadOf(record) === 0) return 0;
  const { member } = record;
  const me = member.user_id;
  const items = await step.range(record.id, record.readSeq + 1, record.tip);
  const found = items.filter(
    (item) =>
      item.type === "message" && item.sender !== me && mentions(item.content, me, isAdmin(member)),
  );
  return Math.min(record.mentions, found.length);
}

export async function applyPreference(step: Step, preference: Preference): Promise<void> {
  const id = preference.conversation_id;
  const record = step.record(id);
  if (record === undefined) return;
  const cleared = preference.cleared_seq ?? 0;
  const isCleared = cleared > (record.preference.cleared_seq ?? 0);
  step.putRecord({
    ...record,
    preference: keepDraft(record, preference),
    spans: isCleared ? dropUpTo(record.spans, cleared) : record.spans,
    last: isCleared && (record.last?.seq ?? 0) <= cleared ? null : record.last,
  });
  if (!isCleared) return;
  step.dropUpTo(id, cleared);
  await applyRead(step, id, cleared, preference.cleared_ordinal ?? 0);
}

export async function applyHidden(step: Step, id: string, seqs: readonly number[]): Promise<void> {
  for (const seq of seqs) step.dropItem(id, seq);
  const record = step.record(id);
  if (record?.last === null || record === undefined || !seqs.includes(record.last.seq)) return;
  const newest: TimelineItem[] = await step.newest(id, record.tip, 1);
  step.putRecord({ ...record, last: newest[0] ?? null });
}
