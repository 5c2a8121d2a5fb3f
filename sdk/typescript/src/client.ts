/** The client that an app works with; see `api.ts`. */

import type * as api from "./api.js";
import { ContactList } from "./contacts.js";
import { Conversation } from "./conversation.js";
import type { Core, CoreChange, CoreEvent } from "./core.js";
import { Engine } from "./engine.js";
import { canShareTabs, defaultUrl, hasIndexedDb, webSocketFactory } from "./environment.js";
import { Files } from "./files.js";
import { newClientId, randomDigits } from "./ids.js";
import { Listeners, Value } from "./observable.js";
import { PresenceWatch } from "./presence.js";
import type * as wire from "./protocol.js";
import { IndexedDbStore } from "./store_indexeddb.js";
import { MemoryStore } from "./store_memory.js";
import { Summaries } from "./summaries.js";
import { SharedCore } from "./tabs.js";
import { UserCache } from "./users.js";
import type { Timeline } from "./window.js";
import { httpUrl } from "./wire.js";

const TIMEOUT_MS = 30_000;
const NAME = "hongyan";

export class ClientView implements api.Client {
  readonly connection = new Value<api.ConnectionState>({ kind: "stopped" });
  readonly session = new Value<api.SessionState>({ kind: "none", ended: "" });
  readonly me = new Value<wire.Account | null>(null);
  readonly users: UserCache;
  readonly contacts: ContactList;
  readonly groups: api.Groups;
  readonly uploads: Files;
  readonly search: api.Search;
  readonly presence: PresenceWatch;
  private readonly summaries: Summaries;
  private readonly handles = new Map<string, Conversation>();
  private readonly windows = new Set<Timeline>();
  private readonly listeners = new Map<string, Listeners<never>>();
  private readonly stopListening: () => void;

  private constructor(
    private readonly core: Core,
    url: string,
    fetch: typeof globalThis.fetch,
  ) {
    const tab = core instanceof SharedCore ? core.tab : randomDigits(10);
    this.users = new UserCache(core);
    this.summaries = new Summaries(this.users);
    this.contacts = new ContactList(core, this.users);
    this.uploads = new Files(core, url, fetch);
    this.presence = new PresenceWatch(core, tab);
    this.groups = groupsOf(this);
    this.search = searchOf(core, this.summaries);
    this.stopListening = core.subscribe((events) => this.take(events));
  }

  static async create(options: api.ClientOptions = {}): Promise<api.Client> {
    const url = httpUrl(options.url ?? defaultUrl());
    const fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    const client = new ClientView(await openCore(options, url, fetch), url, fetch);
    await client.reload();
    return client;
  }

  get conversations(): api.Observable<readonly api.ConversationSummary[]> {
    return this.summaries.list;
  }

  get unread(): api.Observable<api.UnreadTotal> {
    return this.summaries.unread;
  }

  async register(params: wire.Register): Promise<void> {
    await this.core.request("register", params);
    await this.reload();
  }

  async logIn(params: wire.LogIn): Promise<void> {
    await this.core.request("logIn", params);
    await this.reload();
  }

  async adopt(tokens: wire.Tokens): Promise<void> {
    await this.core.request("adopt", tokens);
    await this.reload();
  }

  async logOut(): Promise<void> {
    await this.core.request("logOut", null);
    await this.reload();
  }

  conversation(id: string): Conversation {
    let handle = this.handles.get(id);
    if (handle === undefined) {
      const { core, summaries, windows } = this;
      handle = new Conversation(id, { core, summaries, windows, me: () => this.userId });
      this.handles.set(id, handle);
    }
    return handle;
  }

  async openDirect(userId: string): Promise<Conversation> {
    const known = await this.call("conversation.open_direct", { user_id: userId });
    return this.conversation(known.conversation_id);
  }

  async openSelf(): Promise<Conversation> {
    const known = await this.call("conversation.open_self", {});
    return this.conversation(known.conversation_id);
  }

  async call<M extends keyof wire.Methods>(
    method: M,
    params: wire.Methods[M]["params"],
    options: api.CallOptions = {},
  ): Promise<wire.Methods[M]["result"]> {
    const args = { method, params, timeoutMs: options.timeoutMs ?? TIMEOUT_MS };
    return (await this.core.request("call", args)) as wire.Methods[M]["result"];
  }

  on<E extends keyof api.ClientEvents>(
    event: E,
    listener: (data: api.ClientEvents[E]) => void,
  ): api.Unsubscribe {
    return this.listenersOf(event).add(listener);
  }

  reconnect(): void {
    this.core.request("reconnect", null).catch(() => {}); // there is nobody to connect
  }

  async close(): Promise<void> {
    this.presence.stop();
    this.stopListening();
    for (const window of this.windows) window.close();
    await this.core.close();
  }

  private get userId(): string {
    return this.session.value.kind === "active" ? this.session.value.userId : "";
  }

  /** Take everything as it is now. */
  private async reload(): Promise<void> {
    const snapshot = await this.core.request("snapshot", null);
    this.users.takePeople(snapshot.people);
    this.summaries.reset(snapshot.conversations, snapshot.outbox);
    this.contacts.take(snapshot.people);
    this.uploads.reset(snapshot.uploads);
    this.me.set(snapshot.me);
    this.session.set(snapshot.session);
    this.connection.set(snapshot.connection);
  }

