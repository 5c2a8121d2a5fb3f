/** Several tabs: one connection, moved when its tab goes. */

import { afterEach, beforeEach, expect, test } from "vitest";
import { Engine } from "../src/engine.js";
import { MemoryStore, type Message } from "../src/index.js";
import { SharedCore } from "../src/tabs.js";
import { FakeServer, ME, TALK } from "./fake_server.js";

/** Web Locks for the tabs of this test: one holder at a time, in the order of asking. */
class FakeLocks {
  private last: Promise<unknown> = Promise.resolve();

  request(_name: string, work: () => Promise<unknown>): Promise<unknown> {
    const run = this.last.then(work);
    this.last = run.catch(() => {});
    return run;
  }
}

let server: FakeServer;
let locks: LockManager;
let store: MemoryStore;
let name: string;
let connections: number;
let tabs: SharedCore[];
let names = 0;

beforeEach(() => {
  server = new FakeServer();
  locks = new FakeLocks() as unknown as LockManager;
  store = new MemoryStore();
  names += 1;
  name = `tabs${names}`;
  connections = 0;
  tabs = [];
});

afterEach(async () => {
  for (const tab of tabs.reverse()) await tab.close();
});

async function openTab(): Promise<SharedCore> {
  const webSocket = () => {
    connections += 1;
    return server.webSocket();
  };
  const fetch = server.fetch as never;
  const start = () => Engine.start({ url: "http://fake", client: "t", store, webSocket, fetch });
  const tab = await SharedCore.open({ name, start, locks });
  tabs.push(tab);
  return tab;
}

async function isOnline(tab: SharedCore): Promise<boolean> {
  return (await tab.request("snapshot", null)).connection.kind === "online";
}

function item(clientId: string, text: string) {
  return {
    clientId,
    conversationId: TALK,
    sender: ME,
    content: { type: "text" as const, text },
    quoteSeq: 0,
    quoteSender: "",
    burnAfterMs: 0,
    createdAtMs: 1,
    uploadId: "",
    error: null,
  };
}

test("followers use the leader's connection and hear what it hears", async () => {
  const [leader, follower] = [await openTab(), await openTab()];
  expect([leader.isLeader, follower.isLeader]).toEqual([true, false]);
  await follower.request("logIn", { identifier: "me", password: "p" });
  await expect.poll(() => isOnline(follower)).toBe(true);
  expect(connections).toBe(1);
  const heard: string[] = [];
  follower.subscribe((events) => {
    for (const event of events) {
      if (event.type !== "news" || event.news.event !== "message") continue;
      const { content } = event.news.message as Message;
      if (content?.type === "text") heard.push(content.text);
    }
  });
  server.say("hello");
  await expect.poll(() => heard).toEqual(["hello"]);
  await follower.request("send", item("c1", "from the follower"));
  await expect.poll(() => server.log.at(-1)?.client_id).toBe("c1");
  const answer = await follower.request("call", { method: "user.me", params: {}, timeoutMs: 1000 });
  expect(answer).toMatchObject({ user_id: ME });
  const refused = follower.request("logIn", null as never).catch((error) => error);
  expect(await refused).toBeDefined();
});

test("leadership moves when the leader closes, and nothing is lost", async () => {
  const [leader, follower] = [await openTab(), await openTab()];
  await leader.request("logIn", { identifier: "me", password: "p" });
  await expect.poll(() => isOnline(leader)).toBe(true);
  let resets = 0;
  follower.subscribe((events) => {
    resets += events.filter(({ type }) => type === "reset").length;
  });
  server.cut();
  await follower.request("send", item("c1", "written in between"));
  store.close = async () => {};
  await leader.close();
  await expect.poll(() => follower.isLeader).toBe(true);
  expect(resets).toBe(1);
  await expect.poll(() => server.log.at(-1)?.client_id, { timeout: 5000 }).toBe("c1");
  const sent = server.log.filter(({ client_id }) => client_id === "c1");
  expect(sent).toHaveLength(1);
});
