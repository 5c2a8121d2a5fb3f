/** The small parts. */

import "fake-indexeddb/auto";
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";
import type { Message } from "../src/api.js";
import { Backoff } from "../src/backoff.js";
import type { Core } from "../src/core.js";
import { change, messageOf, withMarks } from "../src/fold.js";
import { newClientId } from "../src/ids.js";
import { Profiles, userOf } from "../src/profiles.js";
import type { Entry } from "../src/protocol.js";
import { allStale, cover, dropUpTo, spanAt } from "../src/ranges.js";
import { Sequencer } from "../src/sequencer.js";
import type { Store } from "../src/store.js";
import { IndexedDbStore } from "../src/store_indexeddb.js";
import { MemoryStore } from "../src/store_memory.js";
import { UserCache } from "../src/users.js";

function entry(seq: number, kind = "message", body: object = {}, sender = "u2"): Entry {
  const content = { type: "text", text: `${seq}` };
  const whole = kind === "message" ? { content, ...body } : body;
  const rest = { kind, sender, client_id: "", sent_at_ms: seq, body: whole };
  return { log_id: "c", seq, ordinal: seq, ...rest };
}

test("the generated types are those of the schemas", () => {
  const script = fileURLToPath(new URL("../scripts/generate-protocol.mjs", import.meta.url));
  execFileSync(process.execPath, [script, "--check"]);
});

