/** The parts that work behind the views, joined: it holds the connection and writes the store. */

import { Accounts } from "./accounts.js";
import type { SessionState, WebSocketFactory } from "./api.js";
import type { Backoff } from "./backoff.js";
import { CommandEffects } from "./command_effects.js";
import type { Core, CoreEvent, Operations, Snapshot } from "./core.js";
import { ConnectionLost, HongyanError, LoggedOut, Refused } from "./errors.js";
import type { OutboxItem } from "./fold.js";
import { History } from "./history.js";
import type { CommandAnswer, CommandParams } from "./incoming.js";
import { Journal } from "./journal.js";
import { Listeners } from "./observable.js";
import { markFailed, Outbox } from "./outbox.js";
import { Profiles } from "./profiles.js";
import type {
  Account,
  Ack,
  Conversation,
  Entry,
  PeerCursors,
  Presences,
  Profile,
  SignalData,
  UserPresence,
  Welcome,
} from "./protocol.js";
import { Reading } from "./reading.js";
import type { ConversationRecord } from "./records.js";
import { Replica } from "./replica.js";
import { searchMessages } from "./search.js";
import { Session } from "./session.js";
import type { Store } from "./store.js";
import { UploadWorker } from "./uploads.js";
import type { Push } from "./wire.js";

const TIMEOUT_MS = 30_000;

export interface EngineOptions {
  url: string;
  client: string;
  store: Store;
  webSocket: WebSocketFactory;
  fetch: typeof globalThis.fetch;
  backoff?: Backoff;
}

type Handlers = {
  [O in keyof Operations]: (args: Operations[O]["args"]) => Promise<Operations[O]["result"]>;
};

export class Engine implements Core {
  private readonly listeners = new Listeners<readonly CoreEvent[]>();
  private readonly accounts: Accounts;
  private readonly journal: Journal;
  private readonly session: Session;
  private readonly replica: Replica;
  private readonly effects: CommandEffects;
  private readonly history: History;
  private readonly outbox: Outbox;
  private readonly reading: Reading;
  private readonly profiles: Profiles;
  private readonly uploads: UploadWorker;
  private readonly watchers = new Map<string, readonly string[]>();
  private watched: ReadonlySet<string> = new Set();
  private connectedAtMs = 0;
  private mustSync = false;
  private syncing: Promise<void> | null = null;
  /** Direct conversations whose peer's marks were asked for on this connection. */
  private readonly peersAsked = new Set<string>();
  private me: Account | null = null;
  private state: SessionState = { kind: "none", ended: "" };
  private isClosed = false;

  private constructor(private readonly options: EngineOptions) {
    const { url, client, store, webSocket, fetch } = options;
    const me = () => this.accounts.kept?.userId ?? "";
    const isOnline = () => this.session.isOnline;
    const call = (method: string, params: unknown) => this.session.call(method, params);
    const callNow = (method: string, params: unknown) => this.session.callNow(method, params);
    const journal = new Journal(
      store,
      (events) => this.tell(events),
      () => this.storeBroke(),
    );
    this.journal = journal;
    this.accounts = new Accounts(url, store, fetch);
    const quiet = (id: string) => this.outbox.quiet(id);
    const replica = new Replica({
      journal,
      me,
      call: callNow,
      quiet,
      begunAnew: () => {
        this.outbox.begunAnew();
        this.tell([{ type: "reset" }]); // what is shown may be gone, or somewhere else
      },
    });
    this.replica = replica;
    this.effects = new CommandEffects(journal, replica);
    this.history = new History({ journal, replica, me, isOnline, call });
    this.outbox = new Outbox({
      journal,
      ready: (id) => this.readyToSend(id),
      deliver: (item) => this.deliver(item),
      placed: (entry) => this.replica.take(entry),
    });
    const refresh = (id: string) => this.replica.refresh(id);
    this.reading = new Reading({ journal, isOnline, call, refresh });
    this.profiles = new Profiles({
      store,
      isOnline,
      call,
      onUsers: (users) => this.tell([{ type: "users", users }]),
      onPeople: (people) => this.tell([{ type: "people", people }]),
    });
    this.uploads = this.makeUploads();
    this.session = new Session({
      url,
      client,
      webSocket,
      accounts: this.accounts,
      onPush: (push) => this.pushed(push),
      onHello: (welcome) => this.connected(welcome),
      onLoggedOut: (reason) => void this.forget(reason),
      ...(options.backoff ? { backoff: options.backoff } : {}),
    });
    this.session.state.subscribe((state) => {
      if (state.kind === "offline" || state.kind === "stopped") this.replica.offline();
      this.tell([{ type: "connection", state }]);
      if (state.kind === "online") this.online();
    });
  }

