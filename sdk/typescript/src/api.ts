/**
 * The public face of the package: what `Client.create` returns, and the snapshots it shows.
 *
 * Snapshots are immutable: what changed is a new object, what did not is the same one, so a
 * view may compare by identity. Names that come from the wire stay as they are (`media_id`).
 * Everything that asks the server rejects with `Refused` (the server says no; see its `code`)
 * or `ConnectionLost` (no answer; it may have been carried out).
 */

import type * as wire from "./protocol.js";
import type { Store } from "./store.js";

export type * as wire from "./protocol.js";
export type { Store } from "./store.js";

export type Unsubscribe = () => void;

/** A value that changes. `value` keeps its identity until it does. */
export interface Observable<T> {
  readonly value: T;
  /** Call the listener at each later change (not now). */
  subscribe(listener: (value: T) => void): Unsubscribe;
}

export interface ClientOptions {
  /** The server's address, `https://host[:port]`. A page's own origin when left out. */
  url?: string;
  /** The name of the client in hello. */
  client?: string;
  /** The store of everything: IndexedDB where there is one, else memory. */
  store?: Store;
  /** The name of the IndexedDB database and of the channel between tabs. */
  name?: string;
  /** Share one connection among the tabs of a browser. Default: where it can be done. */
  tabs?: boolean;
  /** Makes WebSockets; for Node before 22, and for tests. */
  webSocket?: WebSocketFactory;
  fetch?: typeof fetch;
}

export type WebSocketFactory = (url: string, protocols: string[]) => WebSocket;

/** `offline`: waits `retryAtMs`. `syncing`: connected, but the store is still behind. */
export type ConnectionState =
  | { kind: "stopped" }
  | { kind: "offline"; reason: string; retryAtMs: number }
  | { kind: "connecting" }
  | { kind: "syncing" }
  | { kind: "online" };

/** Whether somebody is logged in on this device. `ended` says why nobody is any more. */
export type SessionState =
  | { kind: "none"; ended: string }
  | { kind: "active"; userId: string; deviceId: string };

export interface Client {
  readonly connection: Observable<ConnectionState>;
  readonly session: Observable<SessionState>;
  /** The own account; null while nobody is logged in or it has not come yet. */
  readonly me: Observable<wire.Account | null>;
  /** Pinned ones first, then the newest; without hidden ones, with archived ones. */
  readonly conversations: Observable<readonly ConversationSummary[]>;
  /** Over all conversations that are neither muted nor archived; for the title's badge. */
  readonly unread: Observable<UnreadTotal>;
  readonly users: Users;
  readonly contacts: Contacts;
  readonly groups: Groups;
  readonly uploads: Uploads;
  readonly search: Search;
  readonly presence: Presence;

  /** Make an account and log this device in. */
  register(params: wire.Register): Promise<void>;
  logIn(params: wire.LogIn): Promise<void>;
  /** Log in with tokens that somebody else made, such as a host's server. */
  adopt(tokens: wire.Tokens): Promise<void>;
  /** Remove this device and everything kept on it. Works offline too. */
  logOut(): Promise<void>;

  conversation(id: string): ConversationHandle;
  openDirect(userId: string): Promise<ConversationHandle>;
  openSelf(): Promise<ConversationHandle>;

  /** Ask the server; what the answer changed in a log is here when this resolves. */
  call<M extends keyof wire.Methods>(
    method: M,
    params: wire.Methods[M]["params"],
    options?: CallOptions,
  ): Promise<wire.Methods[M]["result"]>;
  on<E extends keyof ClientEvents>(
    event: E,
    listener: (data: ClientEvents[E]) => void,
  ): Unsubscribe;

  /** Connect now instead of at the next try; to be called when the network is back. */
  reconnect(): void;
  /** Stop; everything stays in the store. */
  close(): Promise<void>;
}

export interface CallOptions {
  /** Milliseconds to wait for a connection and for the answer; 30,000 when left out. */
  timeoutMs?: number;
}

export interface ClientEvents {
  /** A message of somebody else, or of another device, once each, in order. For notifications. */
  message: { conversation: ConversationSummary; message: Message; mentionsMe: boolean };
  /** A message of this device's outbox is on the server, or was refused for good. */
  sent: { message: Message };
  failed: { message: Message };
  /** An entry of the user's own log: friend requests, devices, settings, favourites, schedules. */
  user: { entry: wire.Entry };
  /** An entry of a conversation that is no message. */
  entry: { entry: wire.Entry };
  /** A signal, which does not last: typing, presence, read receipts, changed profiles (all of them shown elsewhere too). */
  signal: wire.SignalData;
  /** This device was logged out: `kicked`, `replaced`, `logged_out`, `password_changed`, ... */
  loggedOut: { reason: string };
}

