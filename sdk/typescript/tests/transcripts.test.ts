/**
 * The golden transcripts, seen from the client: we say what they say the client says, and
 * understand what they say the server says. `tests/protocol` holds the server to them.
 */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Connection } from "../src/connection.js";
import { type ConnectionLost, Refused } from "../src/errors.js";
import type { Push } from "../src/wire.js";
import { FakeSocket } from "./fake_server.js";

const FOLDER = new URL("../../../protocol/transcripts/", import.meta.url);

/** What this client never says: it greets once, at once, in version 1 and JSON, and logs in over HTTP. */
const NOT_OURS = new Set([
  "hello",
  "hello-missing",
  "malformed",
  "send-in-msgpack",
  "register-and-refresh",
]);

interface Message {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
  result?: unknown;
  error?: { code: string };
  event?: string;
  data?: unknown;
}

interface Step {
  connect?: string;
  send?: Message;
  expect?: Message;
  closed?: number;
  disconnect?: string;
  repeat?: number;
  on?: string;
}

const NAMES = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".jsonl"))
  .map((name) => name.slice(0, -6));

test("there are transcripts, and those left out exist", () => {
  expect(NAMES.length).toBeGreaterThan(NOT_OURS.size + 5);
  for (const name of NOT_OURS) expect(NAMES).toContain(name);
});

describe("transcript", () => {
  test.each(NAMES.filter((name) => !NOT_OURS.has(name)))("%s", async (name) => {
    const text = readFileSync(new URL(`${name}.jsonl`, FOLDER), "utf8");
    const replay = new Replay();
    for (const line of text.split("\n").filter(Boolean)) await replay.take(JSON.parse(line));
    expect(replay.steps).toBeGreaterThan(2);
  });
});

class Replay {
  steps = 0;
  private readonly ends = new Map<string, End>();
  private readonly known = new Map<string, unknown>();

  async take(step: Step): Promise<void> {
    if (step.connect !== undefined) this.ends.set(step.connect, new End());
    const end = this.ends.get(step.on ?? step.disconnect ?? "");
    if (end === undefined) return;
    this.steps += 1;
    if (step.send !== undefined) {
      for (let n = 1; n <= (step.repeat ?? 1); n += 1) {
        const id = step.repeat === undefined ? step.send.id : n;
        await end.say({ ...(this.filled(step.send) as Message), id: id as number });
      }
    } else if (step.expect !== undefined) {
      await end.hear(this.filled(step.expect) as Message);
    } else if (step.closed !== undefined) {
      await end.close(step.closed);
    } else if (step.disconnect !== undefined) {
      end.drop();
    }
  }

  private filled(template: unknown, name = ""): unknown {
    if (Array.isArray(template)) return template.map((one) => this.filled(one, name));
    if (typeof template === "object" && template !== null) {
      const pairs = Object.entries(template).map(([key, value]) => {
        return [String(this.filled(key)), this.filled(value, key)];
      });
      return Object.fromEntries(pairs);
    }
    if (typeof template !== "string" || !template.startsWith("$")) return template;
    if (template === "$$int") return 1;
    if (template.startsWith("$$")) return "text";
    const known = this.known.get(template) ?? (/(seq|_ms|_s)$/.test(name) ? this.steps : template);
    this.known.set(template, known);
    return known;
  }
}

/** Our end of one connection of the transcript, with a server that says what it is told. */
class End {
  private readonly socket = new FakeSocket();
  private readonly pushes: Push[] = [];
  private readonly asked = new Map<number, { sentId: number; answer: Promise<unknown> }>();
  private opening: Promise<Connection> | null = null;
  private closed: ConnectionLost | null = null;

  /** Ask by our own means, and compare what went out. */
  async say(message: Message): Promise<void> {
    const { id = 0, method = "", params = {} } = message;
    const answer =
      method === "hello" ? this.greet(String(params.token ?? "")) : this.ask(method, params);
    answer.catch(() => {});
    await Promise.resolve();
    while (this.socket.sent.length === 0 && method === "hello") {
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    const sent = JSON.parse(this.socket.sent.at(-1) ?? "{}") as Message;
    expect(sent.method).toBe(method);
    expect(sent.params).toMatchObject(method === "hello" ? {} : params);
    if (params.token) expect(sent.params?.token).toBe(params.token);
    this.asked.set(id, { sentId: sent.id as number, answer });
  }

  /** Have the server say it, and compare what we make of it. */
  async hear(message: Message): Promise<void> {
    if (message.event !== undefined) {
      this.socket.receive(message);
      if (message.event === "kicked" || this.pushes.length > 0) {
        expect(this.pushes.at(-1)).toEqual({ event: message.event, data: message.data });
      }
      return;
    }
    const asked = this.asked.get(message.id as number);
    if (asked === undefined) throw new Error(`no request ${message.id}`);
    this.socket.receive({ ...message, id: asked.sentId });
    if (message.error === undefined) {
      expect(await asked.answer).toEqual(message.result);
    } else {
      const error = await asked.answer.catch((refusal) => refusal);
      expect(error).toBeInstanceOf(Refused);
      expect(error).toMatchObject(message.error);
    }
  }

  async close(code: number): Promise<void> {
    this.socket.close(code);
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (this.closed !== null) expect(this.closed.closeCode).toBe(code);
    else await expect(this.opening).rejects.toBeInstanceOf(Error);
  }

  drop(): void {
    this.opening?.then((connection) => connection.close()).catch(() => {});
  }

  private async greet(token: string): Promise<unknown> {
    this.opening = Connection.open({
      url: "http://fake",
      token,
      client: "test",
      webSocket: () => this.socket as unknown as WebSocket,
      onPush: (push) => this.pushes.push(push),
      onClosed: (end) => {
        this.closed = end;
      },
    });
    return (await this.opening).welcome;
  }

  private async ask(method: string, params: object): Promise<unknown> {
    if (this.opening === null) throw new Error("no hello yet");
    const connection = await this.opening;
    return connection.call(method, params, 5000);
  }
}
