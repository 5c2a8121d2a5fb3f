/** The client against a server that loses, doubles and disorders what it sends. */

import "fake-indexeddb/auto";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Backoff } from "../src/backoff.js";
import { Engine } from "../src/engine.js";
import { Client, IndexedDbStore, MemoryStore, type Message, type Store } from "../src/index.js";
import { CALM, FakeServer, ME, PEER, randomFrom, TALK } from "./fake_server.js";
import { until } from "./until.js";

const open: { close(): Promise<void> }[] = [];
let databases = 0;
const WAIT = { timeout: 10_000 };

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function connect(server: FakeServer, store: Store = new MemoryStore()): Promise<Client> {
  const { webSocket, fetch } = server;
  const client = await Client.create({ url: "http://fake", store, webSocket, fetch, tabs: false });
  open.push(client);
  await client.logIn({ identifier: "me", password: "p" });
  await until(client.connection, ({ kind }) => kind === "online");
  return client;
}

function textsOf(server: FakeServer): string[] {
  return server.log
    .filter(({ kind }) => kind === "message")
    .map(({ body }) => (body as { content: { text: string } }).content.text);
}

function texts(items: readonly unknown[]): string[] {
  const messages = items.filter((item): item is Message => (item as Message).type === "message");
  return messages.map(({ content }) => (content?.type === "text" ? content.text : ""));
}

describe.each(["memory", "indexeddb"])("with the store %s", (kind) => {
  const newStore = (): Promise<Store> => {
    databases += 1;
    return kind === "memory"
      ? Promise.resolve(new MemoryStore())
      : IndexedDbStore.open(`test${databases}`);
  };

  test("a pushed message is stored, shown and counted once", async () => {
    const server = new FakeServer();
    const client = await connect(server, await newStore());
    const news: string[] = [];
    client.on("message", ({ message }) => news.push(...texts([message])));
    const window = client.conversation(TALK).open();
    await window.ready;
    server.chaos = { ...CALM, double: 1 };
    server.say("one");
    server.say("two");
    await until(window, ({ items }) => texts(items).join() === "one,two");
    expect(news).toEqual(["one", "two"]);
    expect(client.conversations.value[0]?.unread).toBe(2);
    expect(client.unread.value).toEqual({ messages: 2, mentions: 0, conversations: 1 });
  });

  test("a restarted client shows what is kept, without a connection", async () => {
    const server = new FakeServer();
    const store = await newStore();
    const client = await connect(server, store);
    const first = client.conversation(TALK).open();
    for (let n = 0; n < 30; n += 1) server.say(`${n}`);
    await until(first, ({ items }) => texts(items).length === 30);
    store.close = async () => {};
    await client.close();
    const { fetch } = server;
    const webSocket = () => ({}) as WebSocket;
    const again = await Client.create({ url: "http://fake", store, webSocket, fetch, tabs: false });
    open.push(again);
    expect(again.conversations.value[0]?.unread).toBe(30);
    const window = again.conversation(TALK).open({ at: "end" });
    await window.ready;
    expect(texts(window.value.items)).toHaveLength(30);
    const pending = await again.conversation(TALK).send("later");
    expect(window.value.items.at(-1)?.key).toBe(pending.key);
  });
});