  private take(events: readonly CoreEvent[]): void {
    const changed = new Set<string>();
    for (const event of events) this.note(event, changed);
    this.summaries.update(changed);
    for (const window of [...this.windows]) window.take(events);
    for (const event of events) if (event.type === "news") this.tell(event.news);
    if (events.some(({ type }) => type === "reset")) void this.moved();
  }

  /** Take what a view that asks now must see already. */
  private note(event: CoreEvent, changed: Set<string>): void {
    switch (event.type) {
      case "conversation":
        this.summaries.putRecord(event.record);
        changed.add(event.record.id);
        break;
      case "outbox":
        this.summaries.putItem(event.item);
        changed.add(event.item.conversationId);
        break;
      case "unboxed":
        this.summaries.dropItem(event.clientId);
        changed.add(event.conversationId);
        break;
      case "connection":
        this.connected(event.state);
        break;
      case "session":
        this.session.set(event.state);
        break;
      case "me":
        this.me.set(event.account);
        break;
      case "users":
        this.users.take(event.users);
        break;
      case "people":
        this.users.takePeople(event.people);
        this.contacts.take(event.people);
        break;
      case "upload":
        this.uploads.take(event.state);
        break;
    }
  }

  private connected(state: api.ConnectionState): void {
    this.connection.set(state);
    if (state.kind === "online") {
      this.users.again();
      this.contacts.again();
    } else if (state.kind === "offline") {
      this.presence.offline();
    }
  }

  /** The engine is in another tab now, or works for another account. */
  private async moved(): Promise<void> {
    this.users.reset();
    await this.reload().catch(() => {}); // closed meanwhile
    this.presence.again();
  }

  private tell(news: CoreChange): void {
    if (news.event === "message") {
      const { message, mentionsMe } = news;
      const conversation = this.summaries.observe(message.conversationId).value;
      this.summaries.typing(message.conversationId, message.sender, "stopped");
      if (conversation === null) return;
      this.listenersOf("message").tell({ conversation, message, mentionsMe });
      return;
    }
    if (news.event === "signal") this.signalled(news.data);
    else if (news.event === "user") this.contacts.happened(news.data.entry.kind);
    (this.listenersOf(news.event) as Listeners<unknown>).tell(news.data);
  }

  private signalled(signal: wire.SignalData): void {
    if (signal.kind === "typing") {
      const { state = "typing" } = (signal.body ?? {}) as { state?: string };
      this.summaries.typing(signal.log_id, signal.sender, state);
    } else if (signal.kind === "presence") {
      this.presence.take(signal.body as wire.UserPresence);
    }
  }

  private listenersOf<E extends keyof api.ClientEvents>(event: E): Listeners<api.ClientEvents[E]> {
    let listeners = this.listeners.get(event);
    if (listeners === undefined) {
      listeners = new Listeners<never>();
      this.listeners.set(event, listeners);
    }
    return listeners as unknown as Listeners<api.ClientEvents[E]>;
  }
}

async function openCore(
  options: api.ClientOptions,
  url: string,
  fetch: typeof globalThis.fetch,
): Promise<Core> {
  const name = options.name ?? NAME;
  const webSocket = options.webSocket ?? (await webSocketFactory());
  const client = options.client ?? "hongyan-typescript";
  const start = async () => {
    const store = options.store ?? (await openStore(name));
    return Engine.start({ url, client, store, webSocket, fetch });
  };
  const isShared = options.tabs ?? (canShareTabs() && options.store === undefined);
  return isShared ? SharedCore.open({ name, start }) : start();
}

/** Open the database; where that is forbidden (a private window), keep everything in memory. */
async function openStore(name: string): Promise<api.Store> {
  if (!hasIndexedDb()) return new MemoryStore();
  return IndexedDbStore.open(name).catch(() => new MemoryStore());
}

function groupsOf(client: ClientView): api.Groups {
  return {
    create: async (params) => {
      const created = await client.call("group.create", { ...params, client_id: newClientId() });
      const conversation = client.conversation(created.conversation_id);
      return { conversation, notAdded: created.not_added ?? [] };
    },
    join: (conversation_id, answer = "") => client.call("group.join", { conversation_id, answer }),
    joinByLink: (token) => client.call("group.link_join", { token }),
    leave: async (conversation_id) => {
      await client.call("group.leave", { conversation_id });
    },
    members: (conversation_id, after = "", limit = 100) =>
      client.call("group.members", { conversation_id, after, limit }),
  };
}

function searchOf(core: Core, summaries: Summaries): api.Search {
  return {
    messages: (query, { conversationId = "", limit = 50 } = {}) =>
      core.request("searchMessages", { query, conversationId, limit }),
    conversations: (query) => {
      const words = query.toLowerCase().split(/\s+/).filter(Boolean);
      return summaries.list.value.filter(({ title }) => {
        const name = title.toLowerCase();
        return words.every((word) => name.includes(word));
      });
    },
  };
}