export interface UnreadTotal {
  /** Messages. */
  readonly messages: number;
  readonly mentions: number;
  readonly conversations: number;
}

/** A conversation as a list shows it. */
export interface ConversationSummary {
  readonly id: string;
  readonly kind: wire.Kind;
  /** The group's name, or the peer's remark, name or handle; empty while not known. */
  readonly title: string;
  /** A media id, or empty. */
  readonly avatar: string;
  /** The other one of a direct conversation, else empty. */
  readonly peerId: string;
  readonly group: wire.Group | null;
  readonly memberCount: number;
  /** The user's own place in it. */
  readonly member: wire.Member;
  /** Whether the user is a member now. */
  readonly active: boolean;
  readonly unread: number;
  readonly mentions: number;
  readonly markedUnread: boolean;
  readonly pinned: boolean;
  /** 0: not muted; -1: until unmuted. */
  readonly mutedUntilMs: number;
  readonly archived: boolean;
  readonly folder: string;
  readonly draft: string;
  /** The newest item of the timeline, pending ones included; null where there is none. */
  readonly last: TimelineItem | null;
  readonly activeAtMs: number;
  /** The users who are typing (or recording, uploading) now. */
  readonly typing: readonly Typing[];
  readonly readSeq: number;
  readonly headSeq: number;
  /** Of a direct conversation: how far the other one has read and received. */
  readonly peerReadSeq: number;
  readonly peerDeliveredSeq: number;
  /** Messages of this device that were refused for good and wait for a decision. */
  readonly failed: number;
  /** Left out of the list until a message arrives. */
  readonly hidden: boolean;
}

export interface Typing {
  readonly userId: string;
  readonly state: "typing" | "recording" | "uploading";
}

/** A message as it stands now: edits, recalls, reactions, pins and votes are folded in. */
export interface Message {
  readonly type: "message";
  /** Stable from the moment of writing on: a pending message keeps it when it is sent. */
  readonly key: string;
  readonly conversationId: string;
  /** Its place in the conversation; 0 while it waits. */
  readonly seq: number;
  readonly ordinal: number;
  readonly sender: string;
  readonly clientId: string;
  /** When the server took it; for a pending one, when it was written. */
  readonly sentAtMs: number;
  /** Null once it is recalled or burned. */
  readonly content: wire.MessageBody["content"];
  readonly quote: wire.Quote | null;
  readonly forwardedFrom: wire.Origin | null;
  /** 0 when never. */
  readonly editedAtMs: number;
  readonly version: number;
  /** The user who recalled it; empty when nobody did. */
  readonly recalledBy: string;
  readonly burned: boolean;
  readonly burnAfterMs: number;
  readonly reactions: readonly Reaction[];
  readonly pinned: boolean;
  /** The state of a poll; null for what is none. */
  readonly poll: PollState | null;
  readonly state: "sent" | "pending" | "failed";
  /** Why it was refused; null unless `failed`. */
  readonly error: { readonly code: string; readonly message: string } | null;
  /** The upload that a pending message waits for; empty for none. */
  readonly uploadId: string;
}

export interface Reaction {
  readonly emoji: string;
  readonly count: number;
  readonly mine: boolean;
  /** The first few who gave it. */
  readonly first: readonly string[];
}

export interface PollState {
  readonly tallies: readonly number[];
  readonly voters: number;
  readonly mine: readonly number[];
  readonly closed: boolean;
}

/** A notice between messages: somebody joined, the name changed, a message was pinned. */
export interface TimelineEvent {
  readonly type: "event";
  readonly key: string;
  readonly conversationId: string;
  readonly seq: number;
  readonly sender: string;
  readonly sentAtMs: number;
  readonly event: EventKind;
  /** The body of that kind, see `wire.Bodies`. */
  readonly body: Readonly<Record<string, unknown>>;
}

export type EventKind =
  | "conversation.created"
  | "conversation.changed"
  | "conversation.dissolved"
  | "members.joined"
  | "members.left"
  | "member.changed"
  | "message.pinned";

export type TimelineItem = Message | TimelineEvent;

export interface SendOptions {
  /** The message that this one answers. */
  quoteSeq?: number;
  burnAfterMs?: number;
}