describe.each(["hello", "sync"])("after a restore that %s tells first", (teller) => {
  const greets = teller === "sync" ? "first" : "";

  test.each(["memory", "indexeddb"])("the store %s is filled anew", async (kind) => {
    databases += 1;
    const store =
      kind === "memory" ? new MemoryStore() : await IndexedDbStore.open(`restored${databases}`);
    const server = new FakeServer();
    const client = await connect(server, store);
    const window = client.conversation(TALK).open();
    const news: string[] = [];
    client.on("message", ({ message }) => news.push(...texts([message])));
    server.say("kept");
    for (const text of ["lost 1", "lost 2", "lost 3"]) server.say(text);
    await client.conversation(TALK).send("lost of mine");
    const isSent = (item: unknown) => (item as Message).state !== "pending";
    await until(window, ({ items }) => texts(items).length === 5 && items.every(isSent));
    server.restore(2, greets);
    server.say("after");
    await until(window, ({ items }) => texts(items).join() === "kept,after");
    expect(texts(await client.search.messages("lost"))).toEqual([]);
    expect(news).toEqual(["kept", "lost 1", "lost 2", "lost 3", "after"]);
    server.say("pushed");
    await until(window, ({ items }) => texts(items).join() === "kept,after,pushed");
    expect(client.conversations.value[0]?.unread).toBe(server.unread);
    expect(client.conversations.value[0]?.headSeq).toBe(4);
  });

  test("what was not sent is sent once, and what was typed is kept", async () => {
    const server = new FakeServer();
    const client = await connect(server);
    const window = client.conversation(TALK).open();
    server.say("kept");
    server.say("lost");
    await until(window, ({ items }) => texts(items).length === 2);
    const sent: string[] = [];
    client.on("sent", ({ message }) => sent.push(...texts([message])));
    server.chaos = { ...CALM, breakBefore: 1 };
    server.cut();
    await until(client.connection, ({ kind }) => kind !== "online");
    await client.conversation(TALK).send("waits");
    await client.conversation(TALK).setDraft("typed");
    server.restore(2, greets);
    server.chaos = CALM;
    await until(client.connection, ({ kind }) => kind === "online");
    await until(window, ({ items }) => texts(items).join() === "kept,waits");
    await vi.waitFor(() => expect(textsOf(server)).toEqual(["kept", "waits"]), WAIT);
    await vi.waitFor(() => expect(sent).toEqual(["waits"]), WAIT);
    expect(client.conversations.value[0]?.draft).toBe("typed");
    const told = () => server.requests.filter(({ method }) => method === "conversation.draft");
    await vi.waitFor(() => expect(told()).not.toEqual([]), WAIT);
  });

  test("what was acknowledged, and is not in the backup, is sent again if it waits", async () => {
    const server = new FakeServer();
    const client = await connect(server);
    server.chaos = { ...CALM, drop: 1 };
    server.say("never pushed"); // so that our own has no place yet when it is acknowledged
    await client.conversation(TALK).send("acknowledged");
    await vi.waitFor(() => expect(textsOf(server)).toContain("acknowledged"), WAIT);
    server.restore(1, greets);
    server.chaos = CALM;
    await vi.waitFor(() => expect(textsOf(server)).toEqual(["acknowledged"]), WAIT);
  });
});

test("a store of before takes the generation that it finds", async () => {
  const server = new FakeServer();
  server.generation = "";
  const store = new MemoryStore();
  const client = await connect(server, store);
  server.say("one");
  await until(client.conversations, (list) => list[0]?.headSeq === 2);
  server.requests = [];
  server.generation = "named";
  server.cut();
  await until(client.connection, ({ kind }) => kind !== "online");
  await until(client.connection, ({ kind }) => kind === "online");
  const syncs = server.requests.filter(({ method }) => method === "conversation.sync");
  expect(syncs.map(({ params }) => (params as { known: object }).known)).toEqual([{ [TALK]: 2 }]);
});

test("a window on a long history holds a page, and finds what is around a seq", async () => {
  const server = new FakeServer();
  for (let n = 0; n < 5000; n += 1) server.say(`${n}`);
  server.readSeq = server.log.length;
  const client = await connect(server);
  server.requests = [];
  const window = client.conversation(TALK).open();
  await window.ready;
  expect(window.value.items.length).toBe(50);
  const fetched = server.requests.filter(({ method }) => method === "conversation.history");
  expect(fetched.length).toBeLessThanOrEqual(1);
  const index = await window.jumpTo(2500);
  expect(window.value.items[index]?.seq).toBe(2500);
  expect(window.value.items.length).toBeLessThanOrEqual(50);
  server.say("new");
  await until(client.conversations, (list) => list[0]?.headSeq === server.log.length);
  expect(texts(window.value.items)).not.toContain("new");
  await window.jumpToEnd();
  expect(texts(window.value.items).at(-1)).toBe("new");
});

test("after a long absence the newest are here, and older ones are fetched again", async () => {
  const server = new FakeServer();
  for (let n = 0; n < 10; n += 1) server.say(`old${n}`);
  const store = new MemoryStore();
  const client = await connect(server, store);
  const window = client.conversation(TALK).open({ at: "end", limit: 5000 });
  await window.ready;
  server.cut();
  for (let n = 0; n < 1000; n += 1) server.say(`${n}`);
  client.reconnect();
  await until(client.conversations, (list) => list[0]?.headSeq === server.log.length);
  await until(client.connection, ({ kind }) => kind === "online");
  expect(client.conversations.value[0]?.unread).toBe(server.unread);
  await until(window, ({ hasAfter }) => hasAfter);
  while (window.value.hasAfter) await window.loadAfter();
  expect(texts(window.value.items)).toEqual(textsOf(server));
});

function edit(server: FakeServer, seq: number, text: string): void {
  const content = { type: "text", text };
  server.happen("message.edited", PEER, { seq, version: 2, edited_at_ms: 1, content });
}

test("an edit that does not tell to what is asked for", async () => {
  const server = new FakeServer();
  const client = await connect(server);
  const window = client.conversation(TALK).open();
  await window.ready;
  const old = server.say("old");
  await until(window, ({ items }) => texts(items).join() === "old");
  server.editUntold(old.seq, "new");
  await until(window, ({ items }) => texts(items).join() === "new");
  expect(client.conversations.value[0]?.unread).toBe(1);
});