  private makeUploads(): UploadWorker {
    const { url, store, fetch } = this.options;
    return new UploadWorker({
      url,
      store,
      fetch,
      accounts: this.accounts,
      ready: () => this.session.whenOnline(),
      onChange: (state) => this.tell([{ type: "upload", state }]),
      onDone: (id, mediaId, state) => this.uploaded(id, mediaId, state),
      onFailed: (id, error) => this.uploadFailed(id, error),
    });
  }

  /** Load what is kept and go on with it. */
  static async start(options: EngineOptions): Promise<Engine> {
    const engine = new Engine(options);
    await engine.accounts.load();
    await Promise.all([engine.journal.load(), engine.profiles.load(), engine.uploads.load()]);
    engine.me = (await options.store.get<Account>("meta", "me")) ?? null;
    await engine.failOrphans();
    if (engine.accounts.kept !== null) engine.begin();
    return engine;
  }

  /** A message whose file is no more here cannot be sent. */
  private async failOrphans(): Promise<void> {
    const kept = new Set(this.uploads.states.map(({ id }) => id));
    const error = { code: "file_lost", message: "The file is not here any more; choose it again." };
    for (const item of this.journal.outbox.values()) {
      if (item.uploadId === "" || item.error !== null || kept.has(item.uploadId)) continue;
      await this.journal.run((step) => markFailed(step, item.clientId, error));
    }
  }

  subscribe(listener: (events: readonly CoreEvent[]) => void): () => void {
    return this.listeners.add(listener);
  }

  request<O extends keyof Operations>(
    operation: O,
    args: Operations[O]["args"],
  ): Promise<Operations[O]["result"]> {
    if (this.isClosed) return Promise.reject(new ConnectionLost("closed"));
    return this.handlers[operation](args);
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.reading.stop();
    this.session.stop(new ConnectionLost("closed"));
    await this.journal.run(() => {});
    this.isClosed = true;
    await this.options.store.close();
  }

  private readonly handlers: Handlers = {
    snapshot: async () => this.snapshot(),
    register: async (params) => this.enter(await this.accounts.ask("register", params)),
    logIn: async (params) => this.enter(await this.accounts.ask("login", params)),
    adopt: (tokens) => this.enter(tokens),
    logOut: async () => {
      await this.accounts.logOut();
      await this.forget("logged_out");
      return null;
    },
    reconnect: async () => {
      this.session.hurry();
      return null;
    },
    accessToken: async () => (await this.accounts.fresh()).accessToken,
    call: ({ method, params, timeoutMs }) => this.call(method, params, timeoutMs),
    load: async ({ id, place, limit }) => {
      if (!this.journal.records.has(id) && this.session.isOnline) await this.replica.refresh(id);
      void this.askPeer(id).catch(ignore);
      return this.history.load(id, place, limit);
    },
    learn: async ({ id, remote }) => {
      if (remote === null) return this.refresh(id);
      return this.replica.learn(remote as Conversation);
    },
    message: ({ id, seq }) => this.history.message(id, seq),
    send: async (item) => {
      await this.outbox.put(item);
      return null;
    },
    retry: async ({ clientId }) => {
      const uploadId = this.journal.outbox.get(clientId)?.uploadId;
      await this.outbox.change(clientId, { error: null });
      if (uploadId) await this.uploads.control(uploadId, "resume");
      return null;
    },
    discard: async ({ clientId }) => {
      const uploadId = this.journal.outbox.get(clientId)?.uploadId;
      await this.outbox.drop(clientId);
      if (uploadId) await this.uploads.control(uploadId, "cancel");
      return null;
    },
    markRead: async ({ id, seq }) => {
      await this.reading.markRead(id, seq);
      return null;
    },
    typing: async ({ id, state }) => {
      const params = { conversation_id: id, state };
      if (this.session.isOnline) this.session.callNow("conversation.typing", params).catch(ignore);
      return null;
    },
    setDraft: async ({ id, text }) => {
      await this.reading.setDraft(id, text);
      return null;
    },
    users: ({ ids }) => this.profiles.get(ids),
    presence: ({ tab, ids }) => this.watch(tab, ids),
    searchMessages: (args) => searchMessages(this.journal, args),
    startUpload: ({ id, file, options }) => this.uploads.begin(id, file, options),
    controlUpload: async ({ id, to }) => {
      await this.uploads.control(id, to);
      return null;
    },
  };

  private snapshot(): Snapshot {
    return {
      connection: this.session.state.value,
      session: this.state,
      me: this.me,
      conversations: [...this.journal.records.values()],
      outbox: [...this.journal.outbox.values()],
      uploads: this.uploads.states,
      people: this.profiles.people,
    };
  }

  // --- logging in and out ---

