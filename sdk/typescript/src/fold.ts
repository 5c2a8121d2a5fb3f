/** The effects of entries on the items shown: messages appear, change and vanish. Pure functions. */

import type {
  EventKind,
  Message,
  PollState,
  Reaction,
  TimelineEvent,
  TimelineItem,
} from "./api.js";
import type {
  Bodies,
  Entry,
  MessageBody,
  MessageMarks,
  PollVoted,
  SendMessage,
} from "./protocol.js";

/** The kinds of entry that are shown between messages. */
const EVENTS: ReadonlySet<string> = new Set<EventKind>([
  "conversation.created",
  "conversation.changed",
  "conversation.dissolved",
  "members.joined",
  "members.left",
  "member.changed",
  "message.pinned",
]);

const FIRST_MAX = 3;

/** A message that waits in the outbox of this device. */
export interface OutboxItem {
  readonly clientId: string;
  readonly conversationId: string;
  readonly sender: string;
  readonly content: SendMessage["content"];
  readonly quoteSeq: number;
  readonly quoteSender: string;
  readonly burnAfterMs: number;
  readonly createdAtMs: number;
  /** The upload whose media id is still to be put into the content; empty for none. */
  readonly uploadId: string;
  /** Why the server refused it for good; null while it is to be sent. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** Return what an entry shows in the timeline; null for what shows nothing of its own. */
export function itemOf(entry: Entry): TimelineItem | null {
  if (entry.kind === "message") return messageOf(entry);
  if (!EVENTS.has(entry.kind)) return null;
  const event: TimelineEvent = {
    type: "event",
    key: `#${entry.seq}`,
    conversationId: entry.log_id,
    seq: entry.seq,
    sender: entry.sender,
    sentAtMs: entry.sent_at_ms,
    event: entry.kind as EventKind,
    body: (entry.body ?? {}) as Record<string, unknown>,
  };
  return event;
}

export function messageOf(entry: Entry): Message {
  const body = entry.body as MessageBody;
  return {
    type: "message",
    key: entry.client_id ? `${entry.sender}/${entry.client_id}` : `#${entry.seq}`,
    conversationId: entry.log_id,
    seq: entry.seq,
    ordinal: entry.ordinal,
    sender: entry.sender,
    clientId: entry.client_id,
    sentAtMs: entry.sent_at_ms,
    content: body.content ?? null,
    quote: body.quote ?? null,
    forwardedFrom: body.forwarded_from ?? null,
    editedAtMs: body.edited_at_ms ?? 0,
    version: body.version ?? 1,
    recalledBy: body.recalled_by ?? "",
    burned: body.burned ?? false,
    burnAfterMs: body.burn_after_ms ?? 0,
    reactions: [],
    pinned: false,
    poll: body.content?.type === "poll" ? openPoll(body.content.options.length) : null,
    state: "sent",
    error: null,
    uploadId: "",
  };
}

/** Return an item of the outbox as the timeline shows it. */
export function pendingMessage(item: OutboxItem): Message {
  const entry = entryOf(item, { seq: 0, ordinal: 0, sent_at_ms: item.createdAtMs });
  const state = item.error === null ? "pending" : "failed";
  return { ...messageOf(entry), state, error: item.error, uploadId: item.uploadId };
}

/** Return the entry that the server made of an item when it took it. */
export function entryOf(
  item: OutboxItem,
  ack: { seq: number; ordinal: number; sent_at_ms: number },
): Entry {
  const body: MessageBody = { content: item.content };
  if (item.quoteSeq > 0) body.quote = { seq: item.quoteSeq, sender: item.quoteSender };
  if (item.burnAfterMs > 0) body.burn_after_ms = item.burnAfterMs;
  return {
    log_id: item.conversationId,
    seq: ack.seq,
    ordinal: ack.ordinal,
    kind: "message",
    sender: item.sender,
    client_id: item.clientId,
    sent_at_ms: ack.sent_at_ms,
    body,
  };
}

/** Return the seq of the message that an entry changes; 0 for an entry that changes none. */
export function targetOf(entry: Entry): number {
  if (!(entry.kind in CHANGES)) return 0;
  return (entry.body as { seq: number }).seq;
}

/** Return the message after the entry. Again, or out of order, it leads to the same in the end. */
export function change(message: Message, entry: Entry, me: string): Message {
  const apply = CHANGES[entry.kind as keyof typeof CHANGES];
  return apply ? apply(message, entry, me) : message;
}

/** Return the message with the marks that the server sends; none where it sends none. */
export function withMarks(message: Message, marks: MessageMarks | undefined): Message {
  const reactions = (marks?.emojis ?? []) as readonly Reaction[];
  const poll = message.poll === null ? null : { ...message.poll, ...marks?.poll };
  return { ...message, reactions, pinned: marks?.pinned ?? false, poll };
}

/** Whether a message mentions this user, by name or with everybody. */
export function mentions(content: MessageBody["content"], me: string, isAdmin: boolean): boolean {
  if (content === null || !("entities" in content)) return false;
  return (content.entities ?? []).some(
    (entity) =>
      entity.type === "mention_all" ||
      (entity.type === "mention" && entity.user_id === me) ||
      (entity.type === "mention_admins" && isAdmin),
  );
}

/** Return the words of a message, for searching. */
export function wordsOf(message: Message): string {
  const content = message.content as Record<string, unknown> | null;
  if (content === null) return "";
  const fields = ["text", "caption", "name", "title", "question", "summary", "address"];
  return fields
    .map((field) => content[field])
    .filter((value) => typeof value === "string")
    .join("\n");
}

/** Whether an edit says that a message has another content, but not which. */
export function outdates(message: Message, entry: Entry): boolean {
  if (entry.kind !== "message.edited" || message.content === null) return false;
  const body = entry.body as Bodies["message.edited"];
  return !body.content && body.version > message.version;
}

/** Return the message as the server has it now, with the marks that it has here. */
export function renewed(message: Message, now: Entry): Message {
  const { content, version, editedAtMs, recalledBy, burned } = messageOf(now);
  if (message.content === null) return message; // it has ended meanwhile
  if (content === null) return ended(message, { recalledBy, burned });
  return version > message.version ? { ...message, content, version, editedAtMs } : message;
}

/** Whether this is an edit that does not say to what. */
export function isUntold(entry: Entry): boolean {
  return entry.kind === "message.edited" && !(entry.body as Bodies["message.edited"]).content;
}

/** The conversation that this entry of the user's log makes the user a member of. */
export function joinedBy(entry: Entry): string | null {
  if (entry.kind !== "membership.joined") return null;
  return (entry.body as Bodies["membership.joined"]).conversation_id;
}

type Apply = (message: Message, entry: Entry, me: string) => Message;

const CHANGES = {
  "message.edited": (message, entry) => {
    const body = entry.body as Bodies["message.edited"];
    if (message.content === null || !body.content || body.version <= message.version) {
      return message; // it has ended, or is of a later version already
    }
    const { content, version, edited_at_ms: editedAtMs } = body;
    return { ...message, content, version, editedAtMs };
  },
  "message.recalled": (message, entry) => ended(message, { recalledBy: entry.sender }),
  "message.burned": (message) => ended(message, { burned: true }),
  "message.pinned": (message, entry) => {
    if (message.content === null) return message;
    return { ...message, pinned: (entry.body as Bodies["message.pinned"]).pinned };
  },
  "message.reacted": (message, entry, me) => {
    if (message.content === null) return message;
    return { ...message, reactions: reacted(message.reactions, entry, me) };
  },
  "poll.voted": (message, entry, me) => {
    const { tallies, voters, choice } = entry.body as PollVoted;
    const mine = entry.sender === me && choice ? choice : (message.poll?.mine ?? []);
    return voted(message, { tallies, voters, mine, closed: message.poll?.closed ?? false });
  },
  "poll.closed": (message, entry) => {
    const { tallies, voters } = entry.body as Bodies["poll.closed"];
    return voted(message, { tallies, voters, mine: message.poll?.mine ?? [], closed: true });
  },
} satisfies Record<string, Apply>;

function ended(message: Message, how: Partial<Message>): Message {
  return { ...message, content: null, reactions: [], pinned: false, poll: null, ...how };
}

function voted(message: Message, poll: PollState): Message {
  return message.poll === null ? message : { ...message, poll };
}

function openPoll(options: number): PollState {
  return { tallies: new Array(options).fill(0), voters: 0, mine: [], closed: false };
}

function reacted(reactions: readonly Reaction[], entry: Entry, me: string): Reaction[] {
  const { emoji, added, count } = entry.body as Bodies["message.reacted"];
  const known = reactions.find((one) => one.emoji === emoji);
  const others = (known?.first ?? []).filter((user) => user !== entry.sender);
  const news: Reaction = {
    emoji,
    count,
    mine: entry.sender === me ? added : (known?.mine ?? false),
    first: added && others.length < FIRST_MAX ? [...others, entry.sender] : others,
  };
  if (known === undefined) return count > 0 ? [...reactions, news] : [...reactions];
  return reactions.map((one) => (one.emoji === emoji ? news : one)).filter((one) => one.count > 0);
}