export interface ConversationHandle {
  readonly id: string;
  /** Null while the conversation is not known here. */
  readonly summary: Observable<ConversationSummary | null>;
  /** Open a window on the timeline; close it when the view goes. */
  open(options?: OpenOptions): TimelineWindow;
  /** Ask the server how it stands; for an id from a link. */
  refresh(): Promise<ConversationSummary>;

  /** Put a message into the outbox and return it as it waits; it survives a restart. */
  send(content: wire.SendMessage["content"] | string, options?: SendOptions): Promise<Message>;
  /**
   * Upload a file, then send it. `content` is made once the media id is there:
   * what is given here without `media_id`, `name`, `mime` and `size_bytes`.
   */
  sendFile(
    file: Blob,
    content: FileContent,
    options?: SendOptions & UploadOptions,
  ): Promise<Message>;
  /** Send a failed message again, or drop it. By the message's `clientId`. */
  retry(clientId: string): Promise<void>;
  discard(clientId: string): Promise<void>;

  edit(seq: number, content: wire.SendMessage["content"], expectedVersion?: number): Promise<void>;
  recall(seq: number): Promise<void>;
  react(seq: number, emoji: string, add?: boolean): Promise<void>;
  pin(seq: number, pinned?: boolean): Promise<void>;
  vote(seq: number, choice: number[]): Promise<void>;
  closePoll(seq: number): Promise<void>;
  favourite(seq: number, kept?: boolean): Promise<void>;
  forward(
    seqs: number[],
    targets: string[],
    options?: { mode?: "each" | "merged"; title?: string },
  ): Promise<wire.ForwardReport>;
  /** Delete messages for this user alone. */
  hide(seqs: number[]): Promise<void>;
  /** Forget all that was said until now, for this user alone. */
  clear(): Promise<void>;

  /** Read up to a seq, or to the end. Shown at once; sent to the server at most once a second. */
  markRead(seq?: number): void;
  /** To be called at each key: the signal goes out every few seconds at most. */
  typing(state?: "typing" | "recording" | "uploading" | "stopped"): void;
  /** Kept for all devices; sent to the server a moment later. */
  setDraft(text: string): void;
  setPreference(changes: PreferenceChanges): Promise<void>;

  /** Return one message, from here or from the server; null where there is none to be seen. */
  message(seq: number): Promise<Message | null>;
  pins(): Promise<readonly Message[]>;
  readers(seq: number, after?: string): Promise<wire.MessageReaders>;
}

export type PreferenceChanges = Partial<
  Pick<
    wire.SetPreference,
    "pinned" | "muted_until_ms" | "archived" | "marked_unread" | "folder" | "hidden"
  >
>;

export type FileContent =
  | ({ type: "image" } & Omit<wire.Image, "type" | "media_id">)
  | ({ type: "voice" } & Omit<wire.Voice, "type" | "media_id">)
  | ({ type: "video" } & Omit<wire.Video, "type" | "media_id">)
  | ({ type: "file" } & Omit<wire.File, "type" | "media_id">);

export interface OpenOptions {
  /** The place to open: the first unread message (the default), the end, or a seq (a permalink). */
  at?: "unread" | "end" | number;
  /** Items to load at a time; 50 when left out. */
  pageSize?: number;
  /** Items that are held; beyond it the far side is let go. 2,000 when left out. */
  limit?: number;
}

/** A stretch of a conversation's timeline, for a virtualised list. */
export interface TimelineWindow extends Observable<TimelineSnapshot> {
  /** Resolves when the first items are here. */
  readonly ready: Promise<void>;
  /** Load older ones; the items that are here keep their keys. Joins a load that runs. */
  loadBefore(): Promise<void>;
  loadAfter(): Promise<void>;
  /** Show what is around a seq; resolves with its index in `items`, or -1. */
  jumpTo(seq: number): Promise<number>;
  jumpToEnd(): Promise<void>;
  /** The index of the item with this seq, or of the first one after it; O(log n). */
  indexOf(seq: number): number;
  close(): void;
}

export interface TimelineSnapshot {
  /** In the order of the log; pending ones last, in the order of writing. */
  readonly items: readonly TimelineItem[];
  /** Items that the last change put before the former first one (a list shifts by it). */
  readonly shifted: number;
  readonly hasBefore: boolean;
  readonly hasAfter: boolean;
  readonly loading: "none" | "before" | "after" | "around";
  /** The read mark when the window was opened: draw the line after this seq. */
  readonly unreadAfterSeq: number;
  /** The index at which to open: the first unread one, the seq asked for, or the last. */
  readonly startIndex: number;
  /** Why the last load failed; null when it did not. What is kept here is shown all the same. */
  readonly error: Error | null;
}

