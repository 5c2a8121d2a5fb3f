import { render } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Client, ConversationHandle, ConversationSummary } from "@hongyan/sdk";
import { speak, t, useLanguage } from "../i18n/index.js";
import { Cell } from "../lib/cell.js";
import { focused } from "../lib/focus.js";
import { useMedia, useValue } from "../lib/hooks.js";
import { ClientContext } from "../model/client.js";
import { announce } from "../model/feedback.js";
import { messageLine } from "../model/preview.js";
import { DialogHost, LiveRegion, ToastHost } from "../parts/hosts.js";
import { IconButton } from "../parts/IconButton.js";
import { Spinner } from "../parts/parts.js";
import { PopoverHost } from "../parts/Popover.js";
import base from "../styles/base.css?inline";
import composer from "../styles/composer.css?inline";
import layout from "../styles/layout.css?inline";
import list from "../styles/list.css?inline";
import parts from "../styles/parts.css?inline";
import timeline from "../styles/timeline.css?inline";
import { ConnectionBar } from "../views/ConnectionBar.js";
import { ComposerState, ComposerStateContext } from "../views/conversation/composerState.js";
import { Foot } from "../views/conversation/Foot.js";
import { StateLine } from "../views/conversation/StateLine.js";
import { Timeline } from "../views/conversation/Timeline.js";
import { ConversationAvatar, titleOfConversation } from "../parts/ConversationAvatar.js";
import { ConversationChoice } from "./ConversationChoice.js";
import panelCss from "./panel.css?inline";
import type { WidgetSession, WidgetState } from "./session.js";
import { sheetOf } from "./styles.js";
import type { Locale } from "./texts.js";

interface PanelOptions {
  isInline: boolean;
  close: () => void;
  reconnect: () => void;
}

/** The panel that opens: drawn into the element's shadow tree when it is first asked for. */
export class Panel {
  readonly #place = document.createElement("div");
  readonly #heading = new Cell("");
  readonly #state = new Cell<WidgetState>({ kind: "idle" });
  #stop: () => void = () => {};

