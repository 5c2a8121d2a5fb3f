/** Staying connected: tokens, reconnection, and the requests that go over the connection. */

import type { Accounts } from "./accounts.js";
import type { ConnectionState, WebSocketFactory } from "./api.js";
import { Backoff } from "./backoff.js";
import { Connection } from "./connection.js";
import { ConnectionLost, LoggedOut, Refused } from "./errors.js";
import { Value } from "./observable.js";
import type { Welcome } from "./protocol.js";
import { type Deferred, deferred, within } from "./timing.js";
import {
  CLOSE_BROKEN,
  CLOSE_FLOODED,
  CLOSE_KICKED,
  CLOSE_NO_REQUEST,
  CLOSE_UNAUTHENTICATED,
  type Push,
} from "./wire.js";

const LONG_PAUSE_MS = 60_000;
const RECONNECT_WAIT_MAX_MS = 300_000;
/** After these the wait is long: something is wrong with us, not with the network. */
const DEFECTS = new Set([CLOSE_BROKEN, CLOSE_NO_REQUEST, CLOSE_FLOODED]);

export interface SessionOptions {
  url: string;
  client: string;
  accounts: Accounts;
  webSocket: WebSocketFactory;
  onPush: (push: Push) => void;
  /** Awaited after each hello; the session counts as online when it is through. */
  onHello: (welcome: Welcome) => Promise<void>;
  /** The device may not connect any more. */
  onLoggedOut: (reason: string) => void;
  backoff?: Backoff;
}