/** Profiles, fetched when first asked for, many at a time, and kept. */
export interface Users {
  /** The profile if it is here, else undefined, and it is fetched. `changes` says when it came. */
  get(userId: string): User | undefined;
  load(userIds: readonly string[]): Promise<readonly User[]>;
  /** Users who have changed or come. */
  readonly changes: Observable<ReadonlySet<string>>;
  /** One user; null until known. */
  observe(userId: string): Observable<User | null>;
  search(query: string, after?: string): Promise<wire.ProfilePage>;
}

export interface User {
  readonly userId: string;
  readonly handle: string;
  /** The profile's name. */
  readonly name: string;
  /** The name to show: the caller's remark, else the name, else the handle. */
  readonly title: string;
  readonly remark: string;
  readonly avatar: string;
  readonly bio: string;
  readonly bot: boolean;
  readonly status: wire.Status | null;
  readonly deleted: boolean;
}

export interface Contacts {
  /** By title. Loaded when first subscribed to or read. */
  readonly friends: Observable<readonly wire.Person[]>;
  readonly incoming: Observable<readonly wire.FriendRequestInfo[]>;
  readonly outgoing: Observable<readonly wire.FriendRequestInfo[]>;
  readonly blocked: Observable<readonly wire.Person[]>;
  request(userId: string, message?: string): Promise<wire.Requested>;
  answer(userId: string, accept: boolean): Promise<void>;
  remove(userId: string): Promise<void>;
  setRemark(userId: string, remark: string): Promise<void>;
  block(userId: string, blocked?: boolean): Promise<void>;
  mute(userId: string, muted?: boolean): Promise<void>;
}

/** Groups; all else of `group.*` goes by `client.call`. */
export interface Groups {
  create(
    params: Omit<wire.Methods["group.create"]["params"], "client_id">,
  ): Promise<{ conversation: ConversationHandle; notAdded: readonly wire.NotAdded[] }>;
  join(conversationId: string, answer?: string): Promise<wire.Joined>;
  joinByLink(token: string): Promise<wire.Joined>;
  leave(conversationId: string): Promise<void>;
  members(conversationId: string, after?: string, limit?: number): Promise<wire.Members>;
}

export interface Search {
  /** Messages kept on this device whose text contains the words, newest first. */
  messages(
    query: string,
    options?: { conversationId?: string; limit?: number },
  ): Promise<readonly Message[]>;
  /** Conversations of the list whose title contains the words. */
  conversations(query: string): readonly ConversationSummary[];
}

export interface Presence {
  /** Whether a user is online; null until known. Watched as long as somebody subscribes. */
  observe(userId: string): Observable<wire.UserPresence | null>;
}

export interface UploadOptions {
  name?: string;
  mime?: string;
  /** Its purpose, such as `avatar`; sent to the server. */
  purpose?: string;
}

export interface Uploads {
  /** Unfinished and failed ones, also those of an earlier run. */
  readonly all: Observable<readonly UploadState[]>;
  /** Begin; the file is remembered, so that a reload goes on with it. */
  start(file: Blob, options?: UploadOptions): Promise<UploadHandle>;
  handle(uploadId: string): UploadHandle;
  /**
   * A link for `<img>`, `<video>` and the like, good for some minutes; kept and shared until
   * shortly before its end. It is a secret: do not store or show it.
   */
  link(mediaId: string, variant?: MediaVariant): Promise<string>;
  /** Fetch a media object, with progress. */
  download(mediaId: string, options?: DownloadOptions): Promise<Blob>;
}

/** The file itself; at most 320 pixels; at most 1280; a video's first picture. */
export type MediaVariant = "" | "thumb" | "preview" | "poster";

export interface DownloadOptions {
  variant?: MediaVariant;
  signal?: AbortSignal;
  onProgress?: (receivedBytes: number, totalBytes: number) => void;
  /** Bytes as they come; given again after an abort, the download goes on behind them. */
  kept?: Uint8Array<ArrayBuffer>[];
}

export interface UploadState {
  readonly id: string;
  readonly name: string;
  readonly mime: string;
  readonly sizeBytes: number;
  readonly sentBytes: number;
  readonly state: "waiting" | "running" | "paused" | "done" | "failed";
  /** Once done. */
  readonly mediaId: string;
  readonly error: { readonly code: string; readonly message: string } | null;
}

export interface UploadHandle extends Observable<UploadState> {
  readonly id: string;
  /** Resolves with the media id. */
  readonly done: Promise<string>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  cancel(): Promise<void>;
}