  constructor(
    root: HTMLElement,
    shadow: ShadowRoot,
    private readonly options: PanelOptions,
  ) {
    const sheet = sheetOf(base, parts, layout, list, timeline, composer, panelCss);
    shadow.adoptedStyleSheets = [...shadow.adoptedStyleSheets, sheet];
    root.prepend(this.#place);
    if (options.isInline) this.#place.style.height = "100%";
  }

  /** Show what this session is about from now on. */
  follow(session: WidgetSession): void {
    this.#stop();
    this.#state.set(session.state.value);
    this.#stop = session.state.subscribe((state) => this.#state.set(state));
  }

  async draw(locale: Locale, heading: string): Promise<void> {
    this.#heading.set(heading);
    await speak(locale);
  }

  show(): void {
    render(<Frame heading={this.#heading} state={this.#state} options={this.options} />, this.#place);
  }

  hide(): void {
    render(null, this.#place);
  }
}

interface FrameProps {
  heading: Cell<string>;
  state: Cell<WidgetState>;
  options: PanelOptions;
}

/** The panel as a dialog beside the page; on a telephone it is all there is. */
function Frame({ heading, state, options }: FrameProps) {
  const language = useLanguage();
  const title = useValue(heading);
  const now = useValue(state);
  const isPhone = useMedia("(max-width: 699px)");
  const isModal = isPhone && !options.isInline;
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!options.isInline && !element.current?.contains(focused())) element.current?.focus();
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    event.stopPropagation(); // the page's own shortcuts are not meant
    if (event.key === "Escape" && !event.defaultPrevented && !options.isInline) options.close();
    else if (event.key === "Tab" && isModal && element.current) keepInside(event, element.current);
  };
  return (
    <div
      ref={element}
      class="panel"
      role={options.isInline ? "region" : "dialog"}
      aria-modal={isModal || undefined}
      aria-label={title}
      tabIndex={-1}
      onKeyDown={onKeyDown}
    >
      {now.kind === "ready" ? (
        <ClientContext.Provider value={now.client} key={language}>
          <Talk title={title} client={now.client} handle={now.handle} options={options} />
        </ClientContext.Provider>
      ) : (
        <>
          <Header title={title} options={options} />
          <Waiting state={now} options={options} />
        </>
      )}
    </div>
  );
}

function keepInside(event: KeyboardEvent, box: HTMLElement): void {
  const stops = [
    ...box.querySelectorAll<HTMLElement>("button, a[href], input, textarea, select, [tabindex='0']"),
  ].filter((one) => one.tabIndex >= 0 && one.checkVisibility() && !one.matches(":disabled"));
  const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
  const next = event.shiftKey ? stops[stops.length - 1] : stops[0];
  if (focused() !== edge && focused() !== box) return;
  event.preventDefault();
  next?.focus();
}

interface HeaderProps {
  title: string;
  options: PanelOptions;
  children?: preact.ComponentChildren;
  line?: preact.ComponentChildren;
  back?: (() => void) | undefined;
}

function Header({ title, options, children, line, back }: HeaderProps) {
  return (
    <div class="panel-header">
      {back && <IconButton icon="back" label={t("action.back")} onClick={back} />}
      {children}
      <div class="panel-who">
        <h2 class="truncate" dir="auto">
          {title}
        </h2>
        {line && <div class="panel-state truncate">{line}</div>}
      </div>
      {!options.isInline && <IconButton icon="close" label={t("action.close")} onClick={options.close} />}
    </div>
  );
}

/** The view while there is nothing to show. */
function Waiting({ state, options }: { state: WidgetState; options: PanelOptions }) {
  if (state.kind === "idle" || state.kind === "connecting") return <Spinner />;
  const [title, text] = {
    signedOut: [t("widget.signedOut"), t("widget.signedOutText")],
    unreachable: [t("widget.unreachable"), t("widget.unreachableText")],
    refused: [t("widget.refused"), t("widget.refusedText")],
    ready: ["", ""],
  }[state.kind];
  const isForbidden = state.kind === "unreachable" && state.isForbidden;
  return (
    <div class="panel-note" role="status">
      <strong>{isForbidden ? t("widget.forbidden") : title}</strong>
      <span>{isForbidden ? t("widget.forbiddenText") : text}</span>
      <button type="button" class="button" onClick={options.reconnect}>
        {t("action.retry")}
      </button>
    </div>
  );
}

interface TalkProps {
  title: string;
  client: Client;
  handle: ConversationHandle | null;
  options: PanelOptions;
}

/** A conversation, or the choice of one. */
function Talk({ title, client, handle, options }: TalkProps) {
  const [chosen, choose] = useState<ConversationHandle | null>(handle);
  useEffect(() => choose(handle), [handle]);
  useEffect(
    () =>
      client.on("message", ({ message }) => {
        const session = client.session.value;
        if (session.kind !== "active" || message.sender === session.userId) return;
        announce(`${client.users.get(message.sender)?.title ?? ""}: ${messageLine(message)}`);
      }),
    [client],
  );
  const back = handle ? undefined : () => choose(null);
  return (
    <>
      {chosen ? (
        <Conversation key={chosen.id} title={title} client={client} handle={chosen} back={back} options={options} />
      ) : (
        <>
          <Header title={title} options={options} />
          <ConnectionBar />
          <ConversationChoice choose={(id) => choose(client.conversation(id))} />
        </>
      )}
      <DialogHost />
      <PopoverHost />
      <ToastHost />
      <LiveRegion />
    </>
  );
}

interface ConversationProps extends TalkProps {
  handle: ConversationHandle;
  back: (() => void) | undefined;
}

function Conversation({ title, client, handle, back, options }: ConversationProps) {
  const composerState = useMemo(() => new ComposerState(client, handle), [client, handle]);
  const summary = useValue(handle.summary);
  useEffect(() => {
    if (!summary) handle.refresh().catch(() => {}); // the line above says why
  }, [handle, !summary]);
  useSeen(composerState, summary);
  const name = summary ? titleOfConversation(summary) : title;
  return (
    <ComposerStateContext.Provider value={composerState}>
      <Header title={name} options={options} back={back} line={summary && <StateLine summary={summary} />}>
        {summary && <ConversationAvatar summary={summary} size={36} />}
      </Header>
      <ConnectionBar />
      <div class="panel-body">
        {summary ? (
          <>
            <Timeline summary={summary} seq={0} />
            <Foot summary={summary} />
          </>
        ) : (
          <Spinner />
        )}
      </div>
    </ComposerStateContext.Provider>
  );
}

/** Follow how far the others have read a small group: what a customer wants to know. */
function useSeen(composerState: ComposerState, summary: ConversationSummary | null): void {
  const { client, handle } = composerState;
  const last = summary?.kind === "group" && summary.last?.type === "message" ? summary.last : null;
  const me = client.session.value.kind === "active" ? client.session.value.userId : "";
  const note = (seq: number) => composerState.seen.set(Math.max(composerState.seen.value, seq));
  useEffect(
    () =>
      client.on("signal", ({ log_id: id, kind, sender, body }) => {
        const { read_seq: seq = 0 } = (body ?? {}) as { read_seq?: number };
        if (id === handle.id && kind === "receipt.read" && sender !== me) note(seq);
      }),
    [composerState],
  );
  useEffect(() => {
    if (!last || last.seq === 0) return;
    if (last.sender !== me) note(last.seq);
    else handle.readers(last.seq).then(({ readers }) => readers.length > 0 && note(last.seq), () => {});
  }, [composerState, last?.seq]);
}