test("what could not be asked for is asked for on the next connection", async () => {
  const server = new FakeServer();
  const client = await connect(server);
  const window = client.conversation(TALK).open();
  await window.ready;
  const old = server.say("old");
  await until(window, ({ items }) => texts(items).join() === "old");
  server.chaos = { ...CALM, breakBefore: 1 };
  server.editUntold(old.seq, "new");
  await until(client.connection, ({ kind }) => kind !== "online");
  expect(texts(window.value.items)).toEqual(["old"]);
  server.chaos = CALM;
  client.reconnect();
  await until(window, ({ items }) => texts(items).join() === "new");
});

test("a lost push is fetched as soon as a later one comes", async () => {
  const server = new FakeServer();
  const client = await connect(server);
  const window = client.conversation(TALK).open();
  await window.ready;
  server.chaos = { ...CALM, drop: 1 };
  server.say("lost");
  server.chaos = CALM;
  server.say("next");
  await until(window, ({ items }) => texts(items).join() === "lost,next");
  expect(server.requests.filter(({ method }) => method === "hello")).toHaveLength(1);
});

test("when the server asks for a sync, what was lost is fetched at once", async () => {
  const server = new FakeServer();
  const client = await connect(server);
  const window = client.conversation(TALK).open();
  await window.ready;
  server.chaos = { ...CALM, drop: 1 };
  server.say("lost");
  server.chaos = CALM;
  for (let n = 0; n < 3; n += 1) server.askToSync();
  await until(window, ({ items }) => texts(items).join() === "lost");
  const asked = server.requests.map(({ method }) => method);
  expect(asked.filter((method) => method === "hello")).toHaveLength(1);
  expect(asked.filter((method) => method === "conversation.sync").length).toBeLessThanOrEqual(4);
});

test("what changed in a long absence is seen, also in what was kept", async () => {
  const server = new FakeServer();
  const old = server.say("old");
  const client = await connect(server);
  server.cut();
  edit(server, old.seq, "edited");
  for (let n = 0; n < 500; n += 1) server.say(`${n}`);
  client.reconnect();
  await until(client.conversations, (list) => list[0]?.headSeq === server.log.length);
  const window = client.conversation(TALK).open({ at: old.seq });
  await window.ready;
  await until(window, ({ items }) => texts(items)[0] === "edited");
});

test("an edit that overtakes a page of history is not lost", async () => {
  const server = new FakeServer();
  const old = server.say("old");
  for (let n = 0; n < 200; n += 1) server.say(`${n}`);
  const client = await connect(server);
  const answer = (server as unknown as { answer: (m: string, p: object) => object }).answer;
  Object.assign(server, {
    answer(method: string, params: object) {
      const result = structuredClone(answer.call(server, method, params));
      if (method === "conversation.history") edit(server, old.seq, "edited");
      return result;
    },
  });
  const window = client.conversation(TALK).open({ at: old.seq });
  await window.ready;
  await until(window, ({ items }) => texts(items)[0] === "edited");
});

test("the user's own log tells of a conversation that nothing was pushed of", async () => {
  const server = new FakeServer();
  const answer = (server as unknown as { answer: (m: string, p: object) => object }).answer;
  Object.assign(server, {
    answer(method: string, params: object) {
      const nothing = { result: { conversations: [], user_seq: 0, next_after: null } };
      return method === "conversation.sync" ? nothing : answer.call(server, method, params);
    },
  });
  const client = await connect(server);
  expect(client.conversations.value).toEqual([]);
  const asked = () => server.requests.filter(({ method }) => method === "conversation.get").length;
  server.joined(1);
  await until(client.conversations, ([first]) => first?.id === TALK);
  await expect.poll(asked).toBe(1);
  server.joined(2); // known and ours: nobody has to ask
  server.say("hello");
  await until(client.conversations, ([first]) => first?.unread === 1);
  expect(asked()).toBe(1);
});

test("a join during the sync is not lost", async () => {
  const server = new FakeServer();
  const answer = (server as unknown as { answer: (m: string, p: object) => object }).answer;
  Object.assign(server, {
    answer(method: string, params: object) {
      if (method !== "conversation.sync") return answer.call(server, method, params);
      server.joined(1); // the answer was made before
      return { result: { conversations: [], user_seq: 0, next_after: null } };
    },
  });
  const client = await connect(server);
  await until(client.conversations, ([first]) => first?.id === TALK);
});

