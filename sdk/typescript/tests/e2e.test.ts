/** Two clients and a real server, which dies in the middle. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  Client,
  type ClientOptions,
  type Message,
  type TimelineItem,
  type TimelineWindow,
} from "../src/index.js";
import { MemoryStore } from "../src/store_memory.js";
import { LiveServer, SERVER_KIND } from "./live_server.js";
import { until } from "./until.js";

const PASSWORD = "a wild goose 1898";
const server = new LiveServer();
const open: Client[] = [];
let count = 0;

beforeAll(() => server.start());
afterAll(async () => {
  for (const client of open) await client.close();
  await server.stop();
});

async function newcomer(name: string, options: ClientOptions = {}): Promise<Client> {
  count += 1;
  const client = await Client.create({ url: server.url, ...options });
  open.push(client);
  await client.register({ handle: `${name}.${count}`, name, password: PASSWORD });
  await until(client.connection, ({ kind }) => kind === "online");
  return client;
}

function userId(client: Client): string {
  const session = client.session.value;
  return session.kind === "active" ? session.userId : "";
}

function texts(items: readonly TimelineItem[]): string[] {
  return items
    .filter((item): item is Message => item.type === "message")
    .map(({ content }) => (content?.type === "text" ? content.text : `(${content?.type})`));
}

function shows(window: TimelineWindow, ...expected: string[]): Promise<unknown> {
  return until(window, ({ items }) => texts(items).join() === expected.join());
}

async function pair(): Promise<{ li: Client; wang: Client }> {
  const [li, wang] = await Promise.all([newcomer("Li"), newcomer("Wang")]);
  return { li, wang };
}

describe("two people", () => {
  test("write to each other, and see reading, reactions, edits and recalls", async () => {
    const { li, wang } = await pair();
    const chat = await li.openDirect(userId(wang));
    const here = chat.open();
    await here.ready;
    const first = await chat.send("鸿雁传书");
    expect(first.state).toBe("pending");
    expect(here.value.items.at(-1)?.key).toBe(first.key);
    await until(here, ({ items }) => items.some((i) => i.type === "message" && i.state === "sent"));
    expect(here.value.items.at(-1)?.key).toBe(first.key);

    const [summary] = await until(wang.conversations, (list) => (list[0]?.unread ?? 0) === 1);
    expect(summary?.id).toBe(chat.id);
    await until(wang.conversations, (list) => list[0]?.title === "Li");
    const there = wang.conversation(chat.id);
    const window = there.open();
    await window.ready;
    await shows(window, "鸿雁传书");
    const unread = window.value.items[window.value.startIndex];
    expect(unread?.type === "message" && unread.seq).toBeTruthy();
    there.markRead();
    await until(wang.conversations, (list) => list[0]?.unread === 0);
    const seq = unread?.seq ?? 0;
    await until(chat.summary, (value) => (value?.peerReadSeq ?? 0) >= seq);

    await there.react(seq, "👍");
    await until(here, ({ items }) => {
      const found = items.find((item) => item.seq === seq);
      return found?.type === "message" && found.reactions[0]?.count === 1;
    });
    await chat.edit(seq, { type: "text", text: "鸿雁" });
    await shows(window, "鸿雁");
    await shows(here, "鸿雁");
    await chat.recall(seq);
    await until(window, ({ items }) => {
      return items.some((i) => i.seq === seq && i.type === "message" && i.recalledBy !== "");
    });
  });

  test("type, draft, pin, mute and clear", async () => {
    const { li, wang } = await pair();
    const chat = await li.openDirect(userId(wang));
    await chat.send("hello");
    await until(wang.conversations, (list) => list.length === 1);
    chat.typing();
    const there = wang.conversation(chat.id);
    await until(there.summary, (value) => value?.typing[0]?.userId === userId(li));
    there.setDraft("well");
    await until(there.summary, (value) => value?.draft === "well");
    await there.setPreference({ pinned: true, muted_until_ms: -1 });
    await until(there.summary, (value) => value?.pinned === true && value.mutedUntilMs === -1);
    const window = there.open({ at: "end" });
    await window.ready;
    await there.clear();
    await until(window, ({ items }) => items.length === 0);
    await chat.send("again");
    await shows(window, "again");
  });

  test("become friends, with a remark", async () => {
    const { li, wang } = await pair();
    expect(wang.contacts.incoming.value).toEqual([]);
    await li.contacts.request(userId(wang), "it is me");
    const [request] = await until(wang.contacts.incoming, (list) => list.length === 1);
    await wang.contacts.answer(request?.from_id ?? "", true);
    await until(wang.contacts.friends, (list) => list.length === 1);
    await until(li.contacts.friends, (list) => list.length === 1);
    await li.contacts.setRemark(userId(wang), "Old Wang");
    const chat = await li.openDirect(userId(wang));
    await until(chat.summary, (value) => value?.title === "Old Wang");
    const shown = wang.users.observe(userId(li));
    await until(shown, (user) => user?.name === "Li");
    await li.call("user.update", { name: "Li Bai", bio: "poet" });
    await until(shown, (user) => user?.title === "Li Bai");
    expect(shown.value?.bio).toBe("poet");
    await until(li.users.observe(userId(li)), (user) => user?.name === "Li Bai");

    const presence = li.presence.observe(userId(wang));
    const stop = presence.subscribe(() => {});
    await until(presence, (value) => value?.online === true);
    stop();
  });
});

describe("groups", () => {
  test("members come and go, polls are voted", async () => {
    const { li, wang } = await pair();
    const { conversation } = await li.groups.create({ name: "Geese", user_ids: [userId(wang)] });
    expect(conversation.summary.value?.title).toBe("Geese");
    const [there] = await until(wang.conversations, (list) => list[0]?.title === "Geese");
    expect(there?.memberCount).toBe(2);
    await conversation.send({ type: "poll", question: "South?", options: ["yes", "no"] });
    const handle = wang.conversation(conversation.id);
    const window = handle.open();
    const { items } = await until(window, (value) => texts(value.items).length === 1);
    const poll = items.find((item) => item.type === "message");
    await handle.vote(poll?.seq ?? 0, [1]);
    await until(window, (value) => {
      const found = value.items.find(({ seq }) => seq === poll?.seq);
      return found?.type === "message" && found.poll?.tallies[1] === 1 && found.poll.mine[0] === 1;
    });
    await conversation.send({
      type: "text",
      text: "@Wang come",
      entities: [{ type: "mention", offset: 0, length: 5, user_id: userId(wang) }],
    });
    await until(handle.summary, (value) => value?.mentions === 1);
    handle.markRead();
    await until(handle.summary, (value) => value?.mentions === 0 && value.unread === 0);
    await li.call("group.update", { conversation_id: conversation.id, name: "Ducks" });
    await until(handle.summary, (value) => value?.title === "Ducks");
    await wang.groups.leave(conversation.id);
    await until(handle.summary, (value) => value?.active === false);
    await until(conversation.summary, (value) => value?.memberCount === 1);
  });
});

describe("history", () => {
  test("a window loads a page at a time, before and around", async () => {
    const { li, wang } = await pair();
    const chat = await li.openDirect(userId(wang));
    const own = chat.open({ at: "end", limit: 1000 });
    const all = Array.from({ length: 250 }, (_, n) => `m${n}`);
    for (const text of all) await chat.send(text);
    const isSent = (item: TimelineItem) => item.type !== "message" || item.state === "sent";
    await until(
      own,
      ({ items }) => texts(items).length === all.length && items.every(isSent),
      60_000,
    );
    expect(texts(own.value.items)).toEqual(all);

    const late = await Client.create({ url: server.url });
    open.push(late);
    // Wang, for Li has asked as much as one may ask for the moment
    const handle = (await wang.call("user.me", {})).handle ?? "";
    await late.logIn({ identifier: handle, password: PASSWORD });
    await until(late.connection, ({ kind }) => kind === "online");
    const window = late.conversation(chat.id).open({ at: "end" });
    await window.ready;
    expect(window.value.items.length).toBe(50);
    expect(window.value.hasBefore).toBe(true);
    const key = window.value.items[0]?.key;
    await window.loadBefore();
    expect(window.value.items.length).toBe(100);
    expect(window.value.items[window.value.shifted]?.key).toBe(key);
    while (window.value.hasBefore) await window.loadBefore();
    expect(texts(window.value.items)).toEqual(all);

    const link = late.conversation(chat.id).open({ at: 30 });
    await link.ready;
    expect(link.value.items.length).toBeLessThanOrEqual(51);
    expect(link.value.items[link.value.startIndex]?.seq).toBe(30);
    while (link.value.hasAfter) await link.loadAfter();
    expect(texts(link.value.items)).toEqual(all.slice(-texts(link.value.items).length));
    expect(await late.search.messages("m249")).toHaveLength(1);
  });

  test("an unread conversation opens at the first unread message", async () => {
    const { li, wang } = await pair();
    const chat = await li.openDirect(userId(wang));
    for (let n = 0; n < 80; n += 1) await chat.send(`${n}`);
    const there = wang.conversation(chat.id);
    await until(there.summary, (value) => value?.unread === 80, 30_000);
    there.markRead(20);
    await until(there.summary, (value) => (value?.unread ?? 80) < 80);
    const { readSeq = 0, unread = 0 } = there.summary.value ?? {};
    const window = there.open();
    await window.ready;
    const start = window.value.items[window.value.startIndex];
    expect(start?.seq).toBe(readSeq + 1);
    expect(window.value.unreadAfterSeq).toBe(readSeq);
    const askServer = async () => {
      return (await wang.call("conversation.get", { conversation_id: chat.id })).unread;
    };
    await expect.poll(askServer).toBe(unread);
  });
});

describe("files", () => {
  test("an image goes up in the outbox and comes down again", async () => {
    const { li, wang } = await pair();
    const chat = await li.openDirect(userId(wang));
    const bytes = crypto.getRandomValues(new Uint8Array(60_000));
    const file = new Blob([bytes], { type: "application/octet-stream" });
    const message = await chat.sendFile(file, { type: "file" }, { name: "goose.bin" });
    expect(message.uploadId).not.toBe("");
    const window = wang.conversation(chat.id).open();
    const { items } = await until(window, (value) => texts(value.items).length === 1, 20_000);
    const item = items.find((one): one is Message => one.type === "message");
    if (item?.content?.type !== "file") throw new Error("no file");
    expect(item.content.name).toBe("goose.bin");
    expect(item.content.size_bytes).toBe(60_000);
    const copy = await wang.uploads.download(item.content.media_id);
    expect(Buffer.from(await copy.arrayBuffer()).equals(bytes)).toBe(true);
    const link = await wang.uploads.link(item.content.media_id);
    expect((await fetch(link)).status).toBe(200);
  });
});

describe("when the server dies", () => {
  test("nothing is lost, doubled or disordered", async () => {
    const { li, wang } = await pair();
    const chat = await li.openDirect(userId(wang));
    const window = wang.conversation(chat.id).open({ at: "end", limit: 2000 });
    const received: string[] = [];
    wang.on("message", ({ message }) => received.push(...texts([message])));
    const all = Array.from({ length: 120 }, (_, n) => `k${n}`);
    let isBack: Promise<void> = Promise.resolve();
    for (const [n, text] of all.entries()) {
      await chat.send(text);
      if (n % 40 === 20) {
        await until(window, ({ items }) => items.length > n / 2);
        await isBack;
        await server.kill();
        isBack = new Promise((resolve) => setTimeout(resolve, 300)).then(() => server.start());
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await isBack;
    await until(window, ({ items }) => texts(items).length >= all.length, 60_000);
    expect(texts(window.value.items)).toEqual(all);
    expect(received).toEqual(all);
    const own = chat.open({ at: "end", limit: 2000, pageSize: 200 });
    await own.ready;
    await until(own, ({ items }) => {
      return items.every((item) => item.type !== "message" || item.state === "sent");
    });
    expect(texts(own.value.items)).toEqual(all);
    await until(wang.conversations, (list) => list[0]?.unread === all.length);
  }, 120_000);

  test("what was written before a restart of the client is sent after it", async () => {
    const store = new MemoryStore();
    const close = store.close;
    const wang = await newcomer("Wang");
    const li = await newcomer("Li", { store });
    const chat = await li.openDirect(userId(wang));
    await server.kill();
    for (const text of ["a", "b", "c"]) await chat.send(text);
    await li.close();
    store.close = close;
    await server.start();
    const again = await Client.create({ url: server.url, store });
    open.push(again);
    expect(again.conversations.value[0]?.last?.type).toBe("message");
    const window = wang.conversation(chat.id).open();
    await until(window, ({ items }) => texts(items).join() === "a,b,c", 30_000);
  });
});

describe.runIf(SERVER_KIND === "embedded")("when the server is restored from a backup", () => {
  test("both converge to what it knows, and what was not sent is sent once", async () => {
    const { li, wang } = await pair();
    const chat = await li.openDirect(userId(wang));
    const there = wang.conversation(chat.id).open();
    for (const text of ["kept 1", "kept 2"]) await chat.send(text);
    await shows(there, "kept 1", "kept 2");
    await server.backUp();
    for (const text of ["lost 1", "lost 2", "lost 3"]) await chat.send(text);
    const { conversation: group } = await li.groups.create({
      name: "lost",
      user_ids: [userId(wang)],
    });
    await until(wang.conversations, (list) => list.some(({ id }) => id === group.id));
    await shows(there, "kept 1", "kept 2", "lost 1", "lost 2", "lost 3");
    await server.kill();
    await until(wang.connection, ({ kind }) => kind !== "online");
    await wang.conversation(chat.id).send("not sent yet");
    await server.restore();
    await server.start();
    await shows(there, "kept 1", "kept 2", "not sent yet");
    const here = chat.open();
    await shows(here, "kept 1", "kept 2", "not sent yet");
    for (const client of [li, wang]) {
      await until(client.conversations, (list) => list.every(({ id }) => id !== group.id));
      const shown = client.conversations.value.find(({ id }) => id === chat.id);
      expect(shown?.headSeq).toBe(4);
    }
    await chat.send("after");
    await shows(there, "kept 1", "kept 2", "not sent yet", "after");
  });
});

describe("sessions", () => {
  test("a wrong password is refused, and logging out leaves nothing", async () => {
    const li = await newcomer("Li");
    const { handle } = await li.call("user.me", {});
    const other = await Client.create({ url: server.url });
    open.push(other);
    const wrong = other.logIn({ identifier: handle ?? "", password: "wrong" });
    await expect(wrong).rejects.toMatchObject({ code: "wrong_credentials" });
    await li.openSelf();
    expect(li.conversations.value).toHaveLength(1);
    await li.logOut();
    expect(li.session.value).toEqual({ kind: "none", ended: "logged_out" });
    expect(li.conversations.value).toHaveLength(0);
  });

  test("a kicked device is logged out", async () => {
    const li = await newcomer("Li");
    const { handle } = await li.call("user.me", {});
    const other = await Client.create({ url: server.url });
    open.push(other);
    await other.logIn({ identifier: handle ?? "", password: PASSWORD, platform: "cli" });
    await until(other.connection, ({ kind }) => kind === "online");
    await other.call("user.kick_other_devices", {});
    const state = await until(li.session, ({ kind }) => kind === "none");
    expect(state).toEqual({ kind: "none", ended: "kicked" });
  });
});
