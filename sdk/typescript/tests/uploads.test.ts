/** Uploads that are paused, break, and survive a restart of the client. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { Client, MemoryStore } from "../src/index.js";
import { LiveServer } from "./live_server.js";
import { until } from "./until.js";

const server = new LiveServer();
const open: Client[] = [];

beforeAll(() => server.start());
afterAll(async () => {
  for (const client of open) await client.close();
  await server.stop();
});

async function newcomer(handle: string, fetch: typeof globalThis.fetch, store = new MemoryStore()) {
  const client = await Client.create({ url: server.url, fetch, store });
  open.push(client);
  if (client.session.value.kind === "none") {
    await client.register({ handle, password: "a wild goose 1898" });
  }
  await until(client.connection, ({ kind }) => kind === "online");
  return client;
}

function bytesOf(count: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(count).map((_, index) => (index * 31) & 255);
}

test("a pause stops, and resuming goes on from there", async () => {
  const chunks: number[] = [];
  const client = await newcomer("pauses", (input, init) => {
    if (init?.method === "PATCH") chunks.push((init.body as Blob).size);
    return fetch(input, init);
  });
  const bytes = bytesOf(6_000_000);
  const upload = await client.uploads.start(new Blob([bytes]), { name: "geese.bin" });
  await until(upload, ({ sentBytes }) => sentBytes > 0);
  await upload.pause();
  await until(upload, ({ state }) => state === "paused");
  await new Promise((resolve) => setTimeout(resolve, 100));
  await upload.resume();
  const mediaId = await upload.done;
  expect(chunks.reduce((sum, size) => sum + size, 0)).toBe(bytes.length);
  expect(chunks.length).toBeGreaterThan(1);
  let seen = 0;
  const onProgress = (received: number) => {
    seen = received;
  };
  const copy = await client.uploads.download(mediaId, { onProgress });
  expect(Buffer.from(await copy.arrayBuffer()).equals(bytes)).toBe(true);
  expect(seen).toBe(bytes.length);
  expect(client.uploads.all.value).toEqual([]);
});

test("an upload goes on after a restart, in the message that waits for it", async () => {
  const store = new MemoryStore();
  store.close = async () => {};
  let patches = 0;
  const breaking: typeof fetch = (input, init) => {
    if (init?.method === "PATCH") patches += 1;
    return patches > 1 ? Promise.reject(new TypeError("broken")) : fetch(input, init);
  };
  const before = await newcomer("restarts", breaking, store);
  const notes = await before.openSelf();
  const bytes = bytesOf(3_000_000);
  await notes.sendFile(new Blob([bytes], { type: "text/plain" }), { type: "file" }, { name: "a" });
  await notes.send("a text goes ahead of a file that takes long");
  await until(before.uploads.all, (all) => (all[0]?.sentBytes ?? 0) > 0);
  await before.close();

  const sent: number[] = [];
  const after = await newcomer(
    "restarts",
    (input, init) => {
      if (init?.method === "PATCH") sent.push((init.body as Blob).size);
      return fetch(input, init);
    },
    store,
  );
  const window = after.conversation(notes.id).open({ at: "end" });
  const { items } = await until(
    window,
    (value) => value.items.filter((i) => i.type === "message" && i.state === "sent").length === 2,
    20_000,
  );
  expect(sent.reduce((sum, size) => sum + size, 0)).toBeLessThan(bytes.length);
  const content = items.at(-1)?.type === "message" ? items.at(-1) : null;
  if (content?.type !== "message" || content.content?.type !== "file") throw new Error("no file");
  const copy = await after.uploads.download(content.content.media_id);
  expect(Buffer.from(await copy.arrayBuffer()).equals(bytes)).toBe(true);
});
