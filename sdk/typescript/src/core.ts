/**
 * The seam between the views of a tab and the engine that works for all tabs.
 *
 * The engine holds the connection and writes the store; it runs in one tab. Everything that
 * goes over this seam can be cloned, so that the views of other tabs may use it from afar.
 */

import type {
  ClientEvents,
  ConnectionState,
  Message,
  SessionState,
  TimelineItem,
  Unsubscribe,
  UploadOptions,
  UploadState,
  User,
} from "./api.js";
import type { OutboxItem } from "./fold.js";
import type { Account, LogIn, Person, Register, Tokens, UserPresence } from "./protocol.js";
import type { ConversationRecord } from "./records.js";

export interface Snapshot {
  connection: ConnectionState;
  session: SessionState;
  me: Account | null;
  conversations: readonly ConversationRecord[];
  outbox: readonly OutboxItem[];
  uploads: readonly UploadState[];
  people: readonly Person[];
}

/** A place to read: items before or after a seq (left out), around it, or the newest. */
export type Place = { before: number } | { after: number } | { around: number } | "end";

/** A stretch of a timeline, oldest first. */
export interface Stretch {
  items: readonly TimelineItem[];
  hasBefore: boolean;
  hasAfter: boolean;
  /** For want of a connection, some of it is missing or may be old. */
  isPartial: boolean;
}

/** Operation -> what it takes and answers. */
export interface Operations {
  snapshot: { args: null; result: Snapshot };
  register: { args: Register; result: null };
  logIn: { args: LogIn; result: null };
  adopt: { args: Tokens; result: null };
  logOut: { args: null; result: null };
  reconnect: { args: null; result: null };
  accessToken: { args: null; result: string };
  call: { args: { method: string; params: unknown; timeoutMs: number }; result: unknown };
  load: { args: { id: string; place: Place; limit: number }; result: Stretch };
  /** Ask how a conversation stands, or take what the answer to another call says. */
  learn: { args: { id: string; remote: unknown }; result: ConversationRecord };
  message: { args: { id: string; seq: number }; result: Message | null };
  send: { args: OutboxItem; result: null };
  retry: { args: { clientId: string }; result: null };
  discard: { args: { clientId: string }; result: null };
  markRead: { args: { id: string; seq: number }; result: null };
  typing: { args: { id: string; state: string }; result: null };
  setDraft: { args: { id: string; text: string }; result: null };
  users: { args: { ids: readonly string[] }; result: readonly User[] };
  presence: { args: { tab: string; ids: readonly string[] }; result: readonly UserPresence[] };
  searchMessages: {
    args: { query: string; conversationId: string; limit: number };
    result: readonly Message[];
  };
  startUpload: { args: { id: string; file: Blob; options: UploadOptions }; result: UploadState };
  controlUpload: { args: { id: string; to: "pause" | "resume" | "cancel" }; result: null };
}

export type CoreEvent =
  | { type: "connection"; state: ConnectionState }
  | { type: "session"; state: SessionState }
  | { type: "me"; account: Account | null }
  | { type: "conversation"; record: ConversationRecord }
  /** New or changed items, by seq, and the seqs of those that are gone. */
  | {
      type: "items";
      id: string;
      items: readonly TimelineItem[];
      gone: readonly number[];
      tip: number;
    }
  | { type: "cleared"; id: string; upTo: number }
  /** Something of this timeline was left out: what a window holds may be stale. */
  | { type: "jumped"; id: string; tip: number }
  | { type: "outbox"; item: OutboxItem }
  | { type: "unboxed"; clientId: string; conversationId: string }
  | { type: "users"; users: readonly User[] }
  /** Whom the user has as friends, blocked, muted or named: all of them. */
  | { type: "person"; person: Person }
  | { type: "people"; people: readonly Person[] }
  | { type: "upload"; state: UploadState }
  /** Everything is different: another account, or the engine moved. Take a new snapshot. */
  | { type: "reset" }
  | { type: "news"; news: CoreChange };

/** An event for the app, as `Client.on` hands it over; a message comes with its conversation's id. */
export type CoreChange =
  | { event: "message"; message: Message; mentionsMe: boolean }
  | { [E in Exclude<keyof ClientEvents, "message">]: { event: E; data: ClientEvents[E] } }[Exclude<
      keyof ClientEvents,
      "message"
    >];

export interface Core {
  request<O extends keyof Operations>(
    operation: O,
    args: Operations[O]["args"],
  ): Promise<Operations[O]["result"]>;
  /** Batches of what happened, in order, each after it was stored. */
  subscribe(listener: (events: readonly CoreEvent[]) => void): Unsubscribe;
  close(): Promise<void>;
}