/** Keeps one device connected from `start` to `stop`. */
export class Session {
  readonly state = new Value<ConnectionState>({ kind: "stopped" });
  private readonly backoff: Backoff;
  private connection: Connection | null = null;
  private online: Deferred<void> = deferred();
  private wake: () => void = () => {};
  private run = 0;
  private mustRenew = false;
  private kickReason = "";
  private notBeforeMs = 0;
  private moving: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: SessionOptions) {
    this.backoff = options.backoff ?? new Backoff();
  }

  get isOnline(): boolean {
    return this.state.value.kind === "online";
  }

  /** Connect, and connect again whenever the connection is lost. */
  start(): void {
    this.run += 1;
    void this.keep(this.run);
  }

  /** Close the connection and stay away. */
  stop(reason: Error = new ConnectionLost("stopped")): void {
    this.run += 1;
    clearTimeout(this.moving);
    this.wake();
    this.connection?.close();
    this.connection = null;
    this.offline({ kind: "stopped" }, reason);
  }

  /** Do not wait any longer for the next try. */
  hurry(): void {
    this.notBeforeMs = 0;
    this.backoff.reset();
    this.wake();
  }

  /** End this connection and begin another; the store and the server no longer agree. */
  restart(): void {
    this.connection?.close();
  }

  /** Ask, waiting for a connection where there is none. Throws `Refused` and `ConnectionLost`. */
  async call(method: string, params: unknown, timeoutMs = 30_000): Promise<unknown> {
    if (!this.isOnline) {
      const error = () => new ConnectionLost("not connected");
      await within(this.online.promise, timeoutMs, error);
    }
    return this.callNow(method, params, timeoutMs);
  }

  /** Ask on the present connection, even while it is still syncing. */
  async callNow(method: string, params: unknown, timeoutMs = 30_000): Promise<unknown> {
    if (this.connection === null) throw new ConnectionLost("not connected");
    return this.connection.call(method, params, timeoutMs);
  }

  /** Resolve when connected and synced; reject when that will not be. */
  whenOnline(): Promise<void> {
    return this.isOnline ? Promise.resolve() : this.online.promise;
  }

  private async keep(run: number): Promise<void> {
    while (run === this.run) {
      let end: ConnectionLost;
      try {
        end = await this.connectOnce(run);
      } catch (error) {
        if (run !== this.run) return;
        if (error instanceof LoggedOut) {
          this.stop(error);
          this.options.onLoggedOut(error.reason);
          return;
        }
        end = error instanceof ConnectionLost ? error : new ConnectionLost(String(error));
      }
      if (run !== this.run) return;
      await this.pause(end);
    }
  }

  /** Connect, sync, and return how the connection ended. */
  private async connectOnce(run: number): Promise<ConnectionLost> {
    this.state.set({ kind: "connecting" });
    const tokens = await this.options.accounts.fresh(this.mustRenew);
    if (run !== this.run) throw new ConnectionLost("stopped");
    const closed = deferred<ConnectionLost>();
    this.kickReason = "";
    this.notBeforeMs = 0;
    const connection = await this.open(tokens.accessToken, closed);
    if (run !== this.run) {
      connection.close();
      throw new ConnectionLost("stopped");
    }
    this.connection = connection;
    this.mustRenew = false;
    try {
      return await this.serve(connection, closed);
    } finally {
      connection.close();
      if (this.connection === connection) this.connection = null;
    }
  }

  private async open(token: string, closed: Deferred<ConnectionLost>): Promise<Connection> {
    const { url, client, webSocket } = this.options;
    const onPush = (push: Push) => this.pushed(push);
    try {
      const onClosed = closed.resolve;
      return await Connection.open({ url, token, client, webSocket, onPush, onClosed });
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== "unauthenticated") throw error;
      if (this.mustRenew) throw new LoggedOut(error.code);
      this.mustRenew = true;
      throw new ConnectionLost(error.message, CLOSE_UNAUTHENTICATED);
    }
  }

  /** Sync, be online, and wait for the end. */
  private async serve(
    connection: Connection,
    closed: Deferred<ConnectionLost>,
  ): Promise<ConnectionLost> {
    this.state.set({ kind: "syncing" });
    const syncing = this.options.onHello(connection.welcome);
    const early = await Promise.race([closed.promise, syncing]);
    if (early instanceof ConnectionLost) syncing.catch(() => {});
    else {
      this.backoff.reset();
      this.state.set({ kind: "online" });
      this.online.resolve();
    }
    const end = await closed.promise;
    if (end.closeCode === CLOSE_KICKED) await this.kicked();
    this.mustRenew = end.closeCode === CLOSE_UNAUTHENTICATED;
    return end;
  }

  /** Find out whether the device was removed, or only its connection replaced by another. */
  private async kicked(): Promise<void> {
    if (this.kickReason !== "replaced") throw new LoggedOut(this.kickReason || "kicked");
    await this.options.accounts.fresh(true);
  }

  private async pause(end: ConnectionLost): Promise<void> {
    let waitMs = Math.max(this.backoff.nextMs(), this.notBeforeMs - Date.now());
    if (DEFECTS.has(end.closeCode)) waitMs += LONG_PAUSE_MS;
    const isReplaced = end.closeCode === CLOSE_KICKED;
    if (this.mustRenew && end.closeCode === CLOSE_UNAUTHENTICATED) waitMs = 0;
    const retryAtMs = isReplaced ? 0 : Date.now() + waitMs;
    const reason = isReplaced ? "replaced" : end.message;
    this.offline({ kind: "offline", reason, retryAtMs }, null);
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      if (!isReplaced) timer = setTimeout(resolve, waitMs);
    });
    clearTimeout(timer);
    this.wake = () => {};
  }

  private offline(state: ConnectionState, final: Error | null): void {
    if (final !== null) this.online.reject(final);
    if (final !== null || this.state.value.kind === "online") this.online = deferred();
    this.state.set(state);
  }

  private pushed(push: Push): void {
    if (push.event === "kicked") {
      this.kickReason = String(push.data.reason ?? "kicked");
    } else if (push.event === "reconnect") {
      const afterMs = Math.min(RECONNECT_WAIT_MAX_MS, Math.max(0, Number(push.data.after_ms ?? 0)));
      this.notBeforeMs = Date.now() + afterMs;
      clearTimeout(this.moving);
      const leaving = this.connection;
      this.moving = setTimeout(() => leaving?.close(), afterMs);
    } else {
      this.options.onPush(push);
    }
  }
}
