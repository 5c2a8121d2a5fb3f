/** One WebSocket: hello, requests matched with answers, pushes, heartbeats. */

import type { WebSocketFactory } from "./api.js";
import { ConnectionLost, Refused } from "./errors.js";
import type { Welcome } from "./protocol.js";
import { type Deferred, deferred } from "./timing.js";
import {
  CLOSE_DEAD,
  CLOSED_BY_US,
  decode,
  encode,
  isPush,
  type Push,
  SUBPROTOCOL,
  VERSION,
  websocketUrl,
} from "./wire.js";

const OPEN_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 10_000;

export interface ConnectionOptions {
  url: string;
  token: string;
  client: string;
  webSocket: WebSocketFactory;
  /** Called with each push, in order; must not throw. */
  onPush: (push: Push) => void;
  /** Called once, when an open connection has ended. */
  onClosed: (end: ConnectionLost) => void;
}

/** A connection on which hello was said. It ends once and for all. */
export class Connection {
  welcome: Welcome;
  private readonly waiting = new Map<number, Deferred<unknown>>();
  private readonly opened = deferred<void>();
  private lastId = 0;
  private heardAtMs = Date.now();
  private isOpen = false;
  private end: ConnectionLost | null = null;
  private heartbeat: ReturnType<typeof setInterval> | undefined;

  private constructor(
    private readonly socket: WebSocket,
    private readonly options: ConnectionOptions,
  ) {
    this.welcome = {} as Welcome;
    socket.onopen = () => this.opened.resolve();
    socket.onmessage = (event: MessageEvent) => this.take(event.data);
    socket.onerror = () => {};
    socket.onclose = (event: CloseEvent) =>
      this.ended(new ConnectionLost(event.reason || `closed with ${event.code}`, event.code));
  }

  /**
   * Connect and say hello.
   *
   * Throws `ConnectionLost` when the server is not reached or does not answer in time,
   * `Refused` when it refuses hello: `unauthenticated` asks for another token.
   */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const socket = options.webSocket(websocketUrl(options.url), [SUBPROTOCOL]);
    const connection = new Connection(socket, options);
    const timer = setTimeout(
      () => connection.cut(new ConnectionLost("no answer in time")),
      OPEN_TIMEOUT_MS,
    );
    try {
      await connection.opened.promise;
      await connection.hello();
    } catch (error) {
      connection.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
    return connection;
  }

  /** Ask and return the result. Throws `Refused` and `ConnectionLost`. */
  async call(method: string, params: unknown, timeoutMs: number): Promise<unknown> {
    if (this.end !== null) throw this.end;
    this.lastId += 1;
    const id = this.lastId;
    const answer = deferred<unknown>();
    this.waiting.set(id, answer);
    const timer = setTimeout(() => {
      answer.reject(new ConnectionLost(`no answer to ${method} in ${timeoutMs} ms`));
    }, timeoutMs);
    try {
      this.socket.send(encode(id, method, params));
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      this.waiting.delete(id);
    }
  }

  /** Close; what waits for an answer rejects, and `onClosed` is called. */
  close(): void {
    this.cut(new ConnectionLost("closed", CLOSED_BY_US));
  }

  private async hello(): Promise<void> {
    const { token, client } = this.options;
    const params = { token, protocol: VERSION, client };
    this.welcome = (await this.call("hello", params, OPEN_TIMEOUT_MS)) as Welcome;
    this.isOpen = true;
    if (this.welcome.heartbeat_s > 0) {
      const everyMs = this.welcome.heartbeat_s * 1000;
      this.heartbeat = setInterval(() => this.beat(everyMs), everyMs / 2);
    }
  }

  private beat(everyMs: number): void {
    if (Date.now() - this.heardAtMs < everyMs) return;
    this.call("ping", {}, ANSWER_TIMEOUT_MS).catch((error) => {
      if (error instanceof ConnectionLost) {
        this.cut(new ConnectionLost("the server answers no more", CLOSE_DEAD));
      }
    });
  }

  private take(data: unknown): void {
    this.heardAtMs = Date.now();
    const message = decode(String(data));
    if (message === null || this.end !== null) return;
    if (isPush(message)) {
      this.options.onPush(message);
      return;
    }
    const answer = this.waiting.get(message.id);
    if (message.error === undefined) {
      answer?.resolve(message.result);
    } else {
      const { code, message: sentence, retryable, details } = message.error;
      answer?.reject(new Refused(code, sentence, retryable, details));
    }
  }

  private cut(end: ConnectionLost): void {
    this.ended(end);
    try {
      this.socket.close(end.closeCode === CLOSED_BY_US ? CLOSED_BY_US : CLOSE_DEAD);
    } catch {
      // it was not open yet, or is closing already
    }
  }

  private ended(end: ConnectionLost): void {
    if (this.end !== null) return;
    this.end = end;
    clearInterval(this.heartbeat);
    this.opened.reject(end);
    for (const answer of this.waiting.values()) answer.reject(end);
    if (this.isOpen) this.options.onClosed(end);
  }
}
