import { Client, ConnectionLost, type ConversationHandle, LoggedOut, Refused, type wire } from "@hongyan/sdk";
import { Cell } from "../lib/cell.js";

/** Asks the host for a login token; null when nobody is logged in there. */
export type GetToken = () => Promise<string | null>;

/** The conversation the widget writes to; empty for the list of the user's conversations. */
export interface Target {
  conversation: string;
  externalId: string;
  /** `@handle`, or an external id for which the login token must vouch. */
  with: string;
}

export type WidgetState =
  /** Nothing was asked for yet. */
  | { kind: "idle" }
  | { kind: "connecting" }
  /** The host says that nobody is logged in. */
  | { kind: "signedOut" }
  /** Tried again by itself; `isForbidden` where the server does not know this page's origin. */
  | { kind: "unreachable"; isForbidden: boolean }
  /** The server says no, for good: no such conversation, not a member, ... */
  | { kind: "refused"; code: string; message: string }
  | { kind: "ready"; client: Client; handle: ConversationHandle | null };

const RETRY_FIRST_MS = 1_000;
const RETRY_MOST_MS = 60_000;

/** The host's server cannot be asked now. */
export class HostUnreachable extends Error {}

/** Logs in silently, stays logged in, and finds the conversation. */
export class WidgetSession {
  readonly state = new Cell<WidgetState>({ kind: "idle" });
  #client: Client | null = null;
  #run = 0;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stops: (() => void)[] = [];

  constructor(
    private readonly server: string,
    private readonly target: Target,
    private readonly getToken: GetToken,
  ) {}

  /** Connect, unless that is done or under way. */
  start(): void {
    if (this.state.value.kind === "idle") void this.#connect();
  }

  /** Ask the host again at once; after somebody has logged in there, or to try again. */
  restart(): void {
    clearTimeout(this.#timer);
    this.#failures = 0;
    this.#leave();
    void this.#connect();
  }

  /** Stop; what is kept stays. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#leave();
    this.state.set({ kind: "idle" });
  }

  /** Remove this device and all that is kept of its user in this browser. */
  async logOut(): Promise<void> {
    const client = this.#client;
    this.#run += 1;
    for (const stop of this.#stops.splice(0)) stop();
    await client?.logOut();
    this.#leave();
    this.state.set({ kind: "signedOut" });
  }

  #leave(): void {
    this.#run += 1;
    for (const stop of this.#stops.splice(0)) stop();
    void this.#client?.close();
    this.#client = null;
  }

  async #connect(): Promise<void> {
    const run = ++this.#run;
    if (this.state.value.kind !== "unreachable") this.state.set({ kind: "connecting" });
    try {
      const token = await this.getToken();
      if (run !== this.#run) return;
      if (token === null) {
        this.state.set({ kind: "signedOut" });
        return;
      }
      const client = await this.#logIn(token);
      if (run !== this.#run) {
        void client.close();
        return;
      }
      this.#client = client;
      const handle = await this.#find(client, token);
      if (run !== this.#run) return;
      if (client.session.value.kind !== "active") throw new LoggedOut("unauthenticated");
      this.#failures = 0;
      this.#watch(client);
      this.state.set({ kind: "ready", client, handle });
    } catch (error) {
      if (run === this.#run) await this.#failed(error, run);
    }
  }

  /** Take the session that this browser keeps of the user, or exchange the token for one. */
  async #logIn(token: string): Promise<Client> {
    const userId = userOf(token);
    const name = `hongyan-widget ${new URL(this.server).host} ${userId}`;
    const client = await Client.create({ url: this.server, name, client: "hongyan-widget/0.1" });
    try {
      const session = client.session.value;
      if (session.kind !== "active" || session.userId !== userId) {
        await client.adopt(await exchange(this.server, token));
      }
    } catch (error) {
      void client.close();
      throw error;
    }
    return client;
  }

  async #find(client: Client, token: string): Promise<ConversationHandle | null> {
    const { conversation, externalId, with: peer } = this.target;
    if (conversation) return client.conversation(conversation);
    if (!externalId && !peer) return null;
    const known = client.conversations.value.find((one) => externalId && one.group?.external_id === externalId);
    if (known?.active) return client.conversation(known.id);
    const asked = externalId
      ? { external_id: externalId }
      : peer.startsWith("@")
        ? { handle: peer }
        : { login_token: token };
    const found = await client.call("widget.open", asked);
    const handle = client.conversation(found.conversation_id);
    if (!handle.summary.value) await handle.refresh();
    return handle;
  }

  /** Log in again when this device was removed: the host still says who it is. */
  #watch(client: Client): void {
    const online = () => client.reconnect();
    addEventListener("online", online);
    this.#stops.push(
      () => removeEventListener("online", online),
      client.on("loggedOut", () => {
        this.#leave();
        this.state.set({ kind: "connecting" });
        this.#again();
      }),
    );
  }

  async #failed(error: unknown, run: number): Promise<void> {
    void this.#client?.close();
    this.#client = null;
    const isPassing =
      error instanceof ConnectionLost ||
      error instanceof HostUnreachable ||
      error instanceof LoggedOut ||
      (error instanceof Refused && (error.retryable || error.code === "login_token_invalid"));
    if (!isPassing) {
      const { code = "", message = String(error) } = error as { code?: string; message?: string };
      console.error(`hongyan-chat: ${message}`);
      this.state.set({ kind: "refused", code, message });
      return;
    }
    const isForbidden = error instanceof ConnectionLost && (await isUp(this.server));
    if (run !== this.#run) return;
    if (isForbidden && this.#failures === 0) {
      console.error(`hongyan-chat: ${this.server} does not allow ${location.origin}; see widget.allowed_origins.`);
    }
    this.state.set({ kind: "unreachable", isForbidden });
    this.#again();
  }

  #again(): void {
    const most = Math.min(RETRY_MOST_MS, RETRY_FIRST_MS * 2 ** this.#failures);
    this.#failures += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#connect(), most * (0.5 + Math.random() / 2));
  }
}

/** Whose login token it is: it is not checked here, only by the server. */
export function userOf(token: string): string {
  try {
    const payload = (token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/");
    const { sub } = JSON.parse(atob(payload)) as { sub?: unknown };
    if (typeof sub === "string" && sub) return sub;
  } catch {
    // none of ours
  }
  throw new TypeError("This is no login token; see POST /api/v1/app/users/{external_id}/login-tokens.");
}

async function exchange(server: string, token: string): Promise<wire.Tokens> {
  let response: Response;
  try {
    response = await fetch(`${server}/api/v1/auth/login-token`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ login_token: token, device_name: location.host.slice(0, 64) }),
      signal: AbortSignal.timeout(20_000),
    });
  } catch (error) {
    throw new ConnectionLost(`cannot reach the server: ${error}`);
  }
  if (response.ok) return (await response.json()) as wire.Tokens;
  const problem = (await response.json().catch(() => null)) as { code?: string; detail?: string; retryable?: boolean } | null;
  if (!problem?.code) throw new ConnectionLost(`the server answered ${response.status}`);
  throw new Refused(problem.code, problem.detail ?? problem.code, problem.retryable ?? false, {});
}

/** Whether the server answers what everybody may ask: then it is this page that may not. */
async function isUp(server: string): Promise<boolean> {
  return fetch(`${server}/widget.js`, { method: "HEAD", cache: "no-store" }).then(
    (response) => response.ok,
    () => false,
  );
}
