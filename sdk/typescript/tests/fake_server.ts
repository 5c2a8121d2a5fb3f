/** A server in memory, for one conversation, that can be made to misbehave. */

import type { Entry } from "../src/protocol.js";

export const ME = "u1";
export const PEER = "u2";
export const TALK = "c1";

/** What goes wrong, each with a probability from 0 to 1. */
export interface Chaos {
  /** A push is not sent. */
  drop: number;
  /** A push is sent twice. */
  double: number;
  /** A push is sent after the one that follows. */
  swap: number;
  /** The connection breaks before a request is carried out, or after, before its answer. */
  breakBefore: number;
  breakAfter: number;
}

export const CALM: Chaos = { drop: 0, double: 0, swap: 0, breakBefore: 0, breakAfter: 0 };

/** A small generator of numbers from 0 to 1 (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** The client's end of a connection. */
export class FakeSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  isClosed = false;
  readonly sent: string[] = [];

  constructor(private readonly onSend: (socket: FakeSocket, text: string) => void = () => {}) {
    setTimeout(() => {
      if (!this.isClosed) this.onopen?.();
    }, 0);
  }

  send(text: string): void {
    if (this.isClosed) return;
    this.sent.push(text);
    this.onSend(this, text);
  }

  receive(message: object): void {
    if (!this.isClosed) this.onmessage?.({ data: JSON.stringify(message) });
  }

  close(code = 1006): void {
    if (this.isClosed) return;
    this.isClosed = true;
    setTimeout(() => this.onclose?.({ code, reason: "" }), 0);
  }
}

interface Params {
  known?: Record<string, number>;
  seq?: number;
  client_id?: string;
  content?: object;
  limit?: number;
  after_seq?: number;
  before_seq?: number;
  around_seq?: number;
}

export class FakeServer {
  readonly log: Entry[] = [];
  readSeq = 0;
  chaos: Chaos = CALM;
  /** Names the state of the log; hello and sync may tell different ones for a moment. */
  generation = "first";
  greets = "";
  private laterMs = 0;
  requests: { method: string; params: unknown }[] = [];
  private socket: FakeSocket | null = null;
  private held: object | null = null;

  constructor(private readonly random: () => number = Math.random) {
    this.append("conversation.created", "", "", { kind: "direct", name: "" });
  }

  webSocket = (): WebSocket => {
    this.socket?.close(1006);
    this.socket = new FakeSocket((socket, text) => void this.take(socket, JSON.parse(text)));
    return this.socket as unknown as WebSocket;
  };

  readonly fetch = async (): Promise<Response> => {
    const tokens = { user_id: ME, device_id: "v1", access_token: "a", refresh_token: "r" };
    return Response.json({ ...tokens, expires_in_s: 3600 });
  };

  /** Somebody else writes. */
  say(text: string): Entry {
    return this.happen("message", PEER, { content: { type: "text", text } });
  }

  /** Something happens, and is pushed. */
  happen(kind: string, sender: string, body: object): Entry {
    const entry = this.append(kind, sender, kind === "message" ? `p${this.log.length}` : "", body);
    this.push({ event: "entry", data: entry });
    return entry;
  }

  /** The user's own log tells that the user is in the conversation. */
  joined(seq: number): void {
    const body = { conversation_id: TALK, kind: "direct", how: "opened", peer_id: PEER };
    const place = { log_id: `@${ME}`, seq, ordinal: 0, sender: "system", client_id: "" };
    const entry = { ...place, kind: "membership.joined", sent_at_ms: 1_000_000, body };
    this.push({ event: "entry", data: entry });
  }

  /** A message is edited where not everybody may read everything: what to is not told. */
  editUntold(seq: number, text: string): void {
    const message = this.log[seq - 1] as Entry;
    message.body = { content: { type: "text", text }, version: 2, edited_at_ms: 1 };
    this.happen("message.edited", PEER, { seq, version: 2, edited_at_ms: 1, content: null });
  }

  /** Be what it was when the log had so many entries, as after a restore from a backup. */
  restore(length: number, greetsAs = ""): void {
    this.greets = greetsAs;
    this.generation = `restored at ${length}`;
    this.log.length = length;
    this.laterMs += 10_000;
    this.readSeq = Math.min(this.readSeq, length);
    this.cut();
  }

  cut(): void {
    this.held = null;
    this.socket?.close(1006);
  }

  private append(kind: string, sender: string, clientId: string, body: object): Entry {
    const ordinal = (this.log.at(-1)?.ordinal ?? 0) + (kind === "message" ? 1 : 0);
    const entry = {
      log_id: TALK,
      seq: this.log.length + 1,
      ordinal,
      kind,
      sender,
      client_id: clientId,
      sent_at_ms: 1_000_000 + this.laterMs + this.log.length,
      body,
    };
    this.log.push(entry);
    const target = this.log[((body as { seq?: number }).seq ?? 0) - 1];
    if (target && kind === "message.edited") {
      const { content, version } = body as { content: object | null; version: number };
      if (content === null) return entry; // who tells nothing has changed the message itself
      target.body = { ...(target.body as object), content, version };
    }
    return entry;
  }