  private async enter(tokens: Parameters<Accounts["keep"]>[0]): Promise<null> {
    const before = this.accounts.kept?.userId ?? (await this.formerUser());
    this.session.stop();
    if (before !== "" && before !== tokens.user_id) await this.clear();
    await this.accounts.keep(tokens);
    await this.options.store.write([{ put: "meta", key: "user", value: tokens.user_id }]);
    this.begin();
    this.tell([{ type: "reset" }]);
    return null;
  }

  private async formerUser(): Promise<string> {
    return (await this.options.store.get<string>("meta", "user")) ?? "";
  }

  private begin(): void {
    const kept = this.accounts.kept;
    if (kept === null) return;
    this.state = { kind: "active", userId: kept.userId, deviceId: kept.deviceId };
    this.tell([{ type: "session", state: this.state }]);
    this.session.start();
    this.outbox.start();
    this.uploads.start();
  }

  /** This device is logged out: nothing of the account stays on it. */
  private async forget(reason: string): Promise<void> {
    this.session.stop(new LoggedOut(reason));
    await this.clear();
    this.state = { kind: "none", ended: reason };
    this.tell([
      { type: "session", state: this.state },
      { type: "reset" },
      { type: "news", news: { event: "loggedOut", data: { reason } } },
    ]);
  }

  private async clear(): Promise<void> {
    this.reading.stop();
    this.accounts.forget();
    this.uploads.reset();
    this.replica.reset();
    await this.journal.clear();
    this.profiles.reset();
    this.me = null;
    this.tell([{ type: "me", account: null }]);
  }

  // --- the connection ---

  private async connected(welcome: Welcome): Promise<void> {
    this.peersAsked.clear();
    this.watched = new Set();
    this.connectedAtMs = welcome.time_ms;
    this.profiles.invalidate();
    await this.replica.sync(welcome.time_ms, welcome.generation ?? "");
  }

  private online(): void {
    this.outbox.start();
    this.uploads.start();
    this.reading.online();
    void this.catchUp().catch(ignore);
  }

  private async catchUp(): Promise<void> {
    await this.watchAll();
    const account = (await this.session.call("user.me", {})) as Account;
    this.tell([{ type: "me", account }]);
    await this.options.store.write([{ put: "meta", key: "me", value: account }]);
    await this.profiles.fetchPeople();
    for (const record of this.journal.records.values()) {
      const isUnconfirmed = record.last !== null && record.last.sender === record.peerId;
      if (record.kind === "direct" && isUnconfirmed && record.readSeq < record.last.seq) {
        this.reading.delivered(record);
      }
    }
  }

  private pushed(push: Push): void {
    if (push.event === "entry") {
      void this.replica.pushed(push.data as unknown as Entry).catch(ignore);
    } else if (push.event === "signal") {
      void this.signalled(push.data as unknown as SignalData).catch(ignore);
    } else if (push.event === "sync") {
      this.profiles.invalidate();
      this.mustSync = true;
      this.syncing ??= this.syncAgain().finally(() => {
        this.syncing = null;
      });
    }
  }

  /** Sync because the server asked for it; after a broken connection that happens anyway. */
  private async syncAgain(): Promise<void> {
    while (this.mustSync) {
      this.mustSync = false;
      await this.replica.sync(this.connectedAtMs, "").catch(ignore);
    }
  }

  private async signalled(signal: SignalData): Promise<void> {
    const body = (signal.body ?? {}) as { read_seq?: number; delivered_seq?: number };
    const isReceipt = signal.kind === "receipt.read" || signal.kind === "receipt.delivered";
    if (isReceipt) {
      const read = body.read_seq ?? 0;
      const delivered = Math.max(read, body.delivered_seq ?? 0);
      await this.peerHas(signal.log_id, signal.sender, read, delivered);
    } else if (signal.kind === "profile") {
      await this.profiles.take(signal.body as Profile);
    }
    this.tell([{ type: "news", news: { event: "signal", data: signal } }]);
  }

  private async peerHas(id: string, user: string, read: number, delivered: number): Promise<void> {
    await this.journal.run((step) => {
      step.updateRecord(id, (record) => {
        if (record.peerId !== user) return record;
        const peerReadSeq = Math.max(record.peerReadSeq, read);
        const peerDeliveredSeq = Math.max(record.peerDeliveredSeq, delivered);
        if (peerReadSeq === record.peerReadSeq && peerDeliveredSeq === record.peerDeliveredSeq) {
          return record;
        }
        return { ...record, peerReadSeq, peerDeliveredSeq };
      });
    });
  }