test("client ids sort by the time of making", () => {
  const ids = Array.from({ length: 2000 }, () => newClientId());
  expect([...ids].sort()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
  expect(newClientId().length).toBe(24);
});

test("waits double up to a limit, and begin again", () => {
  const backoff = new Backoff(100, 350, () => 1);
  expect([1, 2, 3].map(() => backoff.nextMs())).toEqual([100, 200, 350]);
  backoff.reset();
  expect(backoff.nextMs()).toBe(100);
});

test("a sequencer hands on each seq once, in order", () => {
  const log = new Sequencer(2);
  expect(log.offer(entry(2))).toEqual([]);
  expect(log.offer(entry(5))).toEqual([]);
  expect(log.missing).toEqual({ first: 3, last: 4 });
  expect(log.offer(entry(3)).map(({ seq }) => seq)).toEqual([3]);
  expect(log.skip(4).map(({ seq }) => seq)).toEqual([5]);
  expect(log.missing).toBeNull();
  log.expect(8);
  expect(log.missing).toEqual({ first: 6, last: 8 });
});

test("spans join where they touch, and fresh ones replace stale ones", () => {
  let spans = cover([], 10, 20);
  spans = cover(spans, 30, 40);
  spans = cover(spans, 21, 29);
  expect(spans).toEqual([{ from: 10, to: 40, fresh: true }]);
  spans = cover(allStale(spans), 35, 50);
  expect(spans).toEqual([
    { from: 10, to: 34, fresh: false },
    { from: 35, to: 50, fresh: true },
  ]);
  expect(spanAt(spans, 12, false)).toBeUndefined();
  expect(spanAt(spans, 12, true)?.to).toBe(34);
  expect(dropUpTo(spans, 36)).toEqual([{ from: 37, to: 50, fresh: true }]);
  spans = cover(allStale(cover([], 1, 9)), 3, 5);
  expect(spans.map(({ from, to }) => [from, to])).toEqual([
    [1, 2],
    [3, 5],
    [6, 9],
  ]);
});

test("changes fold into the message, and again to the same", () => {
  const body = (version: number) => ({
    seq: 1,
    version,
    edited_at_ms: 9,
    content: { type: "text", text: `v${version}` },
  });
  const steps = [
    entry(2, "message.reacted", { seq: 1, emoji: "👍", added: true, count: 1 }, "me"),
    entry(3, "message.edited", body(3)),
    entry(4, "message.edited", body(2)),
    entry(5, "message.reacted", { seq: 1, emoji: "👍", added: true, count: 2 }),
    entry(6, "message.pinned", { seq: 1, pinned: true }),
  ];
  const fold = (message: Message) => steps.reduce((now, one) => change(now, one, "me"), message);
  const message = fold(messageOf(entry(1)));
  expect(message.content).toEqual({ type: "text", text: "v3" });
  expect(message.reactions).toEqual([{ emoji: "👍", count: 2, mine: true, first: ["me", "u2"] }]);
  expect(message.pinned).toBe(true);
  expect(fold(message)).toMatchObject({ content: message.content, pinned: true, version: 3 });
  const recalled = change(message, entry(7, "message.recalled", { seq: 1 }), "me");
  expect(recalled).toMatchObject({ content: null, reactions: [], recalledBy: "u2" });
  expect(change(recalled, steps[3] as Entry, "me").reactions).toEqual([]);
});

test("a poll is counted, and closes", () => {
  const content = { type: "poll", question: "?", options: ["a", "b"] };
  const poll = messageOf(entry(1, "message", { content }));
  expect(poll.poll).toEqual({ tallies: [0, 0], voters: 0, mine: [], closed: false });
  const vote = { seq: 1, tallies: [0, 1], voters: 1, choice: [1] };
  const voted = change(poll, entry(2, "poll.voted", vote, "me"), "me");
  expect(voted.poll).toEqual({ tallies: [0, 1], voters: 1, mine: [1], closed: false });
  const end = { seq: 1, tallies: [2, 1], voters: 3 };
  const closed = change(voted, entry(3, "poll.closed", end), "me");
  expect(closed.poll).toEqual({ tallies: [2, 1], voters: 3, mine: [1], closed: true });
  const marks = { tallies: [5, 5], voters: 9, mine: [0], closed: false };
  expect(withMarks(poll, { seq: 1, poll: marks }).poll).toEqual(marks);
});

test.each([
  ["memory", () => Promise.resolve<Store>(new MemoryStore())],
  ["indexeddb", () => IndexedDbStore.open("units")],
])("the store %s keeps rows in order and drops ranges", async (_name, openStore) => {
  const store = await openStore();
  const rows = [
    ["b", 2],
    ["a", 10],
    ["a", 9],
    ["b", 1],
    ["c", 1],
  ] as const;
  await store.write(rows.map((key) => ({ put: "items", key, value: { key } })));
  await store.write([{ put: "meta", key: "x", value: 1 }]);
  const keys = async (range: object) => {
    return (await store.range("items", range)).map(({ key }) => [...key].join(""));
  };
  expect(await keys({})).toEqual(["a9", "a10", "b1", "b2", "c1"]);
  expect(await keys({ from: ["a", 10], to: ["b", 1] })).toEqual(["a10", "b1"]);
  expect(await keys({ from: ["a", 0], to: ["b", 9], reverse: true, limit: 3 })).toEqual([
    "b2",
    "b1",
    "a10",
  ]);
  expect(await keys({ from: ["b", 3], to: ["b", 1] })).toEqual([]);
  await store.write([
    { dropRange: "items", from: ["b", 0], to: ["b", 1] },
    { drop: "items", key: ["c", 1] },
  ]);
  expect(await keys({})).toEqual(["a9", "a10", "b2"]);
  expect(await store.get("items", ["a", 9])).toEqual({ key: ["a", 9] });
  expect(await store.get("meta", "x")).toBe(1);
  await store.clear();
  expect(await store.get("meta", "x")).toBeUndefined();
  await store.close();
});

test("profiles are asked for once, and again after what may have been missed", async () => {
  const names = ["Li", "Li Bai"];
  const told: string[] = [];
  let calls = 0;
  const profiles = new Profiles({
    store: new MemoryStore(),
    isOnline: () => true,
    call: async () => {
      calls += 1;
      return { users: [{ user_id: "u2", name: names.shift() }] };
    },
    onUsers: (users) => told.push(...users.map(({ name }) => name)),
    onPeople: () => {},
  });
  const name = async () => (await profiles.get(["u2"]))[0]?.name;
  expect(await name()).toBe("Li");
  expect(await name()).toBe("Li");
  await profiles.take({ user_id: "u2", name: "Bai" });
  expect(await name()).toBe("Bai");
  expect(calls).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 2)); // the clock's step is 1 ms
  profiles.invalidate();
  expect(await name()).toBe("Bai"); // it is shown until the other one comes
  await vi.waitFor(() => expect(told).toEqual(["Li", "Bai", "Li Bai"]));
  expect(await name()).toBe("Li Bai");
  expect(calls).toBe(2);
});

test("who shows a profile asks again when the connection is back, and nobody else does", async () => {
  const asked: string[][] = [];
  const core = {
    request: async (_: string, { ids }: { ids: string[] }) => {
      asked.push(ids);
      return ids.map((id) => userOf({ user_id: id, name: id }));
    },
  };
  const users = new UserCache(core as unknown as Core);
  await users.load(["seen", "shown"]);
  users.observe("shown").subscribe(() => {});
  users.get("shown");
  await vi.waitFor(() => expect(asked).toEqual([["seen", "shown"], ["shown"]]));
  users.get("shown");
  users.again();
  await vi.waitFor(() => expect(asked).toHaveLength(3));
  expect(asked[2]).toEqual(["shown"]);
  expect(users.known("seen")?.name).toBe("seen");
});