  /** Say that pushes may have been lost. */
  askToSync(): void {
    this.push({ event: "sync", data: {} });
  }

  private push(message: object): void {
    const { drop, double, swap } = this.chaos;
    if (this.random() < drop) return;
    if (this.held === null && this.random() < swap) {
      this.held = message;
      return;
    }
    this.socket?.receive(message);
    if (this.random() < double) this.socket?.receive(message);
    if (this.held !== null) this.socket?.receive(this.held);
    this.held = null;
  }

  private async take(
    socket: FakeSocket,
    request: { id: number; method: string; params: Params },
  ): Promise<void> {
    await Promise.resolve();
    this.requests.push({ method: request.method, params: request.params });
    if (this.random() < this.chaos.breakBefore) return socket.close(1006);
    const result = this.answer(request.method, request.params);
    if (this.random() < this.chaos.breakAfter) return socket.close(1006);
    setTimeout(() => socket.receive({ id: request.id, ...result }), 0);
  }

  private answer(method: string, params: Params): { result: unknown } | { error: object } {
    switch (method) {
      case "hello":
        return {
          result: {
            user_id: ME,
            device_id: "v1",
            protocol: 1,
            heartbeat_s: 0,
            time_ms: 0,
            generation: this.greets || this.generation,
          },
        };
      case "conversation.sync":
        return { result: this.synced(params.known?.[TALK] ?? 0) };
      case "conversation.get":
        return { result: this.conversation() };
      case "conversation.history":
        return { result: this.history(params) };
      case "conversation.read":
        this.readSeq = Math.max(this.readSeq, params.seq ?? 0);
        return { result: { read_seq: this.readSeq, read_ordinal: this.ordinalAt(this.readSeq) } };
      case "message.send":
        return { result: this.send(params.client_id ?? "", params.content ?? {}) };
      case "message.get":
        return { result: structuredClone(this.log[(params.seq ?? 0) - 1]) };
      case "message.marks":
        return { result: { marks: [] } };
      case "conversation.cursors":
        return { result: { user_id: PEER, read_seq: 0, delivered_seq: 0 } };
      case "user.get":
        return { result: { users: [{ user_id: PEER, name: "Peer" }] } };
      case "user.me":
        return { result: { user_id: ME, name: "Me" } };
      case "relation.friends":
      case "relation.blocked":
        return { result: { people: [] } };
      default:
        return { result: {} };
    }
  }

  private send(clientId: string, content: object): object {
    let entry = this.log.find((one) => one.sender === ME && one.client_id === clientId);
    entry ??= this.append("message", ME, clientId, { content });
    this.readSeq = Math.max(this.readSeq, entry.seq);
    return { seq: entry.seq, ordinal: entry.ordinal, sent_at_ms: entry.sent_at_ms };
  }

  private ordinalAt(seq: number): number {
    return this.log[seq - 1]?.ordinal ?? 0;
  }

  get unread(): number {
    return (this.log.at(-1)?.ordinal ?? 0) - this.ordinalAt(this.readSeq);
  }

  private conversation(): object {
    const last = this.log.findLast(({ kind }) => kind === "message") ?? null;
    return {
      conversation_id: TALK,
      kind: "direct",
      head: { seq: this.log.length, ordinal: this.log.at(-1)?.ordinal ?? 0 },
      member: { conversation_id: TALK, user_id: ME, visible_from: 1, active: true },
      peer_id: PEER,
      group: null,
      preference: { conversation_id: TALK, user_id: ME },
      cursor: { read_seq: this.readSeq, read_ordinal: this.ordinalAt(this.readSeq) },
      unread: this.unread,
      mentions: 0,
      last,
    };
  }

  private synced(known: number): object {
    const { generation } = this;
    if (known === this.log.length) {
      return { conversations: [], user_seq: 0, next_after: null, generation };
    }
    const from = Math.max(known + 1, this.log.length - 19);
    const entries = this.log.slice(from - 1);
    const conversation = this.conversation();
    const one = { conversation, entries, from_seq: from, gap: from > known + 1 };
    const conversations = [one];
    return { conversations, user_seq: 0, next_after: null, left: [], user_entries: [], generation };
  }

  private history(params: Params): object {
    const { limit = 50 } = params;
    let first = Math.max(1, this.log.length - limit + 1);
    if (params.after_seq !== undefined) first = params.after_seq + 1;
    else if (params.before_seq !== undefined) first = Math.max(1, params.before_seq - limit);
    else if (params.around_seq !== undefined) first = Math.max(1, params.around_seq - limit / 2);
    const end = params.before_seq === undefined ? Number.POSITIVE_INFINITY : params.before_seq - 1;
    const entries = this.log.slice(first - 1, Math.min(first + limit - 1, end));
    const to = entries.at(-1)?.seq ?? first - 1;
    return {
      entries,
      from_seq: entries[0]?.seq ?? first,
      to_seq: to,
      more_before: first > 1,
      more_after: to < this.log.length,
    };
  }
}
