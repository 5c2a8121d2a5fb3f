/** Registering, logging in and renewing tokens: HTTP beside the WebSocket; and keeping them. */

import { ConnectionLost, LoggedOut, Refused } from "./errors.js";
import type { Tokens } from "./protocol.js";
import type { Store } from "./store.js";

const RENEW_BEFORE_MS = 60_000;
const TIMEOUT_MS = 20_000;

/** Requests that need no login, and so no connection. */
const ANYBODY_MAY: Readonly<Record<string, string>> = {
  "user.request_password_reset": "password-reset",
  "user.reset_password": "password-reset/confirm",
};

export interface KeptTokens {
  userId: string;
  deviceId: string;
  accessToken: string;
  refreshToken: string;
  expiresAtMs: number;
}

/** The tokens of this device. They are stored before they are used. */
export class Accounts {
  kept: KeptTokens | null = null;
  private renewing: Promise<KeptTokens> | null = null;

  constructor(
    private readonly url: string,
    private readonly store: Store,
    private readonly fetch: typeof globalThis.fetch,
  ) {}

  async load(): Promise<void> {
    this.kept = (await this.store.get<KeptTokens>("meta", "tokens")) ?? null;
  }

  /** Register, or log in. Throws `Refused` and `ConnectionLost`. */
  async ask(path: "register" | "login", params: object): Promise<Tokens> {
    return (await this.post(path, params)) as Tokens;
  }

  /** Ask what needs no log-in; undefined when this method needs one. */
  askAsAnybody(method: string, params: unknown): Promise<unknown> | undefined {
    const path = ANYBODY_MAY[method];
    return path === undefined ? undefined : this.post(path, params as object);
  }

  async keep(tokens: Tokens): Promise<KeptTokens> {
    const kept = {
      userId: tokens.user_id,
      deviceId: tokens.device_id,
      accessToken: tokens.access_token,
      refreshToken: tokens.refresh_token,
      expiresAtMs: Date.now() + tokens.expires_in_s * 1000,
    };
    await this.store.write([{ put: "meta", key: "tokens", value: kept }]);
    this.kept = kept;
    return kept;
  }

  forget(): void {
    this.kept = null;
  }

  /**
   * Return tokens whose access token is good for a while yet.
   *
   * Throws `LoggedOut` when they cannot be renewed, `ConnectionLost` when not now.
   */
  async fresh(mustRenew = false): Promise<KeptTokens> {
    if (this.kept === null) throw new LoggedOut("unauthenticated");
    if (!mustRenew && this.kept.expiresAtMs - Date.now() > RENEW_BEFORE_MS) return this.kept;
    this.renewing ??= this.renew().finally(() => {
      this.renewing = null;
    });
    return this.renewing;
  }

  /** Tell the server that this device is gone; in vain when it cannot be reached. */
  async logOut(): Promise<void> {
    if (this.kept === null) return;
    const token = this.kept.accessToken;
    await this.post("logout", {}, token).catch(() => {});
  }

  private async renew(): Promise<KeptTokens> {
    await this.load(); // another tab may have renewed them
    if (this.kept === null) throw new LoggedOut("unauthenticated");
    try {
      const params = { refresh_token: this.kept.refreshToken };
      return await this.keep((await this.post("refresh", params)) as Tokens);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.retryable) throw new ConnectionLost(error.message);
      throw new LoggedOut(error.code);
    }
  }

  private async post(path: string, params: object, token = ""): Promise<unknown> {
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (token) headers.authorization = `Bearer ${token}`;
    const body = JSON.stringify(params);
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    let response: Response;
    try {
      const address = `${this.url}/api/v1/auth/${path}`;
      response = await this.fetch(address, { method: "POST", headers, body, signal });
    } catch (error) {
      throw new ConnectionLost(`cannot reach the server: ${error}`);
    }
    if (!response.ok) throw await problemOf(response);
    return response.json();
  }
}

interface Problem {
  code?: string;
  detail?: string;
  retryable?: boolean;
  details?: Record<string, unknown>;
}

/** Return the error of an HTTP answer (RFC 9457). */
export async function problemOf(response: Response): Promise<Error> {
  let problem: Problem = {};
  try {
    problem = (await response.json()) as Problem;
  } catch {
    // not the server's own words
  }
  if (typeof problem.code !== "string") {
    return new ConnectionLost(`the server answered ${response.status}`);
  }
  const { code, detail, retryable, details } = problem;
  return new Refused(code, detail ?? code, retryable ?? false, details ?? {});
}
