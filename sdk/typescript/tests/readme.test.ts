/** The example of the README works as it stands there. */

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Client } from "../src/index.js";
import { LiveServer } from "./live_server.js";
import { until } from "./until.js";

const PASSWORD = "a wild goose 1898";
const ROOT = new URL("..", import.meta.url);
const server = new LiveServer();
let bot: ChildProcess | null = null;

beforeAll(() => server.start());
afterAll(async () => {
  bot?.kill();
  await server.stop();
});

test("the echo bot of the README echoes", async () => {
  const source = readFileSync(new URL("examples/echo.ts", ROOT), "utf8");
  expect(readFileSync(new URL("README.md", ROOT), "utf8")).toContain(source);
  const owner = await Client.create({ url: server.url });
  await owner.register({ handle: "echo.bot", password: PASSWORD });
  await until(owner.connection, ({ kind }) => kind === "online");
  const { user_id: botId } = await owner.call("user.me", {});
  await owner.close();

  const config = fileURLToPath(new URL("vitest.config.ts", ROOT));
  const runner = fileURLToPath(new URL("node_modules/.bin/vite-node", ROOT));
  const args = ["--config", config, "examples/echo.ts", server.url, "echo.bot", PASSWORD];
  bot = spawn(runner, args, { cwd: fileURLToPath(ROOT), stdio: "inherit" });

  const li = await Client.create({ url: server.url });
  await li.register({ handle: "li", password: PASSWORD });
  await until(li.connection, ({ kind }) => kind === "online");
  const presence = li.presence.observe(botId);
  const stop = presence.subscribe(() => {});
  await until(presence, (value) => value?.online === true, 20_000);
  stop();
  const chat = await li.openDirect(botId);
  await chat.send("鸿雁传书");
  await until(chat.summary, (value) => {
    return value?.last?.type === "message" && value.last.sender === botId;
  });
  await li.close();
});
