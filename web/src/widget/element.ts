import tokens from "../styles/tokens.css?inline";
import launcherCss from "./launcher.css?inline";
import type { Panel } from "./panel.js";
import { type GetToken, HostUnreachable, type Target, WidgetSession, type WidgetState } from "./session.js";
import { sheetOf } from "./styles.js";
import { type Locale, localeOf, say } from "./texts.js";

/** Attributes that decide who talks with whom: a change begins anew. */
const RECONNECTS = ["server", "token", "token-url", "with", "conversation", "external-id"];
const REDRAWS = ["locale", "theme", "position", "heading", "title-badge"];

const SERVER = new URL("..", import.meta.url).href.replace(/\/$/, "");
const dark = matchMedia("(prefers-color-scheme: dark)");
const UNREAD_IN_TITLE = /^\(\d+\+?\) /;

/** `<hongyan-chat>`: a chat on somebody else's page. `docs/guide/widget.md` is its manual. */
export class HongyanChat extends HTMLElement {
  static observedAttributes = [...RECONNECTS, ...REDRAWS, "open"];

  readonly #root = document.createElement("div");
  readonly #launcher = document.createElement("button");
  readonly #count = document.createElement("span");
  readonly #said = document.createElement("div");
  #getToken: (() => Promise<string | null> | string | null) | null = null;
  #session: WidgetSession | null = null;
  #panel: Promise<Panel> | null = null;
  #stops: (() => void)[] = [];
  #stopUnread: () => void = () => {};
  #unread = 0;
  #isDue = false;

  constructor() {
    super();
    const shadow = this.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [sheetOf(tokens, launcherCss)];
    this.#root.className = "hongyan";
    this.#launcher.className = "launcher";
    this.#launcher.type = "button";
    this.#launcher.setAttribute("part", "launcher");
    this.#launcher.setAttribute("aria-haspopup", "dialog");
    this.#launcher.append(
      icon("when-closed", "M4 5.5h16v11H9.5L5 20v-3.500H4zM8 9.500h8M8 12.500h5"),
      icon("when-open", "M6 9.500l6 6 6-6"),
      this.#count,
    );
    this.#count.className = "count";
    this.#count.setAttribute("aria-hidden", "true");
    this.#said.className = "said";
    this.#said.setAttribute("role", "status");
    this.#root.append(this.#said, this.#launcher);
    shadow.append(this.#root);
    this.#launcher.addEventListener("click", () => this.toggle());
    for (const early of ["pointerenter", "focus"]) {
      this.#launcher.addEventListener(early, () => void this.#loadPanel(), { once: true });
    }
  }

  connectedCallback(): void {
    const redraw = () => this.#draw();
    dark.addEventListener("change", redraw);
    this.#stops.push(() => dark.removeEventListener("change", redraw));
    this.#draw();
    if (this.#isInline) this.setAttribute("open", "");
    if (this.isOpen) void this.#show();
    if (!this.hasAttribute("lazy") || this.isOpen) this.#begin();
  }

  disconnectedCallback(): void {
    queueMicrotask(() => {
      if (this.isConnected) return; // it was only moved
      for (const stop of this.#stops.splice(0)) stop();
      this.#end();
      void this.#panel?.then((panel) => panel.hide());
    });
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (!this.isConnected || before === after) return;
    if (name === "open") {
      if ((before === null) !== (after === null)) void (after === null ? this.#hide() : this.#show());
    } else if (RECONNECTS.includes(name)) {
      if (this.#session) this.#beginSoon();
    } else {
      this.#draw();
    }
  }

  // --- what a page may use ---

  /** Asked for a login token; instead of `token` and `token-url`. Null: nobody is logged in. */
  get getToken() {
    return this.#getToken;
  }

  set getToken(ask) {
    this.#getToken = ask;
    if (this.#session && this.isConnected) this.#beginSoon();
  }

  /** The number of unread messages: of the conversation, or of all. */
  get unread(): number {
    return this.#unread;
  }

  get isOpen(): boolean {
    return this.hasAttribute("open");
  }

  /** `idle`, `connecting`, `signedOut`, `unreachable`, `refused` or `ready`. */
  get state(): WidgetState["kind"] {
    return this.#session?.state.value.kind ?? "idle";
  }

  open(): void {
    this.setAttribute("open", "");
  }

  close(): void {
    if (!this.#isInline) this.removeAttribute("open");
  }

  toggle(): void {
    if (this.isOpen) this.close();
    else this.open();
  }

  /** Ask the host for a token again: after its user has logged in or changed. */
  reconnect(): void {
    if (this.#session) this.#session.restart();
    else this.#begin();
  }

  /** Remove this device, and what this browser keeps of its user. To be called at log-out. */
  async logOut(): Promise<void> {
    await this.#session?.logOut();
  }

  // --- inside ---

  get #locale(): Locale {
    return localeOf(this.getAttribute("locale"));
  }

  get #isInline(): boolean {
    return this.getAttribute("position") === "inline";
  }

  get #server(): string {
    return new URL(this.getAttribute("server") || SERVER, document.baseURI).href.replace(/\/$/, "");
  }

  #beginSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      if (this.isConnected) this.#begin();
    });
  }

  #begin(): void {
    this.#end();
    const text = (name: string) => this.getAttribute(name) ?? "";
    const target: Target = {
      conversation: text("conversation"),
      externalId: text("external-id"),
      with: text("with"),
    };
    const session = new WidgetSession(this.#server, target, this.#ask);
    this.#session = session;
    this.#stops.push(session.state.subscribe((state) => this.#changed(state)));
    session.start();
    void this.#panel?.then((panel) => panel.follow(session));
  }

  #end(): void {
    this.#stopUnread();
    this.#session?.stop();
    this.#session = null;
  }