  private async askPeer(id: string): Promise<void> {
    const record = this.journal.records.get(id);
    if (record?.kind !== "direct" || !this.session.isOnline || this.peersAsked.has(id)) return;
    this.peersAsked.add(id);
    const params = { conversation_id: id };
    const marks = (await this.session.call("conversation.cursors", params)) as PeerCursors;
    const read = marks.read_seq ?? 0;
    await this.peerHas(id, marks.user_id, read, Math.max(read, marks.delivered_seq ?? 0));
  }

  private storeBroke(): void {
    this.replica.reset();
    this.session.restart();
  }

  private tell(events: readonly CoreEvent[]): void {
    for (const event of events) {
      if (event.type === "me") {
        this.me = event.account;
        if (event.account !== null) void this.profiles.take(event.account).catch(ignore);
      } else if (event.type === "unboxed") this.outbox.left(event.clientId);
      else if (event.type === "person") void this.profiles.keepPerson(event.person);
      else if (event.type === "news" && event.news.event === "message") {
        this.confirm(event.news.message.conversationId, event.news.message.sender);
      }
    }
    this.listeners.tell(events);
  }

  private confirm(id: string, sender: string): void {
    const record = this.journal.records.get(id);
    if (record !== undefined && sender === record.peerId) this.reading.delivered(record);
  }

  // --- requests ---

  private async call(method: string, params: unknown, timeoutMs = TIMEOUT_MS): Promise<unknown> {
    const asked = this.accounts.askAsAnybody(method, params);
    if (asked !== undefined) return asked;
    const result = await this.session.call(method, params, timeoutMs);
    try {
      await this.effects.apply(
        method,
        (params ?? {}) as CommandParams,
        (result ?? {}) as CommandAnswer,
      );
    } catch (error) {
      ignore(error); // it was done; what it changed comes with the next sync
    }
    return result;
  }

  private async refresh(id: string): Promise<ConversationRecord> {
    await this.session.whenOnline();
    return this.replica.refresh(id);
  }

  // --- sending ---

  private async readyToSend(id: string): Promise<void> {
    await this.session.whenOnline();
    if (!this.journal.records.has(id)) {
      await this.replica.refresh(id).catch(ignore); // the send itself will show it
    }
  }

  private async deliver(item: OutboxItem): Promise<Ack> {
    const params = {
      conversation_id: item.conversationId,
      client_id: item.clientId,
      content: item.content,
      ...(item.quoteSeq > 0 ? { quote_seq: item.quoteSeq } : {}),
      ...(item.burnAfterMs > 0 ? { burn_after_ms: item.burnAfterMs } : {}),
    };
    return (await this.session.callNow("message.send", params)) as Ack;
  }

  private itemOfUpload(uploadId: string): OutboxItem | undefined {
    return [...this.journal.outbox.values()].find((item) => item.uploadId === uploadId);
  }

  private async uploaded(uploadId: string, mediaId: string, file: FileFacts): Promise<void> {
    const item = this.itemOfUpload(uploadId);
    if (item === undefined) return;
    const facts = { name: file.name, mime: file.mime, size_bytes: file.sizeBytes };
    const content = { ...facts, ...item.content, media_id: mediaId } as OutboxItem["content"];
    await this.outbox.change(item.clientId, { content, uploadId: "" });
  }

  private async uploadFailed(
    uploadId: string,
    error: { code: string; message: string },
  ): Promise<void> {
    const item = this.itemOfUpload(uploadId);
    if (item !== undefined)
      await this.journal.run((step) => markFailed(step, item.clientId, error));
  }

  // --- presence ---

  private async watch(tab: string, ids: readonly string[]): Promise<readonly UserPresence[]> {
    if (ids.length > 0) this.watchers.set(tab, ids);
    else this.watchers.delete(tab);
    return this.session.isOnline ? this.watchAll() : [];
  }

  private async watchAll(): Promise<readonly UserPresence[]> {
    const wanted = new Set([...this.watchers.values()].flat());
    const added = [...wanted].filter((id) => !this.watched.has(id));
    const removed = [...this.watched].filter((id) => !wanted.has(id));
    this.watched = wanted;
    if (removed.length > 0) await this.session.call("presence.unwatch", { user_ids: removed });
    if (added.length === 0) return [];
    const asked = await this.session.call("presence.watch", { user_ids: added });
    const { presences } = asked as Presences;
    const signal = { log_id: "", kind: "presence", sender: "" };
    this.tell(
      presences.map((body) => {
        return { type: "news", news: { event: "signal", data: { ...signal, body } } } as const;
      }),
    );
    return presences;
  }
}

interface FileFacts {
  name: string;
  mime: string;
  sizeBytes: number;
}

/** No answer, or a no: the next connection puts it right. */
function ignore(error: unknown): void {
  if (!(error instanceof HongyanError) && !(error instanceof Refused)) throw error;
}
