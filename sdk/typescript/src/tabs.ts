/** One engine for all tabs of a browser: the tab that holds the lock runs it. */

import type { Core, CoreEvent, Operations } from "./core.js";
import { ConnectionLost, fromPlain, type PlainError, toPlain } from "./errors.js";
import { randomDigits } from "./ids.js";
import { Listeners } from "./observable.js";
import { type Deferred, deferred } from "./timing.js";

type TabMessage =
  | { kind: "who" }
  | { kind: "leader"; tab: string }
  | { kind: "ask"; tab: string; id: number; operation: keyof Operations; args: unknown }
  | { kind: "answer"; tab: string; id: number; result?: unknown; error?: PlainError }
  | { kind: "events"; events: readonly CoreEvent[] }
  | { kind: "bye"; tab: string };

interface Asked {
  operation: keyof Operations;
  args: unknown;
  answer: Deferred<unknown>;
  /** The leader that was asked; empty while there is none. */
  leader: string;
}

export interface TabsOptions {
  /** Names the lock and the channel. */
  name: string;
  /** Starts the engine, when it is this tab's turn. */
  start: () => Promise<Core>;
  locks?: LockManager;
  openChannel?: (name: string) => BroadcastChannel;
}

export class SharedCore implements Core {
  readonly tab = randomDigits(10);
  private readonly listeners = new Listeners<readonly CoreEvent[]>();
  private readonly channel: BroadcastChannel;
  private readonly asked = new Map<number, Asked>();
  private readonly closing = deferred<void>();
  private readonly ready = deferred<void>();
  private engine: Core | null = null;
  private leader = "";
  private lastId = 0;

  private constructor(private readonly options: TabsOptions) {
    const open = options.openChannel ?? ((name: string) => new BroadcastChannel(name));
    this.channel = open(options.name);
    this.channel.onmessage = (event: MessageEvent) => this.take(event.data as TabMessage);
  }

  /** Resolves when there is a leader, this tab or another. */
  static async open(options: TabsOptions): Promise<SharedCore> {
    const core = new SharedCore(options);
    const locks = options.locks ?? navigator.locks;
    locks.request(options.name, () => core.lead()).catch((error) => core.ready.reject(error));
    core.post({ kind: "who" });
    await core.ready.promise;
    return core;
  }

  /** Whether this tab holds the connection. */
  get isLeader(): boolean {
    return this.engine !== null;
  }

  request<O extends keyof Operations>(
    operation: O,
    args: Operations[O]["args"],
  ): Promise<Operations[O]["result"]> {
    if (this.engine !== null) return this.engine.request(operation, args);
    this.lastId += 1;
    const answer = deferred<unknown>();
    const asked: Asked = { operation, args, answer, leader: "" };
    this.asked.set(this.lastId, asked);
    this.ask(this.lastId, asked);
    return answer.promise as Promise<Operations[O]["result"]>;
  }

  subscribe(listener: (events: readonly CoreEvent[]) => void): () => void {
    return this.listeners.add(listener);
  }

  async close(): Promise<void> {
    this.post({ kind: "bye", tab: this.tab });
    await this.engine?.close();
    this.closing.resolve();
    for (const { answer } of this.asked.values()) answer.reject(new ConnectionLost("closed"));
    this.channel.close();
  }

  /** Run the engine until this tab closes: the lock is held as long as this does not return. */
  private async lead(): Promise<void> {
    const engine = await this.options.start();
    engine.subscribe((events) => {
      this.post({ kind: "events", events });
      this.listeners.tell(events);
    });
    const isTakeover = this.leader !== "";
    this.engine = engine;
    this.leader = this.tab;
    this.post({ kind: "leader", tab: this.tab });
    for (const [id, asked] of this.asked) this.askHere(id, asked);
    this.ready.resolve();
    if (isTakeover) this.listeners.tell([{ type: "reset" }]);
    await this.closing.promise;
  }

  private take(note: TabMessage): void {
    switch (note.kind) {
      case "who":
        if (this.engine !== null) this.post({ kind: "leader", tab: this.tab });
        break;
      case "leader":
        this.follow(note.tab);
        break;
      case "ask":
        if (this.engine !== null) void this.serve(note);
        break;
      case "answer":
        if (note.tab === this.tab) this.answered(note.id, note.result, note.error);
        break;
      case "events":
        if (this.engine === null) this.listeners.tell(note.events);
        break;
      case "bye":
        void this.engine?.request("presence", { tab: note.tab, ids: [] }).catch(() => {});
        break;
    }
  }

  private follow(leader: string): void {
    if (leader === this.leader) return;
    const isNew = this.leader !== "";
    this.leader = leader;
    this.ready.resolve();
    for (const [id, asked] of this.asked) this.ask(id, asked);
    if (isNew) this.listeners.tell([{ type: "reset" }]);
  }

  /** Ask the leader; again when it is another one, unless that might do something twice. */
  private ask(id: number, asked: Asked): void {
    if (this.leader === "") return;
    if (asked.leader !== "" && !mayRepeat(asked)) {
      this.asked.delete(id);
      asked.answer.reject(new ConnectionLost("the leading tab was closed"));
      return;
    }
    asked.leader = this.leader;
    const { operation, args } = asked;
    this.post({ kind: "ask", tab: this.tab, id, operation, args });
  }

  private askHere(id: number, asked: Asked): void {
    if (asked.leader !== "" && !mayRepeat(asked)) {
      this.asked.delete(id);
      asked.answer.reject(new ConnectionLost("the leading tab was closed"));
      return;
    }
    this.asked.delete(id);
    this.request(asked.operation, asked.args as never).then(
      asked.answer.resolve,
      asked.answer.reject,
    );
  }

  private async serve(note: TabMessage & { kind: "ask" }): Promise<void> {
    const { tab, id, operation, args } = note;
    try {
      const result = await this.engine?.request(operation, args as never);
      this.post({ kind: "answer", tab, id, result });
    } catch (error) {
      this.post({ kind: "answer", tab, id, error: toPlain(error) });
    }
  }

  private answered(id: number, result: unknown, error: PlainError | undefined): void {
    const asked = this.asked.get(id);
    this.asked.delete(id);
    if (error !== undefined) asked?.answer.reject(fromPlain(error));
    else asked?.answer.resolve(result);
  }

  private post(note: TabMessage): void {
    try {
      this.channel.postMessage(note);
    } catch {
      // the channel is closed
    }
  }
}

/** Whether asking again changes nothing more. */
function mayRepeat({ operation, args }: Asked): boolean {
  if (operation === "register" || operation === "logIn") return false;
  if (operation !== "call") return true;
  const params = (args as Operations["call"]["args"]).params;
  return typeof params === "object" && params !== null && "client_id" in params;
}