  readonly #ask: GetToken = async () => {
    if (this.#getToken) return this.#getToken();
    const token = this.getAttribute("token");
    if (token) return token;
    const path = this.getAttribute("token-url");
    if (!path) throw new TypeError("hongyan-chat needs token-url, token or getToken.");
    const url = new URL(path, document.baseURI);
    const peer = this.getAttribute("with");
    if (peer) url.searchParams.set("with", peer);
    return fetchToken(url);
  };

  #changed(state: WidgetState): void {
    this.#stopUnread();
    if (state.kind === "ready") this.#watch(state);
    else this.#setUnread(0);
    this.dataset.state = state.kind;
    this.#tell("state", { state: state.kind });
    if (state.kind === "refused") this.#tell("error", { code: state.code, message: state.message });
  }

  #watch({ client, handle }: WidgetState & { kind: "ready" }): void {
    const count = () => {
      this.#setUnread(handle ? (handle.summary.value?.unread ?? 0) : client.unread.value.messages);
    };
    const stops = [
      handle ? handle.summary.subscribe(count) : client.unread.subscribe(count),
      client.on("message", async ({ conversation, message }) => {
        if (handle && conversation.id !== handle.id) return;
        const session = client.session.value;
        if (session.kind !== "active" || message.sender === session.userId) return;
        const text = message.content?.type === "text" ? message.content.text : "";
        const [sender] = await client.users.load([message.sender]).catch(() => []);
        const who = sender?.title ?? conversation.title;
        this.#tell("message", { conversationId: conversation.id, sender: who, text });
        if (!this.isOpen) this.#said.textContent = say(this.#locale, "arrived", { who, text });
        if (this.hasAttribute("sound") && !(this.isOpen && document.hasFocus())) void ring();
      }),
    ];
    this.#stopUnread = () => {
      for (const stop of stops.splice(0)) stop();
    };
    count();
  }

  #setUnread(count: number): void {
    if (count === this.#unread) return;
    this.#unread = count;
    this.#draw();
    this.#tell("unread", { count });
  }

  #draw(): void {
    const theme = this.getAttribute("theme");
    const isDark = theme === "dark" || (theme !== "light" && dark.matches);
    this.#root.dataset.theme = isDark ? "dark" : "light";
    this.#root.dataset.side = this.getAttribute("position")?.includes("left") ? "left" : "right";
    this.#root.toggleAttribute("data-inline", this.#isInline);
    this.#root.lang = this.#locale === "zh" ? "zh-CN" : "en";
    const n = this.#unread;
    this.#count.textContent = n > 99 ? "99+" : n > 0 ? String(n) : "";
    const label = say(this.#locale, this.isOpen ? "close" : "open");
    const unread = n > 0 && !this.isOpen ? `, ${say(this.#locale, "unread", { n })}` : "";
    this.#launcher.setAttribute("aria-label", label + unread);
    this.#launcher.setAttribute("aria-expanded", String(this.isOpen));
    if (this.hasAttribute("title-badge")) {
      const title = document.title.replace(UNREAD_IN_TITLE, "");
      document.title = n > 0 ? `(${n > 99 ? "99+" : n}) ${title}` : title;
    }
    void this.#panel?.then((panel) => panel.draw(this.#locale, this.#heading));
  }

  get #heading(): string {
    return this.getAttribute("heading") || say(this.#locale, "title");
  }

  #loadPanel(): Promise<Panel> {
    this.#panel ??= import("./panel.js").then(async ({ Panel }) => {
      const options = { isInline: this.#isInline, close: () => this.close(), reconnect: () => this.reconnect() };
      const panel = new Panel(this.#root, this.shadowRoot as ShadowRoot, options);
      await panel.draw(this.#locale, this.#heading);
      return panel;
    });
    this.#panel.catch(() => {
      this.#panel = null; // the next opening tries again
    });
    return this.#panel;
  }

  async #show(): Promise<void> {
    if (!this.#session) this.#begin();
    this.#draw();
    this.#said.textContent = "";
    this.#tell("open", {});
    const panel = await this.#loadPanel();
    if (!this.isOpen || !this.#session) return;
    panel.follow(this.#session);
    panel.show();
  }

  async #hide(): Promise<void> {
    const hadFocus = this.shadowRoot?.activeElement != null;
    this.#draw();
    this.#tell("close", {});
    const panel = await this.#panel;
    if (this.isOpen) return;
    panel?.hide();
    if (hadFocus) this.#launcher.focus();
  }

  #tell(name: string, detail: object): void {
    this.dispatchEvent(new CustomEvent(`hongyan-${name}`, { detail, bubbles: true, composed: true }));
  }
}

function icon(name: string, path: string): SVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", name);
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/** Ask the host's server, with the host's own cookies. 401 and 403: nobody is logged in. */
async function fetchToken(url: URL): Promise<string | null> {
  let response: Response;
  try {
    response = await fetch(url, { cache: "no-store", headers: { accept: "application/json" } });
  } catch (error) {
    throw new HostUnreachable(String(error));
  }
  if (response.status === 401 || response.status === 403 || response.status === 204) return null;
  if (!response.ok) throw new HostUnreachable(`token-url answered ${response.status}`);
  const { login_token: token } = (await response.json()) as { login_token?: string };
  return token || null;
}

async function ring(): Promise<void> {
  (await import("../model/chime.js")).chime();
}

if (!customElements.get("hongyan-chat")) customElements.define("hongyan-chat", HongyanChat);