test("read marks go out at most once a second, the last one surely", async () => {
  const server = new FakeServer();
  const client = await connect(server);
  for (let n = 0; n < 20; n += 1) server.say(`${n}`);
  const { summary } = client.conversation(TALK);
  await until(summary, (value) => value?.unread === 20);
  for (let seq = 2; seq <= 21; seq += 1) client.conversation(TALK).markRead(seq);
  await until(summary, (value) => value?.unread === 0);
  await expect.poll(() => server.readSeq, { timeout: 3000 }).toBe(21);
  const asked = server.requests.filter(({ method }) => method === "conversation.read");
  expect(asked.length).toBeLessThanOrEqual(2);
});

test("a message refused for good waits for a decision, and does not hold up the next", async () => {
  const server = new FakeServer();
  const client = await connect(server);
  const answer = (server as unknown as { answer: (m: string, p: object) => object }).answer;
  let isMuted = true;
  Object.assign(server, {
    answer(method: string, params: { content?: { text: string } }) {
      if (method === "message.send" && isMuted && params.content?.text === "bad") {
        return { error: { code: "muted", message: "You are muted.", retryable: false } };
      }
      return answer.call(server, method, params);
    },
  });
  const talk = client.conversation(TALK);
  const window = talk.open();
  await window.ready;
  const bad = await talk.send("bad");
  await talk.send("good");
  await until(window, ({ items }) => {
    const states = items.map((item) => (item.type === "message" ? item.state : ""));
    return states.includes("failed") && states.includes("sent");
  });
  expect(talk.summary.value?.failed).toBe(1);
  isMuted = false;
  await talk.retry(bad.clientId);
  await until(window, ({ items }) => texts(items).join() === "good,bad");
  await until(talk.summary, (value) => value?.failed === 0);
});

describe("with a server that misbehaves", () => {
  test.each(Array.from({ length: 25 }, (_, seed) => seed))("seed %i", async (seed) => {
    const random = randomFrom(seed + 1);
    const server = new FakeServer(random);
    const { webSocket, fetch } = server;
    const engine = await Engine.start({
      url: "http://fake",
      client: "test",
      store: new MemoryStore(),
      webSocket,
      fetch: fetch as never,
      backoff: new Backoff(1, 4),
    });
    open.push(engine);
    const sent: string[] = [];
    const told: string[] = [];
    engine.subscribe((events) => {
      for (const event of events) {
        if (event.type !== "news") continue;
        if (event.news.event === "message") told.push(...texts([event.news.message]));
      }
    });
    await engine.request("logIn", { identifier: "me", password: "p" });
    const isOnline = async () =>
      (await engine.request("snapshot", null)).connection.kind === "online";
    await expect.poll(isOnline, { interval: 5 }).toBe(true);
    server.chaos = { drop: 0.2, double: 0.2, swap: 0.2, breakBefore: 0.03, breakAfter: 0.03 };
    const said: string[] = [];
    for (let n = 0; n < 60; n += 1) {
      if (random() < 0.4) {
        const text = `me${n}`;
        sent.push(text);
        await engine.request("send", itemOf(n, text));
      } else {
        said.push(`they${n}`);
        const entry = server.say(`they${n}`);
        if (random() < 0.3) {
          const content = { type: "text", text: `they${n}!` };
          const body = { seq: entry.seq, version: 2, edited_at_ms: 1, content };
          server.happen("message.edited", PEER, body);
        }
      }
      if (random() < 0.05) server.cut();
      if (random() < 0.5) await new Promise((resolve) => setTimeout(resolve, random() * 6));
    }
    server.chaos = CALM;
    server.cut();
    const isThrough = async () => {
      const { conversations, outbox, connection } = await engine.request("snapshot", null);
      const tip = conversations[0]?.tip;
      return connection.kind === "online" && outbox.length === 0 && tip === server.log.length;
    };
    await expect.poll(isThrough, { timeout: 15_000, interval: 10 }).toBe(true);
    const { items } = await engine.request("load", { id: TALK, place: "end", limit: 500 });
    expect(texts(items)).toEqual(textsOf(server));
    expect(new Set(items.map(({ key }) => key)).size).toBe(items.length);
    expect(textsOf(server).filter((text) => text.startsWith("me"))).toEqual(sent);
    expect(told.map((text) => text.replace("!", ""))).toEqual(said);
    const { conversations } = await engine.request("snapshot", null);
    const [record] = conversations;
    expect((record?.ordinal ?? 0) - (record?.readOrdinal ?? 0)).toBe(server.unread);
  });
});

function itemOf(n: number, text: string) {
  return {
    clientId: `c${String(n).padStart(4, "0")}`,
    conversationId: TALK,
    sender: ME,
    content: { type: "text" as const, text },
    quoteSeq: 0,
    quoteSender: "",
    burnAfterMs: 0,
    createdAtMs: n,
    uploadId: "",
    error: null,
  };
}
